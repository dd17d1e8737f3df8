import { type Mujoco, MujocoError } from "./mujoco.ts";
import { FRAME_MS } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { Simulation, UnstableError } from "./simulation.ts";
import type { ProbeResult } from "./thread.ts";

/** Simulated time tried, and the wall time it may take. */
const TRIAL_SECONDS = 1;
const WALL_MS_MAX = 500;
const WINDOW_FRAMES = 10;
/** Frames shorter than this are seldom interrupted, and the median leaves out those that are. */
const TIME_SLICE_MS = 4;
/** The kernel counts a thread's CPU time in ticks of some milliseconds: shorter trials go by the wall clock. */
const CPU_CLOCK_MS_MIN = 50;

/**
 * Tries a scene before anybody waits for it: does MuJoCo take it, does it survive its first second, and what does a
 * frame of it cost? Of the dearest sixth of a second, since contacts come late, the median frame, since on a busy machine
 * some take long for no fault of theirs.
 */
export function probeScene(mujoco: Mujoco, scene: Scene): ProbeResult {
  let simulation: Simulation | undefined;
  try {
    simulation = new Simulation(mujoco, scene);
    const frames = Math.round((TRIAL_SECONDS * 1000) / FRAME_MS);
    const stepsPerFrame = FRAME_MS / 1000 / scene.timestep;
    const costsMs: number[] = [];
    const begun = performance.now();
    const cpuBegun = process.threadCpuUsage();
    const deadline = begun + WALL_MS_MAX;
    let owed = 0;
    for (let frame = 0; frame < frames && performance.now() < deadline; frame++) {
      owed += stepsPerFrame;
      let steps = 0;
      const started = performance.now();
      for (; owed >= 1 && performance.now() < deadline; owed--, steps++) simulation.advance(1);
      if (steps > 0) costsMs.push(((performance.now() - started) / steps) * stepsPerFrame);
    }
    const warning = simulation.warning();
    const wallMs = dearest(costsMs);
    const share = cpuShare(performance.now() - begun, process.threadCpuUsage(cpuBegun));
    const frameMs = wallMs < TIME_SLICE_MS ? wallMs : Math.max(TIME_SLICE_MS, wallMs * share);
    return warning === undefined ? { ok: true, frameMs } : { ok: true, frameMs, warning };
  } catch (error) {
    if (error instanceof UnstableError) return { ok: false, code: "scene_unstable", message: error.message };
    if (error instanceof MujocoError) return { ok: false, code: "scene_uncompilable", message: error.message };
    throw error;
  } finally {
    simulation?.delete();
  }
}

/** How much of a trial this thread had a CPU: on a crowded machine it waits, which is not the scene's fault. */
function cpuShare(wallMs: number, { user, system }: NodeJS.CpuUsage): number {
  return wallMs < CPU_CLOCK_MS_MIN ? 1 : Math.min(1, (user + system) / 1000 / wallMs);
}

function dearest(costsMs: number[]): number {
  let most = 0;
  for (let start = 0; start < costsMs.length; start += WINDOW_FRAMES) {
    const window = costsMs.slice(start, start + WINDOW_FRAMES).sort((a, b) => a - b);
    most = Math.max(most, window[window.length >> 1] ?? 0);
  }
  return most;
}
