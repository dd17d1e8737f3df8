import { Worker } from "node:worker_threads";
import { arenaBytes } from "./compile.ts";
import { compileMujoco } from "./mujoco.ts";
import { FRAME_MS, type RunnerStats, type RunStatus } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { type FromWorker, type ProbeResult, type ToWorker, unpackFrames, type WorkerInput } from "./thread.ts";

export interface PoolOptions {
  /** Threads that run simulations; one more tries scenes out. */
  workers: number;
  simulationsPerWorkerMax: number;
  /** Of all arenas on one thread (see compile.ts): a WASM heap ends at 2 GB. */
  arenaBytesPerWorkerMax: number;
  /** Refuse what would run slower than this, in simulated seconds a second. */
  speedMin: number;
  /** A scene that is not through its trial by then hangs in a step: its thread is ended. */
  probeTimeoutMs: number;
  probesQueuedMax: number;
}

export const POOL_DEFAULTS: PoolOptions = {
  workers: 1,
  simulationsPerWorkerMax: 1000,
  arenaBytesPerWorkerMax: 1024 ** 3,
  speedMin: 0.1,
  probeTimeoutMs: 5000,
  probesQueuedMax: 16,
};

/** A worker's simulations together may take this share of its time. */
const LOAD_MAX_MS = FRAME_MS * 0.8;
/** One simulation may have half of a frame (see runner.ts). */
const SOLO_MS = FRAME_MS / 2;
const RESPAWN_DELAY_MS = 250;

export type PoolErrorCode =
  | "scene_uncompilable"
  | "scene_unstable"
  | "scene_too_slow"
  | "capacity_full"
  | "simulation_failed";

