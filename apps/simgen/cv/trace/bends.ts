import { lineResidual } from "./curve-fit.ts";
import type { PenLine } from "./pen-lines.ts";

/** Between which points, about a pixel apart, a bend is seen. */
const NEAR = 3;
const FAR = 12;
const BEND_RAD = (45 * Math.PI) / 180;
/** How much of the line on both sides of it says whether that is straight: a bar, or a rope or spring. */
const SIDE = 55;
const STRAIGHT_RESIDUAL_PX = 1.6;
const WAVY_RESIDUAL_PX = 2.6;

/** Parts lines at bends at which a straight one goes over into a wavy one: a rope or a spring that hangs from a bar's end. */
export function splitAtBends(lines: readonly PenLine[]): PenLine[] {
  return lines.flatMap((line) => (line.isClosed ? [line] : split(line)));
}

function split({ xs, ys, isFree }: PenLine): PenLine[] {
  const count = xs.length;
  let from = 0;
  const parts: PenLine[] = [];
  for (let i = SIDE; i < count - SIDE; i++) {
    if (i - from < SIDE || bendAt(xs, ys, i) < BEND_RAD || !isSharpest(xs, ys, i)) continue;
    const sides = [i - SIDE, i].map((start) =>
      lineResidual(xs.slice(start, start + SIDE), ys.slice(start, start + SIDE)),
    );
    if (Math.min(...sides) > STRAIGHT_RESIDUAL_PX || Math.max(...sides) < WAVY_RESIDUAL_PX) continue;
    parts.push(part(xs, ys, from, i));
    from = i;
  }
  parts.push(part(xs, ys, from, count - 1));
  parts[0]!.isFree[0] = isFree[0];
  parts.at(-1)!.isFree[1] = isFree[1];
  return parts;
}

function part(xs: readonly number[], ys: readonly number[], from: number, to: number): PenLine {
  return { xs: xs.slice(from, to + 1), ys: ys.slice(from, to + 1), isClosed: false, isFree: [false, false] };
}

function bendAt(xs: readonly number[], ys: readonly number[], i: number): number {
  const [ux, uy] = [xs[i - NEAR]! - xs[i - FAR]!, ys[i - NEAR]! - ys[i - FAR]!];
  const [vx, vy] = [xs[i + FAR]! - xs[i + NEAR]!, ys[i + FAR]! - ys[i + NEAR]!];
  return Math.abs(Math.atan2(ux * vy - uy * vx, ux * vx + uy * vy));
}

function isSharpest(xs: readonly number[], ys: readonly number[], i: number): boolean {
  const bend = bendAt(xs, ys, i);
  for (let k = 1; k <= NEAR; k++) if (bendAt(xs, ys, i - k) >= bend || bendAt(xs, ys, i + k) > bend) return false;
  return true;
}
