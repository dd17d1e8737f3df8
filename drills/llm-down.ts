/** The language model's vendor fails hard under 50 prompts a second: people get their scenes from the rules, at once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { now } from "./rig/clock.ts";
import type { KeeperCalls } from "./rig/keeper.ts";
import type { LlmCalls } from "./rig/llm-process.ts";
import { Program } from "./rig/program.ts";
import { type Row, tell } from "./rig/result.ts";
import { percentile } from "./rig/timing.ts";

const MAIN = fileURLToPath(new URL("../apps/simgen/server/main.ts", import.meta.url));
const START_MS_MAX = 60_000;
const ANSWER_MS_MAX = 60_000;
const OUTPUT_CHARS_MAX = 10_000;
const WARM_PROMPTS = 50;
const WELL_SECONDS = 5;
const BACK_SECONDS_MAX = 60;
const QUICK_MS = 50;
/** SimGen's breakers stay open for so long at first, then twice as long each time. */
const OPEN_MS = 10_000;

const usage = `The language model's vendor fails hard while people ask for scenes.

Usage: npm run drill -- llm-down [OPTION…]
  --rate N          prompts a second (50)
  --seconds N       how long the vendor fails (20)
  --counts-only     shows times, and lets none of them fail it: for a busy machine
  --json            the figures as one JSON object, as the last line`;

interface Answer {
  sentAt: number;
  ms: number;
  status: number;
  planner: string;
}

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "50" },
    seconds: { type: "string", default: "20" },
    "counts-only": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const rate = wholeNumber("--rate", values.rate);
const seconds = wholeNumber("--seconds", values.seconds);

const folder = mkdtempSync(join(tmpdir(), "holdfast-drill-"));
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stopped.abort());

let rows: Row[] = [];
let error: string | undefined;
// Whatever ends this process, nothing of it stays.
const keeper = await Program.start<KeeperCalls>("keeper", "./keeper.ts", [folder], join(folder, "keeper.log"));
const vendor = await Program.start<LlmCalls>("vendor", "./llm-process.ts", [], join(folder, "vendor.log"));
const simgen = startSimgen(await vendor.call("port"));
await keeper.call("watch", simgen.child.pid ?? 0);
try {
  rows = await run(await simgen.url);
} catch (thrown) {
  error = thrown instanceof Error ? thrown.message : String(thrown);
}
simgen.child.kill();
await Promise.all([vendor.kill(), simgen.exited]);
await keeper.kill();
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
const promises = ["B1", "B2", "B5", "H2"];
process.exit(tell({ name: "llm-down", promises, rows, examples: [], error, seed: 0 }, values.json) ? 0 : 1);

