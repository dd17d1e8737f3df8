import { CountWindow, type OutcomeWindow, TimeWindow } from "./outcome-window.ts";

export type TripReason =
  | "failure_rate"
  | "consecutive_failures"
  | "slow_calls"
  /** The service said when to come back. */
  | "retry_after"
  | "probe_failed"
  /** A probe had not ended at its deadline. */
  | "probe_hung"
  /** Another server has met the outage. */
  | "shared";

export type CircuitStateName = "closed" | "open" | "half-open";

/** Leave to make one call; what becomes of it is recorded for it. A number, so that none has to be allocated. */
export type Permit = number;
export const NO_PERMIT = 0;
/** Of a circuit that only observes, where it would have given none: whatever is recorded for it counts for nothing. */
export const WAIVED = -1;

export interface CircuitSettings {
  window: { calls: number; ageMsMax: number } | { ms: number };
  callsMin: number;
  failureRate: number;
  consecutiveFailures: number;
  slowRate: number;
  openMs: number;
  openMsMax: number;
  retryAfterMsMax: number;
  probes: number;
  probeMsMax: number;
  observeOnly: boolean;
}

export interface CircuitChange {
  from: CircuitStateName;
  to: CircuitStateName;
  /** Why it opened, and for how long. */
  reason?: TripReason;
  openMs?: number;
}

export interface Recent {
  calls: number;
  failures: number;
  slow: number;
  consecutiveFailures: number;
}

type State =
  | { is: "closed"; permit: Permit; sinceMs: number }
  | { is: "open"; reason: TripReason; untilMs: number }
  /** `probes`: those under way, with their deadlines. */
  | { is: "half-open"; probes: Map<Permit, number>; passed: number };

/** How much shorter than usual an open time may be, or longer than another server's, so that many servers do not probe at once. */
const JITTER = 0.2;

/**
 * When calls may be made: the state machine alone, without promises and timers. Time passes only when it is asked, on a
 * clock that never jumps (M. Nygard, Release It!; the half-open probes with deadlines are ours).
 */
export class Circuit {
  readonly #settings: CircuitSettings;
  readonly #now: () => number;
  readonly #changed: (change: CircuitChange) => void;
  readonly #window: OutcomeWindow;
  #state: State;
  #lastPermit = 1;
  /** Of the calls in the window, the last ones that failed in a row. */
  #consecutive = 0;
  /** Trips since it was last well for as long as it had been open. */
  #trips = 0;
  #openMs = 0;

  constructor(settings: CircuitSettings, now: () => number, changed: (change: CircuitChange) => void) {
    const { window } = settings;
    this.#settings = settings;
    this.#now = now;
    this.#changed = changed;
    this.#window =
      "ms" in window ? new TimeWindow(window.ms, now) : new CountWindow(window.calls, window.ageMsMax, now);
    this.#state = { is: "closed", permit: this.#lastPermit, sinceMs: now() };
  }

  get state(): CircuitStateName {
    this.#look(this.#now());
    return this.#state.is;
  }

  get isOpen(): boolean {
    return this.#state.is === "open" && this.#now() < this.#state.untilMs;
  }

  /** How long it stays open, ms; 0 if it is not. */
  get openMs(): number {
    return this.#state.is === "open" ? Math.max(0, this.#state.untilMs - this.#now()) : 0;
  }

  get reason(): TripReason | undefined {
    return this.#state.is === "open" ? this.#state.reason : undefined;
  }

