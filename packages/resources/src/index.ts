export { assertNoLeaks } from "./assert-no-leaks.ts";
export { processResources, scope } from "./default-resources.ts";
export { KEYED_DEFAULTS, Keyed, type KeyedOptions } from "./keyed.ts";
export type { KindCounters, KindSnapshot } from "./kind.ts";
export type { LeakReport } from "./leak-watch.ts";
export {
  type EmitterLike,
  type ManagedChildOptions,
  managedChild,
  managedFolder,
  managedInterval,
  managedListener,
  managedSocket,
  managedTimeout,
  managedWorker,
  type NetSocketLike,
  type WebSocketLike,
} from "./managed.ts";
export { KIND_DEFAULTS, type KindOptions } from "./options.ts";
export type { PoolWorker, PoolWorkerSnapshot, PoolWorkerState } from "./pool-worker.ts";
export { type BudgetUse, ResourceError, type ResourceErrorCode } from "./resource-error.ts";
export {
  type ResourceNews,
  Resources,
  type ResourcesEvents,
  type ResourcesOptions,
  type ResourcesSnapshot,
} from "./resources.ts";
export type { AcquireOptions, Create, Lease, Making, Release, Scope, ScopeOptions } from "./scope.ts";
export type { Seat, SeatRequest } from "./seat.ts";
export { closeAtShutdown, SHUTDOWN_DEFAULTS, type ShutdownOptions } from "./shutdown.ts";
export { WORKER_POOL_DEFAULTS, WorkerPool, type WorkerPoolOptions, type WorkerPoolSnapshot } from "./worker-pool.ts";