async function run(url: string): Promise<Row[]> {
  const answers: Promise<Answer>[] = [];
  /** Sends prompts for so long, or until `isOver`, which is asked once a second. */
  const flow = async (what: string, forSeconds: number, isOver = async () => false) => {
    process.stderr.write(`llm-down: ${what}\n`);
    const startedAt = now();
    for (let sent = 0; sent < forSeconds * rate; sent++) {
      stopped.signal.throwIfAborted();
      await sleep(Math.max(0, startedAt + (sent * 1000) / rate - now()));
      answers.push(ask(url, answers.length));
      if (sent % rate === 0 && (await isOver())) return;
    }
  };

  // A server that has just begun is busy compiling itself.
  for (let i = 0; i < WARM_PROMPTS; i++) await ask(url, -i);
  await flow("all is well", WELL_SECONDS);
  const failedAt = now();
  await vendor.call("use", 500);
  let opened: { at: number; seen: number } | undefined;
  await flow("the vendor fails", seconds, async () => {
    if (!opened && (await isOpen(url))) opened = { at: now(), seen: await vendor.call("count") };
    return false;
  });
  if (!opened) throw new Error("no breaker has opened");
  const seenWhileOpen = (await vendor.call("count")) - opened.seen;
  await vendor.call("use", 200);
  const healedAt = now();
  await flow("the vendor is back", BACK_SECONDS_MAX, async () => !(await isOpen(url)));
  await flow("all is well again", WELL_SECONDS);

  const all = await Promise.all(answers);
  const { at: openedAt } = opened;
  const before = all.filter(({ sentAt, ms }) => sentAt + ms < failedAt);
  const whileOpen = all.filter(({ sentAt }) => sentAt >= openedAt && sentAt < healedAt);
  const late = whileOpen.filter(({ ms }) => ms >= QUICK_MS);
  const back = all.find(({ sentAt, planner }) => sentAt >= healedAt && planner === "llm");
  const times = whileOpen.map(({ ms }) => ms);
  const timed = (atMost: number) => (values["counts-only"] ? undefined : atMost);
  return [
    row("prompts", "", all.length),
    row("answers that were no scene", "", all.filter(({ status }) => status !== 201).length, 0),
    row("before: not by the language model", "", before.filter(({ planner }) => planner !== "llm").length, 0),
    row("from the outage to the open breaker", "ms", openedAt - failedAt, timed(3000)),
    row("while open: prompts", "", whileOpen.length),
    row("while open: requests that the vendor saw", "", seenWhileOpen, probesMax(healedAt - openedAt)),
    row("while open: not by the rules", "", whileOpen.filter(({ planner }) => planner !== "rules").length, 0),
    row(`while open: not answered within ${QUICK_MS} ms`, "%", (100 * late.length) / whileOpen.length, timed(1)),
    row("while open: answered in, p50", "ms", percentile(times, 50)),
    row("while open: answered in, p99", "ms", percentile(times, 99)),
    row(
      "from the vendor's return to its next scene",
      "ms",
      back ? back.sentAt - healedAt : Number.NaN,
      timed(OPEN_MS * 2),
    ),
  ];
}

/** Every prompt is another, by another visitor: none is answered from the cache of plans. Status 0 is no answer. */
async function ask(url: string, n: number): Promise<Answer> {
  const sentAt = now();
  const { status, planner } = await post(url, n).catch(() => ({ status: 0, planner: "" }));
  return { sentAt, ms: now() - sentAt, status, planner };
}

async function post(url: string, n: number): Promise<{ status: number; planner: string }> {
  const response = await fetch(`${url}/api/v1/simulations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: `a ball of ${1000 + n} g` }),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const { planner = "" } = (await response.json()) as { planner?: string };
  return { status: response.status, planner };
}

async function isOpen(url: string): Promise<boolean> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /^simgen_breaker_state\{[^}]*state="open"\} 1$/m.test(metrics);
}

/** One when the open time is over; it doubles each time, and may be a fifth shorter. */
function probesMax(openForMs: number): number {
  let probes = 0;
  for (let openMs = OPEN_MS * 0.8, atMs = openMs; atMs <= openForMs; openMs *= 2, atMs += openMs) probes++;
  return probes;
}

function row(metric: string, unit: string, value: number, atMost?: number): Row {
  return { subject: "holdfast", metric, unit, value, raw: [value], ...(atMost === undefined ? {} : { atMost }) };
}

function startSimgen(vendorPort: number) {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", MAIN], {
    env: {
      ...{ PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", DATA_DIR: join(folder, "data"), LOG_LEVEL: "error" },
      ...{ LLM_BASE_URL: `http://127.0.0.1:${vendorPort}/v1`, LLM_MODEL: "drill" },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = new Promise<string>((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
      const [, ready] = /SimGen is ready: (\S+)/.exec(output) ?? [];
      if (ready) resolve(ready);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`SimGen ended with ${code}: ${output}`)));
    setTimeout(() => reject(new Error(`SimGen is not ready: ${output}`)), START_MS_MAX).unref();
  });
  url.catch(() => {});
  return { child, url, exited: once(child, "exit") };
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  process.stderr.write(`${option}: expected a whole number from 1 on, got "${text}"\n\n${usage}\n`);
  process.exit(2);
}
