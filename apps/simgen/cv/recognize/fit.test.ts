import assert from "node:assert/strict";
import { test } from "node:test";
import { bestPieces, bestSides, circleThrough, lineThrough } from "./fit.ts";
import { distance, type Point, resampled } from "./geometry.ts";

const near = (one: Point | undefined, other: Point, within: number) =>
  assert.ok(one && distance(one, other) < within, `${one} is not near ${other}`);

test("a circle is found from all of it or from a short arc", () => {
  for (const share of [1, 0.25]) {
    const points = Array.from({ length: 40 }, (_, index): Point => {
      const angle = (index / 40) * 2 * Math.PI * share;
      return [100 + 50 * Math.cos(angle), 200 + 50 * Math.sin(angle) + 0.3 * Math.sin(index * 7)];
    });
    const circle = circleThrough(points);
    near(circle?.center, [100, 200], share === 1 ? 0.5 : 3);
    assert.ok(circle && Math.abs(circle.radius - 50) < 3 && circle.error < 0.4);
  }
  assert.equal(
    circleThrough([
      [1, 1],
      [1, 1],
      [1, 1],
    ] as Point[]),
    undefined,
  );
});

test("a line goes through the middle of its points, whatever its direction", () => {
  for (const angle of [0, 0.4, Math.PI / 2, 2.5]) {
    const points = Array.from({ length: 20 }, (_, index): Point => {
      const [along, aside] = [index - 9.5, index % 2 === 0 ? 0.5 : -0.5];
      return [
        5000 + along * Math.cos(angle) - aside * Math.sin(angle),
        along * Math.sin(angle) + aside * Math.cos(angle),
      ];
    });
    const { middle, direction, squares } = lineThrough(points);
    near(middle, [5000, 0], 0.1);
    assert.ok(Math.abs(Math.sin(direction - angle)) < 0.05);
    assert.ok(Math.abs(squares - 5) < 0.2, String(squares));
  }
});

test("corners are found where the sides meet, though they were rounded off", () => {
  const rounded: Point[] = [
    [0, 0],
    [94, 0],
    [98, 2],
    [100, 6],
    [100, 80],
  ];
  const [one, two] = bestPieces(resampled(rounded, 60), 3);
  assert.ok(one && two && one.error > 10 && two.error < 1.5);
  near(two.corners[0], [0, 0], 2);
  near(two.corners[1], [100, 0], 3);
  near(two.corners[2], [100, 80], 2);
});

test("the sides of a closed path are found from any of its corners", () => {
  const points = resampled(
    [
      [0, 0],
      [60, 0],
      [60, 40],
      [0, 40],
    ],
    60,
    true,
  );
  const start = points.findIndex((point) => distance(point, [60, 40]) < 3);
  const [, four] = bestSides(points, start, 3, 4);
  assert.ok(four && four.error < 0.5);
  for (const corner of [
    [0, 0],
    [60, 0],
    [60, 40],
    [0, 40],
  ] as Point[])
    assert.ok(
      four.corners.some((found) => distance(found, corner) < 2.5),
      JSON.stringify(four.corners),
    );
});

test("no other cuts make a better path of three pieces", () => {
  for (const turn of [0.3, 0.9, 2.3]) {
    const path = Array.from({ length: 24 }, (_, index): Point => {
      return [10 * index + 4 * Math.sin(turn * index * index), 30 * Math.sin(turn * index) + (index % 3)];
    });
    let least = Number.POSITIVE_INFINITY;
    for (let one = 1; one < 22; one++)
      for (let other = one + 1; other < 23; other++) {
        const pieces = [path.slice(0, one + 1), path.slice(one, other + 1), path.slice(other)];
        least = Math.min(
          least,
          pieces.reduce((sum, piece) => sum + lineThrough(piece).squares, 0),
        );
      }
    assert.ok(Math.abs(bestPieces(path, 5)[2]!.error - Math.sqrt(least / 24)) < 1e-9);
  }
});
