import { type Attempt, PLAIN_ATTEMPT, StoppableAttempt } from "./attempt.ts";
import { type Attempted, Rejection, unwrapped } from "./attempted.ts";
import { BreakerError } from "./breaker-error.ts";
import { Circuit, type CircuitChange, type CircuitStateName, NO_PERMIT, type Permit, WAIVED } from "./circuit.ts";
import { sleep } from "./clock.ts";
import { Deadlines, Limit } from "./deadlines.ts";
import { Listeners, reportUncaught } from "./listeners.ts";
import { type BreakerOptions, type BreakerSettings, settingsFrom } from "./options.ts";
import { type End, race, tookTooLong } from "./race.ts";
import { RetryBudget } from "./retry-budget.ts";
import { SharedTrip } from "./shared-trip.ts";
import { type BreakerCounters, type BreakerSnapshot, noCounters } from "./snapshot.ts";
import { Source } from "./source.ts";
import { FAILED, FINE, httpVerdict, isResponse, type Outcome, type Verdict } from "./verdict.ts";

export type Work<T> = (attempt: Attempt) => T | PromiseLike<T>;
export type StreamWork<T> = (attempt: Attempt) => AsyncIterable<T> | PromiseLike<AsyncIterable<T>>;

export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and says nothing against the service. */
  signal?: AbortSignal;
}

export interface BreakerEvents {
  /** The circuit has opened, closed, or begun to probe. */
  change: CircuitChange & { name: string };
  /** A failure that somebody has to do something about: a key that is no longer valid, say. */
  attention: { name: string; error: unknown };
  retry: { name: string; number: number; waitMs: number; error: unknown };
}

/**
 * Guards the calls to one service. Make one for each service, or each model of it, and keep it as long as the process lives.
 *
 * @throws BreakerError `option_invalid`
 */
export function circuitBreaker(name: string, options: BreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker(name, options);
}

