/**
 * How long to wait before the next attempt: full jitter, uniform between 0 and a cap that doubles
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter). The first cap is twice `minMs`, so that
 * the clients of a dead server are back soon and yet spread out.
 *
 * It starts afresh only after a line that was open for `maxMs`: a server that welcomes and hangs up is not hammered.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  /** Lines that were lost since one was open for long. */
  #losses = 0;

  /** How often longer than at first an attempt may take: a server that many come to at once must not be asked again and again. */
  get patience(): number {
    return Math.min(4, this.#losses || 1);
  }

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait after a line that was open for `openMs`. Sent away by its server, a client goes at once, the first time. */
  next(openMs: number, isSentAway = false): number {
    if (openMs >= this.#maxMs) this.#losses = 0;
    const losses = this.#losses++;
    if (isSentAway && losses === 0) return 0;
    return Math.random() * Math.min(this.#maxMs, this.#minMs * 2 ** (losses + 1));
  }
}
