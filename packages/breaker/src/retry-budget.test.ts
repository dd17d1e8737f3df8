import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { httpError, Pending, world } from "./breaker.fixture.ts";
import { type CircuitBreaker, circuitBreaker } from "./breaker.ts";
import { RetryBudget } from "./retry-budget.ts";

const down = new Error("down");

// ---- the budget ----

test("ten calls pay for one retry, and no more are saved up than may be", () => {
  const budget = new RetryBudget(2);
  assert.deepEqual([budget.take(), budget.take(), budget.take()], [true, true, false]);
  for (let i = 0; i < 9; i++) budget.deposit();
  assert.equal(budget.take(), false);
  for (let i = 0; i < 2; i++) budget.deposit();
  assert.equal(budget.take(), true);
  for (let i = 0; i < 1000; i++) budget.deposit();
  assert.equal(budget.tokens, 2);
});

// ---- the loop (B4) ----

test("a call is tried again after a random back-off that grows, and then fails with its last error", async (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const { breaker, clock, retries } = world({ retries: 3, backoffMs: 100, backoffMsMax: 300 });
  const numbers: number[] = [];
  const call = breaker.attempt(async ({ number }) => {
    numbers.push(number);
    throw new Error(`failure ${number}`);
  });
  await clock.pass(49);
  assert.deepEqual(numbers, [1]);
  await clock.pass(1);
  assert.deepEqual(numbers, [1, 2]);
  await clock.pass(250);
  const attempted = await call;
  assert.equal(String(!attempted.ok && attempted.error), "Error: failure 4");
  assert.deepEqual(numbers, [1, 2, 3, 4]);
  assert.deepEqual(
    retries.map(({ name, number, waitMs, error }) => `${name} ${number} ${waitMs} ${error}`),
    ["llm 1 50 Error: failure 1", "llm 2 100 Error: failure 2", "llm 3 150 Error: failure 3"],
  );
  assert.equal(breaker.counters.retried, 3);
});

test("the first that succeeds ends it", async () => {
  const { breaker, clock } = world({ retries: 3 });
  const call = breaker.call(async ({ number }) => {
    if (number === 1) throw down;
    return number;
  });
  await clock.pass(250);
  assert.equal(await call, 2);
});

test("without retries, or where it would come to the same, nothing is tried again", async () => {
  const once = async (error: Error, retries: number) => {
    const { breaker } = world({ retries });
    let attempts = 0;
    await breaker.attempt(() => {
      attempts++;
      return Promise.reject(error);
    });
    return attempts;
  };
  assert.equal(await once(down, 0), 1);
  assert.equal(await once(httpError(400), 3), 1);
  assert.equal(await once(httpError(401), 3), 1);
});

test("what timed out is tried again, and told to stop first", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock } = world({ retries: 1, timeoutMs: 100 });
  const work = new Pending<string>();
  const call = breaker.call(async (attempt) => (attempt.number === 1 ? work.start(attempt) : "at last"));
  await clock.pass(100);
  assert.equal(work.signal?.aborted, true);
  assert.equal(await call, "at last");
});

test("an outage is not met with more than its share of retries", async () => {
  const { breaker, clock } = world({
    retries: 3,
    retryBudget: 5,
    consecutiveFailures: 20,
    callsMin: 20,
    failureRate: 1,
  });
  // Never open: each tenth call is fine, so the budget alone holds the retries down.
  let attempts = 0;
  for (let i = 0; i < 200; i++) {
    const call = breaker.attempt(() => {
      attempts++;
      return i % 10 === 9 ? Promise.resolve() : Promise.reject(down);
    });
    await clock.pass(5000);
    await call;
  }
  assert.equal(breaker.state, "closed");
  assert.ok(attempts - 200 >= 20 && attempts - 200 <= 25, `${attempts - 200} retries of 200 calls`);
  assert.equal(breaker.counters.retried, attempts - 200);
});

test("a call does not wait for an open circuit that stays open for longer than a retry may wait", async () => {
  const { breaker } = world({ retries: 3, consecutiveFailures: 1 });
  let attempts = 0;
  const attempted = await breaker.attempt(() => {
    attempts++;
    return Promise.reject(down);
  });
  assert.deepEqual([attempted.ok, attempts, breaker.state], [false, 1, "open"]);
});

