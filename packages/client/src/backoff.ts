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

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds to wait after a line that was open for `openMs`; `toldMs` is what its server asked for, if it did. */
  next(openMs: number, toldMs?: number): number {
    if (openMs >= this.#maxMs) this.#losses = 0;
    const losses = this.#losses++;
    if (toldMs !== undefined && losses === 0) return toldMs;
    return (toldMs ?? 0) + Math.random() * Math.min(this.#maxMs, this.#minMs * 2 ** (losses + 1));
  }
}
