import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link, Recognition, Shape } from "../../cv/recognition.ts";
import { recognitionSchema } from "../../cv/sketch.ts";
import { outlineOf } from "./convert.ts";
import { type Corrections, corrected, kindsFor, withChange, withHinge, withoutHinge } from "./correction.ts";
import { itemsOf, type Kind } from "./kind.ts";
import { distance, mean } from "./path.ts";

const NONE: Corrections = { changed: [], hinges: [] };
const ceiling: Shape = {
  ...{ id: "line-1", kind: "line", fixed: true, confidence: 0.9, strokes: [0] },
  points: [
    [200, 50],
    [400, 50],
  ],
};
const rod: Shape = {
  ...{ id: "line-2", kind: "line", fixed: false, confidence: 0.9, strokes: [1] },
  points: [
    [300, 50],
    [300, 200],
  ],
};
const ball: Shape = {
  ...{ id: "circle-1", kind: "circle", fixed: false, confidence: 0.8, strokes: [2] },
  center: [300, 240],
  radius: 40,
};
const pivot: Link = {
  ...{ id: "hinge-1", kind: "hinge", confidence: 0.9, strokes: [] },
  ...{ a: "line-2", b: "line-1", at: [300, 50] },
};
const weld: Link = {
  ...{ id: "weld-1", kind: "weld", confidence: 0.9, strokes: [] },
  ...{ a: "line-2", b: "circle-1", at: [300, 200] },
};
const pendulum: Recognition = {
  ...{ width: 800, height: 600, arrows: [], unknown: [] },
  shapes: [ceiling, rod, ball],
  links: [pivot, weld],
  labels: [{ text: "2 kg", at: [350, 240], target: "circle-1" }],
};
const IDS = [11, 12, 13];

function change(id: string, what: { kind?: Kind; fixed?: boolean; gone?: true }, corrections = NONE): Corrections {
  const item = itemsOf(pendulum).find((each) => each.id === id);
  assert.ok(item);
  return withChange(corrections, item, IDS, what);
}

function apply(corrections: Corrections, seen = pendulum, ids = IDS) {
  const done = corrected(seen, ids, corrections);
  recognitionSchema.parse(done.recognition);
  return done;
}

test("without corrections, what was seen stays as it is", () => {
  const { recognition, isChanged } = apply(NONE);
  assert.deepEqual(recognition, pendulum);
  assert.equal(isChanged, false);
});

test("every shape becomes every other kind, in about the same place, and the server takes it", () => {
  for (const shape of pendulum.shapes)
    for (const kind of ["circle", "box", "polygon", "line", "ground"] as const) {
      const { recognition } = apply(change(shape.id, { kind }));
      const now = recognition.shapes.find(({ id }) => id === shape.id);
      assert.equal(now?.kind, kind);
      const [before, after] = [mean(outlineOf(shape)), mean(outlineOf(now))];
      assert.ok(distance(before, after) < 1, `${shape.id} as ${kind}: ${before} became ${after}`);
    }
});

test("a ball as a box covers as much paper, is sure, and keeps its joints and its label", () => {
  const { recognition, touched } = apply(change("circle-1", { kind: "box" }));
  const box = recognition.shapes.find(({ id }) => id === "circle-1");
  assert.ok(box?.kind === "box");
  assert.ok(Math.abs(box.size[0] * box.size[1] - Math.PI * 40 ** 2) < 1);
  assert.equal(box.confidence, 1);
  assert.deepEqual(recognition.links, pendulum.links);
  assert.equal(recognition.labels[0]?.target, "circle-1");
  assert.deepEqual([...touched], ["circle-1"]);
});

test("kind and fixed are kept beside one another, each as it was set last", () => {
  const first = change("circle-1", { kind: "box" });
  const second = change("circle-1", { fixed: true }, first);
  const third = change("circle-1", { kind: "polygon" }, second);
  assert.equal(third.changed.length, 1);
  const shape = apply(third).recognition.shapes.find(({ id }) => id === "circle-1");
  assert.equal(shape?.kind, "polygon");
  assert.equal(shape.fixed, true);
});

