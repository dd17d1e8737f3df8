import type { Counters } from "./counters.ts";
import type { Limits } from "./limits.ts";
import type { Line } from "./line.ts";
import type { Timers } from "./timers.ts";

const CHECK_MS = 20;

/** Clients that send more than they may, or faster than it is handled, are not read for a while: TCP slows them down. */
export class Throttle {
  readonly #limits: Limits;
  readonly #counters: Counters;
  readonly #timers: Timers;
  readonly #paused = new Set<Line>();

  constructor(limits: Limits, counters: Counters, timers: Timers) {
    this.#limits = limits;
    this.#counters = counters;
    this.#timers = timers;
  }

  /** It is unread, so its silence says nothing. */
  isPaused(line: Line): boolean {
    return this.#paused.has(line);
  }

  spend(line: Line, messages: number, nowMs: number): void {
    this.#refill(line, nowMs);
    line.allowance -= messages;
    if (!this.#isOverdrawn(line) || this.#paused.has(line)) return;
    this.#counters.throttled++;
    line.socket.pause();
    this.#paused.add(line);
    if (this.#paused.size === 1) this.#timers.later(CHECK_MS, () => this.#check());
  }

  #check(): void {
    const nowMs = performance.now();
    for (const line of this.#paused) {
      this.#refill(line, nowMs);
      if (!line.isOver && this.#isOverdrawn(line)) continue;
      this.#paused.delete(line);
      // Unread, it could not be heard.
      line.lastHeardMs = nowMs;
      line.socket.resume();
    }
    if (this.#paused.size > 0) this.#timers.later(CHECK_MS, () => this.#check());
  }

  #refill(line: Line, nowMs: number): void {
    const perSecond = this.#limits.messagesPerSecondMax;
    const earned = ((nowMs - line.allowedAtMs) / 1000) * perSecond;
    line.allowance = Math.min(perSecond * 2, line.allowance + earned);
    line.allowedAtMs = nowMs;
  }

  #isOverdrawn(line: Line): boolean {
    return line.allowance < 0 || line.inbox.waiting > this.#limits.messagesWaitingMax;
  }
}
