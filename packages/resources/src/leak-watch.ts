import { Chain, Link } from "./chain.ts";
import type { Kind } from "./kind.ts";
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

/** setTimeout fires at once for more than this. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** One lease under watch. */
export class Watched extends Link<Watched> {
  readonly kind: Kind;
  readonly owner: () => string;
  readonly sinceMs = performance.now();
  readonly #trace: { stack?: string } | undefined;
  isReported = false;

  constructor(kind: Kind, owner: () => string, trace: { stack?: string } | undefined) {
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

  constructor(traceOneIn: number, listener: LeakListener) {
    this.#traceOneIn = traceOneIn;
    this.#listener = listener;
  }

  /** `called`: the frames of the stack from there on are not shown. */
  add(kind: Kind, owner: () => string, called: Called): Watched {
    const watched = new Watched(kind, owner, this.#isTraced(kind) ? trace(called) : undefined);
    let chain = this.#chains.get(kind);
    if (!chain) {
      chain = new Chain();
      this.#chains.set(kind, chain);
    }
    chain.append(watched);
    if (kind.isWatched) this.#timer ??= this.#wait(kind.limits.leakMs);
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

  /** All that is held now and under watch. */
  held(): LeakReport[] {
    return [this.#reported, ...this.#chains.values()].flatMap((chain) => [...chain].map((each) => each.report()));
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

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.min(ms, WAIT_MS_MAX)).unref();
  }

  #look(): void {
    const now = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [kind, chain] of this.#chains) {
      if (!kind.isWatched) continue;
      let watched = chain.first;
      for (; watched && watched.sinceMs + kind.limits.leakMs <= now; watched = chain.first)
        this.#report(watched, false);
      if (watched) nextMs = Math.min(nextMs, watched.sinceMs + kind.limits.leakMs - now);
    }
    this.#timer = nextMs === Number.POSITIVE_INFINITY ? undefined : this.#wait(nextMs);
  }
}

function trace(called: Called): { stack?: string } {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, called);
  return holder;
}
