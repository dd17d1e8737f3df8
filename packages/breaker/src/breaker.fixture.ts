import { type BreakerEvents, type CircuitBreaker, circuitBreaker } from "./breaker.ts";
import { FakeClock } from "./clock.fixture.ts";
import type { BreakerOptions } from "./options.ts";

export interface World {
  breaker: CircuitBreaker;
  clock: FakeClock;
  changes: BreakerEvents["change"][];
  attention: BreakerEvents["attention"][];
  retries: BreakerEvents["retry"][];
}

export function world(options: BreakerOptions = {}): World {
  const clock = new FakeClock();
  const breaker = circuitBreaker("llm", { clock, ...options });
  const events: Omit<World, "breaker" | "clock"> = { changes: [], attention: [], retries: [] };
  breaker.on("change", (event) => events.changes.push(event));
  breaker.on("attention", (event) => events.attention.push(event));
  breaker.on("retry", (event) => events.retries.push(event));
  return { breaker, clock, ...events };
}

/** As many failures in a row as open it by default. */
export async function open(breaker: CircuitBreaker, error: unknown = new Error("down")): Promise<void> {
  for (let i = 0; i < 5; i++) await breaker.attempt(() => Promise.reject(error));
}

/** What an HTTP client throws. */
export function httpError(status: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error(`HTTP ${status}`), { status, headers });
}

/** Work that ends when the test says so. */
export class Pending<T> {
  readonly #work = Promise.withResolvers<T>();
  signal: AbortSignal | undefined;
  starts = 0;

  readonly start = ({ signal }: { signal: AbortSignal }): Promise<T> => {
    this.starts++;
    this.signal = signal;
    return this.#work.promise;
  };

  resolve(value: T): void {
    this.#work.resolve(value);
  }

  reject(error: unknown): void {
    this.#work.reject(error);
  }
}
