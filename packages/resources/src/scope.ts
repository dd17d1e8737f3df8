import { Chain, Link } from "./chain.ts";
import type { Kind } from "./kind.ts";
import type { Trace, Watched } from "./leak-watch.ts";
import { checkBytes, WAIT_MS_MAX } from "./options.ts";
import { ResourceError } from "./resource-error.ts";
import type { Resources } from "./resources.ts";

export interface Making {
  /** Aborted when the scope ends or the caller gives up: what is made then is released at once. */
  readonly signal: AbortSignal;
}

export type Create<T> = (making: Making) => T | PromiseLike<T>;
export type Release<T> = (value: T) => unknown;

export interface AcquireOptions {
  /** Of the kind's `bytesMax`. */
  bytes?: number;
  /** Gives up waiting: `acquire` rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface ScopeOptions {
  /** Ends the scope. */
  signal?: AbortSignal;
  /** Is no leak, however long it is open. */
  isLongLived?: boolean;
}

export const SCOPE_KIND = "scope";
const DONE = Promise.resolve();

/** What the user called: a stack begins with who called it. */
export type Called = (...args: never[]) => unknown;

/**
 * Owns what is acquired in it, its inner scopes among it: all of it is released, the last first, when the scope ends.
 *
 * ```ts
 * await using job = scope("job 17");
 * const { value: socket } = await job.acquire("socket", () => connect(url), (socket) => socket.close());
 * ```
 */
export class Scope implements AsyncDisposable {
  readonly #core: ScopeCore;

  /** For `Resources` and `Scope`: use `scope(owner)`. */
  constructor(core: ScopeCore) {
    this.#core = core;
    core.resources.hint(this, core);
  }

  /** The names of the scopes, outermost first: "session 4 > job 17". */
  get owner(): string {
    return this.#core.owner;
  }

  /** Aborted when the scope begins to end: what goes on in it should stop then. */
  get signal(): AbortSignal {
    return this.#core.signal;
  }

  get isClosed(): boolean {
    return this.#core.isClosed;
  }

  /**
   * Waits for room in the kind's budget, then makes the resource. Whatever happens, it is released once.
   *
   * Rejects with `ResourceError` "budget_full", "budget_exceeded", "acquire_timeout" or "scope_closed", with the signal's
   * reason, or with what `create` throws.
   */
  acquire<T>(kind: string, create: Create<T>, release: Release<T>, options?: AcquireOptions): Promise<Lease<T>> {
    return this.#core.acquire(kind, create, release, options, this.acquire);
  }

  /** Takes over what is there already, without waiting. Throws `ResourceError` "budget_full", "budget_exceeded", "scope_closed". */
  adopt<T>(kind: string, value: T, release: Release<T>, options?: Pick<AcquireOptions, "bytes">): Lease<T> {
    return this.#core.adopt(kind, value, release, options?.bytes ?? 0, this.adopt);
  }

