import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link, Recognition, Shape } from "../recognition.ts";
import { oddnessOf } from "./oddness.ts";

const SEEN = { fixed: false, confidence: 1, strokes: [] };
const BASE: Shape = {
  ...SEEN,
  kind: "ground",
  id: "ground-1",
  fixed: true,
  points: [
    [0, 500],
    [800, 500],
  ],
};
const BOX: Shape = { ...SEEN, kind: "box", id: "box-1", center: [200, 450], size: [100, 100], angle: 0 };
const BAR: Shape = {
  ...SEEN,
  kind: "line",
  id: "line-1",
  points: [
    [200, 400],
    [500, 300],
  ],
};
const WELD: Link = { ...SEEN, kind: "weld", id: "weld-1", a: "line-1", b: "box-1", at: [200, 400] };
const HINGE: Link = { ...SEEN, kind: "hinge", id: "hinge-1", a: "line-1", b: null, at: [500, 300] };

function seen(shapes: readonly Shape[], links: readonly Link[] = []): Recognition {
  return { width: 800, height: 600, shapes, links, arrows: [], labels: [], unknown: [] };
}

const plain = seen([BASE, BOX, BAR], [WELD, HINGE]);

test("level boxes and straight bars that are joined at both ends are not odd at all", () => {
  assert.equal(oddnessOf(plain).ofParts, 0);
});

test("what is odd: a loose end, a bend, a tilt, a doubt, and nothing at all", () => {
  const bent: Shape = {
    ...BAR,
    points: [
      [200, 400],
      [350, 300],
      [500, 300],
    ],
  };
  const odd = {
    "a loose end": seen([BASE, BOX, BAR], [WELD]),
    "a joint that is not at an end": seen([BASE, BOX, BAR], [WELD, { ...HINGE, at: [350, 350] }]),
    "a bend": seen([BASE, BOX, bent], [WELD, HINGE]),
    "a tilt": seen([BASE, { ...BOX, angle: -0.1 }, BAR], [WELD, HINGE]),
    "a doubt": seen([BASE, BOX, { ...BAR, confidence: 0.7 }], [WELD, HINGE]),
    nothing: seen([]),
  };
  for (const [what, recognition] of Object.entries(odd)) assert.ok(oddnessOf(recognition).ofParts > 1.5, what);
});

test("what is fixed is as it is", () => {
  const fixed = seen([BASE, { ...BOX, fixed: true, angle: 0.5 }, { ...BAR, fixed: true }]);
  assert.equal(oddnessOf(fixed).ofParts, 0);
});

test("the same with fewer parts is less odd in all", () => {
  const more = seen([...plain.shapes, { ...BOX, id: "box-2" }], plain.links);
  assert.equal(oddnessOf(more).ofParts, oddnessOf(plain).ofParts);
  assert.ok(oddnessOf(more).inAll > oddnessOf(plain).inAll);
});
