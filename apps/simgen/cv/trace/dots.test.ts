import assert from "node:assert/strict";
import { test } from "node:test";
import { dotsOffSprings } from "./dots.ts";
import type { PenLine } from "./pen-lines.ts";

/** Through eleven corners from one side to the other, so high. */
function zigzag(height: number): PenLine {
  const xs = Array.from({ length: 201 }, (_, i) => i);
  const ys = xs.map((x) => height * Math.abs(((x / 20) % 2) - 1));
  return { xs, ys, isClosed: false, isFree: [true, true] };
}

test("a spring's corner is no dot, but where it ends and beside it there may be one", () => {
  const [corner, end, beside] = [
    { x: 60, y: 1, radius: 4 },
    { x: 199, y: 39, radius: 4 },
    { x: 100, y: 100, radius: 4 },
  ];
  assert.deepEqual(dotsOffSprings([zigzag(40)], [corner, end, beside]), [end, beside]);
});

test("a nearly straight line may have dots all along", () => {
  const dot = { x: 60, y: 1, radius: 4 };
  assert.deepEqual(dotsOffSprings([zigzag(2)], [dot]), [dot]);
});
