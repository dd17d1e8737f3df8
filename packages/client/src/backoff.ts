/**
 * How long to wait before the next attempt: full jitter, uniform between 0 and a cap that doubles
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter). The first cap is `minMs`, or as long as the
 * lost server's clients need to come back all together, if that is longer.
 *
 * It starts afresh only after a line that was open for `maxMs`: a server that welcomes and hangs up is not hammered.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  /** What the last server said: how long its clients need to come back, ms. */
  spreadMs = 0;
  /** Lines that were lost since one was open for long. */
  #losses = 0;

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /**
   * How long an attempt may take that should take `usualMs`. A server that thousands come to at once must not be asked
   * again and again: what it does for those who have given up, it does in vain.
   */
  patienceMs(usualMs: number): number {
    return usualMs * Math.min(4, this.#losses || 1) + this.spreadMs * 4;
  }

  /** Milliseconds to wait after a line that was open for `openMs`. Sent away by its server, a client goes at once, the first time. */
  next(openMs: number, isSentAway = false): number {
    if (openMs >= this.#maxMs) this.#losses = 0;
    const losses = this.#losses++;
    if (isSentAway && losses === 0) return 0;
    return Math.random() * Math.min(this.#maxMs, Math.max(this.#minMs, this.spreadMs) * 2 ** losses);
  }
}
