import type { DrawingText, Point } from "../../cv/drawing.ts";
import { isClosed, outlineOf } from "./convert.ts";
import { LETTER_WIDTH, TEXT_SIZE } from "./ink.ts";
import { anchorOf, type Item, isShape } from "./kind.ts";
import { isInside } from "./path.ts";
import { PAPER } from "./sketch.ts";

export const TAG_PX = 12;
/** A letter of a tag, on average. */
const LETTER_PX = 7.6;

export interface Tag {
  item: Item;
  text: string;
  at: Point;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where the names of items stand: on the paper, near what they name, over nothing else if that can be. */
export function placeTags(
  items: readonly { item: Item; text: string }[],
  words: readonly DrawingText[],
  unit: number,
): Tag[] {
  const bodies = items
    .map(({ item }) => item)
    .filter((item) => isShape(item))
    .filter(isClosed);
  const taken = words.map(({ text, at }) => boxAround(at, text.length * TEXT_SIZE * LETTER_WIDTH, TEXT_SIZE));
  return items.map(({ item, text }) => {
    const width = text.length * LETTER_PX * unit;
    const height = TAG_PX * unit;
    const places = placesFor(item, width, height).map(
      ([x, y]): Point => [
        Math.min(PAPER.width - width / 2, Math.max(width / 2, x)),
        Math.min(PAPER.height - height, Math.max(height, y)),
      ],
    );
    const isFree = (at: Point) =>
      !taken.some((box) => overlap(box, boxAround(at, width, height))) &&
      !bodies.some((body) => body !== item && isInside(outlineOf(body), at));
    const at = places.find(isFree) ?? places[0]!;
    taken.push(boxAround(at, width, height));
    return { item, text, at };
  });
}

/** The best first. */
function placesFor(item: Item, width: number, height: number): Point[] {
  const [x, y] = anchorOf(item);
  if (isShape(item) && isClosed(item)) {
    const { left, right, top, bottom } = extentOf(outlineOf(item));
    const within: Point[] = right - left > width + height ? [[x, y]] : [];
    const beside: Point[] = [
      [right + width / 2 + height / 2, y],
      [left - width / 2 - height / 2, y],
    ];
    return [...within, [x, bottom + height], [x, top - height], ...beside];
  }
  if (!("points" in item)) return [-height, height].map((up): Point => [x, y + up]);
  const { left, right, top, bottom } = extentOf(item.points);
  const besides = [1, -1].map((side): Point => [x + side * (width / 2 + height), y]);
  const aboves = [-height, height].map((up): Point => [x, y + up]);
  return bottom - top > (right - left) * 0.6 ? [...besides, ...aboves] : [...aboves, ...besides];
}

function extentOf(points: readonly Point[]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

function boxAround([x, y]: Point, width: number, height: number): Box {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

function overlap(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
