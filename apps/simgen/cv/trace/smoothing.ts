import type { Point } from "../drawing.ts";
import { sharpenCorners } from "./corners.ts";
import type { PenLine } from "./pen-lines.ts";
import { lengthAlong } from "./skeleton-graph.ts";

const SPACING_PX = 2;
/** Each takes half of the neighbours' mean: together a Gaussian of 1 px, which moves a right-angled corner by less than half a pixel. */
const SMOOTHINGS = 2;

/** The points of a stroke about 2 px apart, without the steps between pixels; a closed one ends where it begins. */
export function strokeOf({ xs, ys, isClosed }: PenLine): Point[] {
  const around = (values: readonly number[]) => (isClosed ? [...values, values[0]!] : values);
  const length = lengthAlong(around(xs), around(ys));
  const fine = evenly(around(xs), around(ys), length, Math.max(1, Math.round(length)));
  for (let i = 0; i < SMOOTHINGS; i++) {
    smooth(fine.xs, isClosed);
    smooth(fine.ys, isClosed);
  }
  sharpenCorners(fine.xs, fine.ys, isClosed);
  const steps = Math.max(isClosed ? 4 : 1, Math.round(length / SPACING_PX));
  const even = evenly(fine.xs, fine.ys, lengthAlong(fine.xs, fine.ys), steps);
  // A pixel's middle.
  return Array.from(even.xs, (x, i) => [round(x + 0.5), round(even.ys[i]! + 0.5)]);
}

/** Points at equal steps along a line. */
function evenly(xs: readonly number[], ys: readonly number[], length: number, steps: number) {
  const step = length / steps;
  const [newXs, newYs] = [[xs[0]!], [ys[0]!]];
  for (let i = 1, way = 0; i < xs.length; i++) {
    const dx = xs[i]! - xs[i - 1]!;
    const dy = ys[i]! - ys[i - 1]!;
    const size = Math.sqrt(dx * dx + dy * dy);
    for (; newXs.length < steps && newXs.length * step <= way + size && size > 0; ) {
      const share = (newXs.length * step - way) / size;
      newXs.push(xs[i - 1]! + dx * share);
      newYs.push(ys[i - 1]! + dy * share);
    }
    way += size;
  }
  newXs.push(xs.at(-1)!);
  newYs.push(ys.at(-1)!);
  return { xs: newXs, ys: newYs };
}

/** Ends stay where they are; those of a closed line are one point. */
function smooth(values: number[], isClosed: boolean): void {
  const last = values.length - 1;
  let before = isClosed ? values[last - 1]! : values[0]!;
  for (let i = isClosed ? 0 : 1; i < last; i++) {
    const value = values[i]!;
    values[i] = before / 4 + value / 2 + values[i + 1]! / 4;
    before = value;
  }
  if (isClosed) values[last] = values[0]!;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
