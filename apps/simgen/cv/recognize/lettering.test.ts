import assert from "node:assert/strict";
import { test } from "node:test";
import type { Drawing, Point } from "../drawing.ts";
import { written } from "../reading/writing.fixture.ts";
import { letteringsIn, recognize } from "../recognize.ts";
import { sketchOf, TUNED_KINDS, WOBBLES } from "../synthetic/sketches.ts";

const BOX: Point[] = [
  [300, 300],
  [440, 300],
  [440, 420],
  [300, 420],
  [300, 300],
];

function drawn(texts: Drawing["texts"], ...strokes: Point[][]): Drawing {
  return { width: 800, height: 600, strokes: [BOX, ...strokes], texts };
}

test("no part of a machine is taken for writing", () => {
  for (const kind of TUNED_KINDS)
    for (let seed = 1; seed <= 40; seed++)
      for (const wobble of WOBBLES)
        assert.deepEqual(letteringsIn(sketchOf(kind, seed, wobble).drawing), [], `${kind} ${seed} ${wobble}`);
});

test("strokes of a label are found together, with their dots and rings", () => {
  for (const text of ["2 kg", "30°", "ice", "0 kg"]) {
    const label = written(text, [460, 380]);
    const [found, ...more] = letteringsIn(drawn([], ...label));
    assert.deepEqual([found?.strokes, more], [label.map((_, index) => index + 1), []], text);
  }
});

test("labels apart from each other are two", () => {
  const label = [...written("2 kg", [460, 380]), ...written("ice", [100, 500])];
  assert.equal(letteringsIn(drawn([], ...label)).length, 2);
});

test("a letter alone, and a row of rings, are none", () => {
  assert.deepEqual(letteringsIn(drawn([], ...written("2", [460, 380]))), []);
  assert.deepEqual(letteringsIn(drawn([], ...written("000", [460, 380]))), []);
});

test("writing becomes no shape, and is unknown until a text lies on it", () => {
  const label = written("2 kg", [460, 380]);
  const strokes = label.map((_, index) => index + 1);
  const unread = recognize(drawn([], ...label));
  assert.deepEqual([unread.shapes.map(({ id }) => id), unread.unknown], [["box-1"], strokes]);
  const read = recognize(drawn([{ text: "2 kg", at: [485, 372] }], ...label));
  assert.deepEqual(read.unknown, []);
  assert.deepEqual(read.labels, [{ text: "2 kg", at: [485, 372], target: "box-1" }]);
});
