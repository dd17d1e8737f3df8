import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";

/** A figure; `ok` needs `value` to be no more than `atMost`. */
export interface Row {
  subject: "holdfast";
  metric: string;
  unit: string;
  value: number;
  raw: number[];
  atMost?: number;
}

export interface Result {
  name: string;
  /** The promises of DESIGN.md that it would break. */
  promises: string[];
  rows: Row[];
  /** Faults in words. */
  examples: string[];
  error: string | undefined;
  seed: number;
}

/** Prints a table, with `json` also one JSON object as the last line. Whether all promises were kept. */
export function tell({ name, promises, rows, examples, error, seed }: Result, json: boolean): boolean {
  const ok = error === undefined && rows.every(isKept);
  print(name, ok, rows, examples, error);
  if (json) {
    const about = { commit: commit(), node: process.version, cpu: cpus()[0]?.model.trim(), seed };
    console.log(JSON.stringify({ drill: name, ok, promises, ...about, rows, ...(error ? { error } : {}) }));
  }
  return ok;
}

function isKept({ value, atMost }: Row): boolean {
  return atMost === undefined || value <= atMost;
}

function print(name: string, ok: boolean, rows: Row[], examples: string[], error: string | undefined): void {
  // Where more wants to run than there are cores, times say nothing.
  const machine = `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}`;
  console.log(`\n${name}: ${ok ? "all promises kept" : "BROKEN"} (${machine})`);
  const width = Math.max(...rows.map(({ metric }) => metric.length));
  for (const row of rows) {
    const limit = isKept(row) ? "" : `  expected at most ${row.atMost}`;
    console.log(`  ${row.metric.padEnd(width)} ${shown(row.value).padStart(10)} ${row.unit}${limit}`);
  }
  if (examples.length > 0) console.log(`  such as:\n${examples.map((example) => `    ${example}`).join("\n")}`);
  if (error) console.log(`  ${error}`);
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

function commit(): string {
  try {
    const stdio: ("ignore" | "pipe")[] = ["ignore", "pipe", "ignore"];
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio }).trim();
  } catch {
    return "unknown";
  }
}
