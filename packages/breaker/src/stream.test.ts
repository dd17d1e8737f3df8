import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { test } from "node:test";
import { httpError, open, Pending, world } from "./breaker.fixture.ts";
import { type CircuitBreaker, circuitBreaker } from "./breaker.ts";
import { BreakerError } from "./breaker-error.ts";
import { turn } from "./clock.fixture.ts";

const down = new Error("down");

test("a stream gives what the work's stream gives, in order, and counts as one success", async () => {
  const { breaker } = world();
  const items: number[] = [];
  for await (const item of breaker.stream(() => counting(5))) items.push(item);
  assert.deepEqual(items, [1, 2, 3, 4, 5]);
  await turn();
  const { counters, underWay } = breaker.snapshot();
  assert.deepEqual([counters.succeeded, counters.failed, underWay], [1, 0, 0]);
});

test("it may take the work a while to have a stream, or it may be one of any kind", async () => {
  const { breaker } = world();
  assert.deepEqual(await collect(breaker.stream(async () => counting(2))), [1, 2]);
  assert.deepEqual(await collect(breaker.stream(() => Readable.from(["a", "b"]))), ["a", "b"]);
  assert.deepEqual(await collect(breaker.stream(() => counting(0))), []);
  assert.equal(breaker.counters.succeeded, 3);
});

test("nothing is begun before somebody reads", async () => {
  const { breaker } = world();
  let begun = 0;
  const start = () => {
    begun++;
    return counting(1);
  };
  await breaker.stream(start).return();
  assert.equal(begun, 0);
  await collect(breaker.stream(start));
  assert.equal(begun, 1);
});

test("an open circuit, and a full bulkhead, throw at the first item", async () => {
  const { breaker } = world({ concurrentMax: 1 });
  const stream = breaker.stream(() => counting(2));
  await stream.next();
  await assert.rejects(breaker.stream(() => counting(2)).next(), { code: "bulkhead_full" });
  await stream.return();
  await turn();
  await open(breaker);
  await assert.rejects(breaker.stream(() => counting(2)).next(), { code: "circuit_open" });
});

// ---- limits ----

test("the first item has a time limit, and each after it another", async () => {
  const { breaker, clock } = world({ firstItemMs: 1000, idleMs: 200 });
  const source = new Manual<number>();
  const stream = breaker.stream(({ signal }) => source.begin(signal));
  const first = stream.next();
  await clock.pass(999);
  source.give(1);
  assert.deepEqual(await first, { done: false, value: 1 });
  const second = stream.next();
  await clock.pass(199);
  source.give(2);
  assert.deepEqual(await second, { done: false, value: 2 });
  await clock.pass(60_000);
  const third = stream.next();
  const failed = assert.rejects(third, (error) => {
    assert.ok(error instanceof BreakerError && error.code === "call_timeout");
    assert.match(error.message, /200 ms/);
    assert.equal(source.signal?.reason, error);
    return true;
  });
  await clock.pass(199);
  assert.equal(source.signal?.aborted, false, "the time that the consumer takes is not the source's");
  await clock.pass(1);
  await failed;
  const { counters } = breaker.snapshot();
  assert.deepEqual([counters.failed, counters.timedOut], [1, 1]);
});

test("streams that do not begin in time open the circuit", async () => {
  const { breaker, clock } = world({ firstItemMs: 1000 });
  const streams = Array.from({ length: 5 }, () => breaker.stream(() => new Manual<number>().begin()).next());
  const ends = Promise.allSettled(streams);
  await clock.pass(1000);
  await ends;
  assert.equal(breaker.state, "open");
});

test("a stream is slow if its first item is, however long the rest takes", async () => {
  const { breaker, clock } = world({ slowCallMs: 500 });
  const slow = async (firstMs: number, restMs: number) => {
    const source = new Manual<number>();
    const stream = breaker.stream(() => source.begin());
    const first = stream.next();
    await clock.pass(firstMs);
    source.give(1);
    await first;
    const rest = stream.next();
    await clock.pass(restMs);
    source.end();
    await rest;
    return breaker.counters.slow;
  };
  assert.equal(await slow(499, 5000), 0);
  assert.equal(await slow(500, 0), 1);
});

// ---- failures and retries (B4) ----

test("an error in mid-stream counts, reaches the consumer after the items before it, and is not tried again", async () => {
  const { breaker } = world({ retries: 3 });
  let begun = 0;
  const items: number[] = [];
  const reading = async () => {
    for await (const item of breaker.stream(() => {
      begun++;
      return counting(2, down);
    }))
      items.push(item);
  };
  await assert.rejects(reading(), down);
  assert.deepEqual([items, begun, breaker.counters.failed, breaker.counters.retried], [[1, 2], 1, 1, 0]);
  for (let i = 0; i < 4; i++) await assert.rejects(reading(), down);
  assert.equal(breaker.state, "open");
});

