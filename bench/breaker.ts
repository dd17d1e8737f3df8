/** Circuit breakers: what a call costs, closed, open, with a timeout and with a bulkhead, beside peers and a bare await. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SUBJECTS } from "./breaker/subject.ts";
import { Report } from "./report.ts";

const CALLS = 1_000_000;
const ROUNDS = 5;
const QUICK_CALLS = 50_000;
/** So few that all they allocate fits into a young generation made large for it, and is seen. */
const BYTES_CALLS = 20_000;
const BYTES_FLAGS = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
const CHILD_MS_MAX = 60_000;
const CALLER = fileURLToPath(new URL("./breaker/calls.ts", import.meta.url));

const report = new Report(
  "breaker",
  "Circuit breakers: what a call costs, closed, open, with a timeout and with a bulkhead, beside peers and a bare await.",
  { QUESTION: Object.keys(SUBJECTS) },
);
const rounds = report.quick ? 1 : ROUNDS;
const calls = report.quick ? QUICK_CALLS : CALLS;

for (const question of report.chosen("QUESTION")) {
  const names = Object.keys(SUBJECTS[question] ?? {});
  const figures = new Map(names.map((name) => [name, { ns: [] as number[], bytes: [] as number[] }]));
  for (let round = 0; round < rounds; round++) {
    report.progress(`${question}: round ${round + 1} of ${rounds}`);
    // Whoever comes later may find a warmer or a busier machine.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      figures.get(name)?.ns.push(await measure("ns", question, name, calls));
      figures.get(name)?.bytes.push(await measure("bytes", question, name, BYTES_CALLS, BYTES_FLAGS));
    }
  }
  for (const [name, { ns }] of figures) report.add(name, `${question}: time a call`, "ns", ns);
  for (const [name, { bytes }] of figures) report.add(name, `${question}: allocated a call`, "bytes", bytes);
}
report.print();

async function measure(
  what: "ns" | "bytes",
  question: string,
  name: string,
  count: number,
  flags: string[] = [],
): Promise<number> {
  const args = ["--conditions=holdfast-source", ...flags, CALLER, what, question, name, String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_MS_MAX });
  return Number(stdout);
}
