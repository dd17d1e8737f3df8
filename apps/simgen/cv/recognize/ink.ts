import {
  type Bounds,
  boundsOf,
  first,
  isAround,
  isInside,
  last,
  lengthOf,
  nearestOnPath,
  type Path,
  type Point,
} from "./geometry.ts";

/** A run of the pen, and the strokes it comes from. */
export interface Ink {
  path: Path;
  length: number;
  bounds: Bounds;
  strokes: readonly number[];
}

export function inkOf(path: Path, strokes: readonly number[]): Ink {
  return { path, length: lengthOf(path), bounds: boundsOf(path), strokes };
}

export function strokesOf(inks: readonly Ink[]): number[] {
  return [...new Set(inks.flatMap(({ strokes }) => strokes))].sort((a, b) => a - b);
}

/** One after the other, the second turned round if need be: `oneAtEnd`, `otherAtEnd` say which ends meet. */
export function joined(one: Ink, oneAtEnd: boolean, other: Ink, otherAtEnd: boolean): Ink {
  const head = oneAtEnd ? one.path : one.path.toReversed();
  const tail = otherAtEnd ? other.path.toReversed() : other.path;
  return inkOf([...head, ...tail], strokesOf([one, other]));
}

/** Whether it comes so near to a point; a closed one also between its ends. */
export function isNear({ path, bounds }: Ink, point: Point, reach: number, isClosed = false): boolean {
  return isAround(point, bounds, reach) && nearestOnPath(point, path, isClosed).distance < reach;
}

/** Whether a point is in an outline, or so near to it. */
export function isAtOutline(outline: Ink, point: Point, reach: number): boolean {
  const { path, bounds } = outline;
  return isAround(point, bounds, reach) && (isInside(point, path) || nearestOnPath(point, path, true).distance < reach);
}

export function endOf(ink: Ink, atEnd: boolean): Point {
  return atEnd ? last(ink.path) : first(ink.path);
}
