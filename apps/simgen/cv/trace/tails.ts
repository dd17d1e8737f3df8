import { degreesBetween } from "./heading.ts";
import { type Branch, type End, endsAt, type Joint, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";

/** Short lines that end freely: no longer than this, in widths of the pen, and pixels. */
const TAIL_PENS = 7;
const TAIL_EXTRA_PX = 8;
/** Strokes of hatching: so many of about one direction (as lines, not as arrows) and length within so many of their lengths. */
const HATCH_MIN = 3;
const HATCH_DEGREES = 25;
/** A pixel more or less turns short ones by this, divided by their length in pixels. */
const HATCH_DEGREES_PX = 57;
const HATCH_REACH = 3;
const HATCH_LENGTH_RATIO = 0.4;
/** So much of a line is bent towards a stroke that ends on it, in radii of the ink there. */
const HEALED_RADII = 2.5;

/** A short line from a joint to a free end. */
export interface Tail {
  branch: Branch;
  joint: number;
  length: number;
  /** Of its free end. */
  x: number;
  y: number;
  /** From the joint to the free end, rad. */
  direction: number;
}

/** The branches that are strokes of hatching: no line goes on as one of these. */
export function hatchingIn(graph: SkeletonGraph, penPx: number): Set<Branch> {
  const tails = tailsIn(graph, penPx);
  const besides = (tail: Tail) => tails.filter((other) => areOneHatching(tail, other));
  const strokes = new Set(tails.filter((tail) => besides(tail).length >= HATCH_MIN));
  // Fewer are near the last ones: the set grows while it is gone through.
  for (const stroke of strokes) for (const tail of besides(stroke)) strokes.add(tail);
  return new Set([...strokes].map(({ branch }) => branch));
}

/**
 * Parts strokes of hatching from the line along which they are, which is then whole, and straightens both where thinning has
 * bent them towards each other. Gives these strokes.
 */
export function partHatching(graph: SkeletonGraph, penPx: number): Set<Branch> {
  const hatching = hatchingIn(graph, penPx);
  const ends = endsAt(graph);
  for (const { branch, joint, x, y, direction } of tailsIn(graph, penPx)) {
    if (!hatching.has(branch)) continue;
    const { x: jointX, y: jointY, radius } = graph.joints[joint]!;
    const [dx, dy] = [Math.cos(direction), Math.sin(direction)];
    const length = Math.max(1, (x - jointX) * dx + (y - jointY) * dy);
    const points = Array.from({ length: Math.ceil(length) + 1 }, (_, i) => (length * i) / Math.ceil(length));
    branch.xs = points.map((way) => x - way * dx);
    branch.ys = points.map((way) => y - way * dy);
    branch.joints = [undefined, undefined];
    const line = ends[joint]!.filter((end) => end.branch !== branch && !hatching.has(end.branch));
    if (line.length === 2 && line[0]!.branch !== line[1]!.branch)
      straighten(graph.joints[joint]!, line[0]!, line[1]!, HEALED_RADII * radius);
  }
  return hatching;
}

/** Lets two branches go on as each other in a straight line past a joint, from this far before it to this far after. */
function straighten(joint: Joint, one: End, other: End, way: number): void {
  const [a, b] = [one, other].map(({ branch, side }) => {
    const last = branch.xs.length - 1;
    const cut = Math.min(Math.round(way), Math.floor(last / 2));
    const at = side === 0 ? cut : last - cut;
    return { branch, cut, side, last, x: branch.xs[at]!, y: branch.ys[at]! };
  });
  Object.assign(joint, { x: (a!.x + b!.x) / 2, y: (a!.y + b!.y) / 2 });
  for (const { branch, cut, side, last, x, y } of [a!, b!])
    for (let i = 0; i < cut; i++) {
      const at = side === 0 ? i : last - i;
      const share = (i + 1) / (cut + 1);
      branch.xs[at] = joint.x + (x - joint.x) * share;
      branch.ys[at] = joint.y + (y - joint.y) * share;
    }
}

/** Also of a tail and itself. */
function areOneHatching(a: Tail, b: Tail): boolean {
  const [shorter, longer] = [Math.min(a.length, b.length), Math.max(a.length, b.length)];
  return (
    Math.hypot(a.x - b.x, a.y - b.y) < HATCH_REACH * longer &&
    shorter > HATCH_LENGTH_RATIO * longer &&
    Math.abs(degreesBetween(a.direction, b.direction)) < HATCH_DEGREES + HATCH_DEGREES_PX / shorter
  );
}

export function tailsIn(graph: SkeletonGraph, penPx: number): Tail[] {
  return graph.branches.flatMap((branch): Tail[] => {
    const [from, to] = branch.joints;
    const joint = from ?? to;
    if (joint === undefined || (from !== undefined && to !== undefined)) return [];
    const length = lengthOf(branch);
    if (length > TAIL_PENS * penPx + TAIL_EXTRA_PX) return [];
    const last = branch.xs.length - 1;
    const [start, end] = from === undefined ? [last, 0] : [0, last];
    // The first part bends towards the joint.
    const near = Math.round(start + (end - start) * 0.35);
    const [x, y] = [branch.xs[end]!, branch.ys[end]!];
    return [{ branch, joint, length, x, y, direction: Math.atan2(y - branch.ys[near]!, x - branch.xs[near]!) }];
  });
}
