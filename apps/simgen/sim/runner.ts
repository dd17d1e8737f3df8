import { Checkpoint } from "./checkpoint.ts";
import { FrameEncoder } from "./frame.ts";
import type { Mujoco } from "./mujoco.ts";
import type { Scene } from "./scene.ts";
import { Simulation, UnstableError } from "./simulation.ts";
import type { Told } from "./thread.ts";

/** What became of a run: `unstable` runs stand still until they are reset. */
export type RunnerState = "running" | "paused" | "unstable";

export interface RunStatus {
  run: number;
  state: RunnerState;
  /** Simulated seconds a second over the last second; 1 is real time. */
  speed: number;
  step: number;
  controls: readonly number[];
  message?: string;
}

/** Whether a run moves, and why not. */
export interface Standing {
  state: RunnerState;
  message: string | undefined;
}

/** How a run begins. */
export interface Start {
  /** Whose work it is to the pool (see worker.ts of @holdfast/resources). */
  lease: number;
  streaming: boolean;
  /** Of a run that goes on: from where, or `later`: it stands until `goOn`. */
  from?: Saved | "later";
}

/** What a run goes on from. */
export interface Saved extends Standing {
  values: Float64Array;
  /** The step that has been shown already: it gets there without showing anything. */
  shownStep: number;
  /** The number of the last thing it was told. */
  told: number;
}

export interface RunnerStats {
  simulations: number;
  /** Share of the last second spent working. */
  busy: number;
  /** How long after its due time the 99th of a hundred frames was ready. */
  latenessP99Ms: number;
  framesPerSecond: number;
  heapBytes: number;
}

export interface RunnerOutput {
  /** Work for this lease begins, and ends. */
  enter(lease: number): void;
  leave(): void;
  /** Frames of one or more runs; each names its run. */
  frames(frames: Uint8Array[]): void;
  statuses(statuses: RunStatus[]): void;
  stats(stats: RunnerStats): void;
}

export const FRAMES_PER_SECOND = 60;
export const FRAME_MS = 1000 / FRAMES_PER_SECOND;
/** The simulations of a runner take turns within a frame, so that work, messages and socket writes spread out. */
const SLOTS = 8;
const SLOT_MS = FRAME_MS / SLOTS;
/** After a stall, simulated time catches up this far; the rest is lost, which shows as a lower speed. */
const CATCH_UP_FRAMES = 6;
/** All simulations together may use this share of a frame; the heaviest are slowed down first. */
const LOAD_SHARE_MAX = 0.85;
/** One simulation alone may use this much of a frame. */
const FRAME_BUDGET_MS = FRAME_MS / 2;
const CHUNK_MS = 1;
const COST_SMOOTHING = 0.1;
const LATENESS_SAMPLES = 8192;
/** Between two checkpoints, each a tenth of a second of motion and a few microseconds of work. */
const CHECKPOINT_FRAMES = 6;
/** What a run that goes on may step at once, to where it had been shown: more than between two checkpoints never is missing. */
const CATCH_UP_STEPS_MAX = 1000;

interface Run {
  run: number;
  lease: number;
  simulation: Simulation;
  checkpoint: Checkpoint;
  told: number;
  framesToCheckpoint: number;
  encoder: FrameEncoder;
  slot: number;
  state: RunnerState;
  message: string | undefined;
  /** Someone watches: frames and statuses are wanted. */
  streaming: boolean;
  /** A frame is due although nothing moves. */
  refresh: boolean;
  lastFrame: number;
  owedSteps: number;
  stepMs: number;
  budgetMs: number;
  speed: number;
  stepsThisSecond: number;
}

/** Runs many simulations at 60 frames a second on one thread, each within its share of the time. */
export class Runner {
  readonly #mujoco: Mujoco;
  readonly #output: RunnerOutput;
  readonly #runs = new Map<number, Run>();
  readonly #slots: Run[][] = Array.from({ length: SLOTS }, () => []);
  readonly #lateness = new Float64Array(LATENESS_SAMPLES);
  #latenessCount = 0;
  #origin = performance.now();
  #nextSlot = 0;
  #timer: NodeJS.Timeout | undefined;
  #second = { start: performance.now(), busyMs: 0, frames: 0 };

  constructor(mujoco: Mujoco, output: RunnerOutput) {
    this.#mujoco = mujoco;
    this.#output = output;
  }

