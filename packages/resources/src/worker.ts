/** The side of the worker: what runs in a thread of a `WorkerPool` imports this. */
import { workerData } from "node:worker_threads";
import { CELL, type PoolWorkerData } from "./worker-cells.ts";

const BEAT_MS = 50;

export interface WorkerSide {
  /** The pool's `workerData`. */
  readonly data: unknown;
  /** The worker can take leases. Until then, it is starting. */
  ready(): void;
  /**
   * Work for this lease begins: if the worker hangs in it, or dies of it, the pool knows whose work it was. Costs some
   * nanoseconds.
   */
  enter(lease: number): void;
  /** It has ended. */
  leave(): void;
}

/** Call it once, first. Throws when the thread was not started by a `WorkerPool`. */
export function workerSide(): WorkerSide {
  if (!isPoolWorkerData(workerData)) throw new Error("this thread was not started by a WorkerPool");
  const { holdfastPool, data } = workerData;
  const cells = new Int32Array(holdfastPool.cells);
  setInterval(() => Atomics.add(cells, CELL.beats, 1), BEAT_MS).unref();
  return {
    data,
    ready() {
      holdfastPool.ready.postMessage("ready");
      holdfastPool.ready.close();
    },
    enter(lease) {
      Atomics.store(cells, CELL.lease, lease);
      Atomics.add(cells, CELL.beats, 1);
    },
    leave() {
      Atomics.store(cells, CELL.lease, 0);
    },
  };
}

function isPoolWorkerData(value: unknown): value is PoolWorkerData {
  return typeof value === "object" && value !== null && "holdfastPool" in value;
}
