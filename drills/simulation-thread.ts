/** One of two threads with hundreds of simulations is killed, hangs, or is replaced: what do the viewers see of it? */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Resources } from "@holdfast/resources";
import { stepOf } from "../apps/simgen/sim/frame.ts";
import { Pool, type Run } from "../apps/simgen/sim/pool.ts";
import { FRAME_MS } from "../apps/simgen/sim/runner.ts";
import { parseScene } from "../apps/simgen/sim/scene.ts";
import { heap } from "../apps/simgen/sim/scenes.fixture.ts";
import { now } from "./rig/clock.ts";
import { type Row, tell } from "./rig/result.ts";
import { percentile } from "./rig/timing.ts";

const WELL_MS = 4000;
const AFTER_MS = 5000;
/** One step of so many takes longer than a simulation may hold up its thread. */
const HEAP_BOXES = 190;

const FAULTS = {
  killed: "one thread is ended from outside, in the middle of its steps",
  hung: "a scene that hangs in a step is started beside them, without its trial",
  recycled: "one thread is due: its simulations move to a new one",
} as const;
type Fault = keyof typeof FAULTS;
/** How long a simulation may hold up its thread: less than in SimGen, since no scene holds it up for longer. */
const HANG_MS = 400;
const PAUSE_MS_MAX: Record<Fault, number> = { killed: 1000, hung: HANG_MS + 1000, recycled: 100 };

const usage = `One of two threads with hundreds of simulations fails, or is replaced.

Usage: npm run drill -- simulation-thread [OPTION…]
  --fault NAME      ${Object.entries(FAULTS)
    .map(([name, what]) => `${name}: ${what}`)
    .join("\n                    ")}
                    (all, one after another)
  --simulations N   how many run, each watched (500)
  --counts-only     shows times, and lets none of them fail it: for a busy machine
  --json            the figures as one JSON object, as the last line`;

const pendulum = parseScene({
  name: "pendulum",
  bodies: [
    {
      id: "rod",
      pos: [0, 0, 1.5],
      joints: [{ id: "pivot", type: "hinge", axis: [0, 1, 0], initial: 0.5 }],
      geoms: [
        { type: "capsule", size: [0.01], fromto: [0, 0, 0, 0, 0, -1] },
        { type: "sphere", size: [0.1], pos: [0, 0, -1] },
      ],
    },
  ],
});

/** One simulation, as its viewers see it. */
class Seen {
  run: Run | undefined;
  failure: string | undefined;
  backwards = 0;
  /** Since the fault: how much later than a frame's time after the one before each came, ms. */
  late: number[] = [];
  #lastAt = 0;
  #lastStep = -1;

