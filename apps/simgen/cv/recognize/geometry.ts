import type { Point } from "../drawing.ts";

export type { Point };
export type Path = readonly Point[];

export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
  width: number;
  height: number;
  diagonal: number;
}

/** Where on a path a point is nearest. */
export interface Nearest {
  distance: number;
  at: Point;
  /** Length of the path up to there. */
  along: number;
}

export function distance(a: Point, b: Point): number {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  // Math.hypot guards against overflow, which costs more than all the rest.
  return Math.sqrt(dx * dx + dy * dy);
}

export function between([ax, ay]: Point, [bx, by]: Point, share = 0.5): Point {
  return [ax + (bx - ax) * share, ay + (by - ay) * share];
}

export function first(path: Path): Point {
  return path[0] ?? [0, 0];
}

export function last(path: Path): Point {
  return path.at(-1) ?? [0, 0];
}

export function lengthOf(path: Path): number {
  let length = 0;
  for (let i = 1; i < path.length; i++) length += distance(path[i - 1]!, path[i]!);
  return length;
}

export function boundsOf(path: Path): Bounds {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of path) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const [width, height] = path.length === 0 ? [0, 0] : [right - left, bottom - top];
  return { left, top, right, bottom, width, height, diagonal: Math.hypot(width, height) };
}

/** Whether bounds, so much wider on all sides, hold the point: quicker to tell than how far away it is. */
export function isAround([x, y]: Point, { left, top, right, bottom }: Bounds, reach: number): boolean {
  return x > left - reach && x < right + reach && y > top - reach && y < bottom + reach;
}

export function middleOf(path: Path): Point {
  const [x, y] = path.reduce<[number, number]>((sum, point) => [sum[0] + point[0], sum[1] + point[1]], [0, 0]);
  return [x / path.length, y / path.length];
}

/** The path through `count` points, all equally far apart along it; a closed one without its first point again. */
export function resampled(path: Path, count: number, isClosed = false): Point[] {
  const whole = isClosed ? [...path, first(path)] : path;
  const step = lengthOf(whole) / (isClosed ? count : count - 1);
  const points: Point[] = [first(path)];
  let left = step;
  for (let i = 1; i < whole.length && points.length < count; i++) {
    const [from, to] = [whole[i - 1]!, whole[i]!];
    const length = distance(from, to);
    let done = 0;
    while (length - done >= left && points.length < count) {
      done += left;
      points.push(between(from, to, length === 0 ? 0 : done / length));
      left = step;
    }
    left -= length - done;
  }
  while (points.length < count) points.push(last(whole));
  return points;
}

export function nearestOnSegment(point: Point, from: Point, to: Point): Nearest {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((point[0] - from[0]) * dx + (point[1] - from[1]) * dy) / squared;
  const share = Math.max(0, Math.min(1, along));
  const at = between(from, to, share);
  return { distance: distance(point, at), at, along: share * Math.sqrt(squared) };
}

export function nearestOnPath(point: Point, path: Path, isClosed = false): Nearest {
  let best: Nearest = { distance: distance(point, first(path)), at: first(path), along: 0 };
  let done = 0;
  const sides = isClosed ? path.length : path.length - 1;
  for (let i = 0; i < sides; i++) {
    const from = path[i]!;
    const to = path[i + 1 === path.length ? 0 : i + 1]!;
    const length = distance(from, to);
    // No point of the segment is nearer than that.
    if (distance(point, from) - length < best.distance) {
      const found = nearestOnSegment(point, from, to);
      if (found.distance < best.distance) best = { ...found, along: done + found.along };
    }
    done += length;
  }
  return best;
}

/** Twice the area between a path and the way from the origin to either end of it. */
export function sweptBy(path: Path): number {
  let twice = 0;
  for (let i = 1; i < path.length; i++) {
    const [[ax, ay], [bx, by]] = [path[i - 1]!, path[i]!];
    twice += ax * by - bx * ay;
  }
  return twice;
}

/** Of a closed path; positive when it runs clockwise as seen. */
export function areaOf(path: Path): number {
  return (sweptBy(path) + sweptBy([last(path), first(path)])) / 2;
}

export function isInside([x, y]: Point, path: Path): boolean {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [[ax, ay], [bx, by]] = [path[i]!, path[j]!];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** rad, of the way from one point to the other. */
export function directionOf([ax, ay]: Point, [bx, by]: Point): number {
  return Math.atan2(by - ay, bx - ax);
}

/** From one direction to another the short way round, -π to π. */
export function turnBetween(from: number, to: number): number {
  return Math.atan2(Math.sin(to - from), Math.cos(to - from));
}

/** Between two lines, whatever their direction: 0 to π/2. */
export function angleBetween(one: number, other: number): number {
  const turn = Math.abs(turnBetween(one, other));
  return turn > Math.PI / 2 ? Math.PI - turn : turn;
}

export function rotated([x, y]: Point, angle: number): Point {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [x * cosine - y * sine, x * sine + y * cosine];
}

/** Where two lines cross, each through a point in a direction; undefined when they hardly do. */
export function crossing(a: Point, aDirection: number, b: Point, bDirection: number): Point | undefined {
  const sine = Math.sin(bDirection - aDirection);
  if (Math.abs(sine) < 0.15) return;
  const t = ((b[0] - a[0]) * Math.sin(bDirection) - (b[1] - a[1]) * Math.cos(bDirection)) / sine;
  return [a[0] + t * Math.cos(aDirection), a[1] + t * Math.sin(aDirection)];
}