test("it does wait for one that soon may be tried again, and is the probe", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock } = world({ retries: 1, openMs: 1000 });
  let attempts = 0;
  const call = breaker.call(async () => {
    if (++attempts === 1) throw httpError(429, { "retry-after": "2" });
    return "at last";
  });
  await clock.pass(1999);
  assert.deepEqual([attempts, breaker.state], [1, "open"]);
  await clock.pass(1);
  assert.equal(await call, "at last");
  assert.equal(breaker.state, "closed");
});

test("of many that wait for the same probe, the others fail as they had failed", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock } = world({ retries: 1, openMs: 1000, consecutiveFailures: 3 });
  let attempts = 0;
  const calls = [1, 2, 3].map(() => {
    return breaker.attempt(() => {
      attempts++;
      return Promise.reject(down);
    });
  });
  await clock.pass(1000);
  assert.deepEqual(await Promise.all(calls), Array(3).fill({ ok: false, error: down, rejected: false }));
  assert.equal(attempts, 4);
});

test("a Retry-After that is no number does not keep a retry from coming", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock } = world({
    retries: 1,
    isFailure: ({ ok }) => ({ isFailure: !ok, isRetryable: true, retryAfterMs: Number.NaN }),
  });
  const call = breaker.attempt(async ({ number }) => number > 1 || Promise.reject(down));
  await clock.pass(0);
  assert.equal((await call).ok, true);
});

test("observing, a retry waits for no circuit", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker, clock } = world({ retries: 1, observeOnly: true, consecutiveFailures: 1 });
  const call = breaker.attempt(async ({ number }) => number > 1 || Promise.reject(down));
  await clock.pass(0);
  assert.equal(breaker.state, "open");
  assert.equal((await call).ok, true);
});

test("a caller that gives up during the back-off is rejected at once, with its reason", async () => {
  const { breaker, clock } = world({ retries: 3, backoffMs: 5000 });
  const caller = new AbortController();
  const reason = new Error("gone");
  let attempts = 0;
  const call = breaker.attempt(
    () => {
      attempts++;
      return Promise.reject(down);
    },
    { signal: caller.signal },
  );
  await clock.pass(0);
  assert.equal(clock.timers, 1);
  caller.abort(reason);
  assert.deepEqual(await call, { ok: false, error: reason, rejected: false });
  assert.deepEqual([attempts, clock.timers, breaker.snapshot().underWay], [1, 0, 0]);
});

test("a circuit that others have opened meanwhile ends it", async () => {
  const { breaker, clock } = world({ retries: 3, backoffMs: 5000 });
  const call = breaker.attempt(() => Promise.reject(down));
  await clock.pass(0);
  trip(breaker);
  await clock.pass(5000);
  assert.deepEqual(await call, { ok: false, error: down, rejected: false });
});

test("an answer that is tried again lets go of its connection, the last one is the caller's", async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(503).end("x".repeat(1_000_000));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  const breaker = circuitBreaker("http", { retries: 2, backoffMs: 0 });
  const answers: Response[] = [];
  const last = await breaker.call(async ({ signal }) => {
    const answer = await fetch(`http://127.0.0.1:${address.port}/`, { signal });
    answers.push(answer);
    return answer;
  });
  assert.deepEqual([answers.length, last.status], [3, 503]);
  assert.deepEqual(
    answers.map((answer) => answer.bodyUsed),
    [true, true, false],
  );
  assert.equal((await last.text()).length, 1_000_000);
  server.closeAllConnections();
});

test("an answer for whose retry there is no leave is the caller's, whole", async () => {
  const { breaker, clock } = world({ retries: 1, backoffMs: 5000 });
  const call = breaker.call(async () => new Response("sorry", { status: 503 }));
  await clock.pass(0);
  trip(breaker);
  await clock.pass(5000);
  assert.equal(await (await call).text(), "sorry");
});

function trip(breaker: CircuitBreaker): void {
  for (let i = 0; i < 5; i++) breaker.record(breaker.tryAcquire(), { ok: false, error: down });
  assert.equal(breaker.state, "open");
}
