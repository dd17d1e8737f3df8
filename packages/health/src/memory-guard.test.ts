import assert from "node:assert/strict";
import { test } from "node:test";
import { startMemoryGuard } from "./memory-guard.ts";

const LIMIT = 1000;

test("memory that stays full is told once; a peak that goes by is not", async (t) => {
  const uses = [100, 900, 899, 900, 900, 900, 900, 900];
  const told: number[] = [];
  let looks = 0;
  const seen = Promise.withResolvers<void>();
  const end = startMemoryGuard(
    ({ usedBytes }) => {
      told.push(usedBytes);
      setTimeout(seen.resolve, 30);
    },
    { intervalMs: 2, read: () => ({ usedBytes: uses[looks++] ?? 900, limitBytes: LIMIT }) },
  );
  t.after(end);
  await seen.promise;
  assert.deepEqual(told, [900]);
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

test("a guard that was ended looks no more", async () => {
  let looks = 0;
  const seen = Promise.withResolvers<void>();
  const end = startMemoryGuard(() => assert.fail("full"), {
    intervalMs: 1,
    read() {
      looks++;
      seen.resolve();
      return { usedBytes: 0, limitBytes: LIMIT };
    },
  });
  await seen.promise;
  end();
  const before = looks;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(looks, before);
});

test("options out of bounds are refused by name", () => {
  assert.throws(() => startMemoryGuard(() => {}, { fullShare: 90 }), {
    code: "option_invalid",
    message: "memory guard: fullShare: expected a number from 0.01 to 1, got 90",
  });
  assert.throws(() => startMemoryGuard(() => {}, { looks: 0 }), { message: /^memory guard: looks: .* got 0$/ });
  assert.throws(() => startMemoryGuard(() => {}, { intervalMs: 2 ** 31 }), { message: /^memory guard: intervalMs: / });
});
