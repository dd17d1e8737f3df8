import type { Point } from "../drawing.ts";

export function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(bx - ax, by - ay);
}

/** `share` of the way from a to b. */
export function toward([ax, ay]: Point, [bx, by]: Point, share: number): Point {
  return [ax + (bx - ax) * share, ay + (by - ay) * share];
}

/** So many units from a point, at an angle in rad from the x axis towards the y axis. */
export function from([x, y]: Point, angle: number, units: number): Point {
  return [x + Math.cos(angle) * units, y + Math.sin(angle) * units];
}

/** rad, from the x axis towards the y axis. */
export function direction([ax, ay]: Point, [bx, by]: Point): number {
  return Math.atan2(by - ay, bx - ax);
}

/** An angle between two directions, from 0 to π. */
export function angleBetween(a: number, b: number): number {
  const turn = Math.abs(a - b) % (2 * Math.PI);
  return Math.min(turn, 2 * Math.PI - turn);
}

export function lengthOf(path: readonly Point[]): number {
  return path.reduce((sum, point, index) => sum + distance(path[index - 1] ?? point, point), 0);
}

export function mean(points: readonly Point[]): Point {
  const [x, y] = points.reduce<Point>(([sx, sy], [px, py]) => [sx + px, sy + py], [0, 0]);
  return [x / points.length, y / points.length];
}

/** The larger side of what the points span. */
export function extent(points: readonly Point[]): number {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

/** The corners of a box, the first one up and to the left of its middle before it is turned. */
export function corners(center: Point, [width, height]: readonly [number, number], angle: number): Point[] {
  const signs: Point[] = [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return signs.map(([sx, sy]) => {
    const [x, y] = [(sx * width) / 2, (sy * height) / 2];
    return [center[0] + x * cos - y * sin, center[1] + x * sin + y * cos];
  });
}

/** The same path as points at most `step` apart; its own points stay. */
export function dense(path: readonly Point[], step: number): Point[] {
  return path.flatMap((point, index) => {
    const before = path[index - 1];
    if (!before) return [point];
    const parts = Math.max(1, Math.ceil(distance(before, point) / step));
    return Array.from({ length: parts }, (_, part) => toward(before, point, (part + 1) / parts));
  });
}

/** How far a point is from a path. */
export function gapTo(point: Point, path: readonly Point[]): number {
  const [only] = path;
  if (path.length === 1 && only) return distance(point, only);
  let least = Number.POSITIVE_INFINITY;
  for (let index = 1; index < path.length; index++) {
    const [a, b] = [path[index - 1], path[index]];
    if (a && b) least = Math.min(least, gapToSegment(point, a, b));
  }
  return least;
}

function gapToSegment(point: Point, a: Point, b: Point): number {
  const squared = distance(a, b) ** 2;
  const along = squared === 0 ? 0 : ((point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])) / squared;
  return distance(point, toward(a, b, Math.min(1, Math.max(0, along))));
}
