/** Makes calls through one subject, in a process of its own, and prints what one costs: ns, or bytes. */
import { QUESTIONS } from "./question.ts";

const [what, question = "", name = "", calls = ""] = process.argv.slice(2);
const asked = QUESTIONS[question];
const subject = asked?.subjects[name]?.();
if (!asked || !subject) throw new Error(`no such question and subject: ${question}, ${name}`);
const { call, prepare } = subject;
const { callers, warmCalls } = asked;
await prepare?.();
await run(warmCalls);
globalThis.gc?.();
const before = { ns: process.hrtime.bigint(), bytes: process.memoryUsage().heapUsed };
await run(Number(calls));
const cost =
  what === "bytes" ? process.memoryUsage().heapUsed - before.bytes : Number(process.hrtime.bigint() - before.ns);
process.stdout.write(String(cost / Number(calls)));
process.exit();

/** So many in all, by all callers together. */
async function run(count: number): Promise<void> {
  let left = count;
  const repeat = async (caller: number) => {
    while (left-- > 0) await call(caller);
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => repeat(caller)));
}
