import { lineThrough } from "./fit.ts";
import {
  angleBetween,
  directionOf,
  distance,
  first,
  last,
  lengthOf,
  middleOf,
  nearestOnPath,
  type Path,
  type Point,
} from "./geometry.ts";
import type { Ink } from "./ink.ts";

const STROKES_MIN = 3;
/** rad; strokes of one hatching are about as steep. */
const PARALLEL = 0.5;
const TICK_MAX = 36;
/** Bricks have short sides as well, but farther apart. */
const APART_MAX = 56;

interface Tick {
  ink: Ink;
  middle: Point;
  /** rad */
  direction: number;
}

/** Short strokes side by side: what they stand on does not move. */
export interface Hatching {
  ticks: readonly Ink[];
}

/** Groups of at least three short straight strokes side by side, and what is left. */
export function hatchingsOf(inks: readonly Ink[], unit: number): { hatchings: Hatching[]; rest: Ink[] } {
  const ticks = inks
    .filter((ink) => isTick(ink, unit))
    .map((ink): Tick => {
      return { ink, middle: middleOf(ink.path), direction: directionOfTick(ink.path) };
    });
  const left = new Set(ticks);
  const hatchings: Hatching[] = [];
  for (const seed of ticks) {
    if (!left.delete(seed)) continue;
    const group = [seed];
    for (const member of group)
      for (const other of left)
        if (areNeighbours(member, other, unit)) {
          left.delete(other);
          group.push(other);
        }
    if (group.length >= STROKES_MIN) hatchings.push({ ticks: group.map(({ ink }) => ink) });
  }
  const used = new Set(hatchings.flatMap((hatching) => hatching.ticks));
  return { hatchings, rest: inks.filter((ink) => !used.has(ink)) };
}

/** How far a hatching is from standing on a path: the mean distance of each stroke's nearer end. */
export function hatchingDistance({ ticks }: Hatching, path: Path, isClosed: boolean): number {
  const sum = ticks.reduce((total, { path: tick }) => {
    const ends = [first(tick), last(tick)].map((end) => nearestOnPath(end, path, isClosed).distance);
    return total + Math.min(...ends);
  }, 0);
  return sum / ticks.length;
}

/** The line that its strokes stand on, from one to the next, if it were drawn: through their ends on either side, the shorter. */
export function hatchingRow({ ticks }: Hatching): Path {
  const [head] = ticks;
  if (!head) return [];
  const across = directionOfTick(head.path) + Math.PI / 2;
  const ordered = [...ticks]
    .map(({ path }) => path)
    .sort((a, b) => alongOf(middleOf(a), across) - alongOf(middleOf(b), across));
  const row = (isFar: boolean) => ordered.map((path) => endTowards(path, across - Math.PI / 2, isFar));
  const [near, far] = [row(false), row(true)];
  return lengthOf(near) < lengthOf(far) ? near : far;
}

function alongOf([x, y]: Point, direction: number): number {
  return x * Math.cos(direction) + y * Math.sin(direction);
}

function endTowards(path: Path, direction: number, isFar: boolean): Point {
  const [from, to] = [first(path), last(path)];
  return alongOf(to, direction) > alongOf(from, direction) === isFar ? to : from;
}

function isTick({ path, length }: Ink, unit: number): boolean {
  const extent = distance(first(path), last(path));
  return length > 4 * unit && length < TICK_MAX * unit && extent > 0.85 * length;
}

function areNeighbours(one: Tick, other: Tick, unit: number): boolean {
  const [shorter, longer] = [one.ink.length, other.ink.length].sort((a, b) => a - b) as [number, number];
  const apart = distance(one.middle, other.middle);
  if (apart > Math.min(2.2 * longer + 8 * unit, APART_MAX * unit) || longer > 2.4 * shorter) return false;
  // Side by side, not one behind the other.
  const away = angleBetween(one.direction, directionOf(one.middle, other.middle));
  return away > 0.25 && angleBetween(one.direction, other.direction) < PARALLEL;
}

function directionOfTick(path: Path): number {
  return path.length > 2
    ? lineThrough(path).direction
    : Math.atan2(last(path)[1] - first(path)[1], last(path)[0] - first(path)[0]);
}
