import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { httpError, open, Pending, world } from "./breaker.fixture.ts";
import { circuitBreaker } from "./breaker.ts";
import { BreakerError } from "./breaker-error.ts";
import { NO_PERMIT } from "./circuit.ts";
import { turn } from "./clock.fixture.ts";
import type { BreakerOptions } from "./options.ts";

const down = new Error("down");
const fails = () => Promise.reject(down);
/** A call takes one path through the code if it has neither limit nor retry, and another if it has. */
const PATHS: [string, BreakerOptions][] = [
  ["plain", {}],
  ["timed", { timeoutMs: 1000 }],
];

// ---- call and attempt (B5) ----

for (const [path, options] of PATHS) {
  test(`call gives what the work gives, attempt tells of it, ${path}`, async () => {
    const { breaker } = world(options);
    assert.equal(await breaker.call(async () => 42), 42);
    assert.equal(await breaker.call(() => 42), 42, "work that is not async");
    await assert.rejects(breaker.call(fails), down);
    assert.deepEqual(await breaker.attempt(async () => 42), { ok: true, value: 42, rejected: false });
    assert.deepEqual(await breaker.attempt(fails), { ok: false, error: down, rejected: false });
    const { succeeded, failed } = breaker.counters;
    assert.deepEqual([succeeded, failed, breaker.snapshot().underWay], [3, 2, 0]);
  });

  test(`work that throws at once has failed like any other, ${path}`, async () => {
    const { breaker } = world(options);
    const throws = () => {
      throw down;
    };
    await assert.rejects(breaker.call(throws), down);
    for (let i = 0; i < 4; i++) assert.equal((await breaker.attempt(throws)).ok, false);
    assert.equal(breaker.state, "open");
    assert.equal(breaker.snapshot().underWay, 0);
  });

  test(`an open circuit rejects without beginning the work, and says for how long, ${path}`, async (t) => {
    t.mock.method(Math, "random", () => 0.5);
    const { breaker, clock, changes } = world(options);
    await open(breaker);
    clock.elapse(1000.5);
    const work = new Pending<void>();
    await assert.rejects(breaker.call(work.start), (error) => {
      assert.ok(error instanceof BreakerError);
      const { name, code, message, retryAfterMs } = error;
      assert.deepEqual([name, code, retryAfterMs], ["BreakerError", "circuit_open", 8000]);
      assert.equal(message, "llm is out of order, for 8000 ms yet");
      return true;
    });
    const attempted = await breaker.attempt(work.start);
    assert.deepEqual([attempted.ok, attempted.rejected], [false, true]);
    assert.ok(!attempted.ok && attempted.error instanceof BreakerError && attempted.error.retryAfterMs === 8000);
    assert.equal(work.starts, 0);
    assert.equal(breaker.counters.rejectedOpen, 2);
    assert.deepEqual(changes, [
      { name: "llm", from: "closed", to: "open", reason: "consecutive_failures", openMs: 9000 },
    ]);
  });

  test(`half-open, one call at a time probes, and the first that passes closes it, ${path}`, async () => {
    const { breaker, clock } = world(options);
    await open(breaker);
    clock.elapse(10_000);
    const probe = new Pending<string>();
    const probing = breaker.call(probe.start);
    const other = await breaker.attempt(async () => "not begun");
    assert.deepEqual([breaker.state, other.rejected], ["half-open", true]);
    assert.equal(String(!other.ok && other.error), "BreakerError: llm is out of order, until a probe has passed");
    probe.resolve("fine");
    assert.equal(await probing, "fine");
    assert.equal(breaker.state, "closed");
    assert.equal(await breaker.call(async () => "begun"), "begun");
  });

  test(`what ends after the circuit has changed counts no more, ${path}`, async () => {
    const { breaker, clock } = world(options);
    const early = [new Pending<void>(), new Pending<void>(), new Pending<void>()];
    const ends = early.map((work) => breaker.attempt(work.start));
    await open(breaker);
    early[0]!.resolve();
    await ends[0];
    assert.equal(breaker.state, "open");
    clock.elapse(10_000);
    assert.equal(breaker.state, "half-open");
    early[1]!.reject(down);
    await ends[1];
    assert.equal(breaker.state, "half-open");
    await breaker.call(async () => {});
    early[2]!.reject(down);
    await ends[2];
    assert.deepEqual([breaker.state, breaker.snapshot().recent.calls], ["closed", 0]);
  });

  test(`thousands of calls at once, of which none is lost, ${path}`, async () => {
    const { breaker } = world({ ...options, consecutiveFailures: 20, failureRate: 1 });
    const works = Array.from({ length: 5000 }, () => new Pending<number>());
    const calls = works.map((work) => breaker.attempt(work.start));
    assert.equal(breaker.snapshot().underWay, 5000);
    works.forEach((work, i) => {
      if (i % 7 === 0) work.reject(down);
      else work.resolve(i);
    });
    const attempted = await Promise.all(calls);
    attempted.forEach((each, i) => {
      assert.deepEqual(
        each,
        i % 7 ? { ok: true, value: i, rejected: false } : { ok: false, error: down, rejected: false },
      );
    });
    const { succeeded, failed } = breaker.counters;
    assert.deepEqual([succeeded, failed, breaker.snapshot().underWay, breaker.state], [4285, 715, 0, "closed"]);
  });
}

