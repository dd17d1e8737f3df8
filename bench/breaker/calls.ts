/** Makes calls through one subject, in a process of its own, and prints what one costs: ns, or bytes. */
import { SUBJECTS } from "./subject.ts";

const WARM_CALLS = 100_000;

const [what, question = "", name = "", calls = ""] = process.argv.slice(2);
const subject = SUBJECTS[question]?.[name]?.();
if (!subject) throw new Error(`no such question and subject: ${question}, ${name}`);
const { call, prepare } = subject;
await prepare?.();
await run(WARM_CALLS);
globalThis.gc?.();
const before = { ns: process.hrtime.bigint(), bytes: process.memoryUsage().heapUsed };
await run(Number(calls));
const cost =
  what === "bytes" ? process.memoryUsage().heapUsed - before.bytes : Number(process.hrtime.bigint() - before.ns);
process.stdout.write(String(cost / Number(calls)));
process.exit();

async function run(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await call();
}
