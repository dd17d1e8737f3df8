import assert from "node:assert/strict";
import { test } from "node:test";
import { newCounters } from "./counters.ts";
import { LIMITS } from "./limits.ts";
import type { Line } from "./line.ts";
import { Throttle } from "./throttle.ts";
import { Timers } from "./timers.ts";

test("what else a client says costs it none of what it may send", (t) => {
  const timers = new Timers();
  t.after(() => timers.close());
  const counters = newCounters();
  const throttle = new Throttle({ ...LIMITS, messagesPerSecondMax: 100 }, counters, timers);
  const socket = { pause() {}, resume() {} };
  const line = { allowance: 200, allowedAtMs: 0, lastHeardMs: 0, inbox: { waiting: 0 }, socket } as unknown as Line;
  // A message every 10 ms, as it may, and an acknowledgement right before each.
  for (let nowMs = 10; nowMs <= 10_000; nowMs += 10) {
    line.lastHeardMs = nowMs;
    throttle.spend(line, 1, nowMs);
  }
  assert.equal(counters.throttled, 0);
  throttle.spend(line, 201, 10_000);
  assert.equal(counters.throttled, 1);
});
