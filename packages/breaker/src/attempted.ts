import type { BreakerError } from "./breaker-error.ts";

/** What `attempt` comes to. `rejected`: the work was not even begun. */
export type Attempted<T> = { ok: true; value: T; rejected: false } | { ok: false; error: unknown; rejected: boolean };

/** Of an open circuit: one for all, so that a rejection costs next to nothing. The error is made only if it is looked at. */
export class Rejection {
  readonly ok = false;
  readonly rejected = true;
  readonly #make: () => BreakerError;

  constructor(make: () => BreakerError) {
    this.#make = make;
  }

  get error(): BreakerError {
    return this.#make();
  }
}

/** The value, or the error is thrown. */
export function unwrapped<T>(attempted: Attempted<T>): T {
  if (attempted.ok) return attempted.value;
  throw attempted.error;
}
