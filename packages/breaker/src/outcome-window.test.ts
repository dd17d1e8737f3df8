import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "./clock.fixture.ts";
import { CountWindow, type OutcomeWindow, TimeWindow } from "./outcome-window.ts";

const HOUR_MS = 3_600_000;

test("a count window has the last so many calls", () => {
  const window = new CountWindow(3, HOUR_MS, () => 0);
  window.add(true, false);
  window.add(false, true);
  window.add(true, true);
  assert.deepEqual(counts(window), [3, 2, 2]);
  window.add(false, false);
  assert.deepEqual(counts(window), [3, 1, 2]);
  for (let i = 0; i < 10; i++) window.add(false, false);
  assert.deepEqual(counts(window), [3, 0, 0]);
});

test("a count window forgets what is as old as it may be", () => {
  const clock = new FakeClock();
  const window = new CountWindow(10, 1000, () => clock.now());
  window.add(true, false);
  clock.elapse(1);
  window.add(true, false);
  clock.elapse(998);
  window.expire();
  assert.deepEqual(counts(window), [2, 2, 0]);
  clock.elapse(1);
  window.expire();
  assert.deepEqual(counts(window), [1, 1, 0]);
  clock.elapse(1);
  window.expire();
  assert.deepEqual(counts(window), [0, 0, 0]);
});

test("of many successes, one in eight reads the clock", () => {
  let readings = 0;
  const window = new CountWindow(20, 1000, () => ++readings);
  readings = 0;
  for (let i = 0; i < 800; i++) window.add(false, false);
  assert.equal(readings, 100);
});

test("a failure is forgotten when it is too old, a success at the age of one at most seven calls before it", () => {
  const call = fc.record({
    waitMs: fc.oneof(fc.nat(3), fc.nat(200)),
    isFailure: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(call, { maxLength: 100, size: "max" }), (size, calls) => {
      const clock = new FakeClock();
      const window = new CountWindow(size, 500, () => clock.now());
      const times: number[] = [];
      for (const { waitMs, isFailure } of calls) {
        clock.elapse(waitMs);
        times.push(clock.now());
        window.add(isFailure, false);
      }
      window.expire();
      const isYoung = (ms: number | undefined) => clock.now() - (ms ?? 0) < 500;
      const last = calls.map((call, i) => ({ ...call, i })).slice(-size);
      const failures = last.filter(({ i, isFailure }) => isFailure && isYoung(times[i])).length;
      assert.equal(window.failures, failures);
      assert.ok(window.calls <= last.filter(({ i }) => isYoung(times[i])).length, "none too late");
      const least = last.filter(({ i, isFailure }) => isYoung(isFailure ? times[i] : times[Math.max(0, i - 7)]));
      assert.ok(window.calls >= least.length, "none earlier than that");
    }),
    { numRuns: 1000 },
  );
});

test("a time window has the calls of its time, to a tenth", () => {
  const clock = new FakeClock();
  const window = new TimeWindow(1000, () => clock.now());
  clock.elapse(50);
  window.add(true, true);
  clock.elapse(900);
  window.add(false, false);
  clock.elapse(49);
  window.expire();
  assert.deepEqual(counts(window), [2, 1, 1]);
  clock.elapse(1);
  window.expire();
  assert.deepEqual(counts(window), [1, 0, 0]);
});

test("an idle time of any length empties a time window", () => {
  for (const idleMs of [1000, 1050, 5555, HOUR_MS, 1e13]) {
    const clock = new FakeClock();
    const window = new TimeWindow(1000, () => clock.now());
    for (let i = 0; i < 10; i++) {
      window.add(true, true);
      clock.elapse(100);
    }
    clock.elapse(idleMs - 100);
    window.expire();
    assert.deepEqual(counts(window), [0, 0, 0], `${idleMs}`);
    window.add(true, false);
    assert.deepEqual(counts(window), [1, 1, 0], `${idleMs}`);
  }
});

test("a window that is cleared is empty, and as good as new", () => {
  const clock = new FakeClock();
  for (const window of [new CountWindow(4, 1000, () => clock.now()), new TimeWindow(1000, () => clock.now())]) {
    for (let i = 0; i < 6; i++) window.add(true, true);
    window.clear();
    assert.deepEqual(counts(window), [0, 0, 0]);
    clock.elapse(500);
    window.add(true, false);
    clock.elapse(999);
    window.add(false, true);
    assert.deepEqual(counts(window), [2, 1, 1]);
    clock.elapse(1);
    window.expire();
    assert.equal(window.failures, 0);
  }
});

function counts({ calls, failures, slow }: OutcomeWindow): number[] {
  return [calls, failures, slow];
}