export class CircuitBreaker {
  readonly name: string;
  readonly counters: BreakerCounters = noCounters();
  readonly #settings: BreakerSettings;
  readonly #circuit: Circuit;
  readonly #budget: RetryBudget;
  readonly #share: SharedTrip | undefined;
  readonly #callLimit: Deadlines | undefined;
  readonly #firstItemLimit: Deadlines | undefined;
  readonly #idleLimit: Deadlines | undefined;
  readonly #listeners: { [E in keyof BreakerEvents]: Listeners<BreakerEvents[E]> } = {
    change: new Listeners(),
    attention: new Listeners(),
    retry: new Listeners(),
  };
  /** A call is made once, as soon as it has its permit, and how long it takes does not matter but for its limit. */
  readonly #isSimple: boolean;
  /** What follows a plain call, for the permit of the closed circuit, which they share: so a call makes no closures. */
  #plain: PlainEnds | undefined;
  #underWay = 0;
  readonly #release = () => {
    this.#underWay--;
  };
  readonly #rejected: Promise<Rejection>;

  constructor(name: string, options: BreakerOptions) {
    const settings = settingsFrom(name, options);
    const { clock, share, timeoutMs, firstItemMs, idleMs, slowCallMs, retries } = settings;
    this.name = name;
    this.#settings = settings;
    this.#circuit = new Circuit(
      settings,
      () => clock.now(),
      (change) => this.#changed(change),
    );
    this.#budget = new RetryBudget(settings.retryBudget);
    this.#share = share && new SharedTrip(name, share, clock, (openMs) => this.#circuit.share(openMs));
    const limit = (ms: number) => (ms === Number.POSITIVE_INFINITY ? undefined : new Deadlines(ms, clock));
    this.#callLimit = limit(timeoutMs);
    this.#firstItemLimit = limit(firstItemMs);
    this.#idleLimit = limit(idleMs);
    this.#isSimple = slowCallMs === Number.POSITIVE_INFINITY && retries === 0 && !share;
    this.#rejected = Promise.resolve(new Rejection(() => this.#outOfOrder()));
  }

  get state(): CircuitStateName {
    return this.#circuit.state;
  }

  /** How long no call is let through, ms; 0 unless open. */
  get openMs(): number {
    return this.#circuit.openMs;
  }

  snapshot(): BreakerSnapshot {
    const { state, reason, openMs, recent } = this.#circuit;
    return {
      ...{ name: this.name, state, ...(reason === undefined ? {} : { reason }), openMs },
      ...{ observeOnly: this.#settings.observeOnly, recent, underWay: this.#underWay },
      ...{ retryTokens: this.#budget.tokens, shareFailures: this.#share?.failures ?? 0 },
      counters: { ...this.counters },
    };
  }

  /** Calls the listener at every such event. Returns what takes it away again. */
  on<E extends keyof BreakerEvents>(event: E, listener: (value: BreakerEvents[E]) => void): () => void {
    return this.#listeners[event].add(listener);
  }

  // ---- calls ----

  /**
   * Does the work and resolves with what it gives.
   *
   * Rejects with what the work rejects with, with the signal's reason, or with `BreakerError` `circuit_open`,
   * `bulkhead_full`, `call_timeout`.
   */
  call<T>(work: Work<T>, options?: CallOptions): Promise<T> {
    if (!this.#isSimple || options !== undefined) return this.#run(work, options).then(unwrapped<T>);
    const permit = this.tryAcquire();
    if (permit === NO_PERMIT) return Promise.reject(this.#refusal());
    if (this.#callLimit) return this.#timed(permit, work, this.#callLimit);
    const { value, error } = this.#plainEnds(permit);
    return begin(work, PLAIN_ATTEMPT).then(value<T>, error);
  }

  /** As `call`, but never rejects, and tells whether the work was begun. While the circuit is open it costs next to nothing. */
  attempt<T>(work: Work<T>, options?: CallOptions): Promise<Attempted<T>> {
    if (this.#circuit.isOpen && !this.#settings.observeOnly) {
      this.counters.rejectedOpen++;
      return this.#rejected;
    }
    if (!this.#isSimple || this.#callLimit || options !== undefined) return this.#run(work, options);
    const permit = this.tryAcquire();
    if (permit === NO_PERMIT) return Promise.resolve(this.#refused());
    const { ok, notOk } = this.#plainEnds(permit);
    return begin(work, PLAIN_ATTEMPT).then(ok<T>, notOk);
  }

  /** The same function, through `call`. */
  wrap<A extends unknown[], T>(fn: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return (...args) => this.call(() => fn(...args));
  }

  /**
   * What the work's stream gives. It is begun again only before its first item. `firstItemMs` and `idleMs` bound the waits;
   * an error in its middle counts. A consumer that stops early has seen the service answer: that is a success.
   *
   * Throws as `call` rejects.
   */
  async *stream<T>(work: StreamWork<T>, options?: CallOptions): AsyncGenerator<T, void, undefined> {
    const signal = options?.signal;
    for (let number = 1, failed: Attempted<never> | undefined; ; number++) {
      if (this.#mustLook) await this.#share?.look();
      const permit = this.#enter(number, signal, failed);
      if (typeof permit !== "number") return unwrapped(permit);
      const attempt = new StoppableAttempt(number);
      const startedMs = this.#stopwatch();
      const source = new Source(begin(work, attempt));
      let firstItemMs = 0;
      let hasItems = false;
      let end: End<void> | undefined;
      let done: Done<void>;
      try {
        while (!end) {
          const step = await race(source.next(), hasItems ? this.#idleLimit : this.#firstItemLimit, signal, ignore);
          if (!hasItems) firstItemMs = this.#stopwatch() - startedMs;
          if (step.by !== "work") end = step;
          else if (!step.outcome.ok) end = { by: "work", outcome: step.outcome };
          else if (step.outcome.value.done) end = STREAMED;
          else {
            hasItems = true;
            yield step.outcome.value.value;
          }
        }
      } finally {
        // Without an end, the consumer has stopped.
        if (!end) attempt.stop(new DOMException("the stream's consumer has stopped", "AbortError"));
        done = this.#finish(permit, attempt, end ?? STREAMED, firstItemMs);
        void source.stop().then(this.#release);
      }
      if (done.attempted.ok) return;
      failed = done.attempted;
      const waitMs = hasItems ? undefined : this.#retryInMs(number, done.verdict);
      if (waitMs === undefined) throw failed.error;
      await this.#waitToRetry(number, waitMs, failed, signal);
    }
  }

  // ---- the core, for work of any other shape ----

  /** Leave for one call, or 0. For every other permit, exactly one `record` or `cancel` must follow. */
  tryAcquire(): Permit {
    if (this.#isFull) {
      this.counters.rejectedFull++;
      if (!this.#settings.observeOnly) return NO_PERMIT;
    }
    const permit = this.#circuit.tryAcquire();
    if (permit === NO_PERMIT || permit === WAIVED) this.counters.rejectedOpen++;
    if (permit !== NO_PERMIT) this.#underWay++;
    return permit;
  }

  /** What became of the call, and how long it took. */
  record(permit: Permit, outcome: Outcome, tookMs = 0): void {
    this.#release();
    this.#settle(permit, outcome, tookMs);
  }

  /** The call was given up by its caller: it says nothing of the service. */
  cancel(permit: Permit): void {
    this.#release();
    this.counters.cancelled++;
    this.#circuit.cancel(permit);
  }

  // ---- private ----

  /** An open circuit is the better reason to refuse a call. */
  get #isFull(): boolean {
    return this.#underWay >= this.#settings.concurrentMax && !this.#circuit.isOpen;
  }

  get #mustLook(): boolean {
    return this.#share !== undefined && !this.#share.isFresh && !this.#circuit.isOpen;
  }

  async #run<T>(work: Work<T>, options: CallOptions | undefined): Promise<Attempted<T>> {
    const signal = options?.signal;
    for (let number = 1, failed: Attempted<T> | undefined; ; number++) {
      if (this.#mustLook) await this.#share?.look();
      const permit = this.#enter(number, signal, failed);
      if (typeof permit !== "number") return permit;
      if (failed) discard(failed);
      const attempt = new StoppableAttempt(number);
      const startedMs = this.#stopwatch();
      const end = await race(begin(work, attempt), this.#callLimit, signal, this.#release);
      const done = this.#finish(permit, attempt, end, this.#stopwatch() - startedMs);
      failed = done.attempted;
      const waitMs = this.#retryInMs(number, done.verdict);
      if (waitMs === undefined) return failed;
      await this.#waitToRetry(number, waitMs, failed, signal);
    }
  }

  /** What `#run` does for a call that is made once and that nobody can give up, in half its time. */
  #timed<T>(permit: Permit, work: Work<T>, limits: Deadlines): Promise<T> {
    return new Promise((resolve, reject) => {
      const attempt = new StoppableAttempt(1);
      const limit = new Limit(() => {
        const error = tookTooLong(limits.ms);
        attempt.stop(error);
        this.counters.timedOut++;
        this.#settle(permit, { ok: false, error }, 0);
        reject(error);
      });
      limits.add(limit);
      begin(work, attempt).then(
        (value) => {
          this.#underWay--;
          if (!limits.remove(limit)) return;
          this.#fine(permit, value);
          resolve(value);
        },
        (error) => {
          this.#underWay--;
          if (!limits.remove(limit)) return;
          this.#settle(permit, { ok: false, error }, 0);
          reject(error);
        },
      );
    });
  }

  /** A permit, or what the call comes to without one: for want of a second, to what the first came. */
  #enter<T>(number: number, signal?: AbortSignal, failed?: Attempted<T>): Permit | Attempted<T> {
    if (signal?.aborted) return { ok: false, error: signal.reason, rejected: number === 1 };
    const permit = this.tryAcquire();
    if (permit === NO_PERMIT) return failed ?? this.#refused();
    if (number === 1) this.#budget.deposit();
    return permit;
  }

  /** The time, where it matters how long a call takes: to read the clock costs as much as much of a call. */
  #stopwatch(): number {
    return this.#settings.slowCallMs === Number.POSITIVE_INFINITY ? 0 : this.#settings.clock.now();
  }

  #finish<T>(permit: Permit, attempt: StoppableAttempt, end: End<T>, tookMs: number): Done<T> {
    if (end.by === "work") {
      const verdict = this.#settle(permit, end.outcome, tookMs);
      const { outcome } = end;
      const attempted: Attempted<T> = outcome.ok
        ? { ok: true, value: outcome.value, rejected: false }
        : { ok: false, error: outcome.error, rejected: false };
      return { attempted, verdict };
    }
    const { error } = end;
    attempt.stop(error);
    const attempted: Attempted<never> = { ok: false, error, rejected: false };
    if (end.by === "deadline") {
      this.counters.timedOut++;
      return { attempted, verdict: this.#settle(permit, { ok: false, error }, tookMs) };
    }
    this.counters.cancelled++;
    this.#circuit.cancel(permit);
    return { attempted, verdict: FINE };
  }

  #settle(permit: Permit, outcome: Outcome, tookMs: number): Verdict {
    const verdict = this.#judge(outcome);
    const isSlow = tookMs >= this.#settings.slowCallMs;
    this.counters[verdict.isFailure ? "failed" : "succeeded"]++;
    if (isSlow) this.counters.slow++;
    this.#circuit.record(permit, verdict.isFailure, isSlow, verdict.retryAfterMs);
    if (verdict.needsAttention)
      this.#listeners.attention.tell({ name: this.name, error: outcome.ok ? outcome.value : outcome.error });
    return verdict;
  }

  /** `#settle` of what most calls come to, without an object for it. */
  #fine(permit: Permit, value: unknown): void {
    if (this.#settings.isFailure === httpVerdict && !isResponse(value)) {
      this.counters.succeeded++;
      this.#circuit.record(permit, false);
    } else this.#settle(permit, { ok: true, value }, 0);
  }

  #judge(outcome: Outcome): Verdict {
    try {
      const verdict = this.#settings.isFailure(outcome);
      return verdict === true ? FAILED : verdict || FINE;
    } catch (error) {
      reportUncaught(error);
      return outcome.ok ? FINE : FAILED;
    }
  }

  /** How long to wait before the next attempt; undefined when there is none. There is one such loop, and nobody waits long in it. */
  #retryInMs(number: number, verdict: Verdict): number | undefined {
    const { retries, backoffMs, backoffMsMax, observeOnly } = this.#settings;
    if (number > retries || !verdict.isFailure || !verdict.isRetryable) return;
    const backoff = Math.random() * Math.min(backoffMsMax, backoffMs * 2 ** Math.min(number - 1, 30));
    const waitMs = Math.max(backoff, verdict.retryAfterMs || 0, observeOnly ? 0 : this.openMs);
    return waitMs <= backoffMsMax && this.#budget.take() ? waitMs : undefined;
  }

  async #waitToRetry(number: number, waitMs: number, failed: Attempted<unknown>, signal?: AbortSignal): Promise<void> {
    this.counters.retried++;
    this.#listeners.retry.tell({ name: this.name, number, waitMs, error: failed.ok ? failed.value : failed.error });
    await sleep(this.#settings.clock, waitMs, signal);
  }

  #plainEnds(permit: Permit): PlainEnds {
    if (this.#plain?.permit === permit) return this.#plain;
    const fine = (value: unknown) => {
      this.#underWay--;
      this.#fine(permit, value);
    };
    const failed = (error: unknown) => {
      this.#underWay--;
      this.#settle(permit, { ok: false, error }, 0);
    };
    this.#plain = {
      permit,
      value: (value) => {
        fine(value);
        return value;
      },
      error: (error) => {
        failed(error);
        throw error;
      },
      ok: (value) => {
        fine(value);
        return { ok: true, value, rejected: false };
      },
      notOk: (error) => {
        failed(error);
        return { ok: false, error, rejected: false };
      },
    };
    return this.#plain;
  }

  #refused(): Attempted<never> {
    return { ok: false, error: this.#refusal(), rejected: true };
  }

  #refusal(): BreakerError {
    return this.#isFull
      ? new BreakerError("bulkhead_full", `${this.name}: ${this.#underWay} calls are under way`)
      : this.#outOfOrder();
  }

  #outOfOrder(): BreakerError {
    const retryAfterMs = Math.ceil(this.openMs);
    const until = retryAfterMs > 0 ? `for ${retryAfterMs} ms yet` : "until a probe has passed";
    return new BreakerError("circuit_open", `${this.name} is out of order, ${until}`, retryAfterMs);
  }

  #changed(change: CircuitChange): void {
    if (change.to === "open") {
      this.counters.opened++;
      // Who only observes keeps nobody else from calling either.
      if (change.reason !== "shared" && !this.#settings.observeOnly) this.#share?.tell(change.openMs ?? 0);
    }
    this.#listeners.change.tell({ ...change, name: this.name });
  }
}

interface PlainEnds {
  permit: Permit;
  value: <T>(value: T) => T;
  error: (error: unknown) => never;
  ok: <T>(value: T) => Attempted<T>;
  notOk: (error: unknown) => Attempted<never>;
}

interface Done<T> {
  attempted: Attempted<T>;
  verdict: Verdict;
}

const STREAMED: End<void> = { by: "work", outcome: { ok: true, value: undefined } };

function begin<T>(work: (attempt: Attempt) => T | PromiseLike<T>, attempt: Attempt): Promise<T> {
  try {
    const result = work(attempt);
    return result instanceof Promise ? result : Promise.resolve(result);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The body of an answer that nobody gets would hold its connection. */
function discard(attempted: Attempted<unknown>): void {
  if (attempted.ok && isResponse(attempted.value)) attempted.value.body?.cancel?.().catch(ignore);
}

function ignore(): void {}
