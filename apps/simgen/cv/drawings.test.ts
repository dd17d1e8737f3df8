/** Drawings that were made in the page with the mouse, and what is to be seen in them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Drawing, Point } from "./drawing.ts";
import DRAWINGS from "./drawings.fixture.json" with { type: "json" };
import { sceneOf } from "./machine.ts";
import { recognize } from "./recognize.ts";
import { drawingSchema } from "./sketch.ts";

/** In words: `hinge circle-1 line-1`. */
function seenIn(drawing: Drawing): string[] {
  const { shapes, links, arrows } = recognize(drawing);
  return [
    ...shapes.map(({ id, fixed }) => (fixed ? `${id} fixed` : id)),
    ...links.map(({ kind, a, b }) => [kind, ...[a, b ?? "paper"].sort()].join(" ")),
    ...arrows.map(({ does, target }) => `${does} ${target}`),
  ].sort();
}

for (const [name, { seen, strokes: written }] of Object.entries(DRAWINGS)) {
  const strokes = written.map((stroke) => stroke.split(" ").map((point) => point.split(",").map(Number)));
  const drawing = drawingSchema.parse({ width: 800, height: 600, strokes });

  test(`${name}: everything is seen, and makes a scene`, () => {
    assert.deepEqual(seenIn(drawing), seen);
    assert.deepEqual(recognize(drawing).unknown, []);
    assert.ok(sceneOf(recognize(drawing)).scene.bodies.length > 0);
  });

  test(`${name}: the same drawn the other way round, or mirrored`, () => {
    const backwards = drawing.strokes.map((stroke) => stroke.toReversed());
    const isArrow = seen.some((each) => /^(push|motor) /.test(each));
    // An arrow in one stroke begins at its tail.
    if (!isArrow) assert.deepEqual(seenIn({ ...drawing, strokes: backwards }), seen, "backwards");
    const mirrored = drawing.strokes.map((stroke) => stroke.map(([x, y]): Point => [800 - x, y]));
    assert.deepEqual(seenIn({ ...drawing, strokes: mirrored }), seen, "mirrored");
  });
}