  /** The memory in which its state is kept. Throws `MujocoError` when the scene cannot be loaded. */
  start(run: number, scene: Scene, { lease, streaming, from }: Start): SharedArrayBuffer {
    const simulation = new Simulation(this.#mujoco, scene);
    const slot = this.#slots.reduce(
      (least, runs, index) => (runs.length < this.#slots[least]!.length ? index : least),
      0,
    );
    const entry: Run = {
      run,
      lease,
      simulation,
      // The last is what it was told.
      checkpoint: Checkpoint.of(simulation.savedValues + 1),
      told: 0,
      framesToCheckpoint: slot % CHECKPOINT_FRAMES,
      encoder: new FrameEncoder(run, simulation.bodyIds, simulation.sensorValues, Math.floor(Math.random() * 0x10000)),
      slot,
      state: from === "later" ? "paused" : "running",
      message: undefined,
      streaming,
      refresh: false,
      lastFrame: this.#frameAt(this.#nextSlot),
      owedSteps: 0,
      stepMs: 0,
      budgetMs: FRAME_BUDGET_MS,
      speed: 1,
      stepsThisSecond: 0,
    };
    this.#runs.set(run, entry);
    this.#slots[slot]!.push(entry);
    if (from === undefined) this.#keep(entry);
    else if (from !== "later") this.#restore(entry, from);
    if (this.#runs.size === 1) this.#wake();
    return entry.checkpoint.buffer;
  }

  /** Ends the run here; it goes on elsewhere from what is returned. Undefined when there is no such run. */
  handOver(run: number): Saved | undefined {
    const entry = this.#runs.get(run);
    if (!entry) return;
    const { state, message, simulation, told } = entry;
    const saved = { values: simulation.save(), shownStep: simulation.step, told, state, message };
    this.stop(run);
    return saved;
  }

  /** For one that was started to go on later. */
  goOn(run: number, from: Saved, streaming: boolean): void {
    const entry = this.#runs.get(run);
    if (!entry) return;
    entry.streaming = streaming;
    this.#restore(entry, from);
  }

  stop(run: number): void {
    const entry = this.#runs.get(run);
    if (!entry) return;
    this.#runs.delete(run);
    const slot = this.#slots[entry.slot]!;
    slot.splice(slot.indexOf(entry), 1);
    entry.simulation.delete();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const run of this.#runs.keys()) this.stop(run);
  }

  /**
   * `stream`: frames and statuses are wanted; `pause`; `control`: an actuator's value; `reset`: back to the initial pose,
   * and running if it was unstable. A keyframe and a status come at the next turn.
   */
  tell(run: number, told: Told): void {
    const entry = this.#runs.get(run);
    if (!entry) return;
    entry.told = told.number;
    switch (told.what) {
      case "stream":
        entry.streaming = told.on;
        break;
      case "pause":
        if (entry.state !== "unstable") entry.state = told.on ? "paused" : "running";
        break;
      case "control":
        entry.simulation.control(told.actuator, told.value);
        break;
      case "reset":
        entry.simulation.reset();
        entry.owedSteps = 0;
        entry.message = undefined;
        if (entry.state === "unstable") entry.state = "running";
    }
    this.#show(entry);
  }

  /** What it is now is kept, and shown in full. */
  #show(entry: Run): void {
    this.#keep(entry);
    entry.refresh = true;
    entry.encoder.forceKeyframe();
    if (entry.streaming) this.#output.statuses([statusOf(entry)]);
  }

  #keep(entry: Run): void {
    entry.framesToCheckpoint = CHECKPOINT_FRAMES;
    entry.checkpoint.write((values) => {
      entry.simulation.save(values);
      values[values.length - 1] = entry.told;
    });
  }

