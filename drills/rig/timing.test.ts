import assert from "node:assert/strict";
import { test } from "node:test";
import type { Seen } from "./journal.ts";
import { percentile, timingsOf } from "./timing.ts";

const TIMELINE = { affected: [1], faultAt: 100, healedAt: 300, stoppedAt: 500 };

test("what was under way when the fault struck is not the first message after it", () => {
  const { firstMessage } = timingsOf(
    evidence([tick(1, 50), tick(2, 101), tick(3, 250)], { 1: 40, 2: 99, 3: 110 }),
    TIMELINE,
  );
  assert.deepEqual(firstMessage, [150]);
});

test("the first message after the fault's end is counted from there", () => {
  const { firstAfterHeal } = timingsOf(
    evidence([tick(1, 50), tick(2, 200), tick(3, 310)], { 1: 40, 2: 110, 3: 120 }),
    TIMELINE,
  );
  assert.deepEqual(firstAfterHeal, [10]);
});

test("a client that hears nothing more has no first message, and the longest silence", () => {
  const { firstMessage, silence } = timingsOf(evidence([tick(1, 50)], { 1: 40, 2: 110 }), TIMELINE);
  assert.deepEqual(firstMessage, [undefined]);
  assert.deepEqual(silence, [400]);
});

test("silence is the longest time between two messages after the fault", () => {
  const { silence } = timingsOf(evidence([tick(1, 90), tick(2, 120), tick(3, 350), tick(4, 490)], {}), TIMELINE);
  assert.deepEqual(silence, [230]);
});

test("coming back is counted for those whose connection broke", () => {
  const seen: Seen[] = [
    { kind: "resumed", at: 90 },
    { kind: "broken", at: 120 },
    { kind: "resumed", at: 180 },
  ];
  assert.deepEqual(timingsOf(evidence(seen, {}), TIMELINE).resumed, [80]);
  assert.equal(timingsOf(evidence(seen, {}), TIMELINE).broken, 1);
  assert.deepEqual(timingsOf(evidence([tick(1, 110)], {}), TIMELINE).resumed, []);
});

test("percentiles are values that were measured", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(hundred, 50), 50);
  assert.equal(percentile(hundred, 99), 99);
  assert.equal(percentile(hundred, 100), 100);
  assert.equal(percentile([7], 50), 7);
});

function tick(n: number, at: number): Seen {
  return { kind: "tick", n, at };
}

function evidence(seen: Seen[], startedAt: Record<number, number>) {
  return {
    journals: [{ client: 1, seen, sent: 0, refused: 0, acknowledged: true }],
    sends: Object.entries(startedAt).map(([n, at]) => {
      return { client: 1, session: "s", n: Number(n), startedAt: at, settledAt: at + 1, outcome: "logged" };
    }),
    runs: [],
  };
}