export class PoolError extends Error {
  override readonly name = "PoolError";
  readonly code: PoolErrorCode;
  constructor(code: PoolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a trial found: cost, and the speed to expect (1 is real time). */
export interface Trial {
  frameMs: number;
  speed: number;
  warning?: string;
}

export interface RunEvents {
  frame(bytes: Uint8Array): void;
  status(status: RunStatus): void;
  /** Its thread is gone, and the run with it. */
  failed(message: string): void;
}

/** A running simulation. */
export interface Run {
  /** Unique in this process; every frame names it. */
  readonly run: number;
  stream(on: boolean): void;
  control(actuator: number, value: number): void;
  pause(on: boolean): void;
  reset(): void;
  stop(): void;
}

export interface PoolSnapshot {
  workers: { simulations: number; loadMs: number; stats: RunnerStats | undefined }[];
  probesQueued: number;
}

/** Worker threads that run simulations, and one that tries scenes out so that a bad one harms nobody. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #wasm: WebAssembly.Module;
  readonly #threads: Thread[];
  #prober: Thread | undefined;
  #probeChain: Promise<unknown> = Promise.resolve();
  #probesQueued = 0;
  #probes = 0;
  #runs = Math.floor(Math.random() * 2 ** 24) * 128;
  #closed = false;

  static async create(options: Partial<PoolOptions> = {}): Promise<Pool> {
    return new Pool({ ...POOL_DEFAULTS, ...options }, await compileMujoco());
  }

  private constructor(options: PoolOptions, wasm: WebAssembly.Module) {
    this.#options = options;
    this.#wasm = wasm;
    this.#threads = Array.from({ length: options.workers }, () => new Thread({ wasm }));
  }

  /** Runs the scene's first second aside. Throws `PoolError` for a scene that must not run. */
  async try(scene: Scene): Promise<Trial> {
    if (this.#probesQueued >= this.#options.probesQueuedMax)
      throw new PoolError("capacity_full", `${this.#probesQueued} other scenes wait for their trial`);
    this.#probesQueued++;
    const turn = this.#probeChain.then(() => this.#probe(scene));
    this.#probeChain = turn.catch(() => {});
    const result = await turn.finally(() => this.#probesQueued--);
    if (!result.ok) throw new PoolError(result.code, result.message);
    const speed = Math.min(1, SOLO_MS / result.frameMs);
    if (speed < this.#options.speedMin)
      throw new PoolError(
        "scene_too_slow",
        `it would run at ${percent(speed)} of real time, expected at least ${percent(this.#options.speedMin)}`,
      );
    return result.warning === undefined
      ? { frameMs: result.frameMs, speed }
      : { frameMs: result.frameMs, speed, warning: result.warning };
  }

  /** Starts a scene that has passed its trial. Throws `PoolError`. */
  async start(scene: Scene, frameMs: number, events: RunEvents): Promise<Run> {
    const costMs = Math.min(frameMs, SOLO_MS);
    const bytes = arenaBytes(scene);
    const { simulationsPerWorkerMax, arenaBytesPerWorkerMax } = this.#options;
    const [thread] = this.#threads
      .filter(
        (each) =>
          each.alive &&
          each.loadMs + costMs <= LOAD_MAX_MS &&
          each.arenaBytes + bytes <= arenaBytesPerWorkerMax &&
          each.runs.size < simulationsPerWorkerMax,
      )
      .sort((a, b) => a.loadMs - b.loadMs);
    if (this.#closed || !thread)
      throw new PoolError("capacity_full", `all ${this.#threads.length} simulation threads are busy`);
    this.#runs = (this.#runs + 1) >>> 0;
    const run = this.#runs;
    await thread.start(run, scene, { costMs, arenaBytes: bytes, events });
    return {
      run,
      stream: (on) => thread.send({ type: "stream", run, on }),
      control: (actuator, value) => thread.send({ type: "control", run, actuator, value }),
      pause: (on) => thread.send({ type: "pause", run, on }),
      reset: () => thread.send({ type: "reset", run }),
      stop: () => thread.stop(run),
    };
  }

  snapshot(): PoolSnapshot {
    return {
      workers: this.#threads.map((thread) => ({
        simulations: thread.runs.size,
        loadMs: thread.loadMs,
        stats: thread.stats,
      })),
      probesQueued: this.#probesQueued,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads, this.#prober].map((thread) => thread?.close()));
  }

  async #probe(scene: Scene): Promise<ProbeResult> {
    if (this.#closed) throw new PoolError("capacity_full", "the simulation threads are closing");
    this.#prober ??= new Thread({ wasm: this.#wasm });
    const prober = this.#prober;
    const result = await prober.probe(++this.#probes, scene, this.#options.probeTimeoutMs);
    if (result !== "timeout") return result;
    this.#prober = undefined;
    await prober.close();
    throw new PoolError(
      "scene_too_slow",
      `its first second was not computed within ${this.#options.probeTimeoutMs} ms`,
    );
  }
}

interface ThreadRun {
  costMs: number;
  arenaBytes: number;
  events: RunEvents;
}

/** One worker thread, replaced by a new one when it dies. */
class Thread {
  readonly runs = new Map<number, ThreadRun & { started: PromiseWithResolvers<void> }>();
  alive = true;
  stats: RunnerStats | undefined;
  readonly #input: WorkerInput;
  readonly #probes = new Map<number, PromiseWithResolvers<ProbeResult>>();
  #worker: Worker;
  /** Resolved once MuJoCo is loaded. */
  #ready = Promise.withResolvers<void>();
  #excessMs = 0;
  #closed = false;

  constructor(input: WorkerInput) {
    this.#input = input;
    this.#worker = this.#spawn();
  }

  /** What its simulations take together of a frame: by their trials, and what it was busy beyond that a second ago. */
  get loadMs(): number {
    return this.runs.size === 0 ? 0 : this.#costMs + this.#excessMs;
  }

  get #costMs(): number {
    return this.runs.values().reduce((sum, run) => sum + run.costMs, 0);
  }

  get arenaBytes(): number {
    return this.runs.values().reduce((sum, run) => sum + run.arenaBytes, 0);
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async start(run: number, scene: Scene, entry: ThreadRun): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.runs.set(run, { ...entry, started });
    this.send({ type: "start", run, scene });
    await started.promise;
  }

  stop(run: number): void {
    if (this.runs.delete(run)) this.send({ type: "stop", run });
  }

  async probe(probe: number, scene: Scene, timeoutMs: number): Promise<ProbeResult | "timeout"> {
    await this.#ready.promise;
    const answer = Promise.withResolvers<ProbeResult>();
    this.#probes.set(probe, answer);
    this.send({ type: "probe", probe, scene });
    const timeout = Promise.withResolvers<"timeout">();
    const timer = setTimeout(() => timeout.resolve("timeout"), timeoutMs);
    try {
      return await Promise.race([answer.promise, timeout.promise]);
    } finally {
      clearTimeout(timer);
      this.#probes.delete(probe);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: this.#input,
      name: "simulations",
    });
    let cause = "its thread ended";
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => {
      cause = `its thread failed: ${error.message}`;
    });
    worker.on("exit", () => this.#exited(cause));
    return worker;
  }

  #exited(cause: string): void {
    this.alive = false;
    this.#ready.resolve();
    this.#ready = Promise.withResolvers();
    for (const { started, events } of this.runs.values()) {
      started.reject(new PoolError("simulation_failed", cause));
      events.failed(cause);
    }
    this.runs.clear();
    for (const probe of this.#probes.values()) probe.resolve({ ok: false, code: "scene_uncompilable", message: cause });
    this.stats = undefined;
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed) return;
      this.#worker = this.#spawn();
      this.alive = true;
    }, RESPAWN_DELAY_MS).unref();
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "frames":
        for (const frame of unpackFrames(message.bytes)) this.runs.get(runOf(frame))?.events.frame(frame);
        return;
      case "ready":
        this.#ready.resolve();
        return;
      case "statuses":
        for (const status of message.statuses) this.runs.get(status.run)?.events.status(status);
        return;
      case "stats":
        this.stats = message.stats;
        this.#excessMs = Math.max(0, message.stats.busy * FRAME_MS - this.#costMs);
        return;
      case "started":
        this.runs.get(message.run)?.started.resolve();
        return;
      case "refused":
        this.runs.get(message.run)?.started.reject(new PoolError("scene_uncompilable", message.message));
        this.runs.delete(message.run);
        return;
      case "probed":
        this.#probes.get(message.probe)?.resolve(message.result);
    }
  }
}

/** The run a frame belongs to (see frame.ts). */
function runOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, 8).getUint32(4, true);
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}
