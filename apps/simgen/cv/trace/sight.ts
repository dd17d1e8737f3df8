import { circleThrough, lineResidual } from "./curve-fit.ts";
import { degreesBetween } from "./heading.ts";
import { type End, type Joint, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";

/** How far a curve is followed to see where it goes. */
const WINDOW_PENS = 8;
const WINDOW_MIN_PX = 20;
const WINDOW_MAX_PX = 40;
const WINDOW_POINTS = 10;
const WINDOW_LEAST_PX = 6;
/** What deviates more from a line or an arc has a corner, px. */
const ARC_RESIDUAL_PX = 0.7;
/** Pixels near a joint lie on none of its lines. */
const SKIP_RADII = 0.8;
/** Two lines go on as one if they lie this close to one straight line or circle, px. */
const RESIDUAL_PENS = 0.15;
const RESIDUAL_EXTRA_PX = 0.9;
/** And if they turn between them by as much as they bend before and after, within some degrees. */
const TURN_DEGREES = 35;
/** Both is allowed twice over across a gap this wide. */
const GAP_PX = 30;
/** Of shorter ones it cannot be seen whether they bend. */
const BEND_PX = 12;
/** An end as seen from its joint. */
export interface Sight {
  xs: number[];
  ys: number[];
  /** How much of it is seen, px. */
  window: number;
  /** The directions in which its nearer half and its farther half lead away, rad. */
  near: number;
  far: number;
}

/** How much of a branch at a joint lies on no line, px. */
export function skipAt(joint: Joint, length: number): number {
  return Math.min(joint.radius * SKIP_RADII, length / 4);
}

/** As far as it is one straight line or arc. */
export function sightOf(graph: SkeletonGraph, end: End, penPx: number): Sight {
  const length = lengthOf(end.branch);
  const skip = skipAt(graph.joints[end.branch.joints[end.side]!]!, length);
  const most = Math.max(WINDOW_MIN_PX, Math.min(WINDOW_MAX_PX, WINDOW_PENS * penPx));
  let window = Math.min(0.6 * length - skip, most);
  for (;;) {
    const sight = sightWithin(end, length, skip, window);
    if (window < WINDOW_LEAST_PX || residualOf(sight.xs, sight.ys) < ARC_RESIDUAL_PX) return sight;
    window *= 0.7;
  }
}

export function sightWithin({ branch, side }: End, length: number, skip: number, window: number): Sight {
  const count = branch.xs.length;
  const perPixel = count / length;
  const at = (way: number): readonly [number, number] => {
    const i = Math.max(0, Math.min(count - 1, way * perPixel));
    const middle = side === 0 ? Math.round(i) : count - 1 - Math.round(i);
    const [before, after] = [Math.max(0, middle - 1), Math.min(count - 1, middle + 1)];
    const mean = (of: readonly number[]) => (of[before]! + of[middle]! + of[after]!) / 3;
    return [mean(branch.xs), mean(branch.ys)];
  };
  const points = Array.from({ length: WINDOW_POINTS }, (_, i) => at(skip + (window * i) / (WINDOW_POINTS - 1)));
  const [first, middle, last] = [at(skip + window / 8), at(skip + (window * 9) / 16), at(skip + window)];
  const heading = (from: readonly number[], to: readonly number[]) => Math.atan2(to[1]! - from[1]!, to[0]! - from[0]!);
  const isBent = window >= BEND_PX;
  return {
    xs: points.map(([x]) => x),
    ys: points.map(([, y]) => y),
    window,
    near: heading(first, isBent ? middle : last),
    far: heading(isBent ? middle : first, last),
  };
}

/** From 0 for ends that go on as each other exactly; infinite for those that do not. */
export function costsAmong(sights: readonly Sight[], penPx: number): number[][] {
  const limit = limitOf(penPx);
  return sights.map((a, i) =>
    sights.map((b, j) => {
      if (i === j) return Number.POSITIVE_INFINITY;
      const gap = Math.hypot(a.xs[0]! - b.xs[0]!, a.ys[0]! - b.ys[0]!);
      const leniency = 1 + gap / GAP_PX;
      const turn = misfitOf(a, b, gap) / TURN_DEGREES / leniency;
      const residual = residualOf([...a.xs, ...b.xs], [...a.ys, ...b.ys]) / limit / leniency;
      return turn > 1 || residual > 1 ? Number.POSITIVE_INFINITY : (turn + residual) / 2;
    }),
  );
}

export function limitOf(penPx: number): number {
  return RESIDUAL_PENS * penPx + RESIDUAL_EXTRA_PX;
}

/** By how much the turn between two ends differs from what their own bends make of it, degrees. */
function misfitOf(a: Sight, b: Sight, gap: number): number {
  const turn = degreesBetween(a.near + Math.PI, b.near);
  const bendA = degreesBetween(a.far, a.near) / (a.window / 2);
  const bendB = degreesBetween(b.near, b.far) / (b.window / 2);
  const way = (a.window + b.window) / 4 + gap;
  return Math.abs(turn - ((bendA + bendB) / 2) * way);
}

/** How far points are from one straight line or from one circle, whichever is nearer, px. */
export function residualOf(xs: readonly number[], ys: readonly number[]): number {
  return Math.min(lineResidual(xs, ys), circleThrough(xs, ys).residual);
}