test("a wrapped function takes and gives what it did, through the breaker", async () => {
  const { breaker } = world();
  const add = breaker.wrap(async (a: number, b: number) => a + b);
  assert.equal(await add(1, 2), 3);
  const wrapped = breaker.wrap(fails);
  for (let i = 0; i < 5; i++) await assert.rejects(wrapped(), down);
  await assert.rejects(add(1, 2), { code: "circuit_open" });
});

test("with tryAcquire, record and cancel, work of any shape is guarded", () => {
  const { breaker, clock } = world({ slowCallMs: 1000 });
  for (let i = 0; i < 5; i++) breaker.record(breaker.tryAcquire(), { ok: false, error: down });
  assert.equal(breaker.tryAcquire(), NO_PERMIT);
  clock.elapse(10_000);
  breaker.cancel(breaker.tryAcquire());
  breaker.record(breaker.tryAcquire(), { ok: true, value: 1 }, 10);
  assert.equal(breaker.state, "closed");
  for (let i = 0; i < 10; i++) breaker.record(breaker.tryAcquire(), { ok: true, value: 1 }, 1000);
  assert.equal(breaker.snapshot().reason, "slow_calls");
  const { succeeded, failed, cancelled, slow, rejectedOpen } = breaker.counters;
  assert.deepEqual([succeeded, failed, cancelled, slow, rejectedOpen], [11, 5, 1, 10, 1]);
});

test("calls that take too long open it, though each succeeds", async () => {
  const { breaker, clock } = world({ slowCallMs: 1000 });
  for (let i = 0; i < 10; i++) {
    const work = new Pending<void>();
    const call = breaker.call(work.start);
    clock.elapse(1000);
    work.resolve();
    await call;
  }
  assert.deepEqual([breaker.state, breaker.snapshot().reason], ["open", "slow_calls"]);
});

test("the clock on the wall may jump: only the one that never does is asked (B1)", async (t) => {
  let nowMs = 1000;
  t.mock.method(performance, "now", () => nowMs);
  t.mock.method(Math, "random", () => 0);
  const wall = t.mock.method(Date, "now", () => 0);
  const breaker = circuitBreaker("llm");
  await open(breaker);
  wall.mock.mockImplementation(() => 1e15);
  nowMs += 9999;
  assert.equal(breaker.state, "open");
  wall.mock.mockImplementation(() => -1e15);
  nowMs += 1;
  assert.equal(breaker.state, "half-open");
  assert.equal(wall.mock.callCount(), 0);
});

// ---- the time limit (B3) ----

