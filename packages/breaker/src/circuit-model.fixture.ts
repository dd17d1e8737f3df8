import type { CircuitChange, CircuitSettings, CircuitStateName, Recent, TripReason } from "./circuit.ts";

interface Call {
  /** When it ended, as far as the window knows. */
  atMs: number;
  isFailure: boolean;
  isSlow: boolean;
}

/** Leave for a call: a waived one was let through by a circuit that only observes. */
export interface Ticket {
  changes: number;
  isWaived: boolean;
}

/**
 * What a circuit does, without anything that makes it fast: the calls since the last change of state are a plain list,
 * and it is counted anew whenever somebody asks.
 *
 * In a count window, a failure or a slow call bears its own time. A success bears that of the last call or look that read the clock:
 * failures, slow calls and looks do, and so does a success if the seven before it have not, or if it is the first since a change of state.
 */
export class ModelCircuit {
  readonly changes: CircuitChange[] = [];
  readonly #settings: CircuitSettings;
  #state: CircuitStateName = "closed";
  #changedMs = 0;
  #untilMs = 0;
  #calls: Call[] = [];
  #readMs = 0;
  #successesToReading = 0;
  #probes: { ticket: Ticket; deadlineMs: number }[] = [];
  #passed = 0;
  #trips = 0;
  #lastOpenMs = 0;

  constructor(settings: CircuitSettings) {
    this.#settings = settings;
  }

  look(now: number): CircuitStateName {
    if (this.#state === "open" && now >= this.#untilMs) this.#become(now, "half-open");
    else if (this.#state === "half-open" && this.#probes.some(({ deadlineMs }) => now >= deadlineMs))
      this.#open(now, "probe_hung", 0);
    return this.#state;
  }

  openMs(now: number): number {
    return this.#state === "open" ? Math.max(0, this.#untilMs - now) : 0;
  }

  recent(now: number): Recent {
    this.#read(now);
    const calls = this.#inWindow(now);
    return {
      calls: calls.length,
      failures: calls.filter(({ isFailure }) => isFailure).length,
      slow: calls.filter(({ isSlow }) => isSlow).length,
      consecutiveFailures: calls.length - 1 - calls.findLastIndex(({ isFailure }) => !isFailure),
    };
  }

  tryAcquire(now: number): Ticket | undefined {
    const ticket = { changes: this.changes.length, isWaived: false };
    if (this.#state === "closed") return ticket;
    this.look(now);
    if (this.#state === "half-open" && this.#probes.length + this.#passed < this.#settings.probes) {
      this.#probes.push({ ticket, deadlineMs: now + this.#settings.probeMsMax });
      return ticket;
    }
    return this.#settings.observeOnly ? { ...ticket, isWaived: true } : undefined;
  }

  record(now: number, ticket: Ticket, isFailure: boolean, isSlow: boolean, retryAfterMs: number): void {
    if (ticket.isWaived) return;
    const waitMs = isFailure && retryAfterMs > 0 ? Math.min(retryAfterMs, this.#settings.retryAfterMsMax) : 0;
    const toldToWait = waitMs > 0;
    if (this.#state === "open") {
      if (toldToWait) this.#untilMs = Math.max(this.#untilMs, now + waitMs);
    } else if (this.#state === "half-open") {
      if (!this.#giveBack(ticket)) return;
      if (isFailure) this.#open(now, "probe_failed", waitMs);
      else if (isSlow) this.#open(now, "slow_calls", 0);
      else if (++this.#passed === this.#settings.probes) this.#become(now, "closed");
    } else if (ticket.changes === this.changes.length) {
      if (isFailure || isSlow || --this.#successesToReading < 0) this.#read(now);
      this.#calls.push({ atMs: "ms" in this.#settings.window ? now : this.#readMs, isFailure, isSlow });
      if (!isFailure && !isSlow) return;
      const reason = toldToWait ? "retry_after" : this.#reasonToOpen(now);
      if (reason) this.#open(now, reason, waitMs);
    }
  }

  cancel(ticket: Ticket): void {
    this.#giveBack(ticket);
  }

  share(now: number, givenMs: number): void {
    const sharedMs = Math.min(givenMs, Math.max(this.#settings.openMsMax, this.#settings.retryAfterMsMax));
    if (this.#state === "open") this.#untilMs = Math.max(this.#untilMs, now + sharedMs);
    else this.#become(now, "open", "shared", sharedMs * (1 + 0.2 * Math.random()));
  }

  #read(now: number): void {
    this.#readMs = now;
    this.#successesToReading = 7;
  }

  #inWindow(now: number): Call[] {
    const { window } = this.#settings;
    if ("calls" in window) return this.#calls.slice(-window.calls).filter(({ atMs }) => now - atMs < window.ageMsMax);
    const tenth = (ms: number) => Math.floor(ms / (window.ms / 10));
    return this.#calls.filter(({ atMs }) => tenth(now) - tenth(atMs) < 10);
  }

  #reasonToOpen(now: number): TripReason | undefined {
    const { callsMin, failureRate, consecutiveFailures, slowRate } = this.#settings;
    const recent = this.recent(now);
    if (recent.consecutiveFailures >= consecutiveFailures) return "consecutive_failures";
    if (recent.calls < callsMin) return;
    if (recent.failures / recent.calls >= failureRate) return "failure_rate";
    return recent.slow / recent.calls >= slowRate ? "slow_calls" : undefined;
  }

  #giveBack(ticket: Ticket): boolean {
    const before = this.#probes.length;
    this.#probes = this.#probes.filter((probe) => probe.ticket !== ticket);
    return this.#probes.length < before;
  }

  #open(now: number, reason: TripReason, waitMs: number): void {
    const { openMs, openMsMax } = this.#settings;
    if (this.#state === "closed" && now - this.#changedMs > this.#lastOpenMs) this.#trips = 0;
    const usualMs = Math.min(openMsMax, openMs * 2 ** this.#trips) * (1 - 0.2 * Math.random());
    this.#trips++;
    this.#lastOpenMs = reason === "retry_after" ? waitMs : Math.max(usualMs, waitMs);
    this.#become(now, "open", reason, this.#lastOpenMs);
  }

  #become(now: number, to: CircuitStateName, reason?: TripReason, openMs?: number): void {
    const why = reason === undefined || openMs === undefined ? {} : { reason, openMs };
    this.changes.push({ from: this.#state, to, ...why });
    this.#state = to;
    this.#changedMs = now;
    this.#untilMs = now + (openMs ?? 0);
    this.#calls = [];
    this.#probes = [];
    this.#passed = 0;
    this.#successesToReading = 0;
  }
}
