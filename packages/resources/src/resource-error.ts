export type ResourceErrorCode =
  /** There is no room, and too many wait already, or nobody may wait; `use` says how much is taken. */
  | "budget_full"
  /** More is asked for than there is in all. */
  | "budget_exceeded"
  /** There was no room in the time one may wait. */
  | "acquire_timeout"
  /** The scope has ended, or ended meanwhile. */
  | "scope_closed"
  /** A release took longer than it may. It may still be under way; what it holds counts until it has ended. */
  | "release_timeout"
  /** No worker came up, or none stays up. */
  | "worker_unavailable"
  /** The worker did not answer in time, in the middle of this lease's work. */
  | "worker_hung"
  /** The worker ended by itself, or for want of memory. */
  | "worker_died"
  /** The worker was replaced, and the lease could not be moved. */
  | "worker_recycled"
  /** An option is out of bounds. */
  | "option_invalid";

/** Of which budget there was too little. */
export interface BudgetUse {
  kind: string;
  budget: "count" | "bytes";
  inUse: number;
  limit: number;
  queued: number;
}

/** What this package itself refuses or gives up. What is thrown while a resource is made or released passes through as it is. */
export class ResourceError extends Error {
  readonly code: ResourceErrorCode;
  /** Of `budget_full`, `budget_exceeded` and `acquire_timeout`. */
  readonly use: BudgetUse | undefined;

  constructor(code: ResourceErrorCode, message: string, use?: BudgetUse) {
    super(message);
    this.name = "ResourceError";
    this.code = code;
    this.use = use;
  }
}