test("work that takes too long is told to stop and fails, also if it does not listen", async () => {
  const { breaker, clock } = world({ timeoutMs: 1000 });
  const work = new Pending<string>();
  const call = breaker.attempt(work.start);
  await clock.pass(999);
  assert.equal(work.signal?.aborted, false);
  await clock.pass(1);
  const attempted = await call;
  assert.ok(!attempted.ok && attempted.error instanceof BreakerError);
  assert.equal(attempted.error.code, "call_timeout");
  assert.equal(attempted.rejected, false);
  assert.equal(work.signal?.reason, attempted.error);
  const { failed, timedOut } = breaker.counters;
  assert.deepEqual([failed, timedOut], [1, 1]);
});

test("what comes after the time limit changes nothing any more", async () => {
  for (const settle of ["resolve", "reject"] as const) {
    const { breaker, clock } = world({ timeoutMs: 1000, concurrentMax: 1 });
    const work = new Pending<string>();
    const call = breaker.call(work.start);
    call.catch(() => {});
    await clock.pass(1000);
    assert.equal(breaker.snapshot().underWay, 1, "it still has its slot");
    if (settle === "resolve") work.resolve("late");
    else work.reject(httpError(429, { "retry-after": "60" }));
    await assert.rejects(call, { code: "call_timeout" });
    const { underWay, counters, state } = breaker.snapshot();
    const { succeeded, failed, timedOut } = counters;
    assert.deepEqual([underWay, succeeded, failed, timedOut, state], [0, 0, 1, 1, "closed"]);
  }
});

test("calls that time out open the circuit", async () => {
  const { breaker, clock } = world({ timeoutMs: 1000 });
  const calls = Array.from({ length: 5 }, () => breaker.attempt(new Pending().start));
  await clock.pass(1000);
  await Promise.all(calls);
  assert.deepEqual([breaker.state, breaker.snapshot().reason], ["open", "consecutive_failures"]);
});

test("what comes after the time limit changes nothing, and is no unhandled rejection", async (t) => {
  const unhandled = t.mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  const { breaker, clock } = world({ timeoutMs: 1000 });
  const [fine, failing] = [new Pending<void>(), new Pending<void>()];
  const calls = [breaker.attempt(fine.start), breaker.attempt(failing.start)];
  await clock.pass(1000);
  await Promise.all(calls);
  const before = breaker.snapshot();
  assert.equal(before.underWay, 2);
  fine.resolve();
  failing.reject(down);
  await turn();
  assert.deepEqual(breaker.snapshot(), { ...before, underWay: 0 });
  assert.equal(unhandled.mock.callCount(), 0);
});

test("a signal that is asked for after the time limit is aborted already", async () => {
  const { breaker, clock } = world({ timeoutMs: 1000 });
  const later = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<boolean>();
  const call = breaker.attempt(async (attempt) => {
    await later.promise;
    seen.resolve(attempt.signal.aborted);
  });
  await clock.pass(1000);
  await call;
  later.resolve();
  assert.equal(await seen.promise, true);
});

test("work that is done has its signal left alone, and no timer holds anything up", async () => {
  const { breaker, clock } = world({ timeoutMs: 1000 });
  const work = new Pending<void>();
  const call = breaker.call(work.start);
  await turn();
  assert.equal(clock.held, 1);
  work.resolve();
  await call;
  assert.equal(clock.held, 0);
  await clock.pass(5000);
  assert.equal(work.signal?.aborted, false);
  assert.equal(clock.timers, 0);
});

// ---- the caller's signal (B3) ----

test("a caller that has given up before is rejected with its reason, and nothing is begun", async () => {
  const { breaker } = world();
  const work = new Pending<void>();
  const reason = new Error("gone");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(breaker.call(work.start, { signal }), reason);
  assert.deepEqual(await breaker.attempt(work.start, { signal }), { ok: false, error: reason, rejected: true });
  assert.deepEqual([work.starts, breaker.snapshot().underWay, breaker.snapshot().recent.calls], [0, 0, 0]);
});

