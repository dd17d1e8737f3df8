/** The time, and what happens later. Tests have one of their own. */
export interface Clock {
  /** Milliseconds on a clock that never jumps. */
  now(): number;
  after(ms: number, work: () => void): Timer;
}

export interface Timer {
  cancel(): void;
  /** Whether the process stays up for it. */
  hold(isNeeded: boolean): void;
}

/** setTimeout fires at once for more than this. */
const WAIT_MS_MAX = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, Math.min(ms, WAIT_MS_MAX));
    return {
      cancel: () => clearTimeout(timer),
      // A browser's timer is a number, and holds nothing up.
      hold(isNeeded) {
        if (typeof timer !== "object") return;
        if (isNeeded) timer.ref();
        else timer.unref();
      },
    };
  },
};

/** Resolves after so many ms, or at once when the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