  /** An inner scope: ends with this one at the latest. */
  scope(name: string, options?: ScopeOptions): Scope {
    this.#core.throwIfClosed();
    return new Scope(new ScopeCore(this.#core.resources, name, this.#core, options, this.scope));
  }

  /** Runs the work and ends the scope, however the work ends. An error of the work and those of releases are one AggregateError. */
  async use<R>(work: (scope: this) => R | PromiseLike<R>): Promise<R> {
    let result: R;
    try {
      result = await work(this);
    } catch (error) {
      await this.close().catch((failed) => {
        throw new AggregateError([error, ...errorsOf(failed)], messageOf(error));
      });
      throw error;
    }
    await this.close();
    return result;
  }

  /**
   * Releases everything, the last first; each has its kind's `releaseMsMax`, and the rest is released whatever becomes of
   * it. Rejects with an AggregateError of all that went wrong.
   */
  close(): Promise<void> {
    return this.#core.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#core.end();
  }
}

/** Something a scope owns. */
export abstract class Entry extends Link<Entry> {
  /** Any number of times, with the same result. */
  abstract end(): Promise<void>;
}

/** As a method, so that a lease of a string is a lease of something: a release is only ever called with its own value. */
type Releaser<T> = { release(value: T): unknown }["release"];

/** A resource, its owner's until it is released. */
export class Lease<T> extends Entry implements AsyncDisposable {
  readonly value: T;
  readonly #kind: Kind;
  readonly #bytes: number;
  readonly #scope: ScopeCore;
  readonly #release: Releaser<T>;
  readonly #watched: Watched | undefined;
  #ended: Promise<void> | undefined;

  /** For `Scope`: use `acquire` or `adopt`. */
  constructor(scope: ScopeCore, kind: Kind, bytes: number, value: T, release: Release<T>, trace: Trace | undefined) {
    super();
    this.value = value;
    this.#kind = kind;
    this.#bytes = bytes;
    this.#scope = scope;
    this.#release = release;
    this.#watched = scope.resources.watch.add(kind, () => scope.owner, trace);
    kind.counters.acquired++;
    scope.entries.append(this);
  }

  get isReleased(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Releases it before its scope does. Rejects with what `release` throws, or `ResourceError` "release_timeout"; that is also
   * counted and told as news, so who does not wait for it may leave it at `.catch(() => {})`.
   */
  release(): Promise<void> {
    return this.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  #end(): Promise<void> {
    let releasing: unknown;
    try {
      releasing = this.#release(this.value);
    } catch (error) {
      this.#failed(error);
      this.#done();
      return Promise.reject(error);
    }
    if (!isThenable(releasing)) {
      this.#done();
      return DONE;
    }
    return this.#wait(releasing);
  }

  /** What hangs leaves its scope, but still takes its room: it may be there for all one knows. */
  async #wait(releasing: PromiseLike<unknown>): Promise<void> {
    const kind = this.#kind;
    const settled = Promise.resolve(releasing).then(
      () => this.#done(),
      (error) => {
        this.#failed(error);
        this.#done();
        throw error;
      },
    );
    const what = `${kind.name} of ${this.#scope.owner}`;
    await within(kind, settled, what, (late) => this.#tell(late)).finally(() => this.#scope.entries.remove(this));
  }

  #failed(error: unknown): void {
    this.#kind.counters.releaseFailed++;
    this.#tell(error);
  }

  #tell(error: unknown): void {
    this.#scope.resources.releaseFailed(this.#kind, this.#scope.owner, messageOf(error));
  }

  #done(): void {
    this.#scope.entries.remove(this);
    if (this.#watched) this.#scope.resources.watch.remove(this.#watched);
    this.#kind.counters.released++;
    this.#kind.giveBack(this.#bytes);
  }
}

/** What is still being made: when its scope ends, whoever waits for it is told at once, and it is waited for like a release. */
class Pending extends Entry {
  readonly giveUp: (reason: unknown) => void;
  /** The release of what came too late. */
  late: Promise<void> | undefined;
  readonly #kind: Kind;
  readonly #over: PromiseLike<void>;

  /** `over`: when it has been made, and released if it came too late. Does not reject. */
  constructor(kind: Kind, over: PromiseLike<void>, giveUp: (reason: unknown) => void) {
    super();
    this.#kind = kind;
    this.#over = over;
    this.giveUp = giveUp;
  }

  async end(): Promise<void> {
    await within(this.#kind, this.#over, `a ${this.#kind.name} that is being made`);
    await this.late;
  }
}

/** What a scope is, without the handle that its user holds. */
export class ScopeCore extends Entry {
  readonly resources: Resources;
  readonly entries = new Chain<Entry>();
  readonly watched: Watched | undefined;
  readonly #name: string;
  readonly #parent: ScopeCore | undefined;
  readonly #kind: Kind;
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #reason: unknown;
  #ended: Promise<void> | undefined;

