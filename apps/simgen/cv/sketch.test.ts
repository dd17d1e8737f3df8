import assert from "node:assert/strict";
import { test } from "node:test";
import { drawingSchema, recognitionSchema, SKETCH_LIMITS } from "./sketch.ts";

const circle = (id: string) => ({ id, kind: "circle", center: [10, 10], radius: 5 });
const hinge = { id: "hinge-1", kind: "hinge", a: "one", b: "two", at: [10, 10] };
const arrow = { id: "arrow-1", does: "push", points: [0, 5].map((x) => [x, x]), target: "one" };
const label = { text: "2 kg", at: [1, 1], target: "two" };
const seen = { width: 20, height: 20, shapes: [circle("one"), circle("two")] };
const whole = { ...seen, links: [hinge], arrows: [arrow], labels: [label] };

test("a recognition that holds together is taken as it is", () => {
  const { links, arrows, labels } = recognitionSchema.parse(whole);
  assert.deepEqual([links[0]?.a, arrows[0]?.target, labels[0]?.target], ["one", "one", "two"]);
});

for (const [what, wrong, path] of [
  ["an id twice", { shapes: [...seen.shapes, circle("one")] }, "shapes.2.id"],
  ["a link from nowhere", { links: [{ ...hinge, a: "three" }] }, "links.0.a"],
  ["a link to nowhere", { links: [{ ...hinge, b: "three" }] }, "links.0.b"],
  ["a link to itself", { links: [{ ...hinge, b: "one" }] }, "links.0.b"],
  ["an arrow at nothing", { arrows: [{ ...arrow, target: "three" }] }, "arrows.0.target"],
  ["a label of nothing", { labels: [{ ...label, target: "three" }] }, "labels.0.target"],
] as const)
  test(`${what} is refused, and where it stands is told`, () => {
    const { error } = recognitionSchema.safeParse({ ...whole, ...wrong });
    assert.deepEqual(
      error?.issues.map((issue) => issue.path.join(".")),
      [path],
    );
  });

test("strokes have so many points in all, not each", () => {
  const strokes = (points: number) => [1, 2].map(() => Array(points).fill([1, 2]));
  assert.ok(drawingSchema.safeParse({ strokes: strokes(SKETCH_LIMITS.points / 2) }).success);
  assert.ok(!drawingSchema.safeParse({ strokes: strokes(SKETCH_LIMITS.points / 2 + 1) }).success);
});
