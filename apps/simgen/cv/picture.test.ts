import assert from "node:assert/strict";
import { test } from "node:test";
import { drawingIn } from "./picture.ts";
import { recognize } from "./recognize.ts";
import { decodeImage } from "./trace/grey-image.ts";
import { pngOf, traceImage } from "./trace/image.fixture.ts";

const BOX = '<path d="M20 250H380"/><rect x="60" y="170" width="80" height="80"/>';
/** Of ink that is fainter than the rest. */
const SMEAR = '<path d="M140 200L260 140" stroke="#a4a4a4"/>';

async function read(body: string) {
  const png = await pngOf(body);
  const drawing = drawingIn(await decodeImage(png));
  return { drawing, kinds: recognize(drawing).shapes.map(({ kind }) => kind), once: await traceImage(png) };
}

test("what is odd, such as a faint smear that would be a bar that ends nowhere, is looked at again with thinner ink", async () => {
  const { kinds, once } = await read(BOX + SMEAR);
  assert.ok(recognize(once).shapes.some(({ kind }) => kind === "line"));
  assert.deepEqual(kinds.sort(), ["box", "ground"]);
});

test("what is not odd is as it is at first", async () => {
  const { drawing, once } = await read(`${BOX}<circle cx="280" cy="210" r="40"/>`);
  assert.deepEqual(drawing, once);
});
