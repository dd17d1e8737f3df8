import type { MessagePort } from "node:worker_threads";

/** What a worker and its pool share: numbers that the pool reads even while the worker is busy. */
export const CELL = {
  /** Grows as long as the worker's event loop turns, or it goes from one lease's work to the next. */
  beats: 0,
  /** The lease whose work is in hand; 0 for none. */
  lease: 1,
} as const;
export const CELLS = 2;

/** What the pool gives a worker as its `workerData`. */
export interface PoolWorkerData {
  holdfastPool: { cells: SharedArrayBuffer; ready: MessagePort };
  data: unknown;
}
