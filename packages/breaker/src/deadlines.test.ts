import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock, turn } from "./clock.fixture.ts";
import { SYSTEM_CLOCK, sleep } from "./clock.ts";
import { Deadlines, Limit } from "./deadlines.ts";

test("each limit passes in its time, unless it is removed, with one timer for all", () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(100, clock);
  const passed: string[] = [];
  const limit = (name: string) => {
    const limit = new Limit(() => passed.push(`${name} ${clock.now()}`));
    deadlines.add(limit);
    return limit;
  };
  limit("a");
  clock.elapse(30);
  const b = limit("b");
  limit("c");
  clock.elapse(30);
  limit("d");
  assert.equal(clock.timers, 1);
  deadlines.remove(b);
  deadlines.remove(b);
  limit("e");
  clock.elapse(500);
  assert.deepEqual(passed, ["a 100", "c 130", "d 160", "e 160"]);
  assert.equal(clock.timers, 0);
});

test("the timer holds the process up only while something is limited", () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(100, clock);
  const limits = [new Limit(() => {}), new Limit(() => {})];
  assert.equal(clock.timers, 0);
  for (const limit of limits) deadlines.add(limit);
  assert.equal(clock.held, 1);
  for (const limit of limits) deadlines.remove(limit);
  assert.deepEqual([clock.held, clock.timers], [0, 1]);
  deadlines.add(new Limit(() => {}));
  assert.deepEqual([clock.held, clock.timers], [1, 1]);
});

test("whatever is added and removed when, every limit passes at its time, once", () => {
  const act = fc.record({ waitMs: fc.nat(60), does: fc.constantFrom("add", "add", "remove"), which: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 100, size: "max" }), (acts) => {
      const clock = new FakeClock();
      const deadlines = new Deadlines(100, clock);
      const passed: number[] = [];
      const due = new Map<Limit, number>();
      const gone: number[] = [];
      for (const { waitMs, does, which } of acts) {
        clock.elapse(waitMs);
        for (const [limit, ms] of due)
          if (ms <= clock.now()) {
            gone.push(ms);
            due.delete(limit);
          }
        const limit = [...due.keys()][which];
        if (does === "add") {
          const limit = new Limit(() => passed.push(clock.now()));
          deadlines.add(limit);
          due.set(limit, clock.now() + 100);
        } else if (limit) {
          deadlines.remove(limit);
          due.delete(limit);
        }
      }
      clock.elapse(1000);
      assert.deepEqual(passed, [...gone, ...due.values()]);
      assert.equal(clock.held, 0);
    }),
  );
});

test("a timer that fires a little early, as real ones do, is set again for the rest", () => {
  let nowMs = 0;
  const waits: number[] = [];
  let ring = () => {};
  const deadlines = new Deadlines(100, {
    now: () => nowMs,
    after(ms, work) {
      waits.push(ms);
      ring = work;
      return { cancel() {}, hold() {} };
    },
  });
  let passed = 0;
  deadlines.add(new Limit(() => passed++));
  nowMs = 99.4;
  ring();
  assert.deepEqual([passed, waits], [0, [100, 1]]);
  nowMs = 100.4;
  ring();
  assert.equal(passed, 1);
});

test("a limit of a month does not pass at once, though no timer can be set for so long", async (t) => {
  const set = t.mock.method(globalThis, "setTimeout");
  SYSTEM_CLOCK.after(30 * 86_400_000, () => assert.fail()).cancel();
  assert.equal(set.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
});

test("a sleep ends in its time or with its signal, and leaves neither timer nor listener", async (t) => {
  const clock = new FakeClock();
  const caller = new AbortController();
  const removed = t.mock.method(caller.signal, "removeEventListener");
  const ends: string[] = [];
  void sleep(clock, 100, undefined).then(() => ends.push("slept"));
  void sleep(clock, 500, caller.signal).then(() => ends.push("woken"));
  await clock.pass(100);
  assert.deepEqual(ends, ["slept"]);
  caller.abort();
  await turn();
  assert.deepEqual([ends, clock.timers, removed.mock.callCount()], [["slept", "woken"], 0, 1]);
  await sleep(clock, 500, caller.signal);
  assert.equal(clock.timers, 0);
});
