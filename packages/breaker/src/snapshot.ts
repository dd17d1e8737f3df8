import type { CircuitStateName, Recent, TripReason } from "./circuit.ts";

export interface BreakerCounters {
  succeeded: number;
  failed: number;
  /** Of the failed: those that took too long. */
  timedOut: number;
  /** Given up by their callers. */
  cancelled: number;
  slow: number;
  /** Not begun, since the circuit was open, */
  rejectedOpen: number;
  /** or as many calls were under way as may be. */
  rejectedFull: number;
  retried: number;
  opened: number;
}

export interface BreakerSnapshot {
  name: string;
  state: CircuitStateName;
  /** Why it is open, */
  reason?: TripReason;
  /** and for how long yet. */
  openMs: number;
  observeOnly: boolean;
  /** The calls it judges by. */
  recent: Recent;
  /** Work that has begun and not ended, given up or not. */
  underWay: number;
  retryTokens: number;
  /** How often the store of shared trips has failed. */
  shareFailures: number;
  counters: BreakerCounters;
}

export function noCounters(): BreakerCounters {
  return {
    succeeded: 0,
    failed: 0,
    timedOut: 0,
    cancelled: 0,
    slow: 0,
    rejectedOpen: 0,
    rejectedFull: 0,
    retried: 0,
    opened: 0,
  };
}
