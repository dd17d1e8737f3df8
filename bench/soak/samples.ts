import type { Report } from "../report.ts";

/** What is held, again and again during a long run. */
export class Samples {
  readonly #report: Report;
  readonly #subject: string;
  readonly #when: string;
  readonly #raw = new Map<string, number[]>();

  /** `when`: "at each tenth of 1000 cycles". */
  constructor(report: Report, subject: string, when: string) {
    this.#report = report;
    this.#subject = subject;
    this.#when = when;
  }

  /** By name and unit: "heap, MB". */
  take(held: Record<string, number>): void {
    for (const [what, value] of Object.entries(held)) {
      const raw = this.#raw.get(what);
      if (raw) raw.push(value);
      else this.#raw.set(what, [value]);
    }
  }

  add(): void {
    for (const [what, raw] of this.#raw) {
      const [name = "", unit = ""] = what.split(", ");
      this.#report.add(this.#subject, `${name}, ${this.#when}`, unit, raw);
      const half = raw.slice(raw.length / 2);
      const [first = 0] = half;
      // What there is none of, or what counts up, has no growth to speak of.
      if (first === 0 || name === REPLACED) continue;
      this.#report.add(this.#subject, `${name}, growth over the last half`, "%", [
        ((half.at(-1) ?? 0) / first - 1) * 100,
      ]);
    }
  }
}

/** Counts up. */
export const REPLACED = "workers replaced";
