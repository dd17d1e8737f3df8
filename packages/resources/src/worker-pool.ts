import { availableParallelism } from "node:os";
import type { WorkerOptions } from "node:worker_threads";
import { atLeast, checkNames } from "./options.ts";
import { type Death, PoolWorker, type PoolWorkerSnapshot, type PoolWorkerState } from "./pool-worker.ts";
import { ResourceError } from "./resource-error.ts";
import type { Resources } from "./resources.ts";
import type { Lease, Scope } from "./scope.ts";
import { Seat, type SeatRequest } from "./seat.ts";

/** What is Infinity is off. */
export interface WorkerPoolOptions {
  /** Threads that take leases. While one is replaced, there is one more. */
  size: number;
  /** Threads that are ready to take the place of one that dies or is due: its leases then need not wait for a start. */
  spares: number;
  leasesPerWorkerMax: number;
  /** Share of a thread's time that its leases may take together. */
  loadPerWorkerMax: number;
  bytesPerWorkerMax: number;
  /** How many may wait for a place when all workers are full, */
  queueMax: number;
  /** and for how long, ms; 0: they are refused at once. */
  queueMsMax: number;
  /** A worker that has had so many leases is replaced, up to a tenth sooner; */
  usesMax: number;
  /** one that is so old, the same, ms; */
  ageMsMax: number;
  /** one whose heap and external memory, WASM among it, take so much. */
  memoryBytesMax: number;
  /** One that takes so much is ended at once. */
  memoryBytesLimit: number;
  /** One whose event loop stands still for so long is ended, ms. */
  hangMsMax: number;
  /** One that is not ready by then is ended, ms. */
  startMsMax: number;
  /** How long a lease may take to move from one worker to another, and how long it may be without one, ms. */
  moveMsMax: number;
  /** When workers die one after another, the second is replaced after so long; the wait doubles up to the maximum, ms. */
  restartMs: number;
  restartMsMax: number;
  /** For `new Worker`. */
  worker: WorkerOptions;
  /** What a worker says with `parentPort.postMessage`. */
  message(worker: PoolWorker, message: unknown): void;
}

export const WORKER_POOL_DEFAULTS: WorkerPoolOptions = {
  size: Math.max(1, availableParallelism() - 1),
  spares: 0,
  leasesPerWorkerMax: Number.POSITIVE_INFINITY,
  loadPerWorkerMax: Number.POSITIVE_INFINITY,
  bytesPerWorkerMax: Number.POSITIVE_INFINITY,
  queueMax: 1000,
  queueMsMax: 10_000,
  usesMax: Number.POSITIVE_INFINITY,
  ageMsMax: Number.POSITIVE_INFINITY,
  memoryBytesMax: Number.POSITIVE_INFINITY,
  memoryBytesLimit: Number.POSITIVE_INFINITY,
  hangMsMax: 5_000,
  startMsMax: 10_000,
  moveMsMax: 10_000,
  restartMs: 250,
  restartMsMax: 30_000,
  worker: {},
  message() {},
};

export interface WorkerPoolSnapshot {
  workers: PoolWorkerSnapshot[];
  queued: number;
  /** Leases that wait for another worker, since theirs is gone. */
  homeless: number;
  /** Until the next worker is started, after several have died, ms. */
  restartInMs: number;
}

interface Waiter {
  request: SeatRequest;
  turn: PromiseWithResolvers<Seat>;
}

const MEASURE_MS = 1000;
/** One that has lived for so long did not die of its start. */
const STABLE_MS = 10_000;
/** After that, a spare is replaced: first, whoever had to move needs the time. */
const SPARE_DELAY_MS = 2_000;
/** Moves under way from one worker to another: with more, the new one has no time for those that have come. */
const MOVES_AT_ONCE = 8;
const JITTER = 0.1;

/**
 * Worker threads that take many leases each, placed where there is most time left. A worker is replaced when it has had its
 * share of use, time or memory, the replacement first; one that hangs or dies at once. Its leases move, or are told.
 */