test("a caller that gives up is rejected with its reason, the work is told, and it does not count", async () => {
  const { breaker } = world();
  for (let i = 0; i < 10; i++) {
    const caller = new AbortController();
    const reason = new Error("gone");
    const work = new Pending<void>();
    const call = breaker.attempt(work.start, { signal: caller.signal });
    await turn();
    caller.abort(reason);
    assert.deepEqual(await call, { ok: false, error: reason, rejected: false });
    assert.equal(work.signal?.reason, reason);
    work.reject(reason);
  }
  await turn();
  const { state, recent, underWay, counters } = breaker.snapshot();
  assert.deepEqual([state, recent.calls, underWay, counters.cancelled, counters.failed], ["closed", 0, 0, 10, 0]);
});

test("a caller that gives up while its work begins is heard too", async () => {
  const { breaker } = world();
  const caller = new AbortController();
  const call = breaker.attempt(
    () => {
      caller.abort(down);
      return new Promise(() => {});
    },
    { signal: caller.signal },
  );
  assert.deepEqual(await call, { ok: false, error: down, rejected: false });
});

test("a probe that its caller gives up makes room for the next", async () => {
  const { breaker, clock } = world();
  await open(breaker);
  clock.elapse(10_000);
  const caller = new AbortController();
  const call = breaker.attempt(new Pending().start, { signal: caller.signal });
  await turn();
  caller.abort();
  await call;
  assert.equal(await breaker.call(async () => 1), 1);
  assert.equal(breaker.state, "closed");
});

test("a caller's signal that lives long collects no listeners", async (t) => {
  const { breaker } = world();
  const { signal } = new AbortController();
  const added = t.mock.method(signal, "addEventListener");
  const removed = t.mock.method(signal, "removeEventListener");
  for (let i = 0; i < 10; i++) await breaker.attempt(i % 2 ? fails : async () => {}, { signal });
  assert.equal(added.mock.callCount(), 10);
  assert.equal(removed.mock.callCount(), 10);
});

// ---- the bulkhead (B3) ----

test("no more work is under way than may be, however many time out", async () => {
  const { breaker, clock } = world({ timeoutMs: 100, concurrentMax: 2, consecutiveFailures: 20, failureRate: 1 });
  let [now, most] = [0, 0];
  const works: Pending<void>[] = [];
  const call = async () => {
    const work = new Pending<void>();
    works.push(work);
    return breaker.attempt(async (attempt) => {
      most = Math.max(most, ++now);
      await work.start(attempt).finally(() => now--);
    });
  };
  for (let round = 0; round < 12; round++) {
    const calls = [call(), call()];
    await clock.pass(100);
    const errors = (await Promise.all(calls)).map(
      (each) => !each.ok && each.error instanceof BreakerError && each.error.code,
    );
    assert.deepEqual(errors, round === 0 ? ["call_timeout", "call_timeout"] : ["bulkhead_full", "bulkhead_full"]);
  }
  assert.deepEqual([most, breaker.snapshot().underWay, breaker.counters.rejectedFull], [2, 2, 22]);
  for (const work of works) work.resolve();
  await turn();
  assert.equal(breaker.snapshot().underWay, 0);
  assert.equal(await breaker.call(async () => "room again"), "room again");
});

test("a slot is free when the work has ended, not when its caller has given up", async () => {
  const { breaker } = world({ concurrentMax: 1 });
  const caller = new AbortController();
  const work = new Pending<void>();
  const call = breaker.attempt(work.start, { signal: caller.signal });
  await turn();
  caller.abort(down);
  await call;
  await assert.rejects(
    breaker.call(async () => {}),
    { code: "bulkhead_full", message: "llm: 1 calls are under way" },
  );
  work.reject(down);
  await turn();
  await breaker.call(async () => {});
});

test("a full bulkhead says so even if it is no longer full when somebody looks at the error", async () => {
  const { breaker } = world({ concurrentMax: 1 });
  const work = new Pending<void>();
  const call = breaker.attempt(work.start);
  const rejected = await breaker.attempt(async () => {});
  work.resolve();
  await call;
  assert.ok(!rejected.ok && rejected.error instanceof BreakerError);
  assert.equal(rejected.error.code, "bulkhead_full");
  assert.equal(rejected.error.retryAfterMs, undefined);
});

