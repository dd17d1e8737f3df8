import {
  type PoolWorker,
  type PoolWorkerSnapshot,
  ResourceError,
  Resources,
  type Scope,
  type Seat,
  WorkerPool,
  type WorkerPoolOptions,
} from "@holdfast/resources";
import { arenaBytes } from "./compile.ts";
import { runOf } from "./frame.ts";
import { compileMujoco } from "./mujoco.ts";
import { PoolError } from "./pool-error.ts";
import { PooledRun, type RunEvents } from "./pooled-run.ts";
import { FRAME_MS, type RunnerStats } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { type FromWorker, type ProbeResult, type ToWorker, unpackFrames, type WorkerInput } from "./thread.ts";

export interface PoolOptions {
  /** Threads that run simulations; one more tries scenes out. */
  workers: number;
  /** Threads in reserve, some 50 MB each: when one dies, its simulations go on the sooner. */
  spares: number;
  simulationsPerWorkerMax: number;
  /** Of all arenas on one thread (see compile.ts): a WASM heap ends at 2 GB. */
  arenaBytesPerWorkerMax: number;
  /** Refuse what would run slower than this, in simulated seconds a second. */
  speedMin: number;
  /** A scene that is not through its trial by then hangs in a step: its thread is ended. */
  probeTimeoutMs: number;
  probesQueuedMax: number;
  /** A simulation that holds up its thread for so long is ended; its neighbours go on in another. */
  hangMsMax: number;
  /** A thread that has run so many simulations is replaced, */
  usesMax: number;
  /** one that is so old, */
  ageMsMax: number;
  /** one that takes so much memory. Its simulations go on in the new one. */
  memoryBytesMax: number;
}

export const POOL_DEFAULTS: PoolOptions = {
  workers: 1,
  spares: 0,
  simulationsPerWorkerMax: 1000,
  arenaBytesPerWorkerMax: 1024 ** 3,
  speedMin: 0.1,
  probeTimeoutMs: 5000,
  probesQueuedMax: 16,
  hangMsMax: 2000,
  usesMax: 50_000,
  ageMsMax: 24 * 3_600_000,
  memoryBytesMax: 1.5 * 1024 ** 3,
};

/** A worker's simulations together may take this share of its time. */
const LOAD_MAX = 0.8;
/** One simulation may have half of a frame (see runner.ts). */
const SOLO_MS = FRAME_MS / 2;
/** One that takes this much more memory than it should is ended at once. */
const MEMORY_EXCESS = 1.5;
const TRIAL_QUEUE_MS_MAX = 60_000;

/** What a trial found: cost, and the speed to expect (1 is real time). */
export interface Trial {
  frameMs: number;
  speed: number;
  warning?: string;
}

/** A running simulation. */
export type Run = Pick<PooledRun, "run" | "thread" | "stream" | "control" | "pause" | "reset" | "stop">;

export interface SimulationWorker extends PoolWorkerSnapshot {
  simulations: number;
  /** Of a frame. */
  loadMs: number;
  stats: RunnerStats | undefined;
}

export interface PoolSnapshot {
  workers: SimulationWorker[];
  probesQueued: number;
}

