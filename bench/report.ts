import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { parseArgs } from "node:util";

/** One measured figure: `value` is the median of `raw`. */
export interface Row {
  /** Who was measured: holdfast, floor, or a peer's name. */
  subject: string;
  metric: string;
  unit: string;
  value: number;
  raw: number[];
}

/** What a run can be narrowed to: a kind of thing, and the names of that kind. */
export type Parts = Readonly<Record<string, readonly string[]>>;

/** Collects a bench's figures and prints them: a table for people and, with --json, one JSON object as the last line. */
export class Report {
  readonly bench: string;
  readonly quick: boolean;
  readonly #json: boolean;
  readonly #rows: Row[] = [];
  readonly #parts: Parts;
  readonly #chosen: readonly string[];

  /** Reads --quick, --json, --help and names of parts off the command line. */
  constructor(bench: string, about: string, parts: Parts = {}) {
    const { values, positionals } = parseArgs({
      options: { quick: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean" } },
      allowPositionals: true,
    });
    const kinds = Object.entries(parts);
    const usage = [
      `Usage: npm run bench -- ${[bench, ...kinds.map(([kind]) => `[${kind}…]`)].join(" ")} [--quick] [--json]`,
      ...kinds.map(([kind, names]) => `  ${kind}: only these: ${names.map((name) => JSON.stringify(name)).join(", ")}`),
      "  --quick  a run of under 30 s",
      "  --json   the figures as one JSON object, as the last line",
    ].join("\n");
    if (values.help) {
      console.log(`${about}\n\n${usage}`);
      process.exit(0);
    }
    const unknown = positionals.filter((name) => !kinds.some(([, names]) => names.includes(name)));
    if (unknown.length > 0) {
      console.error(`${bench} has no ${unknown.join(", ")}\n${usage}`);
      process.exit(2);
    }
    this.#parts = parts;
    this.#chosen = positionals;
    this.bench = bench;
    this.quick = values.quick ?? false;
    this.#json = values.json ?? false;
  }

  /** The names of this kind that are to be measured: those on the command line, or all. */
  chosen(kind: string): readonly string[] {
    const names = this.#parts[kind] ?? [];
    const some = names.filter((name) => this.#chosen.includes(name));
    return some.length > 0 ? some : names;
  }

  /** What is going on, for whoever waits. */
  progress(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  add(subject: string, metric: string, unit: string, raw: number[]): void {
    this.#rows.push({ subject, metric, unit, value: median(raw), raw });
  }

  print(): void {
    const [cpu] = cpus();
    const width = Math.max(...this.#rows.map((row) => row.metric.length));
    const subjectWidth = Math.max(10, ...this.#rows.map((row) => row.subject.length));
    console.log(`\n${this.bench}: ${cpu?.model.trim()}, ${cpus().length} cores, Node ${process.version}`);
    for (const { metric, subject, value, unit, raw } of this.#rows) {
      const runs = raw.length > 1 ? `  (${raw.map(shown).join(" ")})` : "";
      console.log(
        `  ${metric.padEnd(width)}  ${subject.padEnd(subjectWidth)} ${shown(value).padStart(12)} ${unit}${runs}`,
      );
    }
    if (this.#json)
      console.log(
        JSON.stringify({
          bench: this.bench,
          commit: commit(),
          node: process.version,
          cpu: cpu?.model.trim(),
          rows: this.#rows,
        }),
      );
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function shown(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
