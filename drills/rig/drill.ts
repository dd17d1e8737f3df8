import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { FAULTS, judge, type Verdict } from "./oracle.ts";
import { type Row, tell } from "./result.ts";
import { Rig } from "./rig.ts";
import { percentile, type Timings, timingsOf } from "./timing.ts";

const PER_CLIENT_PER_SECOND = 20;
/** Before the fault: in their first seconds servers are busy compiling themselves, and twice as slow. */
const WARM_SECONDS = 10;
/** Whatever happens, a drill ends: this long after it has flowed for `seconds`. */
const OVERTIME_SECONDS = 150;

/** A drill, but for what it does. Limits in ms are on the 99th percentile of the clients that the fault hits. */
export interface Plan {
  /** The promises of DESIGN.md that it would break. */
  promises: string[];
  servers: number;
  /** How long messages flow from the fault on, or from its end on if it has one. */
  seconds: number;
  redisKeeps?: boolean;
  /**
   * Who may handle a message again. "another": a server that dies or freezes leaves one half handled to the next.
   * "any": Redis has lost that it was handled, and so has the client, which had not heard of it. Else nobody.
   */
  handledAgainBy?: "another" | "any";
  firstMessageMsMax: number;
  silenceMsMax?: number;
  sendMsMax?: number;
  /** How many connections may break. */
  brokenMax?: number;
}

export interface Settings {
  seconds: number;
}

/**
 * Runs one drill and ends the process: prints a table, with --json also one JSON object as the last line; status 1 when a
 * promise was broken. `act` is called when messages flow.
 */
export async function drill(plan: Plan, act: (rig: Rig, settings: Settings) => Promise<void>): Promise<void> {
  const file = process.argv[1] ?? "";
  const name = basename(file, ".ts");
  const options = optionsOf(name, file, plan);
  const progress = (text: string) => process.stderr.write(`${name}: ${text}\n`);

  let rig: Rig | undefined;
  const dispose = async () => rig?.[Symbol.asyncDispose]();
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.once(signal, async () => {
      await dispose();
      process.exit(status);
    });

  let rows: Row[] = [];
  let examples: string[] = [];
  let error: string | undefined;
  try {
    rig = await Rig.start({ ...options, redisKeeps: plan.redisKeeps ?? false, progress });
    const result = await inTime(run(rig, options, act), options.warmSeconds + options.seconds + OVERTIME_SECONDS);
    const { firstMessageMsMax, countsOnly } = options;
    rows = rowsOf(result.verdict, result.timings, { ...plan, firstMessageMsMax }, countsOnly);
    examples = result.verdict.examples;
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  await dispose();

  const { seed, json } = options;
  process.exit(tell({ name, promises: plan.promises, rows, examples, error, seed }, json) ? 0 : 1);
}

async function run(
  rig: Rig,
  { warmSeconds, seconds }: { warmSeconds: number; seconds: number },
  act: (rig: Rig, settings: Settings) => Promise<void>,
) {
  await rig.flow(warmSeconds);
  await act(rig, { seconds });
  const { evidence, timeline } = await rig.finish();
  return { verdict: judge(evidence), timings: timingsOf(evidence, timeline) };
}

// ---- command line ----

function optionsOf(name: string, file: string, plan: Plan) {
  const usage = `${aboutOf(file)}

Usage: npm run drill -- ${name} [OPTION…]
  --clients N            clients, each with its own session (200)
  --servers N            API servers (${plan.servers})
  --rate N               messages a second each way, all clients together (${PER_CLIENT_PER_SECOND} a client)
  --warm-seconds N       how long messages flow before the fault (${WARM_SECONDS})
  --seconds N            how long messages flow after the fault (${plan.seconds})
  --first-message-ms N   how late the first message after the fault may be, 99 times of 100 (${plan.firstMessageMsMax})
  --counts-only          shows times, and lets none of them fail it: for a busy machine
  --seed N               repeats its choices (the time)
  --keep-logs            leaves the processes' logs, and says where
  --json                 the figures as one JSON object, as the last line`;
  try {
    const text = { type: "string" } as const;
    const flag = { type: "boolean", default: false } as const;
    const { values } = parseArgs({
      options: {
        clients: text,
        servers: text,
        rate: text,
        "warm-seconds": text,
        seconds: text,
        "first-message-ms": text,
        seed: text,
        "counts-only": flag,
        "keep-logs": flag,
        json: flag,
        help: flag,
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const clients = numberOf("--clients", values.clients, 200);
    return {
      clients,
      servers: numberOf("--servers", values.servers, plan.servers),
      rate: numberOf("--rate", values.rate, clients * PER_CLIENT_PER_SECOND),
      warmSeconds: numberOf("--warm-seconds", values["warm-seconds"], WARM_SECONDS),
      seconds: numberOf("--seconds", values.seconds, plan.seconds),
      firstMessageMsMax: numberOf("--first-message-ms", values["first-message-ms"], plan.firstMessageMsMax),
      seed: numberOf("--seed", values.seed, Date.now() % 2 ** 32),
      countsOnly: values["counts-only"],
      keepLogs: values["keep-logs"],
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}\n`);
    process.exit(2);
  }
}

function numberOf(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`${option}: expected a whole number from 1 on, got "${text}"`);
  return number;
}

/** The comment that opens a drill's file. */
function aboutOf(file: string): string {
  const [, comment = ""] = readFileSync(file, "utf8").match(/^\/\*\*\s*([\s\S]*?)\s*\*\//) ?? [];
  return comment.replace(/\n \* ?/g, "\n");
}

async function inTime<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

// ---- figures ----

function rowsOf({ counts, rejections }: Verdict, timings: Timings, plan: Plan, countsOnly: boolean): Row[] {
  const rows: Row[] = [];
  const add = (metric: string, unit: string, value: number, atMost?: number) =>
    rows.push({ subject: "holdfast", metric, unit, value, raw: [value], ...(atMost === undefined ? {} : { atMost }) });
  const excused: string[] =
    plan.handledAgainBy === "any"
      ? ["messagesHandledAgain", "messagesDoubled"]
      : plan.handledAgainBy === "another"
        ? ["messagesHandledAgain"]
        : [];
  const faults = [...FAULTS, "messagesHandledAgain"].filter((fault) => !excused.includes(fault));
  for (const [what, value] of Object.entries(counts))
    add(wordsOf(what), "", value, faults.includes(what) ? 0 : undefined);
  for (const [code, count] of rejections) add(`ticks rejected: ${code}`, "", count);
  add("connections broken", "", timings.broken, plan.brokenMax);

  const addTimes = (metric: string, times: (number | undefined)[], p99Max?: number) => {
    const came = times.filter((time) => time !== undefined);
    if (came.length < times.length) add(`${metric}: never came`, "clients", times.length - came.length, 0);
    if (came.length === 0) return;
    add(`${metric}, p50`, "ms", percentile(came, 50));
    add(`${metric}, p99`, "ms", percentile(came, 99), countsOnly ? undefined : p99Max);
    add(`${metric}, max`, "ms", percentile(came, 100));
  };
  addTimes("first message after the fault", timings.firstMessage, plan.firstMessageMsMax);
  addTimes("first message after its end", timings.firstAfterHeal);
  addTimes("back after the fault", timings.resumed);
  addTimes("longest silence", timings.silence, plan.silenceMsMax);
  addTimes("send settled", timings.sends, plan.sendMsMax);
  return rows;
}

/** "ticksLost" as "ticks lost". */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
