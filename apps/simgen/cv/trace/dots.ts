import type { Point } from "../drawing.ts";
import { swayingOf } from "../recognize/curve.ts";
import { directionOf, distance, rotated } from "../recognize/geometry.ts";
import { lineLength, type PenLine } from "./pen-lines.ts";
import type { Dot } from "./solids.ts";

/** A line that turns by more than 25 degrees within a dot is two that meet there. */
const TURN_COSINE = Math.cos((25 * Math.PI) / 180);
const WAY_POINTS = 12;
/** What goes on from its middle to a free end for no longer than this is more of a line than was meant. */
const TAIL_RADII = 2.5;
/** So near its end a spring may have a joint. */
const END_RADII = 2;

/** Takes away what of lines is only the middle of a dot, and parts lines that bend in one. */
export function splitAtDots(lines: readonly PenLine[], dots: readonly Dot[]): PenLine[] {
  return dots.reduce<PenLine[]>((open, dot) => open.flatMap((line) => split(line, dot)), [...lines]);
}

/** Without those in the middle of a spring, whose turns and corners are as thick as dots. */
export function dotsOffSprings(lines: readonly PenLine[], dots: readonly Dot[]): Dot[] {
  if (dots.length === 0) return [];
  const springs = lines.flatMap(({ xs, ys, isClosed }) => {
    const path = xs.map((x, i): Point => [x, ys[i]!]);
    if (isClosed || swayingOf(path, 1)?.kind !== "zigzag") return [];
    const [from, to] = [path[0]!, path.at(-1)!];
    const direction = directionOf(from, to);
    const acrossFrom = ([x, y]: Point) => rotated([x - from[0], y - from[1]], -direction);
    const width = Math.max(...path.map((point) => Math.abs(acrossFrom(point)[1])));
    return { acrossFrom, width, length: distance(from, to) };
  });
  const isIn = ({ x, y, radius }: Dot) =>
    springs.some(({ acrossFrom, width, length }) => {
      const [along, across] = acrossFrom([x, y]);
      return Math.abs(across) < width + radius && along > END_RADII * radius && along < length - END_RADII * radius;
    });
  return dots.filter((dot) => !isIn(dot));
}

function split(line: PenLine, { x, y, radius }: Dot): PenLine[] {
  const { xs, ys, isClosed, isFree } = line;
  const ways = xs.map((each, i) => Math.sqrt((each - x) ** 2 + (ys[i]! - y) ** 2));
  if (ways.every((way) => way <= radius + 1)) return [];
  const nearest = ways.reduce((best, way, i) => (way < ways[best]! ? i : best), 0);
  if (ways[nearest]! > radius / 2 + 1) return [line];
  const count = xs.length;
  const outside = (step: 1 | -1): number | undefined => {
    for (let i = nearest, left = count; left > 0; i += step, left--) {
      if (!isClosed && (i < 0 || i >= count)) return undefined;
      if (ways.at(i % count)! > radius) return (i + count) % count;
    }
    return undefined;
  };
  const [before, after] = [outside(-1), outside(1)];
  if (before === undefined || after === undefined) return [line];
  const direction = (at: number, step: number) => {
    const wanted = at + step * WAY_POINTS;
    const to = isClosed ? (wanted + count) % count : Math.max(0, Math.min(count - 1, wanted));
    const [dx, dy] = [xs[to]! - xs[at]!, ys[to]! - ys[at]!];
    const size = Math.hypot(dx, dy) || 1;
    return [dx / size, dy / size] as const;
  };
  const [back, on] = [direction(before, -1), direction(after, 1)];
  if (-(back[0] * on[0] + back[1] * on[1]) > TURN_COSINE) return [line];
  if (isClosed) {
    const turned = (values: readonly number[]) => [...values.slice(nearest), ...values.slice(0, nearest + 1)];
    return [{ xs: turned(xs), ys: turned(ys), isClosed: false, isFree: [false, false] }];
  }
  const parts: PenLine[] = [
    { xs: xs.slice(0, nearest + 1), ys: ys.slice(0, nearest + 1), isClosed, isFree: [isFree[0], false] },
    { xs: xs.slice(nearest), ys: ys.slice(nearest), isClosed, isFree: [false, isFree[1]] },
  ];
  return parts.filter((part) => lineLength(part) > TAIL_RADII * radius || !part.isFree.includes(true));
}
