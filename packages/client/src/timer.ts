/** setTimeout fires at once for more than this. */
const WAIT_MAX_MS = 2 ** 31 - 1;

export type Timer = ReturnType<typeof setTimeout>;

export function after(waitMs: number, work: () => void): Timer {
  return setTimeout(work, Math.min(waitMs, WAIT_MAX_MS));
}

/** Milliseconds on a clock that never jumps. */
export function now(): number {
  return performance.now();
}
