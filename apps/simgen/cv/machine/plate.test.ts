import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { centroid, dot, minus, outward, type Spot, signedArea, turned, unit } from "./plane.ts";
import { plateOf, type Slab } from "./plate.ts";

const THIN = 0.01;
const wedge: Spot[] = [
  [0, 0],
  [1.5, 0],
  [1.5, 0.7],
];

function corners({ middle: [x, z], half: [a, b], angle }: Slab): Spot[] {
  return [
    [-a, -b],
    [a, -b],
    [a, b],
    [-a, b],
  ].map(([dx = 0, dz = 0]) => turned([x + dx, z + dz], angle, [x, z]));
}

/** How far a slab sticks out of a convex outline, m. */
function sticksOut(slab: Slab, outline: readonly Spot[]): number {
  return Math.max(
    ...outline.flatMap((from, at) => {
      const out = outward(unit(minus(outline[(at + 1) % outline.length]!, from)));
      return corners(slab).map((corner) => dot(minus(corner, from), out));
    }),
  );
}

test("a wedge touches along its edges and nothing sticks out of it", () => {
  const slabs = plateOf(wedge, THIN, 30);
  assert.ok(slabs.length <= 30);
  for (const slab of slabs.filter(({ collides }) => collides)) assert.ok(sticksOut(slab, wedge) < 1e-9);
  for (const slab of slabs) assert.ok(sticksOut(slab, wedge) < 0.005, `by ${sticksOut(slab, wedge)}`);
  const edges = slabs.filter(({ collides }) => collides);
  assert.equal(edges.length, 3);
  for (const edge of edges) assert.ok(Math.abs(sticksOut(edge, wedge)) < 1e-9, "on the edge");
  const slope = edges.find(({ angle }) => Math.abs(Math.abs(angle) - Math.PI + Math.atan2(0.7, 1.5)) < 1e-9);
  assert.ok(slope && 2 * slope.half[0] > 0.9 * Math.hypot(1.5, 0.7), "nearly as long as the slope");
});

test("an edge whose neighbour is buried goes on to the corner", () => {
  const slabs = plateOf(wedge, THIN, 30, (from, to) => Math.max(from[1], to[1]) < 0.01);
  const edges = slabs.filter(({ collides }) => collides);
  assert.equal(edges.length, 2);
  const toe = Math.min(...edges.flatMap(corners).map(([x]) => x));
  assert.ok(toe < 0.005, `from ${toe}`);
});

test("its rows weigh what it does, where it does", () => {
  for (const outline of [
    wedge,
    [
      [0, 0],
      [2, 0],
      [2, 2],
      [1, 0.5],
      [0, 2],
    ] as Spot[],
  ]) {
    const rows = plateOf(outline, THIN, 30).filter(({ share }) => share > 0);
    assert.ok(Math.abs(rows.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
    const middle = [0, 1].map((axis) => rows.reduce((sum, { share, middle: at }) => sum + share * at[axis]!, 0));
    const exact = centroid(outline);
    assert.ok(Math.hypot(middle[0]! - exact[0], middle[1]! - exact[1]) < 0.05, `${middle}, not ${exact}`);
  }
});

test("any outline gives some slabs, and never too many", () => {
  const spot = fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(spot, { minLength: 3, maxLength: 40 }), fc.integer({ min: 3, max: 30 }), (points, most) => {
      fc.pre(Math.abs(signedArea(points)) > 0.01);
      const outline = signedArea(points) < 0 ? points.toReversed() : points;
      const slabs = plateOf(outline, THIN, most);
      assert.ok(slabs.length > 0 && slabs.length <= most, `${slabs.length} of ${most}`);
      assert.ok(slabs.every(({ middle, half, angle }) => [...middle, ...half, angle].every(Number.isFinite)));
    }),
    { numRuns: 500, seed: 6 },
  );
});
