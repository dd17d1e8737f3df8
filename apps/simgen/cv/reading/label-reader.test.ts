import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { analyze } from "../analysis.ts";
import type { Drawing, Point } from "../drawing.ts";
import { letteringsIn } from "../recognize.ts";
import { pngOf } from "../trace/image.fixture.ts";
import { LabelReader, type LabelReaderOptions } from "./label-reader.ts";
import { written } from "./writing.fixture.ts";

const BOX: Point[] = [
  [300, 300],
  [440, 300],
  [440, 420],
  [300, 420],
  [300, 300],
];

function labelled(...labels: Point[][][]): Drawing {
  return { width: 800, height: 600, strokes: [BOX, ...labels.flat()], texts: [] };
}

function thread(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

async function readWith(options: Partial<LabelReaderOptions>, drawing: Drawing) {
  const reader = new LabelReader(options);
  try {
    return await reader.read(drawing, letteringsIn(drawing));
  } finally {
    await reader.close();
  }
}

test("handwritten labels are read, each where it stands", async () => {
  const drawing = labelled(written("2 kg", [460, 380]), written("30°", [120, 500]), written("ice", [600, 150]));
  const { texts, warnings } = await readWith({ deadlineMs: 20_000 }, drawing);
  assert.deepEqual(texts.map(({ text }) => text).sort(), ["2 kg", "30°", "ice"]);
  assert.deepEqual(warnings, []);
  const [x = 0, y = 0] = texts.find(({ text }) => text === "ice")?.at ?? [];
  assert.ok(x > 600 && x < 640 && y > 120 && y < 155);
});

test("writing that is no label, or one too many, is a warning", async () => {
  const drawing = labelled(written("2 kg", [460, 380]), written("kkeg", [120, 500]));
  const { texts, warnings } = await readWith({ deadlineMs: 20_000 }, drawing);
  assert.deepEqual([texts.length, warnings], [1, ["One label in the sketch could not be read."]]);
  const bounded = await readWith({ deadlineMs: 20_000, letteringsMax: 1 }, drawing);
  assert.deepEqual(bounded.warnings, ["One label in the sketch could not be read."]);
});

test("a reader that does not start, falls silent or ends is a warning, in time", async () => {
  const drawing = labelled(written("2 kg", [460, 380]));
  const port = `import { parentPort } from "node:worker_threads"; parentPort.postMessage({ ready: true });`;
  for (const [code, reason] of [
    ["throw new Error('no memory')", /no memory/],
    [`${port} parentPort.on("message", () => {})`, /longer than 300 ms/],
    [`${port} parentPort.on("message", () => process.exit())`, /its thread has ended/],
  ] as const) {
    const { texts, warnings } = await readWith({ entry: thread(code), deadlineMs: 300 }, drawing);
    assert.deepEqual(texts, []);
    assert.match(warnings.join(), reason);
  }
});

test("its thread is ended when it has been idle, or has read its share, and the next starts another", async () => {
  const drawing = labelled(written("2 kg", [460, 380]));
  // Each reads as many kg as it has read before.
  const counting = `import { parentPort } from "node:worker_threads"; let count = 0; parentPort.postMessage({ ready: true });
    parentPort.on("message", ({ id }) => parentPort.postMessage({ id, text: ++count + " kg", confidence: 1 }));`;
  const read = async (options: Partial<LabelReaderOptions>, pauseMs = 0) => {
    const reader = new LabelReader({ entry: thread(counting), deadlineMs: 20_000, ...options });
    const texts: string[] = [];
    for (let at = 0; at < 3; at++) {
      texts.push(...(await reader.read(drawing, letteringsIn(drawing))).texts.map(({ text }) => text));
      await sleep(pauseMs);
    }
    await reader.close();
    return texts;
  };
  assert.deepEqual(await read({}), ["1 kg", "2 kg", "3 kg"]);
  assert.deepEqual(await read({ usesMax: 2 }), ["1 kg", "2 kg", "1 kg"]);
  assert.deepEqual(await read({ idleMs: 20 }, 200), ["1 kg", "1 kg", "1 kg"]);
});

test("without writing, nothing is loaded", async () => {
  const reader = new LabelReader({ entry: new URL("file:///nowhere.ts") });
  assert.deepEqual(await reader.read(labelled(), []), { texts: [], warnings: [] });
  await reader.close();
});

test("a picture of a box on a ramp, with its mass and the ramp's angle", async () => {
  const ramp = "<polygon points='100,500 600,500 600,211'/><line x1='40' y1='500' x2='760' y2='500'/>";
  const box = "<polygon points='330,367 282,284 365,236 413,319'/>";
  const labels = [...written("2 kg", [190, 270], 32), ...written("30°", [640, 400], 32)]
    .map((stroke) => `<polyline points='${stroke.map((point) => point.join()).join(" ")}'/>`)
    .join("");
  const image = await pngOf(ramp + box + labels, { width: 800, height: 600 });
  const { recognition } = await analyze({ image });
  const kindOf = (id: string | null) => recognition.shapes.find((shape) => shape.id === id)?.kind;
  const said = recognition.labels.map(({ text, target }) => [text, kindOf(target)]).sort();
  assert.deepEqual(said, [
    ["2 kg", "box"],
    ["30°", "polygon"],
  ]);
});
