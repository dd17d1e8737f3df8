import assert from "node:assert/strict";
import { test } from "node:test";
import { startMemoryGuard } from "./memory-guard.ts";

const LIMIT = 1000;

test("memory that stays full is told once; a peak that goes by is not", async (t) => {
  const uses = [100, 950, 100, 950, 950, 950, 950, 950];
  const told: number[] = [];
  let looks = 0;
  const seen = Promise.withResolvers<void>();
  const end = startMemoryGuard(
    ({ usedBytes }) => {
      told.push(usedBytes);
      setTimeout(seen.resolve, 30);
    },
    { intervalMs: 2, read: () => ({ usedBytes: uses[looks++] ?? 950, limitBytes: LIMIT }) },
  );
  t.after(end);
  await seen.promise;
  assert.deepEqual(told, [950]);
  assert.equal(looks, 6, "the third full look in a row, and none after it");
});

test("without a limit nothing is ever full", async (t) => {
  let looks = 0;
  const seen = Promise.withResolvers<void>();
  const end = startMemoryGuard(() => assert.fail("full"), {
    intervalMs: 1,
    read() {
      if (++looks === 20) seen.resolve();
      return { usedBytes: 1e15, limitBytes: Number.POSITIVE_INFINITY };
    },
  });
  t.after(end);
  await seen.promise;
});

test("options out of bounds are refused by name", () => {
  assert.throws(() => startMemoryGuard(() => {}, { fullShare: 90 }), {
    code: "option_invalid",
    message: "memory guard: fullShare: expected a number from 0.01 to 1, got 90",
  });
});
