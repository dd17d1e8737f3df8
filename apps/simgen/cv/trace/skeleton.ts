import type { Ink } from "./ink.ts";

/** The eight neighbours of a pixel, all around: even ones share a side with it. */
export function neighboursOf(stride: number): Int32Array {
  return Int32Array.of(1, stride + 1, stride, stride - 1, -1, -stride - 1, -stride, -stride + 1);
}

const EDGE = 2;
/** By which neighbours are ink, one bit each: whether the ink stays as connected as it is without the pixel, and this is no line's end. */
const REMOVABLE = Uint8Array.from({ length: 256 }, (_, code) => Number(isRemovable(code)));

/**
 * Thins ink to lines of one pixel, in `mask` and `pixels`: takes off its edge, from one side after the other, as long as nothing is torn
 * (Rosenfeld 1975, with the crossing number of Yokoi 1973). Unlike parallel thinning it leaves no corners two pixels wide.
 */
export function thin(ink: Ink): void {
  const { mask, stride, pixels } = ink;
  const sides = Int32Array.of(-stride, stride, -1, 1);
  let edge: Int32Array = pixels.filter(
    (at) => !(mask[at - stride]! & mask[at + stride]! & mask[at - 1]! & mask[at + 1]!),
  );
  for (let i = 0; i < edge.length; i++) mask[edge[i]!] = EDGE;
  const found = new Int32Array(pixels.length);
  while (edge.length > 0) {
    const exposed: number[] = [];
    let removed = 0;
    for (let s = 0; s < sides.length; s++) {
      const side = sides[s]!;
      let count = 0;
      for (let i = 0; i < edge.length; i++) {
        const at = edge[i]!;
        if (mask[at] && !mask[at + side]) found[count++] = at;
      }
      for (let i = 0; i < count; i++) {
        const at = found[i]!;
        if (!REMOVABLE[codeAt(mask, at, stride)]) continue;
        mask[at] = 0;
        removed++;
        for (let k = 0; k < sides.length; k++) {
          const next = at + sides[k]!;
          if (mask[next] !== 1) continue;
          mask[next] = EDGE;
          exposed.push(next);
        }
      }
    }
    if (removed === 0) break;
    edge = nextEdge(edge, exposed, mask);
  }
  ink.pixels = pixels.filter((at) => mask[at] !== 0);
  for (const at of ink.pixels) mask[at] = 1;
}

function nextEdge(edge: Int32Array, exposed: readonly number[], mask: Uint8Array): Int32Array {
  const next = new Int32Array(edge.length + exposed.length);
  let count = 0;
  for (let i = 0; i < edge.length; i++) if (mask[edge[i]!]) next[count++] = edge[i]!;
  for (let i = 0; i < exposed.length; i++) next[count++] = exposed[i]!;
  return next.subarray(0, count);
}

/** Which neighbours there are: in the order of `neighboursOf`, the first in the lowest bit. */
export function codeAt(mask: Uint8Array, at: number, stride: number): number {
  let code = 0;
  if (mask[at + 1]) code = 1;
  if (mask[at + stride + 1]) code |= 2;
  if (mask[at + stride]) code |= 4;
  if (mask[at + stride - 1]) code |= 8;
  if (mask[at - 1]) code |= 16;
  if (mask[at - stride - 1]) code |= 32;
  if (mask[at - stride]) code |= 64;
  if (mask[at - stride + 1]) code |= 128;
  return code;
}

function isRemovable(code: number): boolean {
  const has = (i: number) => (code >> (i & 7)) & 1;
  let neighbours = 0;
  let crossings = 0;
  for (let i = 0; i < 8; i++) neighbours += has(i);
  for (let i = 0; i < 8; i += 2) if (!has(i) && (has(i + 1) || has(i + 2))) crossings++;
  return crossings === 1 && neighbours > 1;
}
