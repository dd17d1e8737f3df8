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

/** Collects a bench's figures and prints them: a table for people and, with --json, one JSON object as the last line. */
export class Report {
  readonly bench: string;
  readonly quick: boolean;
  readonly #json: boolean;
  readonly #rows: Row[] = [];

  /** Reads --quick, --json and --help off the command line. */
  constructor(bench: string, about: string) {
    const { values } = parseArgs({
      options: { quick: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean" } },
    });
    if (values.help) {
      console.log(
        `${about}\n\nUsage: npm run bench -- ${bench} [--quick] [--json]\n  --quick  a run of under 30 s\n  --json   the figures as one JSON object, as the last line`,
      );
      process.exit(0);
    }
    this.bench = bench;
    this.quick = values.quick ?? false;
    this.#json = values.json ?? false;
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
    console.log(`\n${this.bench}: ${cpu?.model.trim()}, ${cpus().length} cores, Node ${process.version}`);
    for (const { metric, subject, value, unit, raw } of this.#rows) {
      const runs = raw.length > 1 ? `  (${raw.map(shown).join(" ")})` : "";
      console.log(`  ${metric.padEnd(width)}  ${subject.padEnd(10)} ${shown(value).padStart(12)} ${unit}${runs}`);
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
