import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ink } from "./ink.ts";
import { patchesIn } from "./patches.ts";
import { neighboursOf, thin } from "./skeleton.ts";

const SIDE = 24;
const STRIDE = SIDE + 2;

function inkOf(isInk: (x: number, y: number) => boolean): Ink {
  const mask = new Uint8Array(STRIDE * STRIDE);
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) mask[(y + 1) * STRIDE + x + 1] = Number(isInk(x, y));
  const pixels = Int32Array.from([...mask.keys()].filter((at) => mask[at] === 1));
  return {
    width: SIDE,
    height: SIDE,
    stride: STRIDE,
    mask,
    pixels,
    distances: new Uint16Array(mask.length),
    penPx: 3,
    holes: [],
  };
}

/** Pieces that hang together over the given neighbours, found by flooding. */
function piecesOf(mask: Uint8Array, value: number, steps: readonly number[]): number {
  const seen = new Uint8Array(mask.length);
  let pieces = 0;
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== value || seen[start]) continue;
    pieces++;
    const open = [start];
    seen[start] = 1;
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const step of steps) {
        const next = at + step;
        if (next < 0 || next >= mask.length || mask[next] !== value || seen[next]) continue;
        seen[next] = 1;
        open.push(next);
      }
  }
  return pieces;
}

const AROUND = [...neighboursOf(STRIDE)];
const SIDES = [1, -1, STRIDE, -STRIDE];
const blobs = fc
  .array(fc.tuple(fc.nat(SIDE - 1), fc.nat(SIDE - 1), fc.nat(4), fc.nat(4)), { minLength: 1, maxLength: 14 })
  .map((rectangles) =>
    inkOf((x, y) => rectangles.some(([left, top, w, h]) => x >= left && x <= left + w && y >= top && y <= top + h)),
  );

test("thinned ink has as many pieces and holes as before", () => {
  fc.assert(
    fc.property(blobs, (ink) => {
      const before = [piecesOf(ink.mask, 1, AROUND), piecesOf(ink.mask, 0, SIDES)];
      thin(ink);
      assert.deepEqual([piecesOf(ink.mask, 1, AROUND), piecesOf(ink.mask, 0, SIDES)], before);
    }),
    { numRuns: 500 },
  );
});

test("thinned ink is one pixel wide: no pixel could go without a piece, a hole or an end being lost", () => {
  fc.assert(
    fc.property(blobs, (ink) => {
      thin(ink);
      for (const at of ink.pixels) {
        const neighbours = AROUND.filter((step) => ink.mask[at + step] === 1).length;
        if (neighbours < 2 || SIDES.every((step) => ink.mask[at + step] === 1)) continue;
        const before = [piecesOf(ink.mask, 1, AROUND), piecesOf(ink.mask, 0, SIDES)];
        ink.mask[at] = 0;
        const after = [piecesOf(ink.mask, 1, AROUND), piecesOf(ink.mask, 0, SIDES)];
        ink.mask[at] = 1;
        assert.notDeepEqual(after, before);
      }
    }),
    { numRuns: 60 },
  );
});

test("a broad bar thins to the line in its middle", () => {
  const ink = inkOf((x, y) => x >= 3 && x < 21 && y >= 8 && y < 13);
  thin(ink);
  const middle = ink.pixels.filter((at) => at % STRIDE > 7 && at % STRIDE < 18);
  assert.ok(middle.length === 10 && middle.every((at) => Math.floor(at / STRIDE) === 11));
});

test("patches are what flooding finds; more runs than are wanted are refused", () => {
  fc.assert(
    fc.property(blobs, ({ mask }) => {
      const patches = patchesIn(mask, STRIDE, 1000);
      assert.equal(patches?.count, piecesOf(mask, 1, AROUND));
      assert.equal(patchesIn(mask, STRIDE, 0), undefined);
    }),
    { numRuns: 200 },
  );
});
