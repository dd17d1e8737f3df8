import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBehind } from "./behind.ts";
import type { Branch, SkeletonGraph } from "./skeleton-graph.ts";

function between(from: [number, number], to: [number, number], joints: Branch["joints"]): Branch {
  const steps = Array.from({ length: 41 }, (_, i) => i / 40);
  return {
    xs: steps.map((share) => from[0] + (to[0] - from[0]) * share),
    ys: steps.map((share) => from[1] + (to[1] - from[1]) * share),
    radius: 1,
    joints,
    isLoop: false,
  };
}

/** A box with a line that leads to each of its lower corners, the right one from a place as far down as told. */
function boxWithLines(down: number): SkeletonGraph {
  const joints = [
    { x: 100, y: 100, radius: 1 },
    { x: 160, y: 100, radius: 1 },
  ];
  const over = between([100, 100], [160, 100], [0, 1]);
  over.ys = over.xs.map((x) => (x === 100 || x === 160 ? 100 : 60));
  return {
    joints,
    branches: [
      between([20, 100], [100, 100], [undefined, 0]),
      between([160, 100], [240, 100 + down], [1, undefined]),
      between([100, 100], [160, 100], [0, 1]),
      over,
    ],
  };
}

test("the ground on both sides of a box is one line", () => {
  assert.deepEqual(joinBehind(boxWithLines(0), [[0], [2]], [[4, 7]]), [[0, 4, 2]]);
  assert.deepEqual(joinBehind(boxWithLines(0), [[3], [1]], [[6, 5]]), [[3, 5, 1]]);
});

test("lines that do not go on as each other stay apart", () => {
  assert.deepEqual(joinBehind(boxWithLines(80), [[0], [2]], [[4, 7]]), [[0], [2]]);
});

test("ropes over and under a narrow box stay apart", () => {
  const halfAround = (x: number): Branch => {
    const corners: [number, number][] = [
      [200, 100],
      [x, 100],
      [x, 108],
      [200, 108],
    ];
    const sides = corners.slice(1).map((to, i) => between(corners[i]!, to, [0, 1]));
    return { ...sides[0]!, xs: sides.flatMap(({ xs }) => xs), ys: sides.flatMap(({ ys }) => ys) };
  };
  const joints = [100, 108].map((y) => ({ x: 200, y, radius: 1 }));
  const over = between([200, 20], [200, 100], [undefined, 0]);
  const under = between([200, 108], [200, 200], [1, undefined]);
  const graph = { joints, branches: [over, under, halfAround(40), halfAround(360)] };
  assert.deepEqual(joinBehind(graph, [[0], [2]], [[4, 7]]), [[0], [2]]);
});
