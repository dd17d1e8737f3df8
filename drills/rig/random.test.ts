import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./random.ts";

const HUNDRED = Array.from({ length: 100 }, (_, index) => index);

test("a seed repeats its choices, another makes others", () => {
  assert.deepEqual(new Random(7).shuffled(HUNDRED), new Random(7).shuffled(HUNDRED));
  assert.notDeepEqual(new Random(7).shuffled(HUNDRED), new Random(8).shuffled(HUNDRED));
});

test("a shuffle keeps all there is, and everything is picked at some time", () => {
  const random = new Random(1);
  assert.deepEqual(
    random.shuffled(HUNDRED).sort((a, b) => a - b),
    HUNDRED,
  );
  assert.equal(new Set(Array.from({ length: 5000 }, () => random.pick(HUNDRED))).size, 100);
  assert.throws(() => random.pick([]), RangeError);
});