export class WorkerPool {
  readonly #resources: Resources;
  readonly #kind: string;
  readonly #url: URL;
  readonly #options: WorkerPoolOptions;
  readonly #scope: Scope;
  readonly #workers = new Set<PoolWorker>();
  readonly #spares = new Set<PoolWorker>();
  readonly #leases = new Map<PoolWorker, Lease<PoolWorker>>();
  readonly #waiters: Waiter[] = [];
  readonly #homeless = new Map<Seat, { sinceMs: number }>();
  readonly #checkMs: number;
  readonly #timers: NodeJS.Timeout[];
  #lastCheckMs = performance.now();
  #seats = 0;
  #workersEver = 0;
  #deaths = 0;
  #refill: NodeJS.Timeout | undefined;
  #restart: { timer: NodeJS.Timeout; atMs: number } | undefined;
  #isRetiring = false;
  /** The one that its leases are leaving. */
  #leaving: PoolWorker | undefined;
  #lastDeath = "none has started";
  #isClosed = false;

  /** `url`: the worker's file; it has to call `workerSide()` and then `ready()`. Throws `ResourceError` "option_invalid". */
  constructor(resources: Resources, kind: string, url: URL, options: Partial<WorkerPoolOptions> = {}) {
    this.#options = optionsFrom(kind, options);
    this.#resources = resources;
    this.#kind = kind;
    this.#url = url;
    this.#scope = resources.scope(`${kind} pool`, { isLongLived: true });
    for (let i = 0; i < this.#options.size; i++) this.#start();
    this.#refillSpares();
    this.#checkMs = Math.min(250, Math.max(20, this.#options.hangMsMax / 10));
    this.#timers = [
      setInterval(() => this.#check(), this.#checkMs).unref(),
      setInterval(() => this.#measure(), MEASURE_MS).unref(),
    ];
  }

  /**
   * A place in the worker with the most time left. While workers start, and for `queueMsMax` when all are full, it waits.
   * Rejects with `ResourceError` "budget_full", "acquire_timeout", "worker_unavailable", "scope_closed", or the signal's reason.
   */
  async acquire(scope: Scope, request: SeatRequest = {}, signal?: AbortSignal): Promise<Lease<Seat>> {
    signal?.throwIfAborted();
    const worker = this.#waiters.length === 0 ? this.#roomFor(request.load ?? 0, request.bytes ?? 0) : undefined;
    const seat = worker ? this.#seat(worker, request) : await this.#wait(scope.owner, request, signal);
    try {
      seat.lease = scope.adopt(this.#kind, seat, () => this.#release(seat));
      return seat.lease;
    } catch (error) {
      this.#release(seat);
      throw error;
    }
  }

  get workers(): readonly PoolWorker[] {
    return [...this.#workers];
  }

  snapshot(): WorkerPoolSnapshot {
    return {
      workers: [...this.#workers].map((worker) => worker.snapshot()),
      queued: this.#waiters.length,
      homeless: this.#homeless.size,
      restartInMs: this.#restart ? Math.max(0, this.#restart.atMs - performance.now()) : 0,
    };
  }

  /** Ends all workers, in the middle of their work; those who hold leases are told. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#restart) clearTimeout(this.#restart.timer);
    clearTimeout(this.#refill);
    const closed = new ResourceError("scope_closed", `the ${this.#kind} pool has ended`);
    for (const { turn } of this.#waiters.splice(0)) turn.reject(closed);
    for (const worker of this.#workers) for (const seat of worker.seats) this.#lose(seat, closed);
    for (const seat of this.#homeless.keys()) this.#lose(seat, closed);
    await this.#scope.close();
  }

  // ---- places ----

  #roomFor(load: number, bytes: number): PoolWorker | undefined {
    const { leasesPerWorkerMax, loadPerWorkerMax, bytesPerWorkerMax } = this.#options;
    let best: PoolWorker | undefined;
    for (const worker of this.#workers) {
      const hasRoom =
        worker.state === "ready" &&
        worker.seats.size < leasesPerWorkerMax &&
        worker.load + load <= loadPerWorkerMax &&
        worker.bytes + bytes <= bytesPerWorkerMax;
      if (hasRoom && (!best || isFreer(worker, best))) best = worker;
    }
    return best;
  }

  #seat(worker: PoolWorker, request: SeatRequest): Seat {
    // Fits a cell, and is never 0.
    this.#seats = (this.#seats % 0x7fff_ffff) + 1;
    return new Seat(this.#seats, worker, request);
  }

  #release(seat: Seat): void {
    if (seat.isOver) return;
    seat.request.released?.(seat.worker);
    seat.leave();
    this.#homeless.delete(seat);
    this.#serve();
  }

  async #wait(owner: string, request: SeatRequest, signal: AbortSignal | undefined): Promise<Seat> {
    if (this.#isClosed) throw new ResourceError("scope_closed", `the ${this.#kind} pool has ended`);
    const { queueMax, queueMsMax, startMsMax } = this.#options;
    const waitMs = Math.max(queueMsMax, this.#has("starting") ? startMsMax : 0);
    if (this.#waiters.length >= queueMax || waitMs === 0 || !this.#isUp) throw this.#refusal("budget_full", owner);
    const waiter: Waiter = { request, turn: Promise.withResolvers() };
    this.#waiters.push(waiter);
    const give = (reason: unknown) => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
      waiter.turn.reject(reason);
      // Whoever needs less may have waited behind it.
      this.#serve();
    };
    const abort = () => give(signal?.reason);
    const timer = setTimeout(() => give(this.#refusal("acquire_timeout", owner)), waitMs);
    signal?.addEventListener("abort", abort);
    try {
      return await waiter.turn.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #refusal(code: "budget_full" | "acquire_timeout", owner: string): ResourceError {
    const inUse = [...this.#workers].reduce((sum, { seats }) => sum + seats.size, 0);
    const limit = this.#options.leasesPerWorkerMax * this.#options.size;
    const use = { kind: this.#kind, budget: "count" as const, inUse, limit, queued: this.#waiters.length };
    const queue = `${inUse} leases, ${use.queued} wait`;
    const error = this.#has("ready")
      ? new ResourceError(code, `${this.#kind}: all ${this.#workers.size} workers are full: ${queue}`, use)
      : new ResourceError("worker_unavailable", `${this.#kind}: no worker is up (${this.#lastDeath}): ${queue}`, use);
    const kind = this.#resources.kind(this.#kind);
    kind.counters.refused++;
    this.#resources.refused(kind, owner, error);
    return error;
  }

  #has(wanted: PoolWorkerState): boolean {
    for (const { state } of this.#workers) if (state === wanted) return true;
    return false;
  }

  get #isUp(): boolean {
    return this.#has("ready") || this.#has("starting");
  }

  /** Something has changed: those without a worker come first, then those who wait, in the order in which they came. */
  #serve(): void {
    for (const seat of this.#homeless.keys()) {
      const worker = this.#roomFor(seat.load, seat.bytes);
      if (!worker) return;
      this.#homeless.delete(seat);
      void this.#move(seat, worker, undefined);
    }
    for (let waiter = this.#waiters[0]; waiter; waiter = this.#waiters[0]) {
      const { load = 0, bytes = 0 } = waiter.request;
      const worker = this.#roomFor(load, bytes);
      if (worker) waiter.turn.resolve(this.#seat(worker, waiter.request));
      else if (!this.#isUp || (this.#options.queueMsMax === 0 && !this.#has("starting")))
        waiter.turn.reject(this.#refusal("budget_full", this.#kind));
      else return;
      this.#waiters.shift();
    }
  }

  // ---- workers ----

  /** A spare one, or a new one. */
  #start(): PoolWorker {
    const spare = this.#spares.values().find(({ state }) => state === "ready");
    if (!spare) return this.#spawn(this.#workers);
    this.#spares.delete(spare);
    this.#workers.add(spare);
    this.#refillSpares();
    return spare;
  }

  #refillSpares(): void {
    if (this.#spares.size >= this.#options.spares) return;
    this.#refill ??= setTimeout(() => {
      this.#refill = undefined;
      while (this.#spares.size < this.#options.spares) this.#spawn(this.#spares);
    }, SPARE_DELAY_MS).unref();
  }

  #spawn(into: Set<PoolWorker>): PoolWorker {
    const { worker: workerOptions, startMsMax, message } = this.#options;
    const worker = new PoolWorker(++this.#workersEver, this.#url, workerOptions, {
      message,
      gone: (gone, death) => this.#gone(gone, death),
    });
    into.add(worker);
    const lease = this.#scope.adopt(`${this.#kind} worker`, worker, () => worker.end());
    this.#leases.set(worker, lease);
    const late = setTimeout(() => {
      void worker.end({ by: "hang", message: `it was not ready within ${startMsMax} ms` });
    }, startMsMax);
    const settled = () => clearTimeout(late);
    worker.ready.then(settled, settled);
    worker.ready.then(
      () => this.#serve(),
      () => {},
    );
    return worker;
  }

  #gone(worker: PoolWorker, { lease, by, message }: Death): void {
    const wasInUse = this.#workers.delete(worker);
    const wasSpare = this.#spares.delete(worker);
    this.#leases
      .get(worker)
      ?.release()
      .catch(() => {});
    this.#leases.delete(worker);
    if (this.#isClosed || !(wasInUse || wasSpare)) return;
    this.#lastDeath = message;
    const culprit = by === "ended" ? undefined : [...worker.seats].find(({ id }) => id === lease);
    const whose = culprit ? `, in the work of lease ${lease}` : "";
    this.#resources.note("died", `${this.#kind} worker`, `worker ${worker.id}`, `${message}${whose}`);
    if (wasSpare) {
      this.#refillSpares();
      return;
    }
    if (culprit) {
      const code = by === "hang" ? "worker_hung" : "worker_died";
      this.#lose(culprit, new ResourceError(code, `${message}, in the work of this lease`));
    }
    // One lease that brings down its worker is lost with it: the next worker need not wait for that.
    const replacement = this.#replace(worker, culprit !== undefined);
    // Its leases are on their way already.
    if (worker === this.#leaving) return;
    const heirs = [...worker.seats];
    for (const seat of heirs) worker.remove(seat);
    if (replacement)
      // Not to the others, though they may have room: those who sit there shall not notice.
      replacement.ready.then(
        () => this.#moveAll(heirs, replacement, undefined),
        () => this.#orphan(heirs),
      );
    else this.#orphan(heirs);
  }

  /** The first is replaced at once; when they die one after another, the next ones later and later. */
  #replace(dead: PoolWorker, hasCulprit: boolean): PoolWorker | undefined {
    if (this.#workers.size >= this.#options.size || this.#restart) return;
    if (dead.ageMs > STABLE_MS) this.#deaths = 0;
    if (!hasCulprit) this.#deaths++;
    if (hasCulprit || this.#deaths === 1) return this.#start();
    const { restartMs, restartMsMax } = this.#options;
    const waitMs =
      Math.min(restartMsMax, restartMs * 2 ** Math.min(this.#deaths - 2, 30)) * (1 - JITTER * Math.random());
    const timer = setTimeout(() => {
      this.#restart = undefined;
      while (this.#workers.size < this.#options.size) this.#start();
    }, waitMs);
    this.#restart = { timer: timer.unref(), atMs: performance.now() + waitMs };
    return;
  }

  #orphan(seats: Seat[]): void {
    const sinceMs = performance.now();
    for (const seat of seats) if (!seat.isOver) this.#homeless.set(seat, { sinceMs });
    this.#serve();
  }

  // ---- moves ----

  async #moveAll(seats: Seat[], to: PoolWorker, from: PoolWorker | undefined): Promise<void> {
    const left = seats.values();
    const mover = async () => {
      for (const seat of left) if (!seat.isOver) await this.#move(seat, to, from);
    };
    await Promise.all(Array.from({ length: MOVES_AT_ONCE }, mover));
  }

  /** If the new worker dies meanwhile, the lease is among those it leaves behind. */
  async #move(seat: Seat, to: PoolWorker, from: PoolWorker | undefined): Promise<void> {
    if (to.isGone) return this.#orphan([seat]);
    const living = from?.isGone ? undefined : from;
    const { request } = seat;
    seat.sit(to);
    try {
      if (!request.moved) throw new Error("it cannot be moved");
      const { moveMsMax } = this.#options;
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error(`it has not moved within ${moveMsMax} ms`)), moveMsMax);
      const moving = async () => request.moved?.(to, living);
      const ends: Promise<void>[] = [moving(), seat.over, to.gone, late.promise];
      if (living) ends.push(living.gone);
      await Promise.race(ends).finally(() => clearTimeout(timer));
      const isStillThere = !seat.isOver && seat.worker === to;
      if (isStillThere && living?.isGone && !to.isGone) await this.#move(seat, to, undefined);
    } catch (error) {
      if (seat.isOver || seat.worker !== to || to.isGone) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#lose(seat, new ResourceError("worker_recycled", `its worker was replaced, and ${message}`));
    }
  }

  #lose(seat: Seat, error: ResourceError): void {
    if (seat.isOver) return;
    this.#homeless.delete(seat);
    seat.leave();
    seat.lease?.release().catch(() => {});
    seat.request.lost?.(error);
  }

  /** The replacement first. */
  async #retire(worker: PoolWorker, why: string): Promise<void> {
    this.#isRetiring = true;
    try {
      const replacement = this.#start();
      await replacement.ready;
      if (worker.state !== "ready") return;
      worker.state = "retiring";
      this.#leaving = worker;
      this.#resources.note("recycled", `${this.#kind} worker`, `worker ${worker.id}`, why);
      await this.#moveAll([...worker.seats], replacement, worker);
      this.#workers.delete(worker);
      await worker.end();
    } catch {
      // The replacement did not come up, which has been noted; the old one is better than none.
    } finally {
      this.#isRetiring = false;
      this.#leaving = undefined;
    }
  }

  // ---- what is looked at, now and then ----

  #check(): void {
    const now = performance.now();
    const sinceMs = now - this.#lastCheckMs;
    this.#lastCheckMs = now;
    const { hangMsMax, moveMsMax } = this.#options;
    for (const worker of this.#workers)
      if (worker.state !== "starting" && worker.isHung(sinceMs, this.#checkMs, hangMsMax))
        void worker.end({ by: "hang", message: `it hung for ${hangMsMax} ms` });
    for (const [seat, { sinceMs }] of this.#homeless)
      if (now - sinceMs > moveMsMax)
        this.#lose(
          seat,
          new ResourceError("worker_unavailable", `no other worker had room for it within ${moveMsMax} ms`),
        );
  }

  #measure(): void {
    const { memoryBytesLimit } = this.#options;
    for (const worker of this.#workers) {
      if (worker.state === "gone") continue;
      worker.measure().then(
        () => {
          if (worker.memoryBytes > memoryBytesLimit)
            void worker.end({ by: "memory", message: `it took ${worker.memoryBytes} bytes of memory` });
          else if (worker.state === "ready") this.#retireIfDue(worker);
        },
        // Gone meanwhile.
        () => {},
      );
    }
  }

  #retireIfDue(worker: PoolWorker): void {
    const { usesMax, ageMsMax, memoryBytesMax } = this.#options;
    if (this.#isRetiring || this.#isClosed || this.#restart || this.#workers.size > this.#options.size) return;
    const early = 1 - JITTER * worker.luck;
    const why =
      worker.memoryBytes > memoryBytesMax
        ? `it took ${worker.memoryBytes} bytes of memory`
        : worker.uses >= usesMax * early
          ? `it had ${worker.uses} leases`
          : worker.ageMs >= ageMsMax * early
            ? `it was ${Math.round(worker.ageMs / 1000)} s old`
            : undefined;
    if (why !== undefined) void this.#retire(worker, why);
  }
}

function isFreer(one: PoolWorker, other: PoolWorker): boolean {
  return one.load < other.load || (one.load === other.load && one.seats.size < other.seats.size);
}

function optionsFrom(kind: string, given: Partial<WorkerPoolOptions>): WorkerPoolOptions {
  const options = { ...WORKER_POOL_DEFAULTS, ...given };
  checkNames(kind, given, WORKER_POOL_DEFAULTS);
  atLeast(kind, options, 1, "size", "leasesPerWorkerMax", "usesMax", "ageMsMax", "memoryBytesMax", "memoryBytesLimit");
  atLeast(kind, options, 0, "spares", "loadPerWorkerMax", "bytesPerWorkerMax", "queueMax", "queueMsMax");
  atLeast(kind, options, 1, "hangMsMax", "startMsMax", "moveMsMax", "restartMs", "restartMsMax");
  return options;
}
