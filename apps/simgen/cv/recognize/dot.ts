import { distance, type Point } from "./geometry.ts";
import { type Ink, isAtOutline, isNear } from "./ink.ts";

/** A mark too small for a shape: a joint. */
export interface Dot {
  at: Point;
  radius: number;
  strokes: readonly number[];
}

const TAP_EXTENT = 8;
const SCRIBBLE_EXTENT = 24;
const RING_EXTENT = 26;
/** How far from a ring something may end that turns there. */
const RING_REACH = 24;
/** How near a joint is to what turns there. */
const JOINT_REACH = 10;

/** Marks made on the spot, taps and scribbles; and what is left. */
export function dotsOf(inks: readonly Ink[], unit: number): { dots: Dot[]; rest: Ink[] } {
  const dots: Dot[] = [];
  const rest: Ink[] = [];
  for (const ink of inks) {
    const { left, top, width, height, diagonal } = ink.bounds;
    const windings = ink.length / Math.max(diagonal, 1e-9);
    const isScribble = diagonal < SCRIBBLE_EXTENT * unit && windings > (diagonal < 14 * unit ? 1.6 : 2.6);
    if (diagonal >= TAP_EXTENT * unit && !isScribble) rest.push(ink);
    else
      dots.push({
        at: [left + width / 2, top + height / 2],
        radius: Math.max(unit, diagonal / 3),
        strokes: ink.strokes,
      });
  }
  return { dots, rest };
}

/** Small outlines where something else ends or that lie in something else; and what is left. */
export function ringsOf(closed: readonly Ink[], open: readonly Ink[], unit: number): { dots: Dot[]; rest: Ink[] } {
  const dots: Dot[] = [];
  const rest: Ink[] = [];
  for (const ink of closed) {
    const { left, top, width, height } = ink.bounds;
    const at: Point = [left + width / 2, top + height / 2];
    const isRing =
      Math.max(width, height) < RING_EXTENT * unit &&
      (open.some((other) => isNear(other, at, RING_REACH * unit)) ||
        closed.some((other) => other !== ink && isAtOutline(other, at, RING_REACH * unit)));
    if (isRing) dots.push({ at, radius: (width + height) / 4, strokes: ink.strokes });
    else rest.push(ink);
  }
  return { dots, rest };
}

export function isAtDot(point: Point, dots: readonly Dot[], unit: number): boolean {
  return dots.some(({ at, radius }) => distance(at, point) < radius + JOINT_REACH * unit);
}