  frame(bytes: Uint8Array): void {
    const at = now();
    const step = stepOf(bytes);
    if (step < this.#lastStep) this.backwards++;
    if (this.#lastAt > 0) this.late.push(Math.max(0, at - this.#lastAt - FRAME_MS));
    [this.#lastAt, this.#lastStep] = [at, step];
  }

  /** The longest time without a picture. */
  get pauseMs(): number {
    return Math.max(...this.late, now() - this.#lastAt);
  }
}

const { values } = parseArgs({
  options: {
    fault: { type: "string" },
    simulations: { type: "string", default: "500" },
    "counts-only": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const simulations = Number(values.simulations);
if (!Number.isSafeInteger(simulations) || simulations < 2) {
  console.error(`--simulations: expected a whole number from 2 on, got ${values.simulations}\n\n${usage}`);
  process.exit(2);
}
if (values.fault !== undefined && !isFault(values.fault)) {
  console.error(`--fault: expected one of ${Object.keys(FAULTS).join(", ")}, got ${values.fault}\n\n${usage}`);
  process.exit(2);
}
const faults = values.fault === undefined ? (Object.keys(FAULTS) as Fault[]) : [values.fault];
const rows: Row[] = [];
let error: string | undefined;
try {
  for (const fault of faults) rows.push(...(await run(fault)));
} catch (thrown) {
  error = thrown instanceof Error ? thrown.message : String(thrown);
}
const promises = ["R4", "R5", "M2", "M4"];
process.exit(tell({ name: "simulation-thread", promises, rows, examples: [], error, seed: 0 }, values.json) ? 0 : 1);

async function run(fault: Fault): Promise<Row[]> {
  const resources = new Resources();
  const usesMax = fault === "recycled" ? Math.ceil(simulations / 2) : Number.POSITIVE_INFINITY;
  const limits = {
    workers: 2,
    spares: 1,
    hangMsMax: HANG_MS,
    simulationsPerWorkerMax: simulations,
    arenaBytesPerWorkerMax: 2 ** 31,
    usesMax,
  };
  const pool = await Pool.create(limits, resources);
  try {
    process.stderr.write(`simulation-thread: ${simulations} start\n`);
    const all = await Promise.all(Array.from({ length: simulations }, () => watched(pool)));
    // One that is due is replaced at the next look at it, once a second.
    if (fault !== "recycled") await sleep(WELL_MS);
    const [victim] = pool.threads;
    if (!victim) throw new Error("no thread");
    const before = new Map(all.map((seen) => [seen, seen.run?.thread]));
    for (const seen of all) seen.late = [];
    process.stderr.write(`simulation-thread: ${fault}: ${FAULTS[fault]}\n`);
    if (fault === "killed") await victim.end();
    else if (fault === "hung") await assertHangs(pool);
    else await victim.gone;
    await sleep(AFTER_MS);
    const died = resources.snapshot().kinds.find(({ kind }) => kind === "simulation thread worker")?.recycled ?? 0;
    if (died === 0) throw new Error("no thread was replaced");
    const isHit = (seen: Seen) => before.get(seen)?.isGone ?? false;
    return figures(
      fault,
      all,
      all.filter(isHit),
      all.filter((seen) => !isHit(seen)),
    );
  } finally {
    await pool.close();
  }
}

async function watched(pool: Pool): Promise<Seen> {
  const seen = new Seen();
  seen.run = await pool.start(pendulum, 0.05, {
    frame: (bytes) => seen.frame(bytes),
    status() {},
    failed(message) {
      seen.failure = message;
    },
  });
  seen.run.stream(true);
  return seen;
}

/** In the thread with the most time left; the one that hangs is the one that has it. */
async function assertHangs(pool: Pool): Promise<void> {
  const events = { frame() {}, status() {}, failed() {} };
  const ended = await pool.start(parseScene(heap(HEAP_BOXES, 0.0001)), 0.1, events).then(String, String);
  if (!ended.includes("it hung")) throw new Error(`expected the scene to hang, got ${ended}`);
}

function figures(fault: Fault, all: Seen[], hit: Seen[], others: Seen[]): Row[] {
  const row = (metric: string, unit: string, value: number, atMost?: number): Row => {
    const limit = atMost === undefined || (values["counts-only"] && unit === "ms") ? {} : { atMost };
    return { subject: "holdfast", metric: `${fault}: ${metric}`, unit, value, raw: [value], ...limit };
  };
  const pauses = hit.map(({ pauseMs }) => pauseMs);
  return [
    row("simulations in that thread", "", hit.length),
    row("simulations lost", "", all.filter(({ failure }) => failure !== undefined).length, 0),
    row(
      "pictures that went back in time",
      "",
      all.reduce((sum, { backwards }) => sum + backwards, 0),
      0,
    ),
    row("in that thread: without a picture for, p50", "ms", percentile(pauses, 50)),
    row("in that thread: without a picture for, p99", "ms", percentile(pauses, 99), PAUSE_MS_MAX[fault]),
    row(
      "in the other: frames late by, p99",
      "ms",
      percentile(
        others.flatMap(({ late }) => late),
        99,
      ),
      50,
    ),
  ];
}

function isFault(name: string): name is Fault {
  return Object.hasOwn(FAULTS, name);
}