test("while the circuit is open that is the reason, even if the bulkhead is full as well", async () => {
  const { breaker, clock } = world({ concurrentMax: 1, timeoutMs: 100, consecutiveFailures: 1 });
  const call = breaker.attempt(new Pending().start);
  await clock.pass(100);
  await call;
  assert.deepEqual([breaker.state, breaker.snapshot().underWay], ["open", 1]);
  await assert.rejects(
    breaker.call(async () => {}),
    { code: "circuit_open" },
  );
  const { rejectedFull, rejectedOpen } = breaker.counters;
  assert.deepEqual([rejectedFull, rejectedOpen], [0, 1]);
});

// ---- what counts ----

test("a request at fault says nothing of the service; a key at fault counts and wants attention", async () => {
  const { breaker, attention } = world();
  for (let i = 0; i < 30; i++) await breaker.attempt(() => Promise.reject(httpError(400)));
  assert.equal(breaker.state, "closed");
  const refused = httpError(401);
  await open(breaker, refused);
  assert.equal(breaker.state, "open");
  assert.equal(attention.length, 5);
  assert.deepEqual(attention[0], { name: "llm", error: refused });
});

test("429 with Retry-After opens it at once for as long, 529 counts", async () => {
  const { breaker } = world();
  await breaker.attempt(() => Promise.reject(httpError(429, { "retry-after": "30" })));
  assert.deepEqual([breaker.state, breaker.openMs, breaker.snapshot().reason], ["open", 30_000, "retry_after"]);
  const overloaded = world().breaker;
  await open(overloaded, httpError(529));
  assert.equal(overloaded.state, "open");
});

test("what fetch resolves with is judged like what clients throw", async () => {
  for (const [, options] of PATHS) {
    const { breaker, attention } = world(options);
    for (let i = 0; i < 10; i++) await breaker.call(async () => new Response(null, { status: i % 2 ? 200 : 404 }));
    assert.equal(breaker.state, "closed");
    await breaker.call(async () => new Response(null, { status: 401 }));
    assert.equal(attention.length, 1);
    const answer = await breaker.call(
      async () => new Response(null, { status: 503, headers: { "Retry-After": "20" } }),
    );
    assert.equal(answer.status, 503, "it is passed on all the same");
    assert.equal(breaker.openMs, 20_000);
  }
});

test("isFailure judges instead, by value or error; if it throws, an error is a failure and a value is none", async (t) => {
  const judged: unknown[] = [];
  const { breaker } = world({
    isFailure: (outcome) => {
      judged.push(outcome);
      return outcome.ok && outcome.value === "sorry";
    },
  });
  await breaker.attempt(fails);
  assert.equal(breaker.counters.failed, 0);
  await breaker.attempt(async () => "sorry");
  assert.equal(breaker.counters.failed, 1);
  assert.deepEqual(judged, [
    { ok: false, error: down },
    { ok: true, value: "sorry" },
  ]);

  const reported = caught(t);
  const other = world({
    isFailure: () => {
      throw new Error("of isFailure");
    },
  }).breaker;
  assert.equal(await other.call(async () => 1), 1);
  await assert.rejects(other.call(fails), down);
  const { succeeded, failed } = other.counters;
  assert.deepEqual([succeeded, failed], [1, 1]);
  await turn();
  assert.deepEqual(reported, ["of isFailure", "of isFailure"]);
});

// ---- observing ----

