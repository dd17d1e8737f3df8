import { isMiddle, radiusOf } from "./distance-map.ts";
import type { Ink } from "./ink.ts";
import { inkAround } from "./ink-around.ts";
import { neighboursOf } from "./skeleton.ts";

/** A filled circle about as small as a pen can draw it. */
export interface Dot {
  x: number;
  y: number;
  radius: number;
}

/** Where ink is this much thicker than a line, in widths of the pen and pixels, it may be a dot. */
const DOT_PENS = 0.75;
const DOT_EXTRA_PX = 0.7;
const DOT_RADIUS_MAX_PX = 14;
const DOT_RADIUS_MAX_PENS = 2.5;
const ROW_RADII = 5;
/** Lines that leave a dot take no more of the circle around it, altogether and each: two lines of a small one, or four of a large one. */
const SMALL_SHARE = 0.29;
const SMALL_ARM_PENS = 1.35;
const ARM_EXTRA_PX = 1.5;
const LARGE_PENS = 1.28;
const LARGE_SHARE = 0.45;
const LARGE_ARM_RADII = 1.6;
/** Where it is this much thicker, it is filled. */
const FILLED_PENS = 1.75;
const FILLED_EXTRA_PX = 1;

/**
 * Finds the dots, which stay in the ink since lines run through them, and takes what is filled out of other solid shapes, so
 * that their outlines remain as lines.
 */
export function separateSolids(ink: Ink): Dot[] {
  const dots = dotsIn(ink);
  const { stride, mask, distances, penPx } = ink;
  const filled = FILLED_PENS * penPx + FILLED_EXTRA_PX;
  const isSeen = new Uint8Array(mask.length);
  for (const { x, y, radius } of dots)
    for (let row = Math.ceil(y + 1 - radius); row <= y + 1 + radius; row++)
      for (let column = Math.ceil(x + 1 - radius); column <= x + 1 + radius; column++)
        isSeen[row * stride + column] = 1;
  let isHollowed = false;
  for (const start of ink.pixels) {
    if (isSeen[start] || radiusOf(distances[start]!) <= filled) continue;
    isHollowed = true;
    for (const at of around(start, ink, penPx, isSeen)) mask[at] = 0;
  }
  if (isHollowed) ink.pixels = ink.pixels.filter((at) => mask[at] === 1);
  return dots;
}

/** The thickest first, so that of one dot only its middle counts. */
function dotsIn(ink: Ink): Dot[] {
  const { stride, distances, penPx } = ink;
  const thick = DOT_PENS * penPx + DOT_EXTRA_PX;
  const thickest = Math.max(DOT_RADIUS_MAX_PX, DOT_RADIUS_MAX_PENS * penPx);
  const candidates = [
    ...ink.pixels.filter((at) => radiusOf(distances[at]!) > thick && isMiddle(distances, at, stride)),
  ];
  const dots: Dot[] = [];
  for (const at of candidates.sort((a, b) => distances[b]! - distances[a]!)) {
    const dot = { x: (at % stride) - 1, y: Math.floor(at / stride) - 1, radius: radiusOf(distances[at]!) };
    const isNear = (other: Dot) => Math.hypot(other.x - dot.x, other.y - dot.y) < other.radius + dot.radius;
    if (dot.radius <= thickest && !dots.some(isNear) && isRound(ink, dot)) dots.push(dot);
  }
  // In a row they are the turns of a spring.
  const isAlone = (dot: Dot) =>
    dots.every((other) => other === dot || Math.hypot(other.x - dot.x, other.y - dot.y) > ROW_RADII * dot.radius);
  return dots.filter(isAlone);
}

/** All pixels around the first, it included, that lie deeper in ink than the radius. */
function around(start: number, { distances, stride }: Ink, radius: number, isSeen: Uint8Array): number[] {
  const steps = neighboursOf(stride);
  const found = [start];
  isSeen[start] = 1;
  for (let i = 0; i < found.length; i++)
    for (const step of steps) {
      const at = found[i]! + step;
      if (isSeen[at] || radiusOf(distances[at]!) <= radius) continue;
      isSeen[at] = 1;
      found.push(at);
    }
  return found;
}

/**
 * Whether nothing but lines leaves a blob: ink on a circle just around it comes in pieces no longer than a line is wide. Where
 * lines cross or meet at an acute angle, the ink is thick too, but more or longer pieces leave it.
 */
function isRound(ink: Ink, { x, y, radius }: Dot): boolean {
  const { share, longest } = inkAround(ink, x + 1, y + 1, 1.2 * radius + 1);
  const armMax = SMALL_ARM_PENS * ink.penPx + ARM_EXTRA_PX;
  if (radius <= LARGE_PENS * ink.penPx) return share <= SMALL_SHARE && longest <= armMax;
  if (share <= LARGE_SHARE && longest <= LARGE_ARM_RADII * radius) return true;
  // Lines at an acute angle are apart only farther away.
  const farther = inkAround(ink, x + 1, y + 1, 2 * radius + 2);
  return farther.share <= SMALL_SHARE && farther.longest <= armMax;
}
