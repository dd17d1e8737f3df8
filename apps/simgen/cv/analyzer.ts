import { availableParallelism } from "node:os";
import {
  type Lease,
  type PoolWorker,
  type PoolWorkerSnapshot,
  ResourceError,
  type ResourceErrorCode,
  type Resources,
  type Scope,
  type Seat,
  WorkerPool,
} from "@holdfast/resources";
import type { Analysis, AnalysisInput } from "./analysis.ts";
import { SketchError, type SketchErrorCode } from "./sketch-error.ts";

export interface AnalyzerOptions {
  /** Each has one sketch at a time. */
  threads: number;
  /** How many sketches may wait for a thread, */
  queueMax: number;
  /** and for how long, ms. */
  queueMsMax: number;
  /** A thread that is still busy with a sketch after so long is ended and replaced, ms. */
  deadlineMs: number;
  /** A thread that takes so much memory is replaced; one that takes twice as much is ended at once. */
  memoryBytesMax: number;
  /** A thread that has read so many sketches is replaced. */
  usesMax: number;
  /** The module whose `analyze` the threads call. */
  analysis: URL;
}

export const ANALYZER_DEFAULTS: AnalyzerOptions = {
  threads: availableParallelism(),
  queueMax: 32,
  queueMsMax: 2_000,
  deadlineMs: 5_000,
  memoryBytesMax: 256 * 1024 ** 2,
  usesMax: 20_000,
  analysis: new URL("./analysis.ts", import.meta.url),
};

/** What the analyzer and its threads say to each other. */
export interface ToThread {
  lease: number;
  input: AnalysisInput;
}
export type FromThread = { lease: number } & (
  | { analysis: Analysis }
  | { refusal: { code: SketchErrorCode; message: string } }
  /** A stack. */
  | { bug: string }
);
export interface ThreadInput {
  analysis: string;
}

export interface AnalyzerSnapshot {
  threads: PoolWorkerSnapshot[];
  queued: number;
}

const KIND = "sketch thread";
/** By default a thread's garbage may grow to 48 MB before it is looked at; in a service of 250 MB that is much. */
const YOUNG_MB_MAX = 12;

/** Reads sketches in threads, where a bad one hurts nobody but whoever sent it. */
export class Analyzer {
  readonly #options: AnalyzerOptions;
  readonly #scope: Scope;
  readonly #threads: WorkerPool;
  readonly #jobs = new Map<number, Job>();

  constructor(resources: Resources, options: Partial<AnalyzerOptions> = {}) {
    this.#options = { ...ANALYZER_DEFAULTS, ...options };
    const { threads, queueMax, queueMsMax, deadlineMs, memoryBytesMax, usesMax, analysis } = this.#options;
    this.#scope = resources.scope("sketches", { isLongLived: true });
    const workerData: ThreadInput = { analysis: analysis.href };
    this.#threads = new WorkerPool(resources, KIND, new URL("./analysis-worker.ts", import.meta.url), {
      ...{ size: threads, leasesPerWorkerMax: 1, queueMax, queueMsMax, usesMax },
      ...{ memoryBytesMax, memoryBytesLimit: 2 * memoryBytesMax, hangMsMax: deadlineMs, moveMsMax: 2 * deadlineMs },
      worker: {
        ...{ workerData, name: KIND },
        resourceLimits: {
          maxOldGenerationSizeMb: Math.ceil((2 * memoryBytesMax) / 1024 ** 2),
          maxYoungGenerationSizeMb: YOUNG_MB_MAX,
        },
      },
      message: (_thread, message) => this.#receive(message as FromThread),
    });
  }

  /**
   * Reads one sketch. Rejects with `SketchError`, with the signal's reason, or with a bug. A sketch whose thread was ended by
   * somebody else is begun once more in another.
   */
  async analyze(input: AnalysisInput, signal: AbortSignal): Promise<Analysis> {
    const job = new Job(shared(input), this.#options.deadlineMs);
    const lease = await this.#place(job, signal);
    this.#jobs.set(lease.value.id, job);
    // Whoever is gone leaves the sketch in its thread, which has no room for another until it is done.
    void job.settled.then(() => this.#jobs.delete(lease.value.id));
    job.begin(lease);
    return untilAborted(job.answer, signal);
  }

  /** Resolves when its threads are up; rejects with why one does not come up. */
  async ready(): Promise<void> {
    await Promise.all(this.#threads.workers.map((thread) => thread.ready));
  }

  /** Threads that are up, or coming up. */
  get threads(): readonly PoolWorker[] {
    return this.#threads.workers;
  }

  snapshot(): AnalyzerSnapshot {
    const { workers, queued } = this.#threads.snapshot();
    return { threads: workers, queued };
  }

  async close(): Promise<void> {
    await this.#threads.close();
    await this.#scope.close();
  }

  async #place(job: Job, signal: AbortSignal): Promise<Lease<Seat>> {
    try {
      return await this.#threads.acquire(
        this.#scope,
        { moved: (to, from) => job.move(to, from), lost: (error) => job.lose(error) },
        signal,
      );
    } catch (error) {
      throw error instanceof ResourceError ? sketchErrorOf(error) : error;
    }
  }

  #receive(answer: FromThread): void {
    const job = this.#jobs.get(answer.lease);
    if (!job) return;
    if ("analysis" in answer) job.end(answer.analysis);
    else if ("refusal" in answer) job.fail(new SketchError(answer.refusal.code, answer.refusal.message));
    else job.fail(new Error(`a sketch could not be read: ${answer.bug}`));
  }
}