  constructor(
    resources: Resources,
    name: string,
    parent: ScopeCore | undefined,
    options: ScopeOptions = {},
    called: Called,
  ) {
    super();
    this.resources = resources;
    this.#name = name;
    this.#parent = parent;
    this.#kind = resources.kind(SCOPE_KIND);
    options.signal?.throwIfAborted();
    if (!this.#kind.tryTake(0)) {
      const error = this.#kind.refusal("budget_full", 0);
      resources.refused(this.#kind, this.owner, error);
      throw error;
    }
    const { watch } = resources;
    if (!options.isLongLived) this.watched = watch.add(this.#kind, () => this.owner, watch.trace(this.#kind, called));
    this.#kind.counters.acquired++;
    (parent?.entries ?? resources.roots).append(this);
    this.#outer = options.signal;
    this.#outer?.addEventListener("abort", this.#abort, { once: true });
  }

  get owner(): string {
    return this.#parent ? `${this.#parent.owner} > ${this.#name}` : this.#name;
  }

  get isClosed(): boolean {
    return this.#reason !== undefined;
  }

  /** Whether nobody but the holder of its handle will end it. */
  get isOnItsOwn(): boolean {
    return !this.#parent && !this.#outer;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isClosed && !this.#controller.signal.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  throwIfClosed(): void {
    if (this.isClosed) throw this.#reason;
  }

  acquire<T>(
    kindName: string,
    create: Create<T>,
    release: Release<T>,
    options: AcquireOptions | undefined,
    called: Called,
  ): Promise<Lease<T>> {
    try {
      this.throwIfClosed();
      checkBytes(kindName, options?.bytes ?? 0);
    } catch (error) {
      return Promise.reject(error);
    }
    const kind = this.resources.kind(kindName);
    const bytes = options?.bytes ?? 0;
    const signal = options?.signal;
    const trace = this.resources.watch.trace(kind, called);
    return signal === undefined && kind.tryTake(bytes)
      ? this.#make(kind, bytes, create, release, undefined, trace)
      : this.#acquireInTurn(kind, bytes, create, release, signal, trace);
  }

  adopt<T>(kindName: string, value: T, release: Release<T>, bytes: number, called: Called): Lease<T> {
    this.throwIfClosed();
    checkBytes(kindName, bytes);
    const kind = this.resources.kind(kindName);
    if (!kind.tryTake(bytes)) {
      const error = kind.refusal(bytes > kind.limits.bytesMax ? "budget_exceeded" : "budget_full", bytes);
      this.resources.refused(kind, this.owner, error);
      throw error;
    }
    return new Lease(this, kind, bytes, value, release, this.resources.watch.trace(kind, called));
  }

  end(): Promise<void> {
    if (this.#ended) return this.#ended;
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    this.#outer?.removeEventListener("abort", this.#abort);
    this.#begin(
      this.#outer?.aborted ? this.#outer.reason : new ResourceError("scope_closed", `${this.owner} has ended`),
    );
    this.#releaseAll().then(ended.resolve, ended.reject);
    return this.#ended;
  }

  readonly #abort = (): void => {
    // Whoever closes it is told what went wrong; if nobody does, it has been counted.
    this.end().catch(() => {});
  };

  async #acquireInTurn<T>(
    kind: Kind,
    bytes: number,
    create: Create<T>,
    release: Release<T>,
    given: AbortSignal | undefined,
    trace: Trace | undefined,
  ): Promise<Lease<T>> {
    given?.throwIfAborted();
    if (!kind.tryTake(bytes)) {
      try {
        await this.#wait(kind, bytes, given);
      } catch (error) {
        if (error instanceof ResourceError && error.use) this.resources.refused(kind, this.owner, error);
        throw error;
      }
      if (this.isClosed || given?.aborted) {
        kind.giveBack(bytes);
        throw this.#reason ?? given?.reason;
      }
    }
    return this.#make(kind, bytes, create, release, given, trace);
  }

  async #wait(kind: Kind, bytes: number, given: AbortSignal | undefined): Promise<void> {
    const waiter = kind.wait(this.#top, bytes);
    const pending = new Pending(kind, DONE, (reason) => kind.giveUp(waiter, reason));
    this.entries.append(pending);
    const abort = () => kind.giveUp(waiter, given?.reason);
    given?.addEventListener("abort", abort, { once: true });
    try {
      await waiter.turn.promise;
    } finally {
      given?.removeEventListener("abort", abort);
      this.entries.remove(pending);
    }
  }

