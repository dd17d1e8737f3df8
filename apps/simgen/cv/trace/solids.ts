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
/** How far around a dot lines are told from it: in its radii and widths of the pen. */
const AROUND_RADII = 1.2;
const AROUND_PENS = 0.8;
const DIRECTIONS = 64;
/** What leaves a dot is never wider, in its diameters: where lines lie side by side the ink is as thick. */
const ARM_RADII = 0.75;
/** Of the logit that ink is a dot, fitted to drawn dots and to crossings, corners and coils. All ways are in its radii. */
const LOGIT = { none: 1.9, mean: -14, quarter: 7.1, slimness: 2.8, radiusPx: 1.1 };
/** More makes it no likelier. */
const LOGIT_RADIUS_MAX_PX = 6;
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
 * Whether ink is a dot that lines may leave, and not only lines that meet: from a dot's middle it reaches about as far in most
 * directions, and what leaves it is slimmer than it is.
 */
function isRound(ink: Ink, { x, y, radius }: Dot): boolean {
  const { mask, stride, width, height, penPx } = ink;
  const around = AROUND_RADII * radius + AROUND_PENS * penPx;
  const reachIn = (turn: number) => {
    for (let way = 0; way < around; way += 0.5) {
      const column = Math.round(x + 1 + way * Math.cos(turn));
      const row = Math.round(y + 1 + way * Math.sin(turn));
      if (column < 1 || row < 1 || column > width || row > height || !mask[row * stride + column]) return way;
    }
    return around;
  };
  const reaches = Array.from({ length: DIRECTIONS }, (_, i) => reachIn((2 * Math.PI * i) / DIRECTIONS) / radius);
  const arm = inkAround(ink, x + 1, y + 1, around).longest / 2;
  const logit =
    LOGIT.none +
    (LOGIT.mean * reaches.reduce((sum, reach) => sum + reach, 0)) / DIRECTIONS +
    LOGIT.quarter * reaches.sort((a, b) => a - b)[DIRECTIONS / 4]! +
    (LOGIT.slimness * radius) / Math.max(0.5, arm) +
    LOGIT.radiusPx * Math.min(radius, LOGIT_RADIUS_MAX_PX);
  return logit > 0 && arm < ARM_RADII * radius;
}