/** A sketch and the thread that reads it. It holds its place there until the thread has answered or is gone. */
class Job {
  readonly answer: Promise<Analysis>;
  /** Resolves when the thread is done with it. */
  readonly settled: Promise<void>;
  readonly #answer = Promise.withResolvers<Analysis>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #input: AnalysisInput;
  readonly #deadlineMs: number;
  #deadline: NodeJS.Timeout | undefined;
  #lease: Lease<Seat> | undefined;
  /** Where it is read. */
  #thread: PoolWorker | undefined;
  #isOver = false;
  #isRepeated = false;

  constructor(input: AnalysisInput, deadlineMs: number) {
    this.#input = input;
    this.#deadlineMs = deadlineMs;
    this.answer = this.#answer.promise;
    this.settled = this.#settled.promise;
    // Its caller may be gone.
    this.answer.catch(() => {});
  }

  begin(lease: Lease<Seat>): void {
    this.#lease = lease;
    this.#deadline = setTimeout(() => this.#expire(), this.#deadlineMs);
    this.#ask(lease.value.worker);
  }

  end(analysis: Analysis): void {
    this.#answer.resolve(analysis);
    this.#settle();
  }

  fail(error: Error): void {
    this.#answer.reject(error);
    this.#settle();
  }

  /** From a thread that is being replaced it does not go before it is done; from one that was ended, once. */
  move(to: PoolWorker, from: PoolWorker | undefined): Promise<void> | void {
    if (from) return this.settled;
    if (this.#isOver) throw new Error("nobody waits for it");
    if (this.#isRepeated) throw new Error("it has been begun twice");
    this.#isRepeated = true;
    this.#ask(to);
  }

  /** The pool has taken its place away. */
  lose(error: ResourceError): void {
    this.#answer.reject(sketchErrorOf(error));
    this.#settle();
  }

  #ask(thread: PoolWorker): void {
    const lease = this.#lease?.value.id;
    if (lease === undefined) return;
    this.#thread = thread;
    thread.postMessage({ lease, input: this.#input } satisfies ToThread);
  }

  /** Its place is free when the thread is gone, which can take as long as a call into a native library. */
  #expire(): void {
    this.#isOver = true;
    const message = `it was not read within ${this.#deadlineMs} ms`;
    this.#answer.reject(new SketchError("sketch_too_slow", message));
    void this.#thread?.end({ by: "hang", message });
  }

  #settle(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#settled.resolve();
    this.#lease?.release().catch(() => {});
  }
}

/** Why a thread did not read it, for whoever drew it. */
const REASONS: Partial<Record<ResourceErrorCode, [code: SketchErrorCode, message: string]>> = {
  budget_full: ["sketch_queue_full", "too many sketches wait to be read"],
  acquire_timeout: ["sketch_queue_full", "too many sketches wait to be read"],
  worker_hung: ["sketch_too_slow", "reading it took too long"],
  worker_died: ["sketch_failed", "reading it brought down its thread"],
  worker_recycled: ["sketch_failed", "its thread was ended, twice"],
};

function sketchErrorOf(error: ResourceError): SketchError {
  const [code, message] = REASONS[error.code] ?? ["sketch_reader_down", "nobody reads sketches at the moment"];
  return new SketchError(code, message, { cause: error });
}

/** An image's bytes where a second thread finds them, if need be: those sent to the first one would be gone with it. */
function shared(input: AnalysisInput): AnalysisInput {
  if (!("image" in input)) return input;
  const image = new Uint8Array(new SharedArrayBuffer(input.image.length));
  image.set(input.image);
  return { ...input, image };
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
