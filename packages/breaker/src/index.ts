export type { Attempt } from "./attempt.ts";
export type { Attempted } from "./attempted.ts";
export {
  type BreakerEvents,
  type CallOptions,
  type CircuitBreaker,
  circuitBreaker,
  type StreamWork,
  type Work,
} from "./breaker.ts";
export { BreakerError, type BreakerErrorCode } from "./breaker-error.ts";
export { type CircuitChange, type CircuitStateName, NO_PERMIT, type Permit, type TripReason } from "./circuit.ts";
export type { Clock, Timer } from "./clock.ts";
export { guarded } from "./guarded.ts";
export { type BreakerOptions, DEFAULTS } from "./options.ts";
export type { TripStore } from "./shared-trip.ts";
export type { BreakerCounters, BreakerSnapshot } from "./snapshot.ts";
export { httpVerdict, type IsFailure, type Outcome, parseRetryAfter, type Verdict } from "./verdict.ts";