  /** The calls it judges by at the moment. */
  get recent(): Recent {
    this.#window.expire();
    const { calls, failures, slow } = this.#window;
    return { calls, failures, slow, consecutiveFailures: Math.min(this.#consecutive, calls) };
  }

  /** `NO_PERMIT` when no call may be made. For any other, exactly one `record` or `cancel` must follow. */
  tryAcquire(): Permit {
    return this.#state.is === "closed" ? this.#state.permit : this.#tryProbe();
  }

  /** What became of the call. One that began before the last change of state counts no more, but its Retry-After keeps an open circuit open. */
  record(permit: Permit, isFailure: boolean, isSlow = false, retryAfterMs = 0): void {
    const state = this.#state;
    // Whoever judges may have given NaN.
    const askedMs = isFailure && retryAfterMs > 0 ? Math.min(retryAfterMs, this.#settings.retryAfterMsMax) : 0;
    if (state.is === "closed") {
      if (permit === state.permit) this.#count(isFailure, isSlow, askedMs);
    } else if (state.is === "half-open") {
      if (!state.probes.delete(permit)) return;
      if (isFailure) this.#open("probe_failed", askedMs);
      else if (isSlow) this.#open("slow_calls");
      else if (++state.passed >= this.#settings.probes) this.#close();
    } else if (askedMs > 0 && permit !== WAIVED) state.untilMs = Math.max(state.untilMs, this.#now() + askedMs);
  }

  /** The call says nothing of the service: it was given up by its caller. */
  cancel(permit: Permit): void {
    if (this.#state.is === "half-open") this.#state.probes.delete(permit);
  }

  /** Opens it, or keeps it open, for so long: another server has met the outage. */
  share(givenMs: number): void {
    const { openMsMax, retryAfterMsMax } = this.#settings;
    const sharedMs = Math.min(givenMs, Math.max(openMsMax, retryAfterMsMax));
    const state = this.#state;
    if (state.is === "open") {
      // No news: it may even be its own trip that has come back.
      state.untilMs = Math.max(state.untilMs, this.#now() + sharedMs);
      return;
    }
    const openMs = sharedMs * (1 + JITTER * Math.random());
    this.#become({ is: "open", reason: "shared", untilMs: this.#now() + openMs }, "shared", openMs);
  }

  // ----

  #tryProbe(): Permit {
    const now = this.#now();
    this.#look(now);
    const state = this.#state;
    if (state.is === "half-open" && state.probes.size + state.passed < this.#settings.probes) {
      const permit = ++this.#lastPermit;
      state.probes.set(permit, now + this.#settings.probeMsMax);
      return permit;
    }
    return this.#settings.observeOnly ? WAIVED : NO_PERMIT;
  }

  /** What time alone changes. */
  #look(now: number): void {
    const state = this.#state;
    if (state.is === "open" && now >= state.untilMs) this.#become({ is: "half-open", probes: new Map(), passed: 0 });
    else if (state.is === "half-open")
      for (const deadlineMs of state.probes.values())
        if (now >= deadlineMs) {
          this.#open("probe_hung");
          return;
        }
  }

  #count(isFailure: boolean, isSlow: boolean, askedMs: number): void {
    this.#window.add(isFailure, isSlow);
    // Those that have left the window do not count.
    this.#consecutive = isFailure ? Math.min(this.#consecutive + 1, this.#window.calls) : 0;
    if (!isFailure && !isSlow) return;
    const reason = askedMs > 0 ? "retry_after" : this.#reasonToOpen();
    if (reason) this.#open(reason, askedMs);
  }

  #reasonToOpen(): TripReason | undefined {
    const { callsMin, failureRate, consecutiveFailures, slowRate } = this.#settings;
    const { calls, failures, slow } = this.#window;
    if (this.#consecutive >= consecutiveFailures) return "consecutive_failures";
    if (calls < callsMin) return;
    // Divided, not multiplied: 100 * 0.07 is more than 7.
    if (failures / calls >= failureRate) return "failure_rate";
    return slow / calls >= slowRate ? "slow_calls" : undefined;
  }

  #open(reason: TripReason, askedMs = 0): void {
    const { openMs, openMsMax } = this.#settings;
    const now = this.#now();
    if (this.#state.is === "closed" && now - this.#state.sinceMs > this.#openMs) this.#trips = 0;
    const usualMs = Math.min(openMsMax, openMs * 2 ** Math.min(this.#trips++, 30)) * (1 - JITTER * Math.random());
    // A service that is well but for one Retry-After is taken at its word; one whose probes fail is not.
    this.#openMs = reason === "retry_after" ? askedMs : Math.max(usualMs, askedMs);
    this.#become({ is: "open", reason, untilMs: now + this.#openMs }, reason, this.#openMs);
  }

  #close(): void {
    this.#become({ is: "closed", permit: ++this.#lastPermit, sinceMs: this.#now() });
  }

  #become(next: State, reason?: TripReason, openMs?: number): void {
    const from = this.#state.is;
    this.#state = next;
    this.#window.clear();
    this.#consecutive = 0;
    const why = reason === undefined || openMs === undefined ? {} : { reason, openMs };
    this.#changed({ from, to: next.is, ...why });
  }
}
