/** Simulations: steps a second beside a bare MuJoCo loop, how many hold 60 frames a second, bytes a frame, memory each. */
import { setTimeout as sleep } from "node:timers/promises";
import { compileScene } from "../apps/simgen/sim/compile.ts";
import { FrameEncoder } from "../apps/simgen/sim/frame.ts";
import { loadMujoco, type Mujoco } from "../apps/simgen/sim/mujoco.ts";
import { Pool } from "../apps/simgen/sim/pool.ts";
import { FRAME_MS } from "../apps/simgen/sim/runner.ts";
import { parseScene, type Scene } from "../apps/simgen/sim/scene.ts";
import { Simulation } from "../apps/simgen/sim/simulation.ts";
import { median, Report } from "./report.ts";

const LATENESS_P99_MAX_MS = 5;
const SPEED_MIN = 0.98;

const report = new Report(
  "sim",
  "Simulations: steps a second, how many hold 60 frames a second, bytes a frame, memory each.",
);

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

const boxes = parseScene({
  name: "ten boxes",
  bodies: [
    { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [5, 5] }] },
    ...Array.from({ length: 10 }, (_, i) => ({
      id: `box${i}`,
      pos: [0, 0, 0.1 + 0.2 * i] as [number, number, number],
      joints: [{ id: `free${i}`, type: "free" as const }],
      geoms: [{ type: "box" as const, size: [0.1, 0.1, 0.1] }],
    })),
  ],
});

const STEPS_PER_FRAME = FRAME_MS / 1000 / pendulum.timestep;

stepRates("pendulum", pendulum, await loadMujoco());
stepRates("ten boxes", boxes, await loadMujoco());
await timerFloor();
for (const workers of [1, 2]) {
  await capacity("pendulum", pendulum, workers, 256);
  await capacity("ten boxes", boxes, workers, 8);
}
frameBytes(await loadMujoco());
await memory("pendulum", pendulum);
await memory("ten boxes", boxes);
report.print();

/** Both play the same model the same way: batches of a frame's steps, taking turns so that both see the same machine. */
function stepRates(name: string, scene: Scene, mujoco: Mujoco): void {
  report.progress(`steps a second: ${name}`);
  const { mj } = mujoco;
  const ours = new Simulation(mujoco, scene);
  const model = mj.MjModel.from_xml_string(compileScene(scene).mjcf);
  const data = new mj.MjData(model);
  mj.mj_resetDataKeyframe(model, data, 0);
  const chunk = Math.round(STEPS_PER_FRAME);
  const play = (batch: () => void, milliseconds: number) => {
    const started = performance.now();
    let steps = 0;
    while (performance.now() - started < milliseconds) {
      batch();
      steps += chunk;
    }
    return (steps / (performance.now() - started)) * 1000;
  };
  const bare = () => {
    for (let i = 0; i < chunk; i++) mj.mj_step(model, data);
  };
  const advance = () => ours.advance(chunk);
  play(bare, 300);
  play(advance, 300);
  const rounds = report.quick ? 5 : 15;
  const milliseconds = report.quick ? 100 : 400;
  const rates = { floor: [] as number[], holdfast: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const turns = [
      () => rates.floor.push(play(bare, milliseconds)),
      () => rates.holdfast.push(play(advance, milliseconds)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) turn();
  }
  report.add("floor", `${name}: steps a second`, "steps/s", rates.floor);
  report.add("holdfast", `${name}: steps a second`, "steps/s", rates.holdfast);
  report.add(
    "holdfast",
    `${name}: share of the bare loop`,
    "%",
    rates.holdfast.map((rate, i) => (rate / (rates.floor[i] ?? rate)) * 100),
  );
  ours.delete();
  data.delete();
  model.delete();
}

/** How late this machine's timers are with nothing to do: no frame can be more on time. */
async function timerFloor(): Promise<void> {
  report.progress("timers");
  const late: number[] = [];
  const origin = performance.now();
  for (let frame = 1; frame <= (report.quick ? 120 : 300); frame++) {
    const due = origin + frame * FRAME_MS;
    await sleep(due - performance.now());
    late.push(performance.now() - due);
  }
  report.add("floor", "p99 lateness of an idle timer", "ms", [
    late.sort((a, b) => a - b)[Math.floor(late.length * 0.99)] ?? 0,
  ]);
}

/** The largest number that keeps real time with frames on time: doubles until that fails, then halves the gap. */
async function capacity(name: string, scene: Scene, workers: number, first: number): Promise<void> {
  const what = `${name}: live at 60 frames/s, ${workers} worker${workers > 1 ? "s" : ""}`;
  let held = 0;
  let lateness = 0;
  let missed = Number.POSITIVE_INFINITY;
  for (let count = first; missed - held > Math.max(1, held * (report.quick ? 0.5 : 0.1)); ) {
    const seen = await load(scene, workers, count);
    report.progress(`${what}: ${count}: p99 ${seen.latenessP99Ms.toFixed(2)} ms late, speed ${seen.speed.toFixed(3)}`);
    if (seen.latenessP99Ms < LATENESS_P99_MAX_MS && seen.speed >= SPEED_MIN) {
      held = count;
      lateness = seen.latenessP99Ms;
    } else missed = count;
    count = Number.isFinite(missed) ? Math.floor((held + missed) / 2) : count * 2;
  }
  report.add("holdfast", what, "simulations", [held]);
  report.add("holdfast", `${what}: p99 lateness there`, "ms", [lateness]);
}

async function load(scene: Scene, workers: number, count: number): Promise<{ latenessP99Ms: number; speed: number }> {
  const pool = await Pool.create({ workers, simulationsPerWorkerMax: count, arenaBytesPerWorkerMax: 2 ** 31 });
  try {
    const speeds = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const run = await pool.start(scene, 0.0001, {
        frame() {},
        status: (status) => speeds.set(status.run, status.speed),
        failed() {},
      });
      run.stream(true);
    }
    await sleep(2500);
    const p99s: number[] = [];
    for (let second = 0; second < (report.quick ? 2 : 5); second++) {
      await sleep(1000);
      p99s.push(
        Math.max(...pool.snapshot().workers.map((worker) => worker.stats?.latenessP99Ms ?? Number.POSITIVE_INFINITY)),
      );
    }
    return { latenessP99Ms: median(p99s), speed: Math.min(...speeds.values()) };
  } finally {
    await pool.close();
  }
}

