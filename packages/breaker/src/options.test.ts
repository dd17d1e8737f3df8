import assert from "node:assert/strict";
import { test } from "node:test";
import { circuitBreaker } from "./breaker.ts";
import { BreakerError } from "./breaker-error.ts";
import { type BreakerOptions, DEFAULTS, settingsFrom } from "./options.ts";

test("without options, the defaults hold, and they are within their own bounds", () => {
  assert.deepEqual(settingsFrom("llm", {}), DEFAULTS);
  assert.deepEqual(settingsFrom("llm", DEFAULTS as BreakerOptions), DEFAULTS);
});

test("in a smaller window, the defaults that are larger shrink", () => {
  const { callsMin, consecutiveFailures } = settingsFrom("llm", { window: { calls: 3, ageMsMax: 1000 } });
  assert.deepEqual([callsMin, consecutiveFailures], [3, 3]);
  assert.equal(settingsFrom("llm", { window: { ms: 1000 } }).callsMin, 10);
});

test("an option out of bounds is refused by name, with what is expected and what came", () => {
  const refused = (options: object, message: string) =>
    assert.throws(
      () => circuitBreaker("llm", options),
      (error) => {
        assert.ok(error instanceof BreakerError);
        assert.equal(error.code, "option_invalid");
        assert.ok(error.message.startsWith(`llm: ${message}`), error.message);
        return true;
      },
    );
  refused({ timeout: 5 }, "timeout: expected one of window, callsMin, ");
  for (const option of ["callsMin", "consecutiveFailures", "probes", "concurrentMax"])
    for (const value of [0, 1.5, Number.NaN, "2", -1, undefined])
      refused({ [option]: value }, `${option}: expected a whole number from 1 on, got ${value}`);
  for (const option of ["retries", "retryBudget"])
    for (const value of [-1, 0.5, Number.POSITIVE_INFINITY])
      refused({ [option]: value }, `${option}: expected a whole number from 0 on, got ${value}`);
  for (const option of ["slowCallMs", "openMs", "probeMsMax", "timeoutMs", "firstItemMs", "idleMs"])
    for (const value of [0, Number.NaN, "1s", null])
      refused({ [option]: value }, `${option}: expected a number from 1 on, got ${value}`);
  for (const option of ["backoffMs", "backoffMsMax", "retryAfterMsMax"])
    for (const value of [-1, Number.POSITIVE_INFINITY])
      refused({ [option]: value }, `${option}: expected a number from 0 on, got ${value}`);
  for (const option of ["failureRate", "slowRate"])
    for (const value of [0, 1.01, 50, "half"])
      refused({ [option]: value }, `${option}: expected a number above 0, at most 1, got ${value}`);
  refused({ openMs: Number.POSITIVE_INFINITY }, "openMs: expected a number from 1 on, got Infinity");
  refused({ openMs: 1000, openMsMax: 999 }, "openMsMax: expected at least openMs, got 999");
  refused({ window: { ms: 9 } }, "window.ms: expected a number from 10 on, got 9");
  refused({ window: { calls: 0, ageMsMax: 1 } }, "window.calls: expected a whole number from 1 to 100,000, got 0");
  refused(
    { window: { calls: 1e6, ageMsMax: 1 } },
    "window.calls: expected a whole number from 1 to 100,000, got 1000000",
  );
  refused({ window: { calls: 5 } }, "window.ageMsMax: expected a number above 0, got undefined");
  refused({ window: { calls: 5, ageMsMax: 1e6 }, callsMin: 6 }, "callsMin: expected at most window.calls, 5, got 6");
});

test("what is off by default can be switched off in so many words", () => {
  const off = Number.POSITIVE_INFINITY;
  circuitBreaker("llm", { timeoutMs: off, firstItemMs: off, idleMs: off, slowCallMs: off, concurrentMax: off });
});
