import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../drawing.ts";
import { recognitionSchema, SKETCH_LIMITS } from "../sketch.ts";
import { corners, distance, gapTo, lengthOf } from "./plane.ts";
import type { Sketch } from "./sketcher.ts";
import { HELD_OUT_KINDS, HELD_OUT_SEED, sketchOf, TUNED_KINDS, WOBBLES } from "./sketches.ts";

const KINDS = [...TUNED_KINDS, ...HELD_OUT_KINDS];
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, HELD_OUT_SEED];

/** At least so many links that are one of these, in every sketch of a kind. */
const HELD_BY: [kind: string, ...held: [links: string[], least: number][]][] = [
  ["slider-crank", [["hinge"], 3]],
  ["balance", [["hinge", "rope"], 3]],
  ["catapult", [["hinge"], 1], [["weld"], 1]],
  ["swing", [["rope", "spring"], 2]],
  ["double-pendulum", [["hinge"], 2], [["weld"], 2]],
  ["bracket", [["rope", "spring", "hinge"], 1]],
  ["scissors", [["hinge"], 2]],
];

test("a sketch is the same for the same seed, and another one for another seed, wobble or kind", () => {
  const drawn = (kind: string, seed: number, wobble: 0 | 1 | 2) => JSON.stringify(sketchOf(kind, seed, wobble));
  assert.equal(drawn("car", 7, 1), drawn("car", 7, 1));
  const others = [drawn("car", 7, 1), drawn("car", 8, 1), drawn("car", 7, 2), drawn("stack", 7, 1)];
  assert.equal(new Set(others).size, others.length);
});

test("a kind there is not is refused by name", () => {
  assert.throws(() => sketchOf("perpetuum", 1, 0), /kind: expected one of pendulum, .*; got perpetuum/);
});

test("there are twenty tuned kinds or more, and two or more that none of them is", () => {
  assert.ok(TUNED_KINDS.length >= 20);
  assert.ok(HELD_OUT_KINDS.length >= 2);
  assert.equal(new Set(KINDS).size, KINDS.length);
});

test("every sketch is on its page, and its truth is a valid recognition that accounts for every stroke once", () => {
  forEachSketch(({ drawing, truth }, name) => {
    const points = drawing.strokes.flat();
    assert.ok(points.length < SKETCH_LIMITS.points, name);
    assert.ok(
      points.every(([x, y]) => x >= 0 && y >= 0 && x <= drawing.width && y <= drawing.height),
      name,
    );
    const { width, height } = drawing;
    assert.ok(recognitionSchema.safeParse({ width, height, ...truth }).success, name);
    const accounted = new Set([...truth.shapes, ...truth.links, ...truth.arrows].flatMap(({ strokes }) => strokes));
    assert.deepEqual(
      [...accounted].sort((a, b) => a - b),
      [...drawing.strokes.keys()],
      name,
    );
  });
});

test("what is drawn of a shape is near where the truth has it", () => {
  forEachSketch(({ drawing, truth }, name) => {
    for (const shape of truth.shapes) {
      const [first = []] = shape.strokes.map((stroke) => drawing.strokes[stroke] ?? []);
      const outline = outlineOf(shape);
      const near = first.filter((point) => gapTo(point, outline) < 20).length;
      // A bar may share its stroke with the body at its end.
      assert.ok(near > 0.3 * first.length, `${name}: ${shape.id}`);
    }
  });
});

test("what holds machines of several bodies together is in their truth", () => {
  for (const [kind, ...held] of HELD_BY)
    for (const seed of SEEDS) {
      const { links } = sketchOf(kind, seed, 1).truth;
      const kinds = links.map((link) => link.kind);
      for (const [link, least] of held)
        assert.ok(kinds.filter((each) => link.includes(each)).length >= least, `${kind} ${seed}: ${kinds.join(", ")}`);
    }
});

test("the more wobble, the further from straight is a ground line", () => {
  const swerve = WOBBLES.map((wobble) => {
    const offs = Array.from({ length: 20 }, (_, index) => {
      const { drawing, truth } = sketchOf("stack", index + 1, wobble);
      const ground = truth.shapes.find(({ kind }) => kind === "ground");
      const stroke = drawing.strokes[ground?.strokes[0] ?? -1] ?? [];
      assert.ok(ground?.kind === "ground");
      return Math.max(...stroke.map((point) => gapTo(point, ground.points)));
    });
    return offs.reduce((sum, off) => sum + off, 0) / offs.length;
  });
  const [neat = 0, normal = 0, hasty = 0] = swerve;
  assert.ok(neat < 3 && neat < normal && normal < hasty && hasty < 25, swerve.join(", "));
});

test("points are further apart in the middle of a stroke than at its ends", () => {
  const { drawing, truth } = sketchOf("stack", 3, 1);
  const ground = truth.shapes.find(({ kind }) => kind === "ground");
  const stroke = drawing.strokes[ground?.strokes[0] ?? -1] ?? [];
  const spacing = (points: readonly Point[]) => lengthOf(points) / (points.length - 1);
  const middle = stroke.length >> 1;
  assert.ok(spacing(stroke.slice(0, 4)) < spacing(stroke.slice(middle, middle + 4)));
  assert.ok(stroke.every((point, index) => index === 0 || distance(point, stroke[index - 1] ?? point) < 25));
});

function forEachSketch(check: (sketch: Sketch, name: string) => void): void {
  for (const kind of KINDS)
    for (const seed of SEEDS)
      for (const wobble of WOBBLES) check(sketchOf(kind, seed, wobble), `${kind} ${seed} ${wobble}`);
}

function outlineOf(shape: Sketch["truth"]["shapes"][number]): readonly Point[] {
  if (shape.kind === "circle") {
    const { center, radius } = shape;
    return Array.from({ length: 41 }, (_, step) => [
      center[0] + radius * Math.cos((step / 20) * Math.PI),
      center[1] + radius * Math.sin((step / 20) * Math.PI),
    ]);
  }
  const points = shape.kind === "box" ? corners(shape.center, shape.size, shape.angle) : shape.points;
  const [first] = points;
  return first && (shape.kind === "box" || shape.kind === "polygon") ? [...points, first] : points;
}
