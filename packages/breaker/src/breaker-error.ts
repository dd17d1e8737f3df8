export type BreakerErrorCode =
  /** The circuit is open, so the call was not made; `retryAfterMs` says when one may be again. */
  | "circuit_open"
  /** As many calls are under way as may be, so this one was not made. */
  | "bulkhead_full"
  /** The work took longer than it may. It was told to stop; whether it did is not known. */
  | "call_timeout"
  /** An option of a breaker is out of bounds. */
  | "option_invalid";

/** What a breaker itself refuses or gives up. What the work throws passes through as it is. */
export class BreakerError extends Error {
  readonly code: BreakerErrorCode;
  /** How long the circuit stays open, ms. Only of `circuit_open`. */
  readonly retryAfterMs: number | undefined;

  constructor(code: BreakerErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "BreakerError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
