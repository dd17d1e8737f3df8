import { BreakerError } from "./breaker-error.ts";
import { type Deadlines, Limit } from "./deadlines.ts";
import type { Outcome } from "./verdict.ts";

/** What ended a call: the work itself, its time limit, or its caller. */
export type End<T> =
  | { by: "work"; outcome: Outcome<T> }
  | { by: "deadline"; error: BreakerError }
  | { by: "caller"; error: unknown };

/**
 * Resolves with whatever comes first. The work may go on all the same, since nothing can stop it but itself: `settled` is
 * called when it has ended.
 */
export function race<T>(
  work: Promise<T>,
  deadlines: Deadlines | undefined,
  signal: AbortSignal | undefined,
  settled: () => void,
): Promise<End<T>> {
  return new Promise((resolve) => {
    let limit: Limit | undefined;
    const end = (by: End<T>) => {
      if (limit) deadlines?.remove(limit);
      signal?.removeEventListener("abort", abort);
      resolve(by);
    };
    const abort = () => end({ by: "caller", error: signal?.reason });
    if (deadlines) {
      const { ms } = deadlines;
      limit = new Limit(() => end({ by: "deadline", error: tookTooLong(ms) }));
      deadlines.add(limit);
    }
    signal?.addEventListener("abort", abort);
    work.then(
      (value) => {
        settled();
        end({ by: "work", outcome: { ok: true, value } });
      },
      (error) => {
        settled();
        end({ by: "work", outcome: { ok: false, error } });
      },
    );
    // By the work itself, or between two items of a stream.
    if (signal?.aborted) abort();
  });
}

export function tookTooLong(ms: number): BreakerError {
  return new BreakerError("call_timeout", `not done within ${ms} ms`);
}
