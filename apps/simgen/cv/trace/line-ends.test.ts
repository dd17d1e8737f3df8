import assert from "node:assert/strict";
import { test } from "node:test";
import { endOnLines } from "./line-ends.ts";
import type { Branch, SkeletonGraph } from "./skeleton-graph.ts";

function along(length: number, x: number, y: number, dx: number, dy: number): Branch {
  const steps = Array.from({ length }, (_, i) => i);
  return {
    xs: steps.map((i) => x + i * dx),
    ys: steps.map((i) => y + i * dy),
    radius: 1,
    joints: [undefined, undefined],
    isLoop: false,
  };
}

test("two lines end on a third, which is cut into three", () => {
  const [floor, left, right] = [along(100, 0, 50, 1, 0), along(40, 20, 5, 0, 1), along(40, 80, 5, 0, 1)];
  const graph: SkeletonGraph = { joints: [], branches: [floor, left, right] };
  endOnLines(
    graph,
    [
      { branch: floor, at: 80, end: { branch: right, side: 1 } },
      { branch: floor, at: 20, end: { branch: left, side: 1 } },
    ],
    3,
  );
  const pieces = graph.branches.filter((branch) => branch.ys[0] === 50);
  assert.deepEqual(
    pieces.map(({ xs }) => [xs[0], xs.at(-1)]),
    [
      [0, 19],
      [20, 79],
      [80, 99],
    ],
  );
  assert.equal(pieces[1]!.joints[0], left.joints[1]);
  assert.equal(pieces[1]!.joints[1], right.joints[1]);
});

test("an end near a joint of a line is there, and two ends near each other are in one place", () => {
  const [floor, left, right] = [along(100, 0, 50, 1, 0), along(40, 2, 5, 0, 1), along(40, 60, 5, 0, 1)];
  const next = along(40, 63, 5, 0, 1);
  floor.joints[0] = 0;
  const graph: SkeletonGraph = { joints: [{ x: 0, y: 50, radius: 1 }], branches: [floor, left, right, next] };
  const onFloor = (branch: Branch, at: number) => ({ branch: floor, at, end: { branch, side: 1 as const } });
  endOnLines(graph, [onFloor(left, 2), onFloor(right, 60), onFloor(next, 63)], 3);
  assert.equal(left.joints[1], 0);
  assert.equal(right.joints[1], next.joints[1]);
  assert.equal(graph.branches.length, 5);
});
