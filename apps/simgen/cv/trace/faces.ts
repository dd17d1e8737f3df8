import type { Point } from "../drawing.ts";
import { swayingOf } from "../recognize/curve.ts";
import { circleThrough, lineResidual } from "./curve-fit.ts";
import { lineAlong, type PenLine } from "./pen-lines.ts";
import { areaOf, areaOfBoxAround, cornersOf, hullOf } from "./polygon.ts";
import { type Branch, endsAt, lengthAlong, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

/** Of a shape that shares lines with others: a side of a box on the ground, or on another box. */
export interface Outline {
  line: PenLine;
  /** The ends at which its branches begin, one after the other. */
  chain: number[];
}

/** How a face's outline passes a joint: on along a line, off a line to one that ends there, off one line to another, or as none goes. */
type Passage = "onward" | "tee" | "crossing" | "corner";

/** Smaller faces, by area over circumference, are gaps between lines. */
const WIDTH_MIN_PENS = 0.7;
const WIDTH_MIN_PX = 2;
/** How much of its convex hull a shape fills. */
const CONVEX_SHARE = 0.9;
/** How far a round face may be from a circle, as a share of its radius. */
const ROUND_SHARE = 0.06;
/** Corners stand out from a line by this share of the circumference. */
const CORNER_SHARE = 0.025;
const CORNERS_MAX = 6;
/** Ropes are longer than the sides of a shape would be, also without the steps between pixels. */
const WAVY_SHARE = 1.08;
const COARSE_POINTS = 5;
const EXCESS_PENS = 5;
/** The order of branches around a joint is seen this far outside of its ink. */
const REACH_PX = 5;
/** How far a bar is from straight, as a share of its length. */
const BAR_RESIDUAL = 0.03;
/** Area by the square of the circumference: 1 / 16 of a square, less of a long box. */
const SQUARE_SHARE = 0.05;
/** Between others a shape is no narrower than this: what boxes beside each other leave free is. In widths of the pen. */
const BETWEEN_PENS = 6;
/** How much of the box around it a box fills. */
const BOX_SHARE = 0.9;
/** Lines drawn twice are this wide, in widths of the pen, over this share of the circumference. */
const DOUBLED_PENS = 1.35;
const DOUBLED_SHARE = 0.1;
/** More branches around one face are a pattern. */
const BRANCHES_MAX = 40;

/**
 * The faces between lines that look like shapes of their own: round, or with few corners, at least one of which is not only where
 * a line ends on another. Neither what is closed without another line, nor what overlapping shapes have in common.
 */
export function outlinesIn(graph: SkeletonGraph, onward: Int32Array, penPx: number): Outline[] {
  const outlines: Outline[] = [];
  for (const { chain, passages } of facesIn(graph, onward)) {
    if (passages.every((each) => each === "onward")) continue;
    const count = (passage: Passage) => passages.filter((each) => each === passage).length;
    const [tees, crossings] = [count("tee"), count("crossing")];
    if (crossings > 1) continue;
    const line = lineAlong(graph, chain, onward, true);
    const isPlain = crossings === 0 && !isBraced(graph, chain, passages, onward);
    const isOutline = (isPlain && isShape(line, tees, penPx)) || isBetween(graph, chain, line, crossings, penPx);
    if (isOutline && !hasRope(graph, chain, passages, onward)) outlines.push({ line, chain });
  }
  const isTaken = new Set(outlines.flatMap(({ chain }) => chain.map((end) => end >> 1)));
  for (const { line, chain, own } of standingIn(graph, onward))
    if (!own.every((end) => isTaken.has(end >> 1)) && isShape(line, 2, penPx)) outlines.push({ line, chain });
  return outlines;
}

/** What is gone around by always taking the next line on one side: faces counterclockwise, and what is outside of all clockwise. */
function facesIn(graph: SkeletonGraph, onward: Int32Array): { chain: number[]; passages: Passage[] }[] {
  const turns = turnsIn(graph);
  const isDone = new Uint8Array(turns.length);
  const faces: { chain: number[]; passages: Passage[] }[] = [];
  for (let start = 0; start < turns.length; start++) {
    if (isDone[start] || turns[start]! < 0) continue;
    const chain: number[] = [];
    for (let end = start; !isDone[end]; end = turns[end]!) {
      isDone[end] = 1;
      chain.push(end);
    }
    if (chain.length > BRANCHES_MAX) continue;
    faces.push({ chain, passages: chain.map((end, i) => passageOf(chain.at(i - 1)! ^ 1, end, onward)) });
  }
  return faces;
}

/** Bent lines that begin and end on the same other line, closed with what of this lies between: whatever crosses them. */
function standingIn(graph: SkeletonGraph, onward: Int32Array): (Outline & { own: number[] })[] {
  const jointAt = (end: number) => graph.branches[end >> 1]!.joints[end & 1];
  const endsOf = Map.groupBy(onward.keys(), jointAt);
  /** From an end to where its line ends, or to a joint. */
  const follow = (start: number, to?: number): number[] | undefined => {
    const chain = [start];
    for (let end = start; chain.length <= BRANCHES_MAX; chain.push(end)) {
      if (to !== undefined && jointAt(end ^ 1) === to) return chain;
      end = onward[end ^ 1]!;
      if (end < 0) return to === undefined ? chain : undefined;
    }
    return undefined;
  };
  return [...onward.keys()].flatMap((start) => {
    const from = jointAt(start);
    if (onward[start]! >= 0 || from === undefined) return [];
    const own = follow(start);
    const last = own?.at(-1);
    const to = last === undefined ? undefined : jointAt(last ^ 1);
    if (!own || to === undefined || to === from || start > (last! ^ 1)) return [];
    const { xs, ys } = lineAlong(graph, own, onward, false);
    if (lineResidual(xs, ys) < BAR_RESIDUAL * lengthAlong(xs, ys)) return [];
    const bases = endsOf.get(to)!.flatMap((end) => (onward[end]! >= 0 ? [follow(end, from) ?? []] : []));
    return bases.flatMap((base) => {
      if (base.length === 0 || base.some((end) => own.includes(end) || own.includes(end ^ 1))) return [];
      const chain = [...own, ...base];
      const line = lineAlong(graph, chain, onward, true);
      if (areaOf(line.xs, line.ys) > 0) {
        line.xs.reverse();
        line.ys.reverse();
      }
      return [{ line, chain, own }];
    });
  });
}

/** The branches that only reach a little beyond a corner of an outline: a hand goes on farther than it means to. */
export function excessIn(graph: SkeletonGraph, outlines: readonly Outline[], penPx: number): Set<Branch> {
  const corners = new Set(outlines.flatMap(({ chain }) => chain.flatMap((end) => graph.branches[end >> 1]!.joints)));
  const hatching = hatchingIn(graph, penPx);
  return new Set(
    graph.branches.filter((branch) => {
      const [from, to] = branch.joints;
      const isTail = (from === undefined) !== (to === undefined) && corners.has(from ?? to);
      return isTail && !hatching.has(branch) && lengthOf(branch) < EXCESS_PENS * penPx;
    }),
  );
}

function passageOf(arrival: number, departure: number, onward: Int32Array): Passage {
  if (onward[arrival] === departure) return "onward";
  const lines = Number(onward[arrival]! >= 0) + Number(onward[departure]! >= 0);
  return lines === 2 ? "crossing" : lines === 1 ? "tee" : "corner";
}

/** Whether only one straight line between two others, or across their corner, makes it a face: that is a bar. */
function isBraced(
  graph: SkeletonGraph,
  chain: readonly number[],
  passages: readonly Passage[],
  onward: Int32Array,
): boolean {
  const [first, second, third] = [...passages.keys()].filter((i) => passages[i] === "tee");
  if (first === undefined || second === undefined || third !== undefined || passages.includes("corner")) return false;
  const ways = [chain.slice(first, second), [...chain.slice(second), ...chain.slice(0, first)]];
  const bar = ways.find((way) => onward[way[0]!]! < 0 && onward[way.at(-1)! ^ 1]! < 0);
  if (!bar) return false;
  const { xs, ys } = lineAlong(graph, bar, onward, false);
  return lineResidual(xs, ys) < BAR_RESIDUAL * lengthAlong(xs, ys);
}

/** Whether a whole line of its own between two others is a rope or a spring. */
function hasRope(
  graph: SkeletonGraph,
  chain: readonly number[],
  passages: readonly Passage[],
  onward: Int32Array,
): boolean {
  const corners = [...passages.keys()].filter((i) => passages[i] !== "onward");
  return corners.some((from, i) => {
    const to = corners[i + 1];
    const way = to === undefined ? [...chain.slice(from), ...chain.slice(0, corners[0])] : chain.slice(from, to);
    const { xs, ys } = lineAlong(graph, way, onward, false);
    return (
      swayingOf(
        xs.map((x, at): Point => [x, ys[at]!]),
        1,
      ) !== undefined
    );
  });
}

/** Whether it is a shape whatever its lines do elsewhere: as exact as a box is, or by sides that are drawn twice, as those of neighbours are. */
function isBetween(
  graph: SkeletonGraph,
  chain: readonly number[],
  { xs, ys }: PenLine,
  crossings: number,
  penPx: number,
): boolean {
  const area = -areaOf(xs, ys);
  const around = lengthAlong(xs, ys);
  if (area < (BETWEEN_PENS / 2) * penPx * around) return false;
  const hull = hullOf(xs, ys);
  const corners = cornersOf(hull, CORNER_SHARE * around);
  if (corners > 4 || corners < 3 + crossings) return false;
  if (corners === 4 && area > BOX_SHARE * areaOfBoxAround(hull)) return true;
  if (area < CONVEX_SHARE * Math.abs(areaOf(hull.xs, hull.ys))) return false;
  let [doubled, total] = [0, 0];
  for (const end of chain) {
    const branch = graph.branches[end >> 1]!;
    const length = lengthOf(branch);
    total += length;
    if (2 * branch.radius > DOUBLED_PENS * penPx) doubled += length;
  }
  return doubled > DOUBLED_SHARE * total;
}

function isShape({ xs, ys }: PenLine, tees: number, penPx: number): boolean {
  // Faces are gone around counterclockwise, and what is outside of all of them clockwise; y is down.
  const area = -areaOf(xs, ys);
  const around = lengthAlong(xs, ys);
  if (area < Math.max(WIDTH_MIN_PENS * penPx, WIDTH_MIN_PX) * around) return false;
  const { radius, residual } = circleThrough(xs, ys);
  if (residual < ROUND_SHARE * radius) return true;
  const hull = hullOf(xs, ys);
  const corners = cornersOf(hull, CORNER_SHARE * around);
  const share = area / Math.abs(areaOf(hull.xs, hull.ys));
  const isCoarse = (_: number, i: number) => i % COARSE_POINTS === 0;
  const wavy = lengthAlong(xs.filter(isCoarse), ys.filter(isCoarse));
  if (wavy > WAVY_SHARE * lengthAlong([...hull.xs, hull.xs[0]!], [...hull.ys, hull.ys[0]!])) return false;
  if (share < CONVEX_SHARE || corners < 3 || corners > CORNERS_MAX) return false;
  // Two posts and two beams are a box only if it is about as wide as high.
  return corners > tees || (corners === 4 && area > SQUARE_SHARE * around ** 2);
}

/**
 * For the end at which one begins to go along a branch: that of the next branch of the same face, counterclockwise as seen. -1 for
 * branches that lead nowhere.
 */
function turnsIn(graph: SkeletonGraph): Int32Array {
  const { joints, branches } = graph;
  const numbers = new Map(branches.map((branch, i) => [branch, 2 * i]));
  const around = endsAt(graph).map((ends) => ends.map(({ branch, side }) => numbers.get(branch)! + side));
  const jointAt = branches.flatMap(({ joints: at }) => at.map((joint) => joint ?? -1));
  const isAlone = (end: number) => jointAt[end]! < 0 || around[jointAt[end]!]!.length < 2;
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    around.forEach((ends, joint) => {
      const kept = ends.filter((end) => !isAlone(end) && !isAlone(end ^ 1));
      if (kept.length === ends.length) return;
      around[joint] = kept;
      isChanged = true;
    });
  }
  const turns = new Int32Array(2 * branches.length).fill(-1);
  around.forEach((ends, joint) => {
    const { x, y, radius } = joints[joint]!;
    const reach = radius + REACH_PX;
    const angles = new Map(ends.map((end) => [end, angleOf(graph, end, x, y, reach)]));
    const sorted = ends.toSorted((a, b) => angles.get(a)! - angles.get(b)!);
    sorted.forEach((end, i) => {
      turns[end ^ 1] = sorted[(i + 1) % sorted.length]!;
    });
  });
  return turns;
}

/** In which direction a branch leaves a place: where it is first farther away from it than `reach`. */
function angleOf({ branches }: SkeletonGraph, end: number, x: number, y: number, reach: number): number {
  const { xs, ys } = branches[end >> 1]!;
  const count = xs.length;
  let at = 0;
  for (let i = 0; i < count; i++) {
    at = end & 1 ? count - 1 - i : i;
    if ((xs[at]! - x) ** 2 + (ys[at]! - y) ** 2 > reach * reach) break;
  }
  return Math.atan2(ys[at]! - y, xs[at]! - x);
}
