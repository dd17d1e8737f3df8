import { MessageChannel, type Transferable, Worker, type WorkerOptions } from "node:worker_threads";
import type { Seat } from "./seat.ts";
import { CELL, CELLS, type PoolWorkerData } from "./worker-cells.ts";

export type PoolWorkerState =
  | "starting"
  | "ready"
  /** Its replacement takes over. */
  | "retiring"
  | "gone";

export interface PoolWorkerSnapshot {
  id: number;
  state: PoolWorkerState;
  leases: number;
  /** Share of the thread's time: what its leases were said to take, and what it took beyond that. */
  load: number;
  /** As of the last second. */
  busy: number;
  memoryBytes: number;
  uses: number;
  ageMs: number;
}

/** Measurements in a row that count: while a worker takes many leases at once, it is busy with that, but not for long. */
const LATELY = 3;

/** Why a worker is no more. */
export interface Death {
  /** `ended`: by somebody outside, who knows why. */
  by: "error" | "memory" | "hang" | "ended";
  message: string;
  /** The lease whose work was in hand; 0 for none. */
  lease: number;
}

/** One thread of a pool, as seen from outside. */
export class PoolWorker {
  readonly id: number;
  /** Those who sit here. */
  readonly seats = new Set<Seat>();
  readonly bornMs = performance.now();
  /** Resolves when it can take leases, rejects with why it never will. */
  readonly ready: Promise<void>;
  readonly gone: Promise<void>;
  /** From 0 to 1: so that workers that were started together are not replaced together. */
  readonly luck = Math.random();
  state: PoolWorkerState = "starting";
  uses = 0;
  busy = 0;
  memoryBytes = 0;
  readonly #worker: Worker;
  readonly #cells = new Int32Array(new SharedArrayBuffer(4 * CELLS));
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #declaredLoad = 0;
  #bytes = 0;
  #excess = 0;
  #lately: number[] = [];
  #lastBeats = 0;
  #silentMs = 0;
  #cpu = { cpuMs: 0, atMs: performance.now() };
  #utilization: ReturnType<Worker["performance"]["eventLoopUtilization"]> | undefined;
  #cause: Pick<Death, "by" | "message"> = { by: "ended", message: "it was ended" };

  constructor(
    id: number,
    url: URL,
    { workerData, ...options }: WorkerOptions,
    events: { message(worker: PoolWorker, message: unknown): void; gone(worker: PoolWorker, death: Death): void },
  ) {
    this.id = id;
    this.ready = this.#ready.promise;
    this.gone = this.#gone.promise;
    // Whoever waits for it is told; perhaps nobody does.
    this.ready.catch(() => {});
    const { port1, port2 } = new MessageChannel();
    const given: PoolWorkerData = {
      holdfastPool: { cells: this.#cells.buffer as SharedArrayBuffer, ready: port2 },
      data: workerData,
    };
    this.#worker = new Worker(url, { ...options, workerData: given, transferList: [port2] });
    port1.once("message", () => {
      port1.close();
      if (this.state !== "starting") return;
      this.state = "ready";
      this.#ready.resolve();
    });
    port1.unref();
    this.#worker.on("message", (message) => events.message(this, message));
    this.#worker.on("error", (error: Error & { code?: string }) => {
      const by = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "memory" : "error";
      this.#cause = { by, message: error.message };
    });
    this.#worker.on("exit", () => {
      port1.close();
      const lease = Atomics.load(this.#cells, CELL.lease);
      const death = { ...this.#cause, lease };
      this.state = "gone";
      this.#ready.reject(new Error(death.message));
      this.#gone.resolve();
      events.gone(this, death);
    });
  }

  /** Share of its time that is taken: by what its leases were said to take, and what it was busy beyond that. */
  get load(): number {
    return this.seats.size === 0 ? 0 : this.#declaredLoad + this.#excess;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isGone(): boolean {
    return this.state === "gone";
  }

  get ageMs(): number {
    return performance.now() - this.bornMs;
  }

  add(seat: Seat): void {
    this.seats.add(seat);
    this.uses++;
    this.#declaredLoad += seat.load;
    this.#bytes += seat.bytes;
  }

  remove(seat: Seat): void {
    if (!this.seats.delete(seat)) return;
    this.#declaredLoad = this.seats.size === 0 ? 0 : this.#declaredLoad - seat.load;
    this.#bytes -= seat.bytes;
  }

  /** To one that is gone, it is nobody's. */
  postMessage(message: unknown, transfer?: readonly Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }

  /**
   * Whether its loop has stood still for so long, as told every `sinceMs` or so. When the process itself was stopped, both
   * sides were: so what has passed since the last look counts at most twice its usual.
   */
  isHung(sinceMs: number, usualMs: number, hangMsMax: number): boolean {
    const beats = Atomics.load(this.#cells, CELL.beats);
    this.#silentMs = beats === this.#lastBeats ? this.#silentMs + Math.min(sinceMs, 2 * usualMs) : 0;
    this.#lastBeats = beats;
    return this.#silentMs >= hangMsMax;
  }

  /** Measures it from outside, so also while it spins. */
  async measure(): Promise<void> {
    this.busy = await this.#measureBusy();
    this.#lately = [...this.#lately, this.busy].slice(-LATELY);
    const lasting = this.#lately.length < LATELY ? 0 : Math.min(...this.#lately);
    this.#excess = Math.max(0, lasting - this.#declaredLoad);
    // From Node 24 on.
    if (typeof this.#worker.getHeapStatistics !== "function") return;
    const { total_heap_size, external_memory } = await this.#worker.getHeapStatistics();
    this.memoryBytes = total_heap_size + external_memory;
  }

  /** Share of its time since the last measurement. By its event loop, waiting for a CPU that others use would count as work. */
  async #measureBusy(): Promise<number> {
    // From Node 24.6 on.
    if (typeof this.#worker.cpuUsage !== "function") {
      const { performance: loop } = this.#worker;
      const now = loop.eventLoopUtilization();
      const { utilization } = loop.eventLoopUtilization(now, this.#utilization);
      this.#utilization = now;
      return utilization;
    }
    const { user, system } = await this.#worker.cpuUsage();
    const now = { cpuMs: (user + system) / 1000, atMs: performance.now() };
    const before = this.#cpu;
    this.#cpu = now;
    return Math.min(1, (now.cpuMs - before.cpuMs) / Math.max(1, now.atMs - before.atMs));
  }

  /** Ends it, in the middle of a step if need be. */
  async end(cause?: Pick<Death, "by" | "message">): Promise<void> {
    if (cause) this.#cause = cause;
    await this.#worker.terminate();
  }

  snapshot(): PoolWorkerSnapshot {
    const { id, state, seats, load, busy, memoryBytes, uses, ageMs } = this;
    return { id, state, leases: seats.size, load, busy, memoryBytes, uses, ageMs };
  }
}
