import { Chain, Link } from "./chain.ts";
import type { Kind } from "./kind.ts";
import { WAIT_MS_MAX } from "./options.ts";
import type { Called } from "./scope.ts";

/** Something that is held for longer than its kind may be. */
export interface LeakReport {
  kind: string;
  /** Whose it is: the names of its scopes, outermost first. */
  owner: string;
  heldMs: number;
  /** Where it was acquired, if it was among those whose stack was taken. */
  stack: string | undefined;
  /** Its scope was garbage-collected without having been closed. The engine tells so late or never: a hint. */
  isCollected: boolean;
}

/** Where something was acquired. */
export interface Trace {
  stack?: string;
}

/** One lease under watch. */
export class Watched extends Link<Watched> {
  readonly kind: Kind;
  readonly owner: () => string;
  readonly sinceMs = performance.now();
  readonly #trace: Trace | undefined;
  isReported = false;

  constructor(kind: Kind, owner: () => string, trace: Trace | undefined) {
    super();
    this.kind = kind;
    this.owner = owner;
    this.#trace = trace;
  }

  report(isCollected = false): LeakReport {
    const heldMs = performance.now() - this.sinceMs;
    // Without the line that names the error.
    const stack = this.#trace?.stack?.split("\n").slice(1).join("\n");
    return { kind: this.kind.name, owner: this.owner(), heldMs, stack, isCollected };
  }
}

export interface LeakListener {
  leak(report: LeakReport): void;
  /** One that had been reported has come back after all. */
  returned(report: LeakReport): void;
}

/**
 * Reports what is held for too long, as HikariCP's leakDetectionThreshold does, with the stack of one acquisition in so
 * many, as Netty's ResourceLeakDetector; once something of a kind has leaked, with the stack of every further one.
 */
export class LeakWatch {
  /** Every acquisition is traced, of every kind. */
  tracesAll = false;
  readonly #traceOneIn: number;
  readonly #listener: LeakListener;
  /** Those that are not reported, by kind, the first held for the longest. */
  readonly #chains = new Map<Kind, Chain<Watched>>();
  readonly #reported = new Chain<Watched>();
  #untilTrace = 0;
  #timer: NodeJS.Timeout | undefined;
  #lookAtMs = Number.POSITIVE_INFINITY;

  constructor(traceOneIn: number, listener: LeakListener) {
    this.#traceOneIn = traceOneIn;
    this.#listener = listener;
  }

  /**
   * The stack of an acquisition, if it is one of those that are traced. To be taken when it begins: after an `await` there is
   * no way back to the caller. `called`: the frames from there on are not shown.
   */
  trace(kind: Kind, called: Called): Trace | undefined {
    if (!this.#isWatched(kind) || !this.#isTraced(kind)) return undefined;
    const trace: Trace = {};
    Error.captureStackTrace(trace, called);
    return trace;
  }

  /** Nothing, if the kind is not watched. */
  add(kind: Kind, owner: () => string, trace: Trace | undefined): Watched | undefined {
    if (!this.#isWatched(kind)) return undefined;
    const watched = new Watched(kind, owner, trace);
    let chain = this.#chains.get(kind);
    if (!chain) {
      chain = new Chain();
      this.#chains.set(kind, chain);
    }
    chain.append(watched);
    if (kind.isWatched) this.#lookAt(watched.sinceMs + kind.limits.leakMs);
    return watched;
  }

  remove(watched: Watched): void {
    const { kind } = watched;
    if (!watched.isReported) {
      this.#chains.get(kind)?.remove(watched);
      return;
    }
    this.#reported.remove(watched);
    kind.leaked--;
    this.#listener.returned(watched.report());
  }

  collected(watched: Watched): void {
    this.#report(watched, true);
  }

  /** All that is held now and under watch, and has been acquired since. */
  held(sinceMs = 0): LeakReport[] {
    return [this.#reported, ...this.#chains.values()]
      .flatMap((chain) => [...chain])
      .filter((watched) => watched.sinceMs >= sinceMs)
      .map((watched) => watched.report());
  }

  #isWatched(kind: Kind): boolean {
    return kind.isWatched || this.tracesAll;
  }

  #isTraced(kind: Kind): boolean {
    if (this.tracesAll || kind.leakedEver > 0) return true;
    if (this.#untilTrace-- > 0) return false;
    this.#untilTrace = this.#traceOneIn - 1;
    return true;
  }

  #report(watched: Watched, isCollected: boolean): void {
    if (watched.isReported) return;
    const { kind } = watched;
    this.#chains.get(kind)?.remove(watched);
    this.#reported.append(watched);
    watched.isReported = true;
    kind.leaked++;
    kind.leakedEver++;
    this.#listener.leak(watched.report(isCollected));
  }

  /** At the latest. */
  #lookAt(atMs: number): void {
    if (atMs >= this.#lookAtMs) return;
    clearTimeout(this.#timer);
    this.#lookAtMs = atMs;
    const leftMs = Math.max(1, atMs - performance.now());
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, WAIT_MS_MAX)).unref();
  }

  #look(): void {
    const now = performance.now();
    this.#lookAtMs = Number.POSITIVE_INFINITY;
    for (const [kind, chain] of this.#chains) {
      if (!kind.isWatched) continue;
      let watched = chain.first;
      for (; watched && watched.sinceMs + kind.limits.leakMs <= now; watched = chain.first)
        this.#report(watched, false);
      if (watched) this.#lookAt(watched.sinceMs + kind.limits.leakMs);
    }
  }
}
