import assert from "node:assert/strict";
import { test } from "node:test";
import type { Branch, SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

const PEN_PX = 4;

/** Strokes of 10 px down from a line, at these places along it. */
function combOf(...places: number[]): SkeletonGraph {
  const joints = places.map((x) => ({ x, y: 0, radius: 2 }));
  const branches = places.map(
    (x, i): Branch => ({
      xs: Array.from({ length: 11 }, () => x),
      ys: Array.from({ length: 11 }, (_, y) => y),
      radius: 2,
      joints: [i, undefined],
      isLoop: false,
    }),
  );
  return { joints, branches };
}

test("the last stroke of hatching is one, though only one is near it", () => {
  assert.equal(hatchingIn(combOf(0, 10, 20, 45), PEN_PX).size, 4);
});

test("two strokes are no hatching, nor is one far from it", () => {
  assert.equal(hatchingIn(combOf(0, 25), PEN_PX).size, 0);
  assert.equal(hatchingIn(combOf(0, 10, 20, 60), PEN_PX).size, 3);
});
