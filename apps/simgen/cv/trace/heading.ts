import type { End } from "./skeleton-graph.ts";

/** A branch's points between which its heading is seen: the first ones bend towards the joint. */
const NEAR_POINTS = 4;
const FAR_POINTS = 20;

/** In which direction a branch leads away from its end, rad, as far as some points from there. */
export function headingFrom({ branch, side }: End, farPoints = FAR_POINTS): number {
  const last = branch.xs.length - 1;
  const at = (points: number) => (side === 0 ? Math.min(points, last) : Math.max(last - points, 0));
  const far = at(farPoints);
  const near = at(Math.min(NEAR_POINTS, Math.floor(last / 3)));
  return Math.atan2(branch.ys[far]! - branch.ys[near]!, branch.xs[far]! - branch.xs[near]!);
}

/** From -180 to 180. */
export function degreesBetween(from: number, to: number): number {
  const turns = (to - from) / (2 * Math.PI);
  return 360 * (turns - Math.round(turns));
}
