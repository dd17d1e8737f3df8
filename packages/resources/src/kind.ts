import { type KindOptions, WAIT_MS_MAX } from "./options.ts";
import { type BudgetUse, ResourceError } from "./resource-error.ts";

/** What is counted of one kind, since the start; `leaked` and `stuck` as of now. */
export interface KindCounters {
  acquired: number;
  released: number;
  /** Could not be made. */
  failed: number;
  refused: number;
  /** Releases that failed. */
  releaseFailed: number;
  /** Ended by this package before its holder was done with it: idle for too long, or in somebody's way. */
  reclaimed: number;
  /** Replaced for its age, use, memory or death. */
  recycled: number;
}

export interface KindSnapshot extends KindCounters {
  kind: string;
  inUse: number;
  countMax: number;
  bytes: number;
  bytesMax: number;
  queued: number;
  /** Held for longer than `leakMs`, now, */
  leaked: number;
  /** and ever. */
  leakedEver: number;
  /** Being released for longer than `releaseMsMax`. */
  stuck: number;
}

interface Waiter {
  bytes: number;
  go: () => void;
}

/** One kind of resource: how much of it is in use, who waits for it, and what has been counted. */
export class Kind {
  readonly name: string;
  readonly limits: KindOptions;
  readonly counters: KindCounters = {
    ...{ acquired: 0, released: 0, failed: 0, refused: 0 },
    ...{ releaseFailed: 0, reclaimed: 0, recycled: 0 },
  };
  readonly isWatched: boolean;
  leaked = 0;
  leakedEver = 0;
  stuck = 0;
  #inUse = 0;
  #bytes = 0;
  #queued = 0;
  /** By owner, each in the order in which they came; the owners take turns. */
  readonly #queue = new Map<unknown, Waiter[]>();

  constructor(name: string, limits: KindOptions) {
    this.name = name;
    this.limits = limits;
    this.isWatched = limits.leakMs !== Number.POSITIVE_INFINITY;
  }

  get isFull(): boolean {
    return this.#inUse >= this.limits.countMax;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Takes room if there is some and nobody waits for it. */
  tryTake(bytes: number): boolean {
    if (this.#queued > 0 || !this.#fits(bytes)) return false;
    this.#inUse++;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#inUse--;
    this.#bytes -= bytes;
    if (this.#queued > 0) this.#letIn();
  }

  /**
   * Waits for room. One owner's many do not keep out another's one: owners take turns, and nobody overtakes whose turn it is,
   * however little he asks for. Rejects with `ResourceError` "budget_exceeded", "budget_full", "acquire_timeout", or the
   * signal's reason.
   */
  async take(owner: unknown, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (bytes > this.limits.bytesMax) throw this.refusal("budget_exceeded", bytes);
    if (this.tryTake(bytes)) return;
    const { queueMax, queueMsMax } = this.limits;
    if (this.#queued >= queueMax || queueMsMax === 0) throw this.refusal("budget_full", bytes);
    const turn = Promise.withResolvers<void>();
    const waiter = { bytes, go: turn.resolve };
    const give = (reason: unknown) => {
      this.#leave(owner, waiter);
      turn.reject(reason);
      // Whoever asked for less may have waited behind it.
      this.#letIn();
    };
    const abort = () => give(signal.reason);
    const timer =
      queueMsMax === Number.POSITIVE_INFINITY
        ? undefined
        : setTimeout(() => give(this.refusal("acquire_timeout", bytes)), Math.min(queueMsMax, WAIT_MS_MAX));
    signal.addEventListener("abort", abort);
    const others = this.#queue.get(owner);
    if (others) others.push(waiter);
    else this.#queue.set(owner, [waiter]);
    this.#queued++;
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** What there is too little of. Counts it. */
  refusal(code: "budget_full" | "budget_exceeded" | "acquire_timeout", bytes: number): ResourceError {
    this.counters.refused++;
    const { countMax, bytesMax, queueMsMax } = this.limits;
    const isCount = code !== "budget_exceeded" && this.#inUse >= countMax;
    const use: BudgetUse = isCount
      ? { kind: this.name, budget: "count", inUse: this.#inUse, limit: countMax, queued: this.#queued }
      : { kind: this.name, budget: "bytes", inUse: this.#bytes, limit: bytesMax, queued: this.#queued };
    const unit = isCount ? "" : " bytes";
    const asked = isCount ? "" : `, ${bytes}${unit} more are asked for`;
    const waited = code === "acquire_timeout" ? ` after ${queueMsMax} ms` : "";
    const queue = this.#queued > 0 ? `, ${this.#queued} wait` : "";
    return new ResourceError(
      code,
      `${this.name}: no room${waited}: ${use.inUse} of ${use.limit}${unit} in use${asked}${queue}`,
      use,
    );
  }

  snapshot(): KindSnapshot {
    const { countMax, bytesMax } = this.limits;
    return {
      ...{ kind: this.name, inUse: this.#inUse, countMax, bytes: this.#bytes, bytesMax, queued: this.#queued },
      ...{ leaked: this.leaked, leakedEver: this.leakedEver, stuck: this.stuck },
      ...this.counters,
    };
  }

  #fits(bytes: number): boolean {
    return this.#inUse < this.limits.countMax && this.#bytes + bytes <= this.limits.bytesMax;
  }

  #letIn(): void {
    for (const [owner, waiters] of this.#queue) {
      const [first] = waiters;
      if (!first || !this.#fits(first.bytes)) return;
      this.#leave(owner, first);
      this.#inUse++;
      this.#bytes += first.bytes;
      first.go();
      // To the end of the turn.
      if (!this.#queue.delete(owner)) continue;
      this.#queue.set(owner, waiters);
    }
  }

  #leave(owner: unknown, waiter: Waiter): void {
    const waiters = this.#queue.get(owner);
    const at = waiters?.indexOf(waiter) ?? -1;
    if (!waiters || at < 0) return;
    waiters.splice(at, 1);
    this.#queued--;
    if (waiters.length === 0) this.#queue.delete(owner);
  }
}
