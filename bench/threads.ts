/** One of two threads with hundreds of simulations is killed, hangs, or is replaced: what do their viewers see of it? */
import { setTimeout as sleep } from "node:timers/promises";
import { Resources } from "@holdfast/resources";
import { stepOf } from "../apps/simgen/sim/frame.ts";
import { Pool, type Run } from "../apps/simgen/sim/pool.ts";
import { FRAME_MS } from "../apps/simgen/sim/runner.ts";
import { parseScene, type Scene } from "../apps/simgen/sim/scene.ts";
import { Report } from "./report.ts";

const WELL_MS = 4000;
const AFTER_MS = 5000;
/** How long a simulation may hold up its thread: less than in SimGen, since no scene holds it up for longer. */
const HANG_MS = 400;
/** One step of so many boxes pushed into one another takes longer than that. */
const HEAP_BOXES = 190;

const FAULTS = ["killed", "hung", "replaced"];

interface Figures {
  hit: number;
  lost: number;
  backwards: number;
  /** ms, one a simulation of the thread that was hit. */
  pauses: number[];
  /** ms, one a frame of the others. */
  late: number[];
}

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
    const at = performance.now();
    const step = stepOf(bytes);
    if (step < this.#lastStep) this.backwards++;
    if (this.#lastAt > 0) this.late.push(Math.max(0, at - this.#lastAt - FRAME_MS));
    [this.#lastAt, this.#lastStep] = [at, step];
  }

  /** The longest time without a picture. */
  get pauseMs(): number {
    return Math.max(...this.late, performance.now() - this.#lastAt);
  }
}

const report = new Report(
  "threads",
  "Two threads with 500 simulations, each watched. One is killed from outside, hangs in a step of one more scene, or is due and replaced: what do the viewers see?",
  { faults: FAULTS },
);
const simulations = report.quick ? 100 : 500;
for (const fault of report.chosen("faults")) {
  const runs: Figures[] = [];
  for (let round = 0; round < (report.quick ? 1 : 3); round++) runs.push(await run(fault));
  const add = (metric: string, unit: string, raw: number[]) => report.add("holdfast", `${fault}: ${metric}`, unit, raw);
  add(
    "simulations in that thread",
    "",
    runs.map(({ hit }) => hit),
  );
  add(
    "simulations lost",
    "",
    runs.map(({ lost }) => lost),
  );
  add(
    "pictures that went back in time",
    "",
    runs.map(({ backwards }) => backwards),
  );
  for (const percent of [50, 99])
    add(
      `in that thread: without a picture for, p${percent}`,
      "ms",
      runs.map(({ pauses }) => percentile(pauses, percent)),
    );
  add(
    "in the other: frames late by, p99",
    "ms",
    runs.map(({ late }) => percentile(late, 99)),
  );
}
report.print();
process.exit(0);

async function run(fault: string): Promise<Figures> {
  const usesMax = fault === "replaced" ? Math.ceil(simulations / 2) : Number.POSITIVE_INFINITY;
  const limits = { workers: 2, spares: 1, simulationsPerWorkerMax: simulations, arenaBytesPerWorkerMax: 2 ** 31 };
  const pool = await Pool.create({ ...limits, hangMsMax: HANG_MS, usesMax }, new Resources());
  try {
    await Promise.all(pool.threads.map(({ ready }) => ready));
    report.progress(`${fault}: ${simulations} simulations start`);
    const all = await Promise.all(Array.from({ length: simulations }, () => watched(pool)));
    // One that is due is replaced at the next look at it, once a second.
    if (fault !== "replaced") await sleep(WELL_MS);
    const before = new Map(all.map((seen) => [seen, seen.run?.thread]));
    for (const seen of all) seen.late = [];
    if (fault === "killed") await pool.threads[0]?.end();
    else if (fault === "hung") await assertHangs(pool);
    else await Promise.race(pool.threads.map(({ gone }) => gone));
    const isHit = new Map(all.map((seen) => [seen, before.get(seen)?.isGone]));
    await sleep(AFTER_MS);
    const [hit = [], others = []] = [true, false].map((is) => all.filter((seen) => isHit.get(seen) === is));
    if (hit.length === 0) throw new Error(`${fault}: no thread was replaced`);
    return {
      hit: hit.length,
      lost: all.filter(({ failure }) => failure !== undefined).length,
      backwards: all.reduce((sum, { backwards }) => sum + backwards, 0),
      pauses: hit.map(({ pauseMs }) => pauseMs),
      late: others.flatMap(({ late }) => late),
    };
  } finally {
    await pool.close();
  }
}

async function watched(pool: Pool): Promise<Seen> {
  const seen = new Seen();
  seen.run = await pool.start(pendulum(), 0.05, {
    frame: (bytes) => seen.frame(bytes),
    status() {},
    failed(message) {
      seen.failure = message;
    },
  });
  seen.run.stream(true);
  return seen;
}

async function assertHangs(pool: Pool): Promise<void> {
  const events = { frame() {}, status() {}, failed() {} };
  const ended = await pool.start(heap(), 0.1, events).then(() => "it runs", String);
  if (!ended.includes("it hung")) throw new Error(`expected the scene to hang, got: ${ended}`);
}

/** No two alike. */
function pendulum(): Scene {
  const length = 0.5 + Math.random();
  return parseScene({
    name: "pendulum",
    bodies: [
      {
        id: "rod",
        pos: [0, 0, 2],
        joints: [{ id: "pivot", type: "hinge", axis: [0, 1, 0], initial: 0.5 }],
        geoms: [
          { type: "capsule", size: [0.01], fromto: [0, 0, 0, 0, 0, -length] },
          { type: "sphere", size: [0.1], pos: [0, 0, -length] },
        ],
      },
    ],
  });
}

function heap(): Scene {
  return parseScene({
    name: "heap",
    timestep: 0.0001,
    bodies: Array.from({ length: HEAP_BOXES }, (_, i) => ({
      id: `box${i}`,
      pos: [(i % 3) * 0.19, (Math.floor(i / 3) % 3) * 0.19, 0.1 + Math.floor(i / 9) * 0.19] as [number, number, number],
      joints: [{ id: `free${i}`, type: "free" as const }],
      geoms: [{ type: "box" as const, size: [0.1, 0.1, 0.1] }],
    })),
  });
}

function percentile(values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