test("before its first item it is begun again, within the budget", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock, retries } = world({ retries: 3, firstItemMs: 1000 });
  const sources = [counting(0, down), new Manual<number>().begin(), counting(2)];
  const reading = collect(breaker.stream(({ number }) => sources[number - 1]!));
  await clock.pass(1000);
  assert.deepEqual(await reading, [1, 2]);
  assert.deepEqual(
    retries.map(({ error }) => (error instanceof BreakerError ? error.code : error)),
    [down, "call_timeout"],
  );
  const { succeeded, failed } = breaker.counters;
  assert.deepEqual([succeeded, failed], [1, 2]);
});

test("when no retry is left, or none would help, the last error is thrown", async (t) => {
  t.mock.method(Math, "random", () => 0);
  for (const [error, attempts] of [
    [down, 3],
    [httpError(400), 1],
  ] as const) {
    const { breaker, clock } = world({ retries: 2 });
    let begun = 0;
    const reading = assert.rejects(
      collect(
        breaker.stream(() => {
          begun++;
          throw error;
        }),
      ),
      error,
    );
    await clock.pass(1000);
    await reading;
    assert.equal(begun, attempts);
  }
});

test("what is no stream at all is an error like any other", async () => {
  const { breaker } = world();
  const nothing = Object(7) as AsyncIterable<number>;
  await assert.rejects(collect(breaker.stream(() => nothing)), TypeError);
  await turn();
  assert.deepEqual([breaker.counters.failed, breaker.snapshot().underWay], [1, 0]);
});

// ---- the caller ----

test("a consumer that stops has seen the service answer; the source is told, and leaves nothing behind", async () => {
  const { breaker } = world({ firstItemMs: 1000, idleMs: 1000 });
  for (let i = 0; i < 5; i++) {
    const source = new Manual<number>();
    source.give(1);
    for await (const item of breaker.stream(({ signal }) => source.begin(signal))) {
      assert.equal(item, 1);
      break;
    }
    assert.equal(source.signal?.aborted, true);
    await turn();
    assert.equal(source.isClosed, true);
  }
  const { counters, underWay, state } = breaker.snapshot();
  assert.deepEqual([counters.failed, counters.succeeded, underWay, state], [0, 5, 0, "closed"]);
});

test("a consumer that throws is no failure of the service", async () => {
  const { breaker } = world();
  const reading = async () => {
    for await (const _item of breaker.stream(() => counting(3))) throw down;
  };
  for (let i = 0; i < 10; i++) await assert.rejects(reading(), down);
  assert.deepEqual([breaker.state, breaker.counters.failed], ["closed", 0]);
});

test("a probe whose consumer is content with one item closes the circuit", async () => {
  const { breaker, clock } = world();
  await open(breaker);
  clock.elapse(10_000);
  const stream = breaker.stream(() => counting(3));
  await stream.next();
  assert.equal(breaker.state, "half-open");
  await stream.return();
  assert.equal(breaker.state, "closed");
});

test("a caller that gives up is rejected with its reason, before, during and between items, and it does not count", async () => {
  const reason = new Error("gone");
  for (const when of ["before", "first item", "between", "later item"]) {
    const { breaker } = world({ firstItemMs: 1000, idleMs: 1000 });
    const caller = new AbortController();
    const source = new Manual<number>();
    if (when === "before") caller.abort(reason);
    const stream = breaker.stream(({ signal }) => source.begin(signal), { signal: caller.signal });
    if (when === "between" || when === "later item") {
      source.give(1);
      await stream.next();
    }
    if (when === "between") caller.abort(reason);
    const next = stream.next();
    next.catch(() => {});
    await turn();
    caller.abort(reason);
    await assert.rejects(next, reason, when);
    assert.equal(source.signal?.reason, when === "before" ? undefined : reason, when);
    source.end();
    await turn();
    const { counters, underWay, recent } = breaker.snapshot();
    assert.deepEqual([counters.failed, underWay, recent.calls], [0, 0, 0], when);
    assert.equal(counters.cancelled, when === "before" ? 0 : 1, when);
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  }
});

test("a caller that gives up during the back-off is rejected at once, with its reason", async () => {
  const { breaker, clock } = world({ retries: 3, backoffMs: 5000 });
  const caller = new AbortController();
  const next = breaker.stream(() => counting(0, down), { signal: caller.signal }).next();
  next.catch(() => {});
  await clock.pass(0);
  const reason = new Error("gone");
  caller.abort(reason);
  await assert.rejects(next, reason);
  assert.equal(clock.timers, 0);
});

// ---- the bulkhead (B3) ----

test("a stream holds its slot until its source has settled, not only until its consumer is gone", async () => {
  const { breaker, clock } = world({ firstItemMs: 1000, concurrentMax: 2 });
  const [hung, late] = [new Manual<number>(), new Pending<AsyncIterable<number>>()];
  const ends = Promise.allSettled([
    breaker.stream(() => hung.begin()).next(),
    breaker.stream((attempt) => late.start(attempt)).next(),
  ]);
  await clock.pass(1000);
  await ends;
  assert.equal(breaker.snapshot().underWay, 2);
  await assert.rejects(breaker.stream(() => counting(1)).next(), { code: "bulkhead_full" });
  hung.end();
  await turn();
  assert.equal(breaker.snapshot().underWay, 1);
  const tooLate = new Manual<number>();
  late.resolve(tooLate.begin());
  tooLate.end();
  await turn();
  assert.equal(breaker.snapshot().underWay, 0);
  assert.equal(tooLate.isClosed, true, "what comes too late is closed");
});

