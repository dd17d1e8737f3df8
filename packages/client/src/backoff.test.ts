import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("the first wait is uniform between 0 and the least, each next cap doubles, up to the most", (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const backoff = new Backoff(100, 5000);
  const waits = Array.from({ length: 8 }, () => backoff.next(0));
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1600, 2500, 2500]);
});

test("the clients of a server come back spread out over the time that it has told them", () => {
  const waits = Array.from({ length: 1000 }, () => {
    const backoff = new Backoff(100, 5000);
    backoff.spreadMs = 400;
    return backoff.next(60_000);
  });
  const tenths = Array.from({ length: 10 }, (_, i) => waits.filter((ms) => Math.floor(ms / 40) === i).length);
  assert.equal(
    tenths.reduce((a, b) => a + b),
    1000,
  );
  for (const count of tenths) assert.ok(count > 50 && count < 150, `uneven: ${tenths}`);
});

test("an attempt may take longer the more have failed, and where many come together", () => {
  const backoff = new Backoff(100, 5000);
  const patience = Array.from({ length: 6 }, () => {
    const ms = backoff.patienceMs(1000);
    backoff.next(0);
    return ms;
  });
  assert.deepEqual(patience, [1000, 1000, 2000, 3000, 4000, 4000]);
  backoff.spreadMs = 500;
  assert.equal(backoff.patienceMs(1000), 6000);
});

test("only a line that was open for as long as the longest wait makes it start afresh", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff(100, 5000);
  assert.deepEqual(
    [0, 0, 4999, 5000, 0].map((openMs) => backoff.next(openMs)),
    [100, 200, 400, 100, 200],
  );
});

test("sent away, a client goes at once, and a server that always does so is not hammered", (t) => {
  t.mock.method(Math, "random", () => 1);
  const backoff = new Backoff(100, 5000);
  assert.deepEqual(
    [60_000, 0, 0, 60_000].map((openMs) => backoff.next(openMs, true)),
    [0, 200, 400, 0],
  );
});

test("a client that has tried for a year still waits no longer than the most", () => {
  const backoff = new Backoff(100, 5000);
  for (let i = 0; i < 5000; i++) assert.ok(backoff.next(0) <= 5000);
});
