import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link, Recognition, Shape } from "../recognition.ts";
import { kindOfFault, score } from "./score.ts";
import { HELD_OUT_KINDS, sketchOf, TUNED_KINDS, WOBBLES } from "./sketches.ts";

const seen = (id: string) => ({ id, confidence: 1, strokes: [], fixed: false });

const rod: Shape = {
  ...seen("line-1"),
  kind: "line",
  points: [
    [300, 100],
    [300, 300],
  ],
};
const bob: Shape = { ...seen("circle-1"), kind: "circle", center: [300, 340], radius: 40 };
const plank: Shape = { ...seen("box-1"), kind: "box", center: [500, 400], size: [100, 40], angle: 0.7 };
const pivot: Link = { id: "hinge-1", confidence: 1, strokes: [], kind: "hinge", a: "line-1", b: null, at: [300, 100] };
const weld: Link = {
  id: "weld-1",
  confidence: 1,
  strokes: [],
  kind: "weld",
  a: "line-1",
  b: "circle-1",
  at: [300, 300],
};
const push: Recognition["arrows"][number] = {
  ...{ id: "push-1", confidence: 1, strokes: [], does: "push", target: "box-1" },
  points: [
    [550, 400],
    [650, 400],
  ],
};
const truth = { shapes: [rod, bob, plank], links: [pivot, weld], arrows: [push] };

test("the truth itself is fully right, for every kind", () => {
  for (const kind of [...TUNED_KINDS, ...HELD_OUT_KINDS])
    for (const wobble of WOBBLES) {
      const sketch = sketchOf(kind, 11, wobble);
      assert.deepEqual(score(sketch.truth, { ...sketch.truth, unknown: [] }), { right: true, faults: [] });
    }
});

test("names, order and direction do not matter; small differences neither", () => {
  const other: Pick<Recognition, "shapes" | "links" | "arrows" | "unknown"> = {
    shapes: [
      { ...bob, id: "ball", center: [304, 337], radius: 42 },
      // The same box with its sides named the other way round.
      { ...plank, id: "crate", size: [42, 97], angle: 0.75 - Math.PI / 2 },
      { ...rod, id: "bar", points: [rod.points[1] ?? [0, 0], [303, 108]] },
    ],
    links: [
      { ...weld, a: "ball", b: "bar", at: [306, 290] },
      { ...pivot, a: "bar" },
    ],
    arrows: [{ ...push, target: "crate" }],
    unknown: [],
  };
  assert.deepEqual(score(truth, other), { right: true, faults: [] });
});

const FAULTS: [name: string, change: Partial<Recognition>, faults: string[]][] = [
  [
    "a missing shape and what it was joined by",
    { shapes: [rod, plank], links: [pivot] },
    ["circle-1 is missing", "a weld of line-1 with circle-1 at 300, 300 is missing"],
  ],
  [
    "a shape too many",
    { shapes: [...truth.shapes, { ...bob, id: "circle-2", center: [100, 100] }] },
    ["a circle too many at 100, 100 (circle-2)"],
  ],
  [
    "a shape that is somewhere else",
    { shapes: [rod, bob, { ...plank, center: [500, 415] }], arrows: [] },
    ["box-1 is off", "a box too many at 500, 415 (box-1)", "a push of box-1 at 650, 400 is missing"],
  ],
  [
    "a shape of another kind",
    { shapes: [rod, bob, { ...bob, id: "circle-2", center: [500, 400] }], arrows: [] },
    ["box-1 is seen as a circle", "a circle too many at 500, 400 (circle-2)", "a push of box-1 at 650, 400 is missing"],
  ],
  ["what moves as fixed", { shapes: [rod, { ...bob, fixed: true }, plank] }, ["circle-1 is not fixed, but seen so"]],
  [
    "a link of another kind",
    { links: [pivot, { ...weld, kind: "hinge" }] },
    [
      "a weld of line-1 with circle-1 at 300, 300 is missing",
      "a hinge of line-1 with circle-1 at 300, 300 is too many",
    ],
  ],
  [
    "a link elsewhere",
    { links: [{ ...pivot, at: [300, 140] }, weld] },
    [
      "a hinge of line-1 with the paper at 300, 100 is missing",
      "a hinge of line-1 with the paper at 300, 140 is too many",
    ],
  ],
  [
    "an arrow the other way round",
    { arrows: [{ ...push, points: push.points.toReversed() }] },
    ["a push of box-1 at 650, 400 is missing", "a push of box-1 at 550, 400 is too many"],
  ],
  ["strokes left over", { unknown: [3, 4] }, ["left unknown: stroke 3, 4"]],
];

