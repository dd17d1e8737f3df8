import assert from "node:assert/strict";
import { test } from "node:test";
import type { Point } from "../drawing.ts";
import { recognize } from "../recognize.ts";
import { pngOf, traceImage } from "./image.fixture.ts";

const WALL = '<path d="M40 60v140"/>';
const MASS = '<path d="M300 90h70v80h-70z"/>';

/** From the wall to the mass, with turns so far apart, px. */
function coil(turns: number, pitch: number): string {
  const loops = Array.from({ length: turns * 24 }, (_, i): Point => {
    const angle = (2 * Math.PI * i) / 24;
    return [80 + (pitch * i) / 24 + 10 * (1 - Math.cos(angle)), 130 + 15 * Math.sin(angle)];
  });
  return `<path d="M40 130L${loops.join(" ")}L300 130"/>`;
}

for (const [turns, pitch] of [
  [9, 20],
  [12, 14],
] as const)
  test(`a coil of ${turns} turns, ${pitch} px apart, is one line from end to end`, async () => {
    const { strokes, ...page } = await traceImage(await pngOf(WALL + MASS + coil(turns, pitch)));
    assert.equal(strokes.length, 3);
    const [link, ...others] = recognize({ ...page, strokes }).links;
    assert.deepEqual([link?.kind, others.length], ["spring", 0]);
  });

test("neither a ladder nor a row of links is a coil", async () => {
  const rungs = Array.from({ length: 14 }, (_, i) => `M${60 + 20 * i} 100v24`).join("");
  const ladder = await traceImage(await pngOf(`<path d="M40 100h300M40 124h300${rungs}"/>`));
  assert.equal(recognize(ladder).links.filter(({ kind }) => kind === "spring").length, 0);
  const bars = Array.from({ length: 5 }, (_, i) => `M${40 + 60 * i} 100l60 60m0 -60l-60 60`).join("");
  const scissors = await traceImage(await pngOf(`<path d="${bars}"/>`));
  assert.equal(recognize(scissors).links.filter(({ kind }) => kind === "spring").length, 0);
});