  /** There is room for it. */
  #make<T>(
    kind: Kind,
    bytes: number,
    create: Create<T>,
    release: Release<T>,
    given: AbortSignal | undefined,
    trace: Trace | undefined,
  ): Promise<Lease<T>> {
    let value: T | PromiseLike<T>;
    try {
      value = create(given ? { signal: AbortSignal.any([this.signal, given]) } : this);
    } catch (error) {
      kind.counters.failed++;
      kind.giveBack(bytes);
      return Promise.reject(error);
    }
    if (isThenable(value)) return this.#finish<T>(kind, bytes, value, release, given, trace);
    const lease = new Lease(this, kind, bytes, value, release, trace);
    if (this.isClosed || given?.aborted) return lease.end().then(() => Promise.reject(this.#reason ?? given?.reason));
    return Promise.resolve(lease);
  }

  /** The lease of what is being made. If it comes too late for whoever asked, it is released. */
  #finish<T>(
    kind: Kind,
    bytes: number,
    made: PromiseLike<T>,
    release: Release<T>,
    given: AbortSignal | undefined,
    trace: Trace | undefined,
  ): Promise<Lease<T>> {
    const asked = Promise.withResolvers<Lease<T>>();
    let isGivenUp = false;
    const giveUp = (reason: unknown) => {
      isGivenUp = true;
      asked.reject(reason);
    };
    const abort = () => giveUp(given?.reason);
    const gone = () => {
      this.entries.remove(pending);
      given?.removeEventListener("abort", abort);
    };
    const over = made.then(
      (value) => {
        const lease = new Lease(this, kind, bytes, value, release, trace);
        if (isGivenUp) {
          pending.late = lease.end();
          return pending.late.then(gone, gone);
        }
        gone();
        asked.resolve(lease);
        return;
      },
      (error) => {
        gone();
        kind.counters.failed++;
        kind.giveBack(bytes);
        asked.reject(error);
      },
    );
    const pending = new Pending(kind, over, giveUp);
    this.entries.append(pending);
    given?.addEventListener("abort", abort, { once: true });
    if (given?.aborted) abort();
    if (this.isClosed) giveUp(this.#reason);
    return asked.promise;
  }

  /** The outermost scope: the owner that takes turns with others. */
  get #top(): ScopeCore {
    return this.#parent ? this.#parent.#top : this;
  }

  /** From now on nothing is acquired in it or in any inner scope, and whoever waits for something is told. */
  #begin(reason: unknown): void {
    if (this.isClosed) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    // Copied: whoever is told may release something.
    for (const entry of [...this.entries]) {
      if (entry instanceof Pending) entry.giveUp(reason);
      if (entry instanceof ScopeCore) entry.#begin(reason);
    }
  }

  async #releaseAll(): Promise<void> {
    // If it was `create` that ended it, what that makes is in here in a moment.
    await DONE;
    const errors: unknown[] = [];
    for (let entry = this.entries.last; entry; entry = this.entries.last) {
      try {
        await entry.end();
      } catch (error) {
        errors.push(...errorsOf(error));
      }
      this.entries.remove(entry);
    }
    (this.#parent?.entries ?? this.resources.roots).remove(this);
    this.resources.unhint(this);
    if (this.watched) this.resources.watch.remove(this.watched);
    this.#kind.counters.released++;
    this.#kind.giveBack(0);
    if (errors.length > 0)
      throw new AggregateError(errors, `${this.owner}: ${errors.length} releases failed: ${messageOf(errors[0])}`);
  }
}

/** Rejects with "release_timeout" when it takes longer than a release may; until it has ended, it counts as stuck. */
async function within(
  kind: Kind,
  work: PromiseLike<void>,
  what: string,
  tell?: (late: ResourceError) => void,
): Promise<void> {
  const { releaseMsMax } = kind.limits;
  if (releaseMsMax === Number.POSITIVE_INFINITY) return work;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      kind.stuck++;
      const freed = () => {
        kind.stuck--;
      };
      work.then(freed, freed);
      const error = new ResourceError("release_timeout", `${what} was not released within ${releaseMsMax} ms`);
      late.reject(error);
      tell?.(error);
    },
    Math.min(releaseMsMax, WAIT_MS_MAX),
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** Those of an inner scope are told one by one. */
function errorsOf(error: unknown): unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
