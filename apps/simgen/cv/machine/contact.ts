import type { Part } from "./part.ts";
import { add, cross, dot, minus, outward, type Spot, signedArea, times, unit } from "./plane.ts";

/** What touches: a point, stretch or convex outline (counterclockwise), rounded by `radius`. */
export interface Piece {
  points: readonly Spot[];
  radius: number;
}

/** How two pieces lie to one another. */
export interface Gap {
  /** m; negative when they overlap. */
  gap: number;
  /** Out of the second towards the first, of length 1. */
  normal: Spot;
  /** Where they touch, or nearly do. */
  at: Spot;
}

/** What of a part touches others, just as its geoms will. */
export function piecesOf(part: Part): Piece[] {
  const { kind, points, radius } = part;
  if (kind === "circle") return [{ points, radius }];
  if (kind === "box") return [{ points, radius: 0 }];
  if (kind === "polygon") return isConvex(points) ? [{ points, radius: 0 }] : rims(points);
  const stretches = points.slice(1).map((point, at): [Spot, Spot] => [points[at] ?? point, point]);
  return stretches.map(([a, b]) =>
    part.rod ? { points: [a, b], radius } : { points: plank(a, b, radius), radius: 0 },
  );
}

/** A part's outer form, as one piece: what it can stand on. */
export function hullOf(part: Part): Piece {
  const [first, ...more] = piecesOf(part);
  if (first && more.length === 0) return first;
  const points = [first, ...more].flatMap((piece) => piece?.points ?? []);
  return { points: hull(points), radius: first?.radius ?? 0 };
}

