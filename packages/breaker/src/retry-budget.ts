/** What every first attempt adds. */
const DEPOSIT = 0.1;

/**
 * Retries are a share of the calls, not a multiple: without it, an outage is met with three times the load (gRPC's
 * retry throttling, https://github.com/grpc/proposal/blob/master/A6-client-retries.md).
 */
export class RetryBudget {
  readonly #tokensMax: number;
  #tokens: number;

  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax;
    this.#tokens = tokensMax;
  }

  get tokens(): number {
    return this.#tokens;
  }

  deposit(): void {
    this.#tokens = Math.min(this.#tokensMax, this.#tokens + DEPOSIT);
  }

  /** Whether one more retry is within it. */
  take(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