test("the ground is always fixed; what was taken for it moves", () => {
  const seen: Recognition = {
    ...pendulum,
    shapes: [{ ...ceiling, kind: "ground" }, rod, ball],
  };
  const [ground] = seen.shapes;
  const asRod = corrected(seen, IDS, withChange(NONE, ground!, IDS, { kind: "line" }));
  assert.equal(asRod.recognition.shapes[0]?.fixed, false);
  assert.equal(apply(change("line-2", { kind: "ground" })).recognition.shapes[1]?.fixed, true);
});

test("what is deleted takes its joints along; its label is about nothing then", () => {
  const { recognition } = apply(change("circle-1", { gone: true }));
  assert.deepEqual(
    recognition.links.map(({ id }) => id),
    ["hinge-1"],
  );
  assert.equal(recognition.labels[0]?.target, null);
});

test("a rod between two things becomes a rope or a spring between them, and back", () => {
  for (const kind of ["rope", "spring"] as const) {
    const { recognition } = apply(change("line-2", { kind }));
    assert.deepEqual(
      recognition.links.map(({ kind, a, b }) => ({ kind, a, b })),
      [{ kind, a: "line-1", b: "circle-1" }],
    );
    const [link] = recognition.links;
    assert.ok(kindsFor(link!, recognition).includes("line"));
    const rodAgain = corrected(recognition, IDS, withChange(NONE, link!, IDS, { kind: "line" }));
    recognitionSchema.parse(rodAgain.recognition);
    assert.deepEqual(
      rodAgain.recognition.links.map(({ kind, a, b }) => [kind, a, b]),
      [
        ["hinge", "line-2", "line-1"],
        ["weld", "line-2", "circle-1"],
      ],
    );
  }
});

test("a rod that ends in nothing cannot be a rope", () => {
  const loose = { ...pendulum, links: [pivot] };
  assert.ok(!kindsFor(rod, loose).includes("rope"));
  assert.ok(kindsFor(rod, pendulum).includes("rope"));
});

test("a joint becomes a weld; one added where a weld is takes its place", () => {
  assert.equal(apply(change("hinge-1", { kind: "weld" })).recognition.links[0]?.kind, "weld");
  const { recognition } = apply(withHinge(NONE, { id: "added-1", at: [301, 202], kind: "hinge" }));
  assert.deepEqual(
    recognition.links.map(({ id, kind }) => [id, kind]),
    [
      ["hinge-1", "hinge"],
      ["added-1", "hinge"],
    ],
  );
});

test("a joint on one shape holds it to the paper; on nothing there is none", () => {
  const onBall = withHinge(NONE, { id: "added-1", at: [300, 262], kind: "hinge" });
  assert.deepEqual(apply(onBall).recognition.links.at(-1), {
    ...{ id: "added-1", kind: "hinge", a: "circle-1", b: null },
    ...{ at: [300, 262], confidence: 1, strokes: [] },
  });
  const nowhere = apply(withHinge(NONE, { id: "added-1", at: [700, 500], kind: "hinge" }));
  assert.equal(nowhere.isChanged, false);
  assert.deepEqual(withoutHinge(onBall, "added-1"), NONE);
});

test("a correction holds while its stroke is there, whatever the numbers are by then", () => {
  const corrections = change("circle-1", { kind: "box" });
  const later: Recognition = {
    ...pendulum,
    shapes: [
      { ...ball, center: [100, 100], strokes: [0] },
      { ...ball, id: "circle-2", strokes: [1] },
    ],
    links: [],
    labels: [],
  };
  const found = apply(corrections, later, [14, 13]);
  assert.deepEqual(
    found.recognition.shapes.map(({ kind }) => kind),
    ["circle", "box"],
  );
  const gone = apply(corrections, later, [14, 15]);
  assert.equal(gone.isChanged, false);
});
