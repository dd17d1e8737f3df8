import type { Clock, Timer } from "./clock.ts";

interface Alarm {
  dueMs: number;
  work: () => void;
  isHeld: boolean;
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, work: () => void): Timer {
    const alarm = { dueMs: this.#nowMs + ms, work, isHeld: true };
    this.#alarms.add(alarm);
    return {
      cancel: () => this.#alarms.delete(alarm),
      hold(isNeeded) {
        alarm.isHeld = isNeeded;
      },
    };
  }

  /** The timers that keep a process up. */
  get held(): number {
    return [...this.#alarms].filter((alarm) => alarm.isHeld).length;
  }

  get timers(): number {
    return this.#alarms.size;
  }

  /** Time passes, and what is due is done, but nothing that waits for a promise. */
  elapse(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) this.#ring(next);
    this.#nowMs = untilMs;
  }

  /** Time passes, and everything that comes of it happens. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await turn();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#ring(next);
      await turn();
    }
    this.#nowMs = untilMs;
    await turn();
  }

  #next(untilMs: number): Alarm | undefined {
    const due = [...this.#alarms].filter((alarm) => alarm.dueMs <= untilMs);
    return due.sort((a, b) => a.dueMs - b.dueMs)[0];
  }

  #ring(alarm: Alarm): void {
    this.#nowMs = Math.max(this.#nowMs, alarm.dueMs);
    this.#alarms.delete(alarm);
    alarm.work();
  }
}

/** Everything that waits for a promise that is settled has gone on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
