import type { PoolWorker } from "./pool-worker.ts";
import type { ResourceError } from "./resource-error.ts";
import type { Lease } from "./scope.ts";

export interface SeatRequest {
  /** Share of a thread's time it will take, from 0 to 1. */
  load?: number;
  /** Of a worker's `bytesPerWorkerMax`. */
  bytes?: number;
  /**
   * It has to go to another worker: make it go on there. `from` is the worker it comes from, if that is still alive; when
   * the promise resolves, it is left. If it rejects, the lease is lost.
   */
  moved?(to: PoolWorker, from: PoolWorker | undefined): Promise<void> | void;
  /** Its worker is gone and it with it: it is released already. */
  lost?(error: ResourceError): void;
  /** It has been released: tell its worker to stop. */
  released?(from: PoolWorker): void;
}

/** A place in a worker. Its number is what the worker's side calls `enter` with. */
export class Seat {
  readonly id: number;
  readonly load: number;
  readonly bytes: number;
  readonly request: SeatRequest;
  /** Where it is, or was last. */
  worker: PoolWorker;
  /** For `WorkerPool`. */
  lease: Lease<Seat> | undefined;
  /** Resolves when nobody needs it any more. */
  readonly over: Promise<void>;
  isOver = false;
  readonly #over = Promise.withResolvers<void>();

  constructor(id: number, worker: PoolWorker, request: SeatRequest) {
    this.id = id;
    this.worker = worker;
    this.request = request;
    this.over = this.#over.promise;
    this.load = request.load ?? 0;
    this.bytes = request.bytes ?? 0;
    this.sit(worker);
  }

  sit(worker: PoolWorker): void {
    this.worker.remove(this);
    this.worker = worker;
    worker.add(this);
  }

  leave(): void {
    this.isOver = true;
    this.#over.resolve();
    this.worker.remove(this);
  }
}