test("a source that says it is closed while an item is still under way keeps its slot until that has come", async () => {
  const { breaker, clock } = world({ firstItemMs: 1000 });
  const item = new Pending<IteratorResult<number>>();
  const source = {
    next: () => item.start(new AbortController()),
    return: async () => ({ done: true, value: undefined }),
  };
  const end = breaker.stream(() => ({ [Symbol.asyncIterator]: () => source as AsyncIterator<number> })).next();
  end.catch(() => {});
  await clock.pass(1000);
  await assert.rejects(end, { code: "call_timeout" });
  assert.equal(breaker.snapshot().underWay, 1);
  item.resolve({ done: false, value: 1 });
  await turn();
  assert.equal(breaker.snapshot().underWay, 0);
});

test("a source that fails after everybody has gone is no unhandled rejection", async (t) => {
  const unhandled = t.mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  const { breaker, clock } = world({ firstItemMs: 1000 });
  const [late, source] = [new Pending<AsyncIterable<number>>(), new Manual<number>()];
  const ends = Promise.allSettled([breaker.stream(late.start).next(), breaker.stream(() => source.begin()).next()]);
  await clock.pass(1000);
  await ends;
  late.reject(down);
  source.fail(down);
  await turn();
  assert.deepEqual([unhandled.mock.callCount(), breaker.snapshot().underWay, breaker.counters.failed], [0, 0, 2]);
});

test("hundreds of streams at once, stopped wherever, leave nothing under way", async () => {
  const breaker = circuitBreaker("llm", { firstItemMs: 60_000, idleMs: 60_000, retries: 1, concurrentMax: 500 });
  const read = async (breaker: CircuitBreaker, stopAt: number) => {
    let read = 0;
    for await (const _item of breaker.stream(() => counting(9))) if (++read === stopAt) break;
    return read;
  };
  const counts = await Promise.all(Array.from({ length: 500 }, (_, i) => read(breaker, i % 12)));
  counts.forEach((count, i) => {
    assert.equal(count, i % 12 === 0 || i % 12 > 9 ? 9 : i % 12);
  });
  await turn();
  const { underWay, counters } = breaker.snapshot();
  assert.deepEqual([underWay, counters.succeeded], [0, 500]);
});

// ---- over a real line ----

test("a server that stalls in mid-stream, then one that cuts the line: each counts, and the request is gone", async (t) => {
  const closed: Promise<void>[] = [];
  const server = createServer((request, response) => {
    closed.push(new Promise((gone) => response.once("close", gone)));
    response.write("first");
    if (request.url === "/cut") setImmediate(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  const breaker = circuitBreaker("http", { firstItemMs: 10_000, idleMs: 50, retries: 2 });
  const read = async (path: string) => {
    const items: string[] = [];
    const stream = breaker.stream(async ({ signal }) => {
      const { body } = await fetch(`http://127.0.0.1:${address.port}${path}`, { signal });
      assert.ok(body);
      return body.pipeThrough(new TextDecoderStream());
    });
    try {
      for await (const item of stream) items.push(item);
    } catch (error) {
      return [...items, error instanceof BreakerError ? error.code : "cut"];
    }
    return items;
  };
  assert.deepEqual(await read("/stall"), ["first", "call_timeout"]);
  assert.deepEqual(await read("/cut"), ["first", "cut"]);
  await Promise.all(closed);
  const { failed, timedOut, retried } = breaker.counters;
  assert.deepEqual([failed, timedOut, retried, closed.length], [2, 1, 0, 2]);
});

async function* counting(count: number, error?: Error): AsyncGenerator<number, void, undefined> {
  for (let i = 1; i <= count; i++) yield i;
  if (error) throw error;
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** A stream that does what the test says, and does not listen to any signal. */
class Manual<T> {
  readonly #steps: { item?: T; error?: Error }[] = [];
  #wake = () => {};
  signal: AbortSignal | undefined;
  isClosed = false;

  give(item: T): void {
    this.#push({ item });
  }

  end(): void {
    this.#push({});
  }

  fail(error: Error): void {
    this.#push({ error });
  }

  async *begin(signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
    this.signal = signal;
    try {
      for (;;) {
        let step = this.#steps.shift();
        while (!step) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          step = this.#steps.shift();
        }
        if (step.error) throw step.error;
        if (step.item === undefined) return;
        yield step.item;
      }
    } finally {
      this.isClosed = true;
    }
  }

  #push(step: { item?: T; error?: Error }): void {
    this.#steps.push(step);
    this.#wake();
  }
}