/** Worker threads that run simulations, and one that tries scenes out so that a bad one harms nobody. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #resources: Resources;
  readonly #scope: Scope;
  readonly #wasm: WebAssembly.Module;
  readonly #threads: WorkerPool;
  /** By thread: what it said last. */
  readonly #stats = new WeakMap<PoolWorker, RunnerStats>();
  readonly #runs = new Map<number, PooledRun>();
  /** Started with the first trial. */
  #prober: WorkerPool | undefined;
  readonly #trials = new Map<number, PromiseWithResolvers<ProbeResult>>();
  #probesQueued = 0;
  #lastRun = Math.floor(Math.random() * 2 ** 24) * 128;

  static async create(options: Partial<PoolOptions> = {}, resources = new Resources()): Promise<Pool> {
    return new Pool({ ...POOL_DEFAULTS, ...options }, await compileMujoco(), resources);
  }

  private constructor(options: PoolOptions, wasm: WebAssembly.Module, resources: Resources) {
    this.#options = options;
    this.#resources = resources;
    this.#scope = resources.scope("simulations", { isLongLived: true });
    this.#wasm = wasm;
    this.#threads = this.#pool("simulation thread", {
      size: options.workers,
      spares: options.spares,
      leasesPerWorkerMax: options.simulationsPerWorkerMax,
      loadPerWorkerMax: LOAD_MAX,
      bytesPerWorkerMax: options.arenaBytesPerWorkerMax,
      queueMsMax: 0,
      hangMsMax: options.hangMsMax,
    });
  }

  /** Runs the scene's first second aside. Throws `PoolError` for a scene that must not run. */
  async try(scene: Scene): Promise<Trial> {
    const { probesQueuedMax, speedMin } = this.#options;
    if (this.#probesQueued >= probesQueuedMax)
      throw new PoolError("capacity_full", `${this.#probesQueued} other scenes wait for their trial`);
    this.#probesQueued++;
    const result = await this.#probe(scene).finally(() => this.#probesQueued--);
    if (!result.ok) throw new PoolError(result.code, result.message);
    const { frameMs, warning } = result;
    const stepMs = (frameMs * scene.timestep * 1000) / FRAME_MS;
    const speed = Math.min(1, SOLO_MS / frameMs);
    if (speed < speedMin)
      throw new PoolError(
        "scene_too_slow",
        `it would run at ${percent(speed)} of real time, expected at least ${percent(speedMin)}`,
      );
    if (stepMs > FRAME_MS)
      throw new PoolError(
        "scene_too_slow",
        `one step of it takes ${Math.round(stepMs)} ms, expected one frame at most`,
      );
    return warning === undefined ? { frameMs, speed } : { frameMs, speed, warning };
  }

  /** Starts a scene that has passed its trial; it ends with its scope at the latest. Throws `PoolError`. */
  async start(scene: Scene, frameMs: number, events: RunEvents, scope = this.#scope): Promise<Run> {
    this.#lastRun = (this.#lastRun + 1) >>> 0;
    const number = this.#lastRun;
    const run = new PooledRun(number, scene, events);
    this.#runs.set(number, run);
    const gone = () => this.#runs.delete(number);
    try {
      const lease = await this.#threads.acquire(scope, {
        load: Math.min(frameMs, SOLO_MS) / FRAME_MS,
        bytes: arenaBytes(scene),
        moved: (to, from) => run.move(to, from),
        lost(error) {
          gone();
          run.lost(error);
        },
        released(from) {
          gone();
          run.released(from);
        },
      });
      await run.begin(lease);
      return run;
    } catch (error) {
      gone();
      throw error instanceof ResourceError ? new PoolError("capacity_full", error.message) : error;
    }
  }

  /** Those that run simulations. */
  get threads(): readonly PoolWorker[] {
    return this.#threads.workers;
  }

  snapshot(): PoolSnapshot {
    return {
      workers: this.#threads.workers.map((worker) => ({
        ...worker.snapshot(),
        simulations: worker.seats.size,
        loadMs: worker.load * FRAME_MS,
        stats: this.#stats.get(worker),
      })),
      probesQueued: this.#probesQueued,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#threads.close(), this.#prober?.close()]);
    await this.#scope.close();
  }

  async #probe(scene: Scene): Promise<ProbeResult> {
    const { probeTimeoutMs, probesQueuedMax } = this.#options;
    this.#prober ??= this.#pool("trial thread", {
      size: 1,
      leasesPerWorkerMax: 1,
      queueMax: probesQueuedMax,
      queueMsMax: TRIAL_QUEUE_MS_MAX,
      hangMsMax: probeTimeoutMs,
    });
    await using trial = this.#scope.scope("trial");
    const answer = Promise.withResolvers<ProbeResult>();
    // Whoever waits for its turn does not wait for it yet.
    answer.promise.catch(() => {});
    const ask = (seat: Seat, in_: PoolWorker) =>
      in_.postMessage({ type: "probe", lease: seat.id, scene } satisfies ToWorker);
    try {
      const { value: seat } = await this.#prober.acquire(trial, {
        moved: (to) => ask(seat, to),
        lost: (error) => answer.reject(error),
      });
      this.#trials.set(seat.id, answer);
      ask(seat, seat.worker);
      return await answer.promise.finally(() => this.#trials.delete(seat.id));
    } catch (error) {
      throw trialError(error, probeTimeoutMs);
    }
  }

  #pool(kind: string, options: Partial<WorkerPoolOptions>): WorkerPool {
    const { usesMax, ageMsMax, memoryBytesMax } = this.#options;
    const workerData: WorkerInput = { wasm: this.#wasm };
    return new WorkerPool(this.#resources, kind, new URL("./worker.ts", import.meta.url), {
      ...{ usesMax, ageMsMax, memoryBytesMax, memoryBytesLimit: memoryBytesMax * MEMORY_EXCESS },
      ...options,
      worker: { workerData, name: kind },
      message: (worker, message) => this.#receive(worker, message as FromWorker),
    });
  }

  #receive(worker: PoolWorker, message: FromWorker): void {
    switch (message.type) {
      case "frames":
        for (const frame of unpackFrames(message.bytes)) this.#runs.get(runOf(frame))?.frame(frame);
        return;
      case "statuses":
        for (const status of message.statuses) this.#runs.get(status.run)?.status(status);
        return;
      case "stats":
        this.#stats.set(worker, message.stats);
        return;
      case "probed":
        this.#trials.get(message.probe)?.resolve(message.result);
        return;
      default:
        this.#runs.get(message.run)?.receive(worker, message);
    }
  }
}

function trialError(error: unknown, timeoutMs: number): unknown {
  if (!(error instanceof ResourceError)) return error;
  const { code, message } = error;
  if (code === "worker_hung")
    return new PoolError("scene_too_slow", `its first second was not computed within ${timeoutMs} ms`);
  if (code === "worker_died") return new PoolError("scene_uncompilable", `its thread failed: ${message}`);
  return new PoolError("capacity_full", message);
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}
