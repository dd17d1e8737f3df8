import { distancesIn } from "./distance-map.ts";
import type { Ink } from "./ink.ts";
import { inkAround } from "./ink-around.ts";

/** Paper that ink surrounds. */
export interface Hole {
  pixels: number[];
  x: number;
  y: number;
  /** How many sides of its pixels touch ink. */
  around: number;
}

/** By its middle, in the mask's columns and rows, and the radius inside. */
interface Ring {
  x: number;
  y: number;
  radius: number;
  /** How much of it is ink. */
  share: number;
}

/** Pinholes are smaller than this, in squares of the pen's width and pixels. */
const PINHOLE_PENS = 0.8;
const PINHOLE_EXTRA_PX = 3;
/** Between two lines that are one, it is no wider than this, in widths of the pen. */
const SLIT_PENS = 1.3;
/** Shorter ones are between the turns of a coil. */
const SLIT_AROUND_PENS = 14;
/** The square of its circumference by its area: four times its length by its width. */
const SLIT_SLENDERNESS = 36;
/** Rings that are joints, not shapes: the greatest radius inside, in widths of the pen, and at least in pixels. */
const RING_PENS = 2.5;
const RING_PX = 9;
/** How much of a ring there must be. */
const RING_SHARE = 0.9;
/** Larger holes are none that anyone asks for, in squares of the pen's width. */
const HOLE_PENS = 90;
/** With more it is a pattern. */
const HOLES_MAX = 400;
/** Rings closer to each other are the turns of a coil. */
const ROW_RADII = 3;
const ROW_RADIUS_RATIO = 0.5;
const OUTSIDE_PX = 2;
/** Lines part the inside of a ring into not many more. */
const NEAR_MAX = 4;
const NEAR_RINGS = 1.5;
const CIRCLE_STEPS = 30;

const CLOSED = 1;
const OPEN = 2;

/** Fills what is no paper in the middle of ink, but a pinhole, a slit between two lines that are one, or a small ring around a joint. */
export function fillHoles(ink: Ink): void {
  const { penPx, mask, stride, pixels } = ink;
  const ringMax = Math.max(RING_PX, RING_PENS * penPx);
  const ringAreaMax = Math.PI * ringMax ** 2;
  const holes = holesIn(ink, Math.max(ringAreaMax, HOLE_PENS * penPx ** 2));
  const added: number[] = [];
  const fill = (at: number) => {
    if (mask[at]) return;
    mask[at] = 1;
    added.push(at);
  };
  const left: Hole[] = [];
  for (const hole of holes) {
    const area = hole.pixels.length;
    const isPinhole = area <= PINHOLE_PENS * penPx ** 2 + PINHOLE_EXTRA_PX;
    const isSlit =
      (2 * area) / hole.around <= SLIT_PENS * penPx &&
      hole.around > SLIT_AROUND_PENS * penPx &&
      hole.around ** 2 > SLIT_SLENDERNESS * area;
    if (isPinhole || isSlit) hole.pixels.forEach(fill);
    else if (area < ringAreaMax) left.push(hole);
  }
  const rings: Ring[] = [];
  for (const seed of left.length > HOLES_MAX ? [] : left) {
    if (rings.some(({ x, y, radius }) => Math.hypot(seed.x - x, seed.y - y) < radius)) continue;
    const ring = groupsAround(seed, left, ringMax).reduce<Ring | undefined>((best, group) => {
      const other = ringAround(ink, group, ringMax);
      return other && (!best || other.share > best.share) ? other : best;
    }, undefined);
    if (ring) rings.push(ring);
  }
  for (const ring of rings) {
    const { x, y, radius } = ring;
    const isInRow = holes.some((hole) => {
      const way = Math.hypot(hole.x - x, hole.y - y);
      const other = Math.sqrt(hole.pixels.length / Math.PI);
      return way > radius && way < ROW_RADII * (radius + other) && other > ROW_RADIUS_RATIO * radius;
    });
    if (isInRow) continue;
    for (let row = Math.ceil(y - radius); row <= y + radius; row++)
      for (let column = Math.ceil(x - radius); column <= x + radius; column++)
        if (Math.hypot(column - x, row - y) <= radius) fill(row * stride + column);
  }
  ink.holes = holes.filter(({ pixels: [first] }) => !mask[first!]);
  if (added.length === 0) return;
  ink.pixels = new Int32Array(pixels.length + added.length);
  ink.pixels.set(pixels);
  ink.pixels.set(added, pixels.length);
  ink.pixels.sort();
  ink.distances = distancesIn(mask, stride, ink.pixels);
}

