import assert from "node:assert/strict";
import { test } from "node:test";
import { analyze } from "./analysis.ts";
import { PENDULUM, pictureOf } from "./service.fixture.ts";
import { drawingSchema, recognitionSchema } from "./sketch.ts";
import { SketchError } from "./sketch-error.ts";

test("strokes become a scene, and what is seen in them the same one", async () => {
  const drawing = drawingSchema.parse(PENDULUM);
  const analysis = await analyze({ drawing });
  assert.deepEqual(analysis.drawing, drawing);
  assert.ok(analysis.recognition.shapes.some(({ kind }) => kind === "circle"));
  const again = await analyze({ recognition: recognitionSchema.parse(analysis.recognition) });
  assert.equal(again.drawing, null);
  assert.deepEqual(again.scene, analysis.scene);
});

test("an image is traced first", async () => {
  const { drawing, recognition } = await analyze({ image: await pictureOf(PENDULUM) });
  assert.deepEqual([drawing?.width, drawing?.height], [400, 400]);
  assert.ok(recognition.shapes.some(({ kind }) => kind === "circle"));
});

test("it reads what lies in shared memory", async () => {
  const bytes = await pictureOf(PENDULUM, "jpeg");
  const image = new Uint8Array(new SharedArrayBuffer(bytes.length));
  image.set(bytes);
  assert.ok((await analyze({ image })).recognition.shapes.length > 0);
});

test("what cannot be a machine is the sketch's fault, with a code", async () => {
  const strokes = Array.from({ length: 150 }, (_, at) => square(40 * (at % 15), 40 * Math.floor(at / 15)));
  for (const [input, code] of [
    [{ drawing: drawingSchema.parse({ strokes }) }, "sketch_not_understood"],
    [{ image: Uint8Array.of(1, 2, 3) }, "image_unsupported"],
    [{ image: (await pictureOf(PENDULUM)).subarray(0, 300) }, "image_damaged"],
  ] as const)
    await assert.rejects(analyze(input), (error) => error instanceof SketchError && error.code === code);
});

test("too many arrows are the sketch's fault as well", async () => {
  const arrow = (x: number, y: number) =>
    [0, 0.25, 0.5, 0.75, 1]
      .map((share): [number, number] => [x + 100 * share, y])
      .concat([[x + 84, y - 11] as [number, number], [x + 100, y], [x + 84, y + 11]]);
  const strokes = Array.from({ length: 250 }, (_, at) => arrow(60 * (at % 10), 20 * Math.floor(at / 10)));
  const drawing = drawingSchema.parse({ strokes: [...strokes, square(700, 300)] });
  await assert.rejects(
    analyze({ drawing }),
    (error) => error instanceof SketchError && /arrows, got 250/.test(error.message),
  );
});

test("what makes no machine is handed back all the same, and why", async () => {
  const drawing = drawingSchema.parse({ strokes: [[[1, 1]]] });
  const { scene, warnings, ...seen } = await analyze({ drawing });
  assert.equal(scene, null);
  assert.ok(warnings.length > 0);
  assert.deepEqual(seen.drawing, drawing);
  assert.deepEqual(seen.recognition.unknown, [0]);
});

test("points far outside leave a recognition that may come back", async () => {
  const far: [number, number][] = [
    [-40_000, -40_000],
    [40_000, 40_000],
  ];
  const { recognition } = await analyze({
    drawing: drawingSchema.parse({ strokes: [far, far.map(([x, y]) => [x, -y])] }),
  });
  assert.deepEqual(recognitionSchema.parse(recognition), recognition);
});

function square(x: number, y: number): [number, number][] {
  return [
    [x, y],
    [x + 25, y],
    [x + 25, y + 25],
    [x, y + 25],
    [x, y],
  ];
}
