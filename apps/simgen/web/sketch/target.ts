import type { Point } from "../../cv/drawing.ts";
import { anchorOf, type Item, type Kind, kindOf } from "./kind.ts";
import { distance } from "./path.ts";

/** What a correction is about: it is found again, however things are numbered, while one of its strokes is there. */
export interface Target {
  kind: Kind;
  /** Ids of strokes; none of what only follows from others, which is found by its place. */
  strokes: readonly number[];
  at: Point;
}

/** What grows with another stroke moves less than this, in units of the paper. */
const SAME_PLACE = 60;

export function targetOf(item: Item, strokeIds: readonly number[]): Target {
  return { kind: kindOf(item), strokes: idsOf(item, strokeIds), at: anchorOf(item) };
}

/** The nearest of those that it can be. */
export function findTarget(target: Target, items: readonly Item[], strokeIds: readonly number[]): Item | undefined {
  return items
    .filter((item) => kindOf(item) === target.kind && sharesInk(target, idsOf(item, strokeIds)))
    .map((item) => ({ item, away: distance(anchorOf(item), target.at) }))
    .filter(({ away }) => away <= SAME_PLACE)
    .sort((a, b) => a.away - b.away)[0]?.item;
}

function sharesInk({ strokes }: Target, ids: readonly number[]): boolean {
  return ids.length === 0 ? strokes.length === 0 : ids.some((id) => strokes.includes(id));
}

/** A stroke that has gone since has no id. */
function idsOf({ strokes }: Item, strokeIds: readonly number[]): number[] {
  return strokes.flatMap((index) => strokeIds[index] ?? []);
}
