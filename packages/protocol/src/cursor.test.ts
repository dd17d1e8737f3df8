import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { step } from "./cursor.ts";

test("what follows is next, what reaches back is cut, what is known is seen, what leaves a hole is one", () => {
  assert.deepEqual(step(0, 1, 3), { kind: "next", skip: 0, offset: 3 });
  assert.deepEqual(step(5, 4, 4), { kind: "next", skip: 2, offset: 7 });
  assert.deepEqual(step(5, 4, 2), { kind: "seen" });
  assert.deepEqual(step(5, 7, 1), { kind: "hole" });
});

test("whoever follows the steps has each message once, in order, whatever batches come", () => {
  const batch = fc.record({ first: fc.integer({ min: 1, max: 30 }), count: fc.integer({ min: 1, max: 10 }) });
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 50 }), (batches) => {
      const taken: number[] = [];
      for (const { first, count } of batches) {
        const messages = Array.from({ length: count }, (_, i) => first + i);
        const next = step(taken.length, first, count);
        if (next.kind === "next") {
          taken.push(...messages.slice(next.skip));
          assert.equal(taken.length, next.offset);
        } else if (next.kind === "seen") assert.ok(messages.every((message) => taken.includes(message)));
        else assert.ok(first > taken.length + 1);
      }
      assert.deepEqual(
        taken,
        Array.from({ length: taken.length }, (_, i) => i + 1),
      );
    }),
  );
});
