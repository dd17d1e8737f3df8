import type { Point } from "../../cv/drawing.ts";

export function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(ax - bx, ay - by);
}

export function middle([ax, ay]: Point, [bx, by]: Point): Point {
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** The mean of points; of none, the origin. */
export function mean(points: readonly Point[]): Point {
  const [x, y] = points.reduce<Point>(([sx, sy], [px, py]) => [sx + px, sy + py], [0, 0]);
  return [x / Math.max(1, points.length), y / Math.max(1, points.length)];
}

/** Halfway along a path. */
export function halfway(points: readonly Point[]): Point {
  let left = lengthOf(points) / 2;
  for (const [a, b] of segments(points)) {
    const length = distance(a, b);
    if (length >= left && length > 0) {
      const share = left / length;
      return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
    }
    left -= length;
  }
  return points.at(-1) ?? [0, 0];
}

export function lengthOf(points: readonly Point[]): number {
  return segments(points).reduce((sum, [a, b]) => sum + distance(a, b), 0);
}

/** From a point to the nearest place on a path. */
export function distanceTo(path: readonly Point[], at: Point): number {
  const first = path[0];
  if (!first) return Number.POSITIVE_INFINITY;
  return segments(path).reduce((least, [a, b]) => Math.min(least, toSegment(at, a, b)), distance(first, at));
}

/** Whether two paths cross, or come as near as `reach`. A path may be a single point. */
export function touches(one: readonly Point[], other: readonly Point[], reach: number): boolean {
  return (
    other.some((point) => distanceTo(one, point) <= reach) ||
    one.some((point) => distanceTo(other, point) <= reach) ||
    segments(one).some(([a, b]) => segments(other).some(([c, d]) => cross(a, b, c, d)))
  );
}

/** Whether a point lies within a closed path. */
export function isInside(path: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  for (const [[ax, ay], [bx, by]] of segments(closed(path)))
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  return inside;
}

/** Of a closed path, without a sign. */
export function areaOf(path: readonly Point[]): number {
  const twice = segments(closed(path)).reduce((sum, [[ax, ay], [bx, by]]) => sum + ax * by - bx * ay, 0);
  return Math.abs(twice) / 2;
}

export function closed(path: readonly Point[]): readonly Point[] {
  const [first] = path;
  return first ? [...path, first] : path;
}

/** At most `count` of its points, the ends among them. */
export function thinned<T>(path: readonly T[], count: number): readonly T[] {
  if (path.length <= count) return path;
  return Array.from({ length: count }, (_, at) => path[Math.round((at * (path.length - 1)) / (count - 1))]!);
}

function segments(path: readonly Point[]): [Point, Point][] {
  return path.slice(1).map((point, at) => [path[at]!, point]);
}

function toSegment(at: Point, a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const square = dx * dx + dy * dy;
  if (square === 0) return distance(at, a);
  const share = Math.min(1, Math.max(0, ((at[0] - a[0]) * dx + (at[1] - a[1]) * dy) / square));
  return Math.hypot(at[0] - a[0] - share * dx, at[1] - a[1] - share * dy);
}

function cross(a: Point, b: Point, c: Point, d: Point): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

function side([ax, ay]: Point, [bx, by]: Point, [px, py]: Point): number {
  return (bx - ax) * (py - ay) - (by - ay) * (px - ax);
}