test("observing, it refuses nothing, and counts and tells what it would have done", async () => {
  const { breaker, clock, changes } = world({ observeOnly: true, concurrentMax: 1 });
  await open(breaker);
  assert.equal(breaker.state, "open");
  assert.equal(await breaker.call(async () => 1), 1);
  assert.deepEqual(await breaker.attempt(async () => 2), { ok: true, value: 2, rejected: false });
  assert.equal(breaker.counters.rejectedOpen, 2);
  assert.equal(breaker.state, "open", "what would not have been called does not close it");
  clock.elapse(10_000);
  const probe = new Pending<void>();
  const probing = breaker.call(probe.start);
  await breaker.call(async () => {});
  assert.equal(breaker.counters.rejectedFull, 1);
  probe.resolve();
  await probing;
  const told = changes.map(({ to }) => to);
  assert.deepEqual(told, ["open", "half-open", "closed"]);
  assert.deepEqual([breaker.snapshot().observeOnly, breaker.snapshot().underWay], [true, 0]);
});

// ---- what it tells ----

test("the snapshot has all there is to know, and is a copy", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { breaker } = world({ retries: 1 });
  const before = breaker.snapshot();
  await breaker.call(async () => {});
  breaker.record(breaker.tryAcquire(), { ok: false, error: httpError(429, { "retry-after": "20" }) });
  assert.deepEqual(breaker.snapshot(), {
    name: "llm",
    state: "open",
    reason: "retry_after",
    openMs: 20_000,
    observeOnly: false,
    recent: { calls: 0, failures: 0, slow: 0, consecutiveFailures: 0 },
    underWay: 0,
    retryTokens: 10,
    shareFailures: 0,
    counters: { ...before.counters, succeeded: 1, failed: 1, opened: 1 },
  });
  assert.equal(before.state, "closed");
  assert.equal("reason" in before, false);
  assert.equal(before.counters.failed, 0);
});

test("a listener that throws is reported, and neither the call nor the next listener hears of it", async (t) => {
  const reported = caught(t);
  const { breaker } = world();
  breaker.on("change", () => {
    throw new Error("of a listener");
  });
  const heard: string[] = [];
  breaker.on("change", ({ to }) => heard.push(to));
  breaker.on("attention", () => {
    throw new Error("of another");
  });
  await open(breaker, httpError(403));
  await turn();
  assert.deepEqual([breaker.state, heard], ["open", ["open"]]);
  assert.deepEqual(reported.sort(), ["of a listener", ...Array(5).fill("of another")]);
});

test("a listener that was taken away hears nothing more", async () => {
  const { breaker } = world();
  const heard: string[] = [];
  const listener = ({ to }: { to: string }) => heard.push(to);
  breaker.on("change", listener);
  breaker.on("change", listener)();
  await open(breaker);
  assert.deepEqual(heard, ["open"]);
});

// ---- the process ----

test("no timer of it keeps a process up, nor does a call that is done", async () => {
  const { stdout } = await run(`
    const breaker = circuitBreaker("llm", { timeoutMs: 60_000, firstItemMs: 60_000, idleMs: 60_000, retries: 3 });
    await breaker.call(async () => "done");
    for await (const item of breaker.stream(async function* () { yield "item"; })) console.log(item);
    console.log(breaker.state);
  `);
  assert.equal(stdout, "item\nclosed\n");
});

test("a call under way keeps the process up until its time limit", async () => {
  const { stdout } = await run(`
    const breaker = circuitBreaker("llm", { timeoutMs: 50 });
    await breaker.call(async () => {});
    await breaker.call(() => new Promise(() => {})).catch((error) => console.log(error.code));
  `);
  assert.equal(stdout, "call_timeout\n");
});

function run(program: string): Promise<{ stdout: string; stderr: string }> {
  const source = `const { circuitBreaker } = await import("@holdfast/breaker"); ${program}`;
  const args = ["--conditions=holdfast-source", "--input-type=module", "-e", source];
  return promisify(execFile)(process.execPath, args, { cwd: new URL(".", import.meta.url), timeout: 20_000 });
}

/** The messages of what would have been uncaught. */
function caught(t: TestContext): string[] {
  const messages: string[] = [];
  t.mock.method(globalThis, "queueMicrotask", (work: () => void) =>
    setImmediate(() => {
      try {
        work();
      } catch (error) {
        messages.push(error instanceof Error ? error.message : String(error));
      }
    }),
  );
  return messages;
}
