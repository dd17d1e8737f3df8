import assert from "node:assert/strict";
import { test } from "node:test";
import { now } from "./clock.ts";
import { Pacer } from "./pacer.ts";

test("the rate holds, also when the process is held up for a moment, and ends with stop", async () => {
  let turns = 0;
  const start = now();
  const reached = Promise.withResolvers<void>();
  const pacer = new Pacer(1000, () => {
    if (++turns === 100) for (const until = now() + 150; now() < until; );
    if (turns === 500) reached.resolve();
  });
  await reached.promise;
  const ms = now() - start;
  pacer.stop();
  assert.ok(ms >= 499, `500 turns at 1,000 a second took ${ms} ms`);
  const stopped = turns;
  await new Promise((later) => setTimeout(later, 50));
  assert.equal(turns, stopped);
});

test("what was missed for longer than a second is not caught up on", async () => {
  let turns = 0;
  const pacer = new Pacer(1000, () => {
    if (++turns === 1) for (const until = now() + 1500; now() < until; );
  });
  await new Promise((later) => setTimeout(later, 20));
  while (turns < 2) await new Promise((later) => setTimeout(later, 1));
  pacer.stop();
  assert.ok(turns <= 1100, `${turns} turns in one go`);
});