  #restore(entry: Run, { values, shownStep, told, state, message }: Saved): void {
    const { simulation } = entry;
    simulation.restore(values);
    entry.told = told;
    entry.state = state;
    entry.message = message;
    const missing = Math.min(CATCH_UP_STEPS_MAX, shownStep - simulation.step);
    if (state === "running" && missing > 0) this.#step(entry, missing);
    this.#show(entry);
  }

  // --- the clock ---

  /** Slots come every 2.1 ms, counted from the origin, so that a late one does not push the next ones back. */
  #wake(): void {
    // The last turn of before, if that was a moment ago.
    clearTimeout(this.#timer);
    this.#origin = performance.now();
    this.#nextSlot = 0;
    this.#second = { start: this.#origin, busyMs: 0, frames: 0 };
    for (const entry of this.#runs.values()) entry.lastFrame = 0;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#runs.size === 0) return;
    for (let skipped = 0; skipped < SLOTS && this.#slots[this.#nextSlot % SLOTS]!.length === 0; skipped++)
      this.#nextSlot++;
    const dueMs = this.#origin + this.#nextSlot * SLOT_MS - performance.now();
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, dueMs));
  }

  #turn(): void {
    const started = performance.now();
    const due = Math.floor((started - this.#origin) / SLOT_MS);
    const frames: Uint8Array[] = [];
    for (let slot = Math.max(this.#nextSlot, due - SLOTS + 1); slot <= due; slot++) {
      for (const entry of this.#slots[slot % SLOTS]!) {
        const frame = this.#play(entry, this.#frameAt(slot));
        if (!frame) continue;
        frames.push(frame);
        this.#lateness[this.#latenessCount++ % LATENESS_SAMPLES] = performance.now() - (this.#origin + slot * SLOT_MS);
      }
      this.#nextSlot = slot + 1;
    }
    if (frames.length > 0) this.#output.frames(frames);
    const now = performance.now();
    this.#second.busyMs += now - started;
    this.#second.frames += frames.length;
    if (now - this.#second.start >= 1000) this.#endSecond(now);
    this.#schedule();
  }

  #frameAt(slot: number): number {
    return Math.floor(slot / SLOTS);
  }

  /** One frame of one run: steps it up to its due time, within its budget. */
  #play(entry: Run, frame: number): Uint8Array | undefined {
    const elapsedFrames = Math.min(CATCH_UP_FRAMES, frame - entry.lastFrame);
    entry.lastFrame = frame;
    if (entry.state === "running") {
      this.#advance(entry, elapsedFrames);
      if (--entry.framesToCheckpoint <= 0) this.#keep(entry);
    }
    if (!entry.streaming || (entry.state !== "running" && !entry.refresh)) return undefined;
    entry.refresh = false;
    const { simulation } = entry;
    return entry.encoder.encode({
      step: simulation.step,
      epoch: simulation.epoch,
      speedPercent: entry.speed * 100,
      paused: entry.state !== "running",
      positions: simulation.positions,
      quaternions: simulation.quaternions,
      sensors: simulation.sensors,
    });
  }

  #advance(entry: Run, elapsedFrames: number): void {
    entry.owedSteps += (elapsedFrames * FRAME_MS) / 1000 / entry.simulation.timestep;
    const deadline = performance.now() + entry.budgetMs * elapsedFrames;
    while (entry.owedSteps >= 1) {
      const affordable = entry.stepMs > 0 ? Math.max(1, Math.floor(CHUNK_MS / entry.stepMs)) : 1;
      const count = Math.min(Math.floor(entry.owedSteps), affordable);
      const started = performance.now();
      if (!this.#step(entry, count)) break;
      const ended = performance.now();
      entry.owedSteps -= count;
      entry.stepsThisSecond += count;
      const stepMs = (ended - started) / count;
      entry.stepMs = entry.stepMs === 0 ? stepMs : entry.stepMs + (stepMs - entry.stepMs) * COST_SMOOTHING;
      if (ended >= deadline) break;
    }
    if (entry.owedSteps >= 1) entry.owedSteps %= 1;
  }

  /** False when it became unstable. */
  #step(entry: Run, count: number): boolean {
    this.#output.enter(entry.lease);
    try {
      entry.simulation.advance(count);
      return true;
    } catch (error) {
      entry.state = "unstable";
      entry.message = error instanceof UnstableError ? error.message : String(error);
      this.#output.statuses([statusOf(entry)]);
      return false;
    } finally {
      this.#output.leave();
    }
  }

  #endSecond(now: number): void {
    const seconds = (now - this.#second.start) / 1000;
    const running = [...this.#runs.values()].filter((entry) => entry.state === "running");
    const share = fairShare(
      running.map((entry) => frameCostMs(entry)),
      FRAME_MS * LOAD_SHARE_MAX,
    );
    const statuses: RunStatus[] = [];
    for (const entry of this.#runs.values()) {
      entry.budgetMs = Math.min(FRAME_BUDGET_MS, share);
      if (entry.state === "running")
        entry.speed = Math.min(1.2, (entry.stepsThisSecond * entry.simulation.timestep) / seconds);
      entry.stepsThisSecond = 0;
      if (entry.streaming) statuses.push(statusOf(entry));
      if (entry.state === "running") entry.message = entry.simulation.warning();
      // A paused run shows one frame a second, so that a viewer who lost the last one catches up.
      else if (entry.state === "paused") entry.refresh = true;
    }
    if (statuses.length > 0) this.#output.statuses(statuses);
    const samples = this.#lateness.slice(0, Math.min(this.#latenessCount, LATENESS_SAMPLES)).sort();
    this.#output.stats({
      simulations: this.#runs.size,
      busy: this.#second.busyMs / 1000 / seconds,
      latenessP99Ms: samples[Math.floor(samples.length * 0.99)] ?? 0,
      framesPerSecond: this.#second.frames / seconds,
      heapBytes: this.#mujoco.heapBytes(),
    });
    this.#latenessCount = 0;
    this.#second = { start: now, busyMs: 0, frames: 0 };
  }
}

/**
 * The largest budget each may have so that all together stay within the total: those that need less than an equal share
 * leave the rest to the others (max-min fairness).
 */
export function fairShare(costs: readonly number[], total: number): number {
  const sorted = [...costs].sort((a, b) => a - b);
  let left = total;
  for (const [index, cost] of sorted.entries()) {
    const equal = left / (sorted.length - index);
    if (cost > equal) return equal;
    left -= cost;
  }
  return Number.POSITIVE_INFINITY;
}

function frameCostMs(entry: Run): number {
  return (entry.stepMs * FRAME_MS) / 1000 / entry.simulation.timestep;
}

function statusOf({ run, state, speed, simulation, message }: Run): RunStatus {
  const status = { run, state, speed, step: simulation.step, controls: simulation.controls };
  return message === undefined ? status : { ...status, message };
}
