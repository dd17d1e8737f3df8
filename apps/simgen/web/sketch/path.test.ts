import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, distanceTo, halfway, isInside, thinned, touches } from "./path.ts";

const square = [
  [0, 0],
  [10, 0],
  [10, 10],
  [0, 10],
] as const;

test("paths touch that cross, and that come near", () => {
  const across = [
    [5, -50],
    [5, 50],
  ] as const;
  assert.ok(touches(square.slice(0, 2), across, 0.1));
  assert.ok(touches(square.slice(0, 2), [[5, 3]], 3));
  assert.ok(!touches(square.slice(0, 2), [[5, 3]], 2.9));
  assert.ok(touches([[1, 1]], [[1, 1]], 0));
});

test("areas, insides and distances are those of geometry", () => {
  assert.equal(areaOf(square), 100);
  assert.ok(isInside(square, [5, 5]));
  assert.ok(!isInside(square, [11, 5]));
  assert.equal(distanceTo(square.slice(0, 2), [13, 4]), 5);
  assert.deepEqual(halfway(square.slice(0, 3)), [10, 0]);
});

test("a path of many points keeps its ends when it is thinned", () => {
  const many = Array.from({ length: 500 }, (_, at) => at);
  const few = thinned(many, 64);
  assert.deepEqual([few.length, few[0], few.at(-1)], [64, 0, 499]);
  assert.equal(thinned(square, 64), square);
});
