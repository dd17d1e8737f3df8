import { first, last, lengthOf, type Path, type Point } from "./geometry.ts";

/** A run of the pen, and the strokes it comes from. */
export interface Ink {
  path: Path;
  length: number;
  strokes: readonly number[];
}

export function inkOf(path: Path, strokes: readonly number[]): Ink {
  return { path, length: lengthOf(path), strokes };
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

export function endOf(ink: Ink, atEnd: boolean): Point {
  return atEnd ? last(ink.path) : first(ink.path);
}
