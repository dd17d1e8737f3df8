/** The outcomes a circuit judges by. Counts are as of the last `add` or `expire`. */
export interface OutcomeWindow {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  add(isFailure: boolean, isSlow: boolean): void;
  /** Drops what is too old. */
  expire(): void;
  clear(): void;
}

const FAILURE = 1;
const SLOW = 2;

/** To read the clock costs as much as all the rest of a call: of successes, one in so many does. */
const CALLS_PER_READING = 8;

/**
 * The last so many calls, but none from long ago: after an idle hour it starts afresh. A success bears the time of the last
 * reading of the clock, at most seven calls ago, so it may be forgotten too early, never too late; a failure or a slow call its own.
 */
export class CountWindow implements OutcomeWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  readonly #ageMsMax: number;
  readonly #now: () => number;
  readonly #outcomes: Uint8Array;
  readonly #times: Float64Array;
  /** Where the oldest is. */
  #oldest = 0;
  #readMs: number;
  #toReading = 0;

  constructor(callsMax: number, ageMsMax: number, now: () => number) {
    this.#ageMsMax = ageMsMax;
    this.#now = now;
    this.#readMs = now();
    this.#outcomes = new Uint8Array(callsMax);
    this.#times = new Float64Array(callsMax);
  }

  add(isFailure: boolean, isSlow: boolean): void {
    if (isFailure || isSlow || --this.#toReading < 0) this.expire();
    const size = this.#outcomes.length;
    if (this.calls === size) this.#drop();
    let at = this.#oldest + this.calls;
    if (at >= size) at -= size;
    this.#times[at] = this.#readMs;
    this.#outcomes[at] = (isFailure ? FAILURE : 0) | (isSlow ? SLOW : 0);
    this.calls++;
    if (isFailure) this.failures++;
    if (isSlow) this.slow++;
  }

  expire(): void {
    this.#toReading = CALLS_PER_READING - 1;
    this.#readMs = this.#now();
    while (this.calls > 0 && this.#readMs - (this.#times[this.#oldest] as number) >= this.#ageMsMax) this.#drop();
  }

  clear(): void {
    this.calls = this.failures = this.slow = this.#toReading = 0;
  }

  #drop(): void {
    const outcome = this.#outcomes[this.#oldest] as number;
    if (++this.#oldest === this.#outcomes.length) this.#oldest = 0;
    this.calls--;
    if (outcome & FAILURE) this.failures--;
    if (outcome & SLOW) this.slow--;
  }
}

const BUCKETS = 10;

/** The calls of the last so many ms, to a tenth of it. Buckets are cleared when they are met again: no timer. */
export class TimeWindow implements OutcomeWindow {
  calls = 0;
  failures = 0;
  slow = 0;
  readonly #bucketMs: number;
  readonly #now: () => number;
  readonly #calls = new Uint32Array(BUCKETS);
  readonly #failures = new Uint32Array(BUCKETS);
  readonly #slow = new Uint32Array(BUCKETS);
  /** The number of the present bucket since the clock's start. */
  #bucket = 0;

  constructor(ms: number, now: () => number) {
    this.#bucketMs = ms / BUCKETS;
    this.#now = now;
  }

  add(isFailure: boolean, isSlow: boolean): void {
    this.expire();
    const at = this.#bucket % BUCKETS;
    this.calls++;
    this.#calls[at]!++;
    if (isFailure) {
      this.failures++;
      this.#failures[at]!++;
    }
    if (isSlow) {
      this.slow++;
      this.#slow[at]!++;
    }
  }

  expire(): void {
    const bucket = Math.floor(this.#now() / this.#bucketMs);
    if (bucket - this.#bucket >= BUCKETS) this.clear();
    else
      for (let passed = this.#bucket + 1; passed <= bucket; passed++) {
        const at = passed % BUCKETS;
        this.calls -= this.#calls[at]!;
        this.failures -= this.#failures[at]!;
        this.slow -= this.#slow[at]!;
        this.#calls[at] = this.#failures[at] = this.#slow[at] = 0;
      }
    this.#bucket = Math.max(bucket, this.#bucket);
  }

  clear(): void {
    this.calls = this.failures = this.slow = 0;
    for (const counts of [this.#calls, this.#failures, this.#slow]) counts.fill(0);
  }
}