for (const [name, change, faults] of FAULTS)
  test(`${name} is a fault`, () => {
    assert.deepEqual(score(truth, { ...truth, unknown: [], ...change }), { right: false, faults });
  });

test("a box turned by more than 12 degrees, a bend and a corner fewer are off", () => {
  const turned = { ...plank, angle: plank.angle + 0.25 };
  const bent: Shape = {
    ...rod,
    points: [
      [300, 100],
      [330, 200],
      [300, 300],
    ],
  };
  const wedge: Shape = {
    ...seen("polygon-1"),
    kind: "polygon",
    points: [
      [0, 0],
      [90, 0],
      [90, 90],
      [40, 90],
    ],
  };
  for (const [real, found] of [
    [plank, turned],
    [rod, bent],
    [wedge, { ...wedge, points: wedge.points.slice(1) }],
  ] satisfies [Shape, Shape][])
    assert.equal(
      score({ shapes: [real], links: [], arrows: [] }, { shapes: [found], links: [], arrows: [], unknown: [] }).right,
      false,
    );
});

test("where three bars turn about one dot, any two hinges that tie them are right, and nothing else", () => {
  const bars = ["line-1", "line-2", "line-3"].map(
    (id, index): Shape => ({
      ...seen(id),
      kind: "line",
      points: [
        [300, 300],
        [300 + 100 * (index - 1), 150 + 150 * index],
      ],
    }),
  );
  const hinge = (a: string, b: string | null, x = 300): Link => ({ ...pivot, a, b, at: [x, 300] });
  const fork = { shapes: bars, links: [hinge("line-1", "line-2"), hinge("line-1", "line-3")], arrows: [] };
  const faultsOf = (links: Link[]) => score(fork, { ...fork, unknown: [], links }).faults;

  assert.deepEqual(faultsOf([hinge("line-2", "line-3", 305), hinge("line-3", "line-1", 296)]), []);
  assert.deepEqual(faultsOf([hinge("line-2", "line-1"), hinge("line-3", "line-2")]), []);
  assert.deepEqual(faultsOf([hinge("line-2", "line-3")]), [
    "a hinge of line-1 with line-2 at 300, 300 is missing",
    "a hinge of line-1 with line-3 at 300, 300 is missing",
    "a hinge of line-2 with line-3 at 300, 300 is too many",
  ]);
  assert.deepEqual(faultsOf([...fork.links, hinge("line-2", "line-3")]), [
    "a hinge of line-2 with line-3 at 300, 300 is too many",
  ]);
  assert.equal(faultsOf([hinge("line-1", "line-2"), hinge("line-2", "line-1")]).length, 2);
  assert.equal(faultsOf([hinge("line-1", "line-2"), hinge("line-2", "line-3", 340)]).length, 2);
  assert.equal(faultsOf([hinge("line-1", "line-2"), hinge("line-3", null)]).length, 2);
});

test("two rods from one dot on what is fixed may turn about it or about each other", () => {
  const ceiling: Shape = {
    ...seen("line-9"),
    kind: "line",
    fixed: true,
    points: [
      [200, 100],
      [400, 100],
    ],
  };
  const other: Shape = {
    ...rod,
    id: "line-2",
    points: [
      [300, 100],
      [450, 250],
    ],
  };
  const held = { ...pivot, b: "line-9" };
  const both = { shapes: [rod, ceiling, other], links: [held, { ...held, a: "line-2" }], arrows: [] };
  const links: Link[] = [held, { ...held, a: "line-2", b: "line-1" }];
  assert.deepEqual(score(both, { ...both, unknown: [], links }), { right: true, faults: [] });
});

test("faults of one kind are counted as one, whatever they are about", () => {
  assert.equal(
    kindOfFault("a hinge of line-2 with the paper at 310, 220 is missing"),
    "a hinge of line with the paper is missing",
  );
  assert.equal(kindOfFault("a circle too many at 1, -2 (circle-2)"), "a circle too many");
  assert.equal(
    kindOfFault("a weld of (line-2) with box-1 at 3, 4 is too many"),
    "a weld of a line there is not with box is too many",
  );
  assert.equal(kindOfFault("left unknown: stroke 3, 4"), "left unknown");
});