function frameBytes(mujoco: Mujoco): void {
  const atRest = new Simulation(mujoco, boxes);
  atRest.advance(2500);
  const falling = new Simulation(
    mujoco,
    parseScene({
      ...boxes,
      bodies: boxes.bodies.map((body) => ({
        ...body,
        pos: [body.pos[0], body.pos[1], body.pos[2] + (body.joints.length > 0 ? 10 : 0)],
      })),
    }),
  );
  report.add("holdfast", "ten boxes at rest: a frame", "bytes", [meanBytes(atRest, 600)]);
  report.add("holdfast", "ten boxes in motion: a frame", "bytes", [meanBytes(falling, 60)]);
  report.add("floor", "ten boxes as float32: a frame", "bytes", [10 * 7 * 4]);
  atRest.delete();
  falling.delete();
}

function meanBytes(simulation: Simulation, frames: number): number {
  const encoder = new FrameEncoder(1, simulation.bodyIds, simulation.sensorValues);
  let bytes = 0;
  for (let frame = 0; frame < frames; frame++) {
    simulation.advance(Math.round(STEPS_PER_FRAME));
    bytes += encoder.encode({
      step: simulation.step,
      epoch: 0,
      speedPercent: 100,
      paused: false,
      positions: simulation.positions,
      quaternions: simulation.quaternions,
      sensors: simulation.sensors,
    }).length;
  }
  return bytes / frames;
}

/** WASM heap a simulation, over many in one module; MuJoCo's own default arena beside it. */
async function memory(name: string, scene: Scene): Promise<void> {
  report.progress(`memory: ${name}`);
  const count = 200;
  const ours = await loadMujoco();
  let start = ours.heapBytes();
  for (let i = 0; i < count; i++) new Simulation(ours, scene).advance(10);
  report.add("holdfast", `${name}: memory each, of ${count}`, "KB", [(ours.heapBytes() - start) / count / 1024]);

  const bare = await loadMujoco();
  const mjcf = compileScene(scene).mjcf.replace(/<size [^>]*>/, "");
  start = bare.heapBytes();
  const few = 50;
  for (let i = 0; i < few; i++) new bare.mj.MjData(bare.mj.MjModel.from_xml_string(mjcf));
  report.add("floor", `${name}: memory each, default arena`, "KB", [(bare.heapBytes() - start) / few / 1024]);
}
