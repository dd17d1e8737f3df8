import { EventEmitter } from "node:events";
import { Chain } from "./chain.ts";
import { Kind, type KindCounters, type KindSnapshot } from "./kind.ts";
import { type LeakReport, LeakWatch } from "./leak-watch.ts";
import { atLeast, checkNames, type KindOptions, limitsFrom } from "./options.ts";
import type { ResourceError } from "./resource-error.ts";
import { type Entry, Scope, ScopeCore, type ScopeOptions } from "./scope.ts";

export interface ResourcesOptions {
  /** Limits by kind; a kind that is not named here has the defaults. "scope" is the kind of scopes themselves. */
  kinds?: Record<string, Partial<KindOptions>>;
  /** Of the acquisitions of kinds with a `leakMs`, the stack of one in so many is taken. */
  traceOneIn?: number;
}

export const RESOURCES_DEFAULTS = { kinds: {}, traceOneIn: 100 };

/** Something people may want to know: what, of which kind, whose, and why. */
export interface ResourceNews {
  at: Date;
  what: "refused" | "release failed" | "leaked" | "came back late" | "reclaimed" | "recycled" | "died";
  kind: string;
  owner: string;
  why: string;
}

export interface ResourcesSnapshot {
  kinds: KindSnapshot[];
  /** The latest, newest first. */
  news: ResourceNews[];
}

export interface ResourcesEvents {
  leak: LeakReport;
  /** What had been reported as a leak has come back after all. */
  returned: LeakReport;
  news: ResourceNews;
}

const NEWS_MAX = 50;

/** All that a process holds, by kind and by owner. */
export class Resources implements AsyncDisposable {
  /** @internal Scopes without a parent. */
  readonly roots = new Chain<Entry>();
  /** @internal */
  readonly watch: LeakWatch;
  readonly #options: Required<ResourcesOptions>;
  readonly #kinds = new Map<string, Kind>();
  readonly #events = new EventEmitter();
  readonly #news: ResourceNews[] = [];
  readonly #collected = new FinalizationRegistry((core: ScopeCore) => {
    if (core.watched) this.watch.collected(core.watched);
  });

  /** Throws `ResourceError` "option_invalid". */
  constructor(options: ResourcesOptions = {}) {
    checkNames("resources", options, RESOURCES_DEFAULTS);
    this.#options = { ...RESOURCES_DEFAULTS, ...options };
    atLeast("resources", this.#options, 1, "traceOneIn");
    for (const [name, limits] of Object.entries(this.#options.kinds))
      this.#kinds.set(name, new Kind(name, limitsFrom(name, limits)));
    this.watch = new LeakWatch(this.#options.traceOneIn, {
      leak: (report) => this.#leaked(report),
      returned: (report) => this.#returned(report),
    });
  }

  /** A scope of nobody's: ends with `close` at the latest. Throws `ResourceError` "budget_full" for scopes. */
  scope(owner: string, options?: ScopeOptions): Scope {
    return new Scope(new ScopeCore(this, owner, undefined, options, this.scope));
  }

  snapshot(): ResourcesSnapshot {
    return { kinds: [...this.#kinds.values()].map((kind) => kind.snapshot()), news: this.#news.toReversed() };
  }

  /** What is held and watched for leaks, longest first. */
  held(): LeakReport[] {
    return this.watch.held().sort((a, b) => b.heldMs - a.heldMs);
  }

  /** Calls the listener at every such event. Returns what takes it away again. */
  on<E extends keyof ResourcesEvents>(event: E, listener: (value: ResourcesEvents[E]) => void): () => void {
    this.#events.on(event, listener);
    return () => void this.#events.off(event, listener);
  }

  /** Ends all scopes, at once; each releases what it has, the last first. Rejects with an AggregateError. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled([...this.roots].map((root) => root.end()));
    const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : [])).flatMap(each);
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} releases failed`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Counts and tells what became of one of a kind: for pools and the like. */
  note(what: "reclaimed" | "recycled" | "died", kind: string, owner: string, why: string): void {
    const counter: keyof KindCounters = what === "reclaimed" ? "reclaimed" : "recycled";
    this.kind(kind).counters[counter]++;
    this.#tell({ at: new Date(), what, kind, owner, why });
  }

  /** @internal */
  kind(name: string): Kind {
    const known = this.#kinds.get(name);
    if (known) return known;
    const kind = new Kind(name, limitsFrom(name, {}));
    this.#kinds.set(name, kind);
    return kind;
  }

  /** @internal */
  refused(kind: Kind, owner: string, error: ResourceError): void {
    this.#tell({ at: new Date(), what: "refused", kind: kind.name, owner, why: error.message });
  }

  /** @internal */
  releaseFailed(kind: Kind, owner: string, why: string): void {
    this.#tell({ at: new Date(), what: "release failed", kind: kind.name, owner, why });
  }

  /** @internal A scope that is garbage-collected unclosed is reported, if scopes are watched. */
  hint(scope: Scope, core: ScopeCore): void {
    if (core.watched && core.isOnItsOwn) this.#collected.register(scope, core, core);
  }

  /** @internal */
  unhint(core: ScopeCore): void {
    if (core.watched) this.#collected.unregister(core);
  }

  #leaked(report: LeakReport): void {
    const { kind, owner, heldMs, stack, isCollected } = report;
    const why = isCollected ? "nobody can close it any more" : `held for ${Math.round(heldMs)} ms`;
    this.#tell({ at: new Date(), what: "leaked", kind, owner, why: stack === undefined ? why : `${why}\n${stack}` });
    this.#emit("leak", report);
  }

  #returned(report: LeakReport): void {
    const { kind, owner, heldMs } = report;
    this.#tell({ at: new Date(), what: "came back late", kind, owner, why: `after ${Math.round(heldMs)} ms` });
    this.#emit("returned", report);
  }

  #tell(news: ResourceNews): void {
    if (this.#news.push(news) > NEWS_MAX) this.#news.shift();
    this.#emit("news", news);
  }

  /** A listener that throws is its own problem, not that of whoever releases something. */
  #emit<E extends keyof ResourcesEvents>(event: E, value: ResourcesEvents[E]): void {
    try {
      this.#events.emit(event, value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function each(error: unknown): unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}
