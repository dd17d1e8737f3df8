/** Resources: what an acquire and a release cost, alone, contended and watched, and a dispatch to a worker, beside peers. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Report } from "./report.ts";
import { QUESTIONS } from "./resources/question.ts";

const ROUNDS = 5;
/** So few that all they allocate fits into a young generation made large for it, and is seen. */
const BYTES_CALLS = 10_000;
const BYTES_FLAGS = ["--expose-gc", "--min-semi-space-size=128", "--max-semi-space-size=128"];
const CHILD_MS_MAX = 120_000;
const CALLER = fileURLToPath(new URL("./resources/calls.ts", import.meta.url));

const report = new Report(
  "resources",
  "Resources: what an acquire and a release cost, alone, contended and watched, and a dispatch to a worker, beside peers.",
  { QUESTION: Object.keys(QUESTIONS) },
);
const rounds = report.quick ? 1 : ROUNDS;

for (const question of report.chosen("QUESTION")) {
  const asked = QUESTIONS[question];
  if (!asked) continue;
  const names = Object.keys(asked.subjects);
  const calls = report.quick ? asked.quickCalls : asked.calls;
  const figures = new Map(names.map((name) => [name, { ns: [] as number[], bytes: [] as number[] }]));
  for (let round = 0; round < rounds; round++) {
    report.progress(`${question}: round ${round + 1} of ${rounds}`);
    // Whoever comes later may find a warmer or a busier machine.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const ns = measure("ns", question, name, calls).then((cost) => figures.get(name)?.ns.push(cost));
      // A quick run is to be over soon: what disturbs its times does not matter.
      if (!report.quick) await ns;
      if (asked.isAllocationMeasured)
        figures.get(name)?.bytes.push(await measure("bytes", question, name, BYTES_CALLS, BYTES_FLAGS));
      await ns;
    }
  }
  const { what, unit, from } = asked.time;
  for (const [name, { ns }] of figures) report.add(name, `${question}: ${what}`, unit, ns.map(from));
  for (const [name, { bytes }] of figures)
    if (bytes.length > 0) report.add(name, `${question}: allocated a cycle`, "bytes", bytes);
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
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_MS_MAX });
  if (stderr !== "") report.progress(`${question}, ${name}: ${stderr.trim()}`);
  return Number(stdout);
}
