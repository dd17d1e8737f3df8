import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Report } from "./report.ts";

/** Calls of some subjects, each time in a process of its own. */
export interface Calls {
  /** The program: `ns QUESTION SUBJECT COUNT` or `bytes …` prints what one call costs. */
  program: URL;
  question: string;
  subjects: readonly string[];
  /** How many calls are timed; */
  count: number;
  /** and how many allocations are counted of, in a young generation so large that all is seen; 0: none. */
  allocatingCount: number;
}

export interface Costs {
  ns: number[];
  bytes: number[];
}

const ROUNDS = 5;
const BYTES_FLAGS = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
const CHILD_MS_MAX = 120_000;

/** What a call costs, by subject and round. */
export async function costsOf(report: Report, calls: Calls): Promise<Map<string, Costs>> {
  const { question, subjects, count, allocatingCount } = calls;
  const costs = new Map(subjects.map((name): [string, Costs] => [name, { ns: [], bytes: [] }]));
  const rounds = report.quick ? 1 : ROUNDS;
  for (let round = 0; round < rounds; round++) {
    report.progress(`${question}: round ${round + 1} of ${rounds}`);
    // Whoever comes later may find a warmer or a busier machine.
    for (const [name, { ns, bytes }] of round % 2 === 0 ? costs : [...costs].toReversed()) {
      const timed = measure(report, calls, "ns", name, count).then((cost) => ns.push(cost));
      // A quick run is to be over soon: what disturbs its times does not matter.
      if (!report.quick) await timed;
      if (allocatingCount > 0) bytes.push(await measure(report, calls, "bytes", name, allocatingCount, BYTES_FLAGS));
      await timed;
    }
  }
  return costs;
}

async function measure(
  report: Report,
  { program, question }: Calls,
  what: "ns" | "bytes",
  name: string,
  count: number,
  flags: string[] = [],
): Promise<number> {
  const args = ["--conditions=holdfast-source", ...flags, fileURLToPath(program), what, question, name, String(count)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: CHILD_MS_MAX });
  if (stderr !== "") report.progress(`${question}, ${name}: ${stderr.trim()}`);
  return Number(stdout);
}
