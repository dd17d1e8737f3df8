import type { Kind } from "./kind.ts";
import { atLeast, checkNames, WAIT_MS_MAX } from "./options.ts";
import { ResourceError } from "./resource-error.ts";
import type { Resources } from "./resources.ts";
import type { Lease, Making, Release, Scope } from "./scope.ts";

export interface KeyedOptions {
  /** How long an instance is kept that nobody uses, ms. */
  idleMs: number;
}

export const KEYED_DEFAULTS: KeyedOptions = { idleMs: 60_000 };

interface Instance<T> {
  lease: Promise<Lease<T>>;
  made: Lease<T> | undefined;
  users: number;
  idleSinceMs: number;
}

/**
 * Instances by key, each made when somebody first needs it, shared by all who do, and kept for a while after the last. How
 * many there may be is their kind's `countMax`: when that is reached, the one that has been idle for the longest goes for
 * a new one. "KIND use" counts those who use them.
 */
export class Keyed<K, T, G = void> {
  readonly #resources: Resources;
  readonly #kind: Kind;
  readonly #create: (key: K, making: Making, given: G) => T | PromiseLike<T>;
  readonly #release: Release<T>;
  readonly #options: KeyedOptions;
  readonly #scope: Scope;
  readonly #instances = new Map<K, Instance<T>>();
  /** Those that nobody uses, the longest idle first. */
  readonly #idle = new Map<K, Instance<T>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    resources: Resources,
    kind: string,
    create: (key: K, making: Making, given: G) => T | PromiseLike<T>,
    release: Release<T>,
    options: Partial<KeyedOptions> = {},
  ) {
    checkNames(kind, options, KEYED_DEFAULTS);
    this.#options = { ...KEYED_DEFAULTS, ...options };
    atLeast(kind, this.#options, 0, "idleMs");
    this.#resources = resources;
    this.#kind = resources.kind(kind);
    this.#create = create;
    this.#release = release;
    this.#scope = resources.scope(`${kind} by key`, { isLongLived: true });
  }

  get size(): number {
    return this.#instances.size;
  }

  /** If it is there, and made. */
  get(key: K): T | undefined {
    return this.#instances.get(key)?.made?.value;
  }

  /**
   * The instance of that key, for the scope to use. Those who ask while it is being made wait for the same one, and are all
   * told if it cannot be made; the next one tries anew. `given`: what `create` needs besides the key. Rejects as `Scope.acquire`.
   */
  async acquire(scope: Scope, key: K, given: G): Promise<Lease<T>> {
    if (this.#scope.isClosed) throw new ResourceError("scope_closed", `all by key have ended: ${this.#kind.name}`);
    const instance = this.#instances.get(key) ?? this.#make(key, given);
    this.#idle.delete(key);
    instance.users++;
    const leave = () => this.#left(key, instance);
    try {
      const { value, isReleased } = await instance.lease;
      if (!isReleased) return scope.adopt(`${this.#kind.name} use`, value, leave);
    } catch (error) {
      leave();
      throw error;
    }
    // It was dropped while it was being made.
    leave();
    return this.acquire(scope, key, given);
  }

  /** Ends the instance that has been idle for the longest, for somebody who needs its place. Whether there was one. */
  async reclaim(why: string): Promise<boolean> {
    const [first] = this.#idle.keys();
    if (first === undefined) return false;
    await this.#reclaim(first, why);
    return true;
  }

  /** The instance is of no more use, whoever uses it: the next who asks gets another one. */
  drop(key: K): Promise<void> {
    const instance = this.#instances.get(key);
    if (!instance) return Promise.resolve();
    this.#instances.delete(key);
    this.#idle.delete(key);
    return instance.lease.then((lease) => lease.release());
  }

  /** Ends all instances. */
  close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#instances.clear();
    this.#idle.clear();
    return this.#scope.close();
  }

  #make(key: K, given: G): Instance<T> {
    const instance: Instance<T> = { lease: this.#made(key, given), made: undefined, users: 0, idleSinceMs: 0 };
    this.#instances.set(key, instance);
    instance.lease.then(
      (lease) => {
        instance.made = lease;
      },
      () => {
        if (this.#instances.get(key) === instance) this.#instances.delete(key);
      },
    );
    return instance;
  }

  async #made(key: K, given: G): Promise<Lease<T>> {
    // One whose release fails has been counted, and is nothing to whoever needs its place.
    const reclaimed = () => this.reclaim("others needed its place").catch(() => true);
    while (this.#kind.isFull && (await reclaimed()));
    return this.#scope.acquire(this.#kind.name, (making) => this.#create(key, making, given), this.#release);
  }

  #left(key: K, instance: Instance<T>): void {
    if (--instance.users > 0 || this.#instances.get(key) !== instance) return;
    instance.idleSinceMs = performance.now();
    this.#idle.set(key, instance);
    if (this.#kind.queued > 0) void this.reclaim("others waited for its place").catch(() => {});
    this.#timer ??= this.#wait(this.#options.idleMs);
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.min(ms, WAIT_MS_MAX)).unref();
  }

  #look(): void {
    this.#timer = undefined;
    for (const [key, { idleSinceMs }] of this.#idle) {
      const leftMs = idleSinceMs + this.#options.idleMs - performance.now();
      if (leftMs > 0) {
        this.#timer = this.#wait(Math.ceil(leftMs));
        return;
      }
      void this.#reclaim(key, "nobody used it").catch(() => {});
    }
  }

  #reclaim(key: K, why: string): Promise<void> {
    this.#resources.note("reclaimed", this.#kind.name, String(key), why);
    return this.drop(key);
  }
}