/** All holes up to an area. */
function holesIn({ mask, stride, pixels }: Ink, areaMax: number): Hole[] {
  const seen = new Uint8Array(mask.length);
  const steps = [1, -1, stride, -stride];
  const widthMax = Math.ceil(2 * Math.sqrt(areaMax));
  const holes: Hole[] = [];
  for (const pixel of pixels) {
    const start = pixel + 1;
    if (mask[start] || seen[start]) continue;
    let ahead = start;
    while (!mask[ahead] && ahead - start <= widthMax) ahead++;
    if (!mask[ahead]) continue;
    const hole = [start];
    seen[start] = CLOSED;
    let [around, isOpen, x, y] = [0, false, 0, 0];
    for (let i = 0; i < hole.length && !isOpen; i++) {
      for (const step of steps) {
        const at = hole[i]! + step;
        if (mask[at]) around++;
        else if (seen[at] === OPEN || hole.length > areaMax) isOpen = true;
        else if (!seen[at]) {
          seen[at] = CLOSED;
          hole.push(at);
        }
      }
      x += hole[i]! % stride;
      y += Math.floor(hole[i]! / stride);
    }
    if (isOpen) for (const at of hole) seen[at] = OPEN;
    else holes.push({ pixels: hole, around, x: x / hole.length, y: y / hole.length });
  }
  return holes;
}

/** The hole alone and with those near it, as lines through a ring part its inside. */
function groupsAround(seed: Hole, holes: readonly Hole[], ringMax: number): Hole[][] {
  const way = (hole: Hole) => Math.hypot(hole.x - seed.x, hole.y - seed.y);
  const near = holes
    .filter((hole) => hole !== seed && way(hole) < NEAR_RINGS * ringMax)
    .sort((a, b) => way(a) - way(b));
  const groups = [[seed]];
  for (const hole of near.slice(0, NEAR_MAX)) groups.push(...groups.map((group) => [...group, hole]));
  return groups;
}

/** The ring that these holes fill, by the radius inside, if lines touch or cross it. */
function ringAround(ink: Ink, holes: readonly Hole[], ringMax: number): Ring | undefined {
  const { stride, penPx } = ink;
  const points = holes.flatMap(({ pixels }) => pixels.map((at): Spot => [at % stride, Math.floor(at / stride)]));
  const { x, y, radius: inside } = circleAround(points);
  const radius = inside + 0.5;
  if (radius > ringMax) return undefined;
  const share = Math.max(...[penPx / 4, penPx / 2].map((way) => inkAround(ink, x, y, radius + way).share));
  const isTouched = holes.length > 1 || inkAround(ink, x, y, radius + penPx + OUTSIDE_PX).share > 0;
  return share >= RING_SHARE && isTouched ? { x, y, radius, share } : undefined;
}

type Spot = readonly [x: number, y: number];

/** About the smallest circle around points: from their middle towards the farthest, by ever shorter steps (Badoiu and Clarkson 2003). */
function circleAround(points: readonly Spot[]): { x: number; y: number; radius: number } {
  let [x, y] = points[0]!;
  let radius = 0;
  for (let step = 1; step <= CIRCLE_STEPS; step++) {
    let farthest = points[0]!;
    radius = 0;
    for (const point of points) {
      const way = Math.hypot(point[0] - x, point[1] - y);
      if (way > radius) [radius, farthest] = [way, point];
    }
    x += (farthest[0] - x) / (step + 1);
    y += (farthest[1] - y) / (step + 1);
  }
  return { x, y, radius };
}
