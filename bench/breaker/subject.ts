import { circuitBreaker } from "@holdfast/breaker";
import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  circuitBreaker as cockatielBreaker,
  handleAll,
  type IBreaker,
  SamplingBreaker,
  TimeoutStrategy,
  timeout,
  wrap,
} from "cockatiel";
import OpossumBreaker from "opossum";

/** One call, and what it must come to: a value, a rejection or a returned refusal. */
export interface Subject {
  call: () => Promise<unknown>;
  /** Brings it into the state that is measured. */
  prepare?: () => Promise<void>;
}

const TIMEOUT_MS = 10_000;
const OPEN_MS = 600_000;
const CONCURRENT_MAX = 10;

const work = async () => 1;
const broken = async () => {
  throw new Error("broken");
};

/** What one would write oneself in half an hour. */
class Naive {
  #failures = 0;
  #openUntilMs = 0;

  async call<T>(fn: () => Promise<T>): Promise<T> {
    if (this.#failures >= 5 && Date.now() < this.#openUntilMs) throw new Error("open");
    try {
      const value = await fn();
      this.#failures = 0;
      return value;
    } catch (error) {
      this.#failures++;
      this.#openUntilMs = Date.now() + OPEN_MS;
      throw error;
    }
  }
}

const holdfast = (options = {}) => circuitBreaker("bench", { openMs: OPEN_MS, openMsMax: OPEN_MS, ...options });
const cockatiel = (breaker: IBreaker) => cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker });
const opossum = (options: object, fn: () => Promise<unknown> = work) =>
  new OpossumBreaker(fn, { resetTimeout: OPEN_MS, ...options });

async function fail(call: () => Promise<unknown>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await call().catch(() => {});
}

/** By question and subject; those of one question do the same. */
export const SUBJECTS: Record<string, Record<string, () => Subject>> = {
  closed: {
    "bare await": () => ({ call: work }),
    naive: () => {
      const breaker = new Naive();
      return { call: () => breaker.call(work) };
    },
    holdfast: () => {
      const breaker = holdfast();
      return { call: () => breaker.call(work) };
    },
    "cockatiel, consecutive": () => {
      const breaker = cockatiel(new ConsecutiveBreaker(5));
      return { call: () => breaker.execute(work) };
    },
    "cockatiel, count": () => {
      const breaker = cockatiel(new CountBreaker({ threshold: 0.5, size: 20 }));
      return { call: () => breaker.execute(work) };
    },
    "cockatiel, sampling": () => {
      const breaker = cockatiel(new SamplingBreaker({ threshold: 0.5, duration: 30_000 }));
      return { call: () => breaker.execute(work) };
    },
    "opossum, no timeout": () => {
      const breaker = opossum({ timeout: false });
      return { call: () => breaker.fire() };
    },
  },
  "with a timeout": {
    "bare await": () => ({ call: work }),
    holdfast: () => {
      const breaker = holdfast({ timeoutMs: TIMEOUT_MS });
      return { call: () => breaker.call(work) };
    },
    cockatiel: () => {
      const breaker = wrap(
        cockatiel(new CountBreaker({ threshold: 0.5, size: 20 })),
        timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
      );
      return { call: () => breaker.execute(work) };
    },
    "opossum, defaults": () => {
      const breaker = opossum({});
      return { call: () => breaker.fire() };
    },
  },
  "with a bulkhead": {
    "bare await": () => ({ call: work }),
    holdfast: () => {
      const breaker = holdfast({ concurrentMax: CONCURRENT_MAX });
      return { call: () => breaker.call(work) };
    },
    cockatiel: () => {
      const breaker = wrap(cockatiel(new CountBreaker({ threshold: 0.5, size: 20 })), bulkhead(CONCURRENT_MAX));
      return { call: () => breaker.execute(work) };
    },
    opossum: () => {
      const breaker = opossum({ timeout: false, capacity: CONCURRENT_MAX });
      return { call: () => breaker.fire() };
    },
  },
  open: {
    "bare await": () => ({ call: work }),
    naive: () => {
      const breaker = new Naive();
      return { prepare: () => fail(() => breaker.call(broken), 5), call: () => breaker.call(work).catch(ignore) };
    },
    "holdfast, call": () => {
      const breaker = holdfast();
      return { prepare: () => fail(() => breaker.call(broken), 5), call: () => breaker.call(work).catch(ignore) };
    },
    "holdfast, attempt": () => {
      const breaker = holdfast();
      return { prepare: () => fail(() => breaker.call(broken), 5), call: () => breaker.attempt(work) };
    },
    cockatiel: () => {
      const breaker = cockatiel(new ConsecutiveBreaker(5));
      return {
        async prepare() {
          await fail(() => breaker.execute(broken), 5);
          if (breaker.state !== CircuitState.Open) throw new Error("cockatiel is not open");
        },
        call: () => breaker.execute(work).catch(ignore),
      };
    },
    opossum: () => {
      const breaker = opossum({ timeout: false }, broken);
      return {
        async prepare() {
          await fail(() => breaker.fire(), 5);
          if (!breaker.opened) throw new Error("opossum is not open");
        },
        call: () => breaker.fire().catch(ignore),
      };
    },
  },
};

function ignore(): void {}
