import { Chain, Link } from "./chain.ts";
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

/** Somebody who waits for room. */
export class Waiter extends Link<Waiter> {
  readonly owner: unknown;
  readonly bytes: number;
  readonly dueMs: number;
  readonly turn = Promise.withResolvers<void>();

  constructor(owner: unknown, bytes: number, dueMs: number) {
    super();
    this.owner = owner;
    this.bytes = bytes;
    this.dueMs = dueMs;
  }
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
  readonly #queue = new Map<unknown, Chain<Waiter>>();
  #timer: NodeJS.Timeout | undefined;

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
   * Waits for room: `turn` resolves when it has been taken. One owner's many do not keep out another's one: owners take
   * turns, and nobody overtakes whose turn it is, however little he asks for. Rejects with `ResourceError` "acquire_timeout".
   * Throws "budget_exceeded", "budget_full".
   */
  wait(owner: unknown, bytes: number): Waiter {
    if (bytes > this.limits.bytesMax) throw this.refusal("budget_exceeded", bytes);
    const { queueMax, queueMsMax } = this.limits;
    if (this.#queued >= queueMax || queueMsMax === 0) throw this.refusal("budget_full", bytes);
    const waiter = new Waiter(owner, bytes, performance.now() + queueMsMax);
    let waiters = this.#queue.get(owner);
    if (!waiters) {
      waiters = new Chain();
      this.#queue.set(owner, waiters);
    }
    waiters.append(waiter);
    if (this.#queued++ === 0) this.#timer?.ref();
    if (queueMsMax !== Number.POSITIVE_INFINITY) this.#timer ??= this.#expireIn(queueMsMax);
    return waiter;
  }

  /** It waits no longer. Does nothing to one whose turn has come. */
  giveUp(waiter: Waiter, reason: unknown): void {
    if (!this.#leave(waiter)) return;
    waiter.turn.reject(reason);
    // Whoever asked for less may have waited behind it.
    this.#letIn();
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
      const { first } = waiters;
      if (!first || !this.#fits(first.bytes)) return;
      this.#leave(first);
      this.#inUse++;
      this.#bytes += first.bytes;
      first.turn.resolve();
      // To the end of the turn.
      if (this.#queue.delete(owner)) this.#queue.set(owner, waiters);
    }
  }

  #leave(waiter: Waiter): boolean {
    const { owner } = waiter;
    const waiters = this.#queue.get(owner);
    if (!waiters?.remove(waiter)) return false;
    if (!waiters.first) this.#queue.delete(owner);
    // The next will be here in a moment: it is left running, and just holds up no process.
    if (--this.#queued === 0) this.#timer?.unref();
    return true;
  }

  #expireIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), Math.min(Math.ceil(ms), WAIT_MS_MAX));
  }

  /** Of each owner's, the first came first. */
  #expire(): void {
    const now = performance.now();
    let dueMs = Number.POSITIVE_INFINITY;
    this.#timer = undefined;
    for (const waiters of [...this.#queue.values()]) {
      for (let { first } = waiters; first && first.dueMs <= now; first = waiters.first)
        this.giveUp(first, this.refusal("acquire_timeout", first.bytes));
      dueMs = Math.min(dueMs, waiters.first?.dueMs ?? dueMs);
    }
    if (dueMs !== Number.POSITIVE_INFINITY) this.#timer ??= this.#expireIn(dueMs - now);
  }
}