/** Andrew's monotone chain, counterclockwise. */
function hull(points: readonly Spot[]): Spot[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (chain: readonly Spot[]) => {
    const kept: Spot[] = [];
    for (const point of chain) {
      for (;;) {
        const [before, last] = [kept.at(-2), kept.at(-1)];
        if (!before || !last || cross(minus(last, before), minus(point, last)) > 0) break;
        kept.pop();
      }
      kept.push(point);
    }
    return kept.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/** The outline of a stretch so thick. */
export function plank(a: Spot, b: Spot, radius: number): Spot[] {
  const side = times(outward(unit(minus(b, a))), radius);
  return [add(a, side), add(b, side), minus(b, side), minus(a, side)];
}

/** The edges of an outline that is not convex, as thin pieces inside it. */
function rims(points: readonly Spot[]): Piece[] {
  const thin = 0.02 * Math.sqrt(Math.abs(signedArea(points)));
  return points.map((a, at) => {
    const b = points[(at + 1) % points.length] ?? a;
    const inside = times(outward(unit(minus(b, a))), -thin);
    return { points: [a, b, add(b, inside), add(a, inside)], radius: 0 };
  });
}

function isConvex(points: readonly Spot[]): boolean {
  return points.every((point, at) => {
    const next = points[(at + 1) % points.length] ?? point;
    const after = points[(at + 2) % points.length] ?? point;
    return cross(minus(next, point), minus(after, next)) > -1e-9;
  });
}

/** Where the lower left and the upper right of a piece are. */
export function boxOf({ points, radius }: Piece): { low: Spot; high: Spot } {
  let [left, bottom, right, top] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const [x, z] of points) {
    if (x < left) left = x;
    if (x > right) right = x;
    if (z < bottom) bottom = z;
    if (z > top) top = z;
  }
  return { low: [left - radius, bottom - radius], high: [right + radius, top + radius] };
}

/** The distance between two pieces, or how deep they overlap along the direction in which it takes least to part them. */
export function gapBetween(a: Piece, b: Piece): Gap {
  const round = a.radius + b.radius;
  const apart = widest(a.points, b.points);
  if (apart && apart.gap <= 0) {
    // Across a face of one it is a corner of the other that touches.
    const { normal, isOwn } = apart;
    const at = isOwn ? extreme(b, normal) : extreme(a, times(normal, -1));
    return { gap: apart.gap - round, normal, at };
  }
  const near: Near = { square: Number.POSITIVE_INFINITY, on: [0, 0], off: [0, 0] };
  for (const point of a.points) nearest(point, b.points, near, false);
  for (const point of b.points) nearest(point, a.points, near, true);
  const length = Math.sqrt(near.square);
  // Across a face the face itself knows its direction best: the points may be a hair apart.
  const isFace = apart && length - apart.gap < 1e-9 * (1 + length);
  const normal = isFace ? apart.normal : length > 0 ? unit(minus(near.on, near.off)) : ([0, 1] as const);
  return { gap: length - round, normal, at: minus(near.on, times(normal, a.radius)) };
}

/** The nearest points so far, one on each piece. */
interface Near {
  square: number;
  on: Spot;
  off: Spot;
}

// Everything that settles asks for gaps, over and over: no arrays are made in these loops.

function nearest(point: Spot, outline: readonly Spot[], near: Near, isOff: boolean): void {
  const count = outline.length;
  const x = point[0];
  const z = point[1];
  for (let at = 0; at < (count < 3 ? 1 : count); at++) {
    const from = outline[at] ?? ORIGIN;
    const to = outline[at + 1 < count ? at + 1 : 0] ?? ORIGIN;
    const wx = to[0] - from[0];
    const wz = to[1] - from[1];
    const length = wx * wx + wz * wz;
    const share = length > 0 ? Math.min(1, Math.max(0, ((x - from[0]) * wx + (z - from[1]) * wz) / length)) : 0;
    const px = from[0] + share * wx;
    const pz = from[1] + share * wz;
    const square = (x - px) * (x - px) + (z - pz) * (z - pz);
    if (square >= near.square) continue;
    near.square = square;
    near.on = isOff ? [px, pz] : point;
    near.off = isOff ? point : [px, pz];
  }
}

const ORIGIN: Spot = [0, 0];

/**
 * Among the directions across all edges, and along the stretches, that in which two outlines are farthest apart; `isOwn`:
 * it is across the first's.
 */
function widest(a: readonly Spot[], b: readonly Spot[]): { gap: number; normal: Spot; isOwn: boolean } | undefined {
  let gap = Number.NEGATIVE_INFINITY;
  let nx = 0;
  let nz = 1;
  let isOwn = false;
  for (let own = 0; own < 2; own++) {
    const outline = own === 0 ? a : b;
    const count = outline.length;
    // A stretch has two sides and two ends.
    const directions = count < 2 ? 0 : count === 2 ? 4 : count;
    for (let at = 0; at < directions; at++) {
      const from = outline[count === 2 ? 0 : at] ?? ORIGIN;
      const to = outline[count === 2 ? 1 : at + 1 < count ? at + 1 : 0] ?? ORIGIN;
      const wx = to[0] - from[0];
      const wz = to[1] - from[1];
      const length = (own === 0 ? -1 : 1) * Math.sqrt(wx * wx + wz * wz);
      if (length === 0) continue;
      const isEnd = count === 2 && at > 1;
      const back = count === 2 && at % 2 === 1 ? -length : length;
      const x = (isEnd ? wx : wz) / back;
      const z = (isEnd ? wz : -wx) / back;
      const between = least(a, x, z) + least(b, -x, -z);
      if (between <= gap) continue;
      gap = between;
      nx = x;
      nz = z;
      isOwn = own === 0;
    }
  }
  return gap === Number.NEGATIVE_INFINITY ? undefined : { gap, normal: [nx, nz], isOwn };
}

function least(points: readonly Spot[], x: number, z: number): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < points.length; at++) {
    const point = points[at] ?? ORIGIN;
    const level = point[0] * x + point[1] * z;
    if (level < lowest) lowest = level;
  }
  return lowest;
}

/** The farthest point of a piece in a direction. */
function extreme({ points, radius }: Piece, direction: Spot): Spot {
  const far = points.reduce((best, point) => (dot(point, direction) > dot(best, direction) ? point : best));
  return add(far, times(direction, radius));
}
