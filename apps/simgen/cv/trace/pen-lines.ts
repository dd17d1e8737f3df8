import { joinBehind } from "./behind.ts";
import { degreesBetween, headingFrom } from "./heading.ts";
import { skipAt } from "./sight.ts";
import { type Branch, type Joint, lengthAlong, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";

const CORNER_DEGREES = 75;

/** A line as a pen draws it, by points about a pixel apart. */
export interface PenLine {
  xs: number[];
  ys: number[];
  isClosed: boolean;
  /** Whether its first and its last point lie on no other line. */
  isFree: [first: boolean, last: boolean];
}

/**
 * Follows the branches from end to end, across joints where they go on. What is only the outline of a shape is none of a line's
 * own: it is left out at the line's ends, and the line altogether if it has nothing else.
 */
export function linesOf(
  graph: SkeletonGraph,
  onward: Int32Array,
  outlines: readonly { chain: readonly number[] }[],
  isOutline: Uint8Array,
  hatching: ReadonlySet<Branch>,
): PenLine[] {
  const { branches } = graph;
  const isDone = new Uint8Array(branches.length);
  const chainFrom = (start: number): number[] => {
    const chain: number[] = [];
    for (let end = start; end >= 0 && !isDone[end >> 1]; end = onward[end ^ 1]!) {
      isDone[end >> 1] = 1;
      chain.push(end);
    }
    return chain;
  };
  const isOwn = (end: number) => !isOutline[end >> 1];
  const open: number[][] = [];
  for (let end = 0; end < onward.length; end++) {
    if (onward[end]! >= 0 || isDone[end >> 1] || branches[end >> 1]!.isLoop) continue;
    const chain = chainFrom(end);
    const own = chain.slice(chain.findIndex(isOwn), chain.findLastIndex(isOwn) + 1);
    if (own.length > 0) open.push(own);
  }
  const loops = branches
    .filter(({ isLoop }) => isLoop)
    .map(({ xs, ys }) => ({ xs, ys, isClosed: true, isFree: [false, false] as [boolean, boolean] }));
  const closed = branches.flatMap(({ isLoop }, i) => (isLoop || isDone[i] ? [] : [chainFrom(2 * i)]));
  const lines = joinBehind(graph, open, [...outlines.map(({ chain }) => chain), ...closed]).map((chain) => {
    const line = lineAlong(graph, chain, onward, false);
    // No line goes on as a stroke of hatching.
    if (hatching.has(branches[chain[0]! >> 1]!)) line.isFree = [false, false];
    return line;
  });
  return [
    ...lines,
    ...loops,
    ...closed.filter((chain) => chain.some(isOwn)).map((chain) => lineAlong(graph, chain, onward, true)),
  ];
}

/** The line through branches, each given by the end at which it begins. */
export function lineAlong(
  graph: SkeletonGraph,
  chain: readonly number[],
  onward: Int32Array,
  isClosed: boolean,
): PenLine {
  const line: PenLine = { xs: [], ys: [], isClosed, isFree: [true, true] };
  chain.forEach((end, i) => {
    const before = chain[i - 1] ?? (isClosed ? chain.at(-1) : undefined);
    const after = chain[i + 1] ?? (isClosed ? chain[0] : undefined);
    append(line, graph, end, goesOn(graph, before, end, onward), goesOn(graph, end, after, onward));
  });
  if (isClosed) line.isFree = [false, false];
  return line;
}

/** Whether a line goes from one branch to the next without a corner at the joint. */
function goesOn(
  { branches }: SkeletonGraph,
  before: number | undefined,
  after: number | undefined,
  onward: Int32Array,
): boolean {
  if (before === undefined || after === undefined || onward[before ^ 1] !== after) return false;
  const [arrival, departure] = [before ^ 1, after].map((end) =>
    headingFrom({ branch: branches[end >> 1]!, side: end & 1 ? 1 : 0 }),
  );
  return Math.abs(degreesBetween(arrival! + Math.PI, departure!)) < CORNER_DEGREES;
}

/** Adds the branch that begins at this end: up to the joint where it ends or turns, and without what bends towards one that it crosses. */
function append(
  line: PenLine,
  { branches, joints }: SkeletonGraph,
  end: number,
  isCrossing: boolean,
  crosses: boolean,
): void {
  const branch = branches[end >> 1]!;
  const length = lengthOf(branch);
  const count = branch.xs.length;
  const jointAt = (each: number) => joints[branch.joints[each & 1] ?? -1];
  const skipped = (joint: Joint | undefined) => (joint ? Math.floor((skipAt(joint, length) * count) / length) : 0);
  const [xs, ys] = end & 1 ? [branch.xs.toReversed(), branch.ys.toReversed()] : [branch.xs, branch.ys];
  const [from, to] = [jointAt(end), jointAt(end ^ 1)];
  if (!isCrossing) addJoint(line, 0, from);
  const last = count - (crosses ? skipped(to) : 0);
  for (let i = isCrossing ? skipped(from) : 0; i < last; i++) {
    line.xs.push(xs[i]!);
    line.ys.push(ys[i]!);
  }
  if (!crosses) addJoint(line, 1, to);
}

function addJoint(line: PenLine, side: 0 | 1, joint: Joint | undefined): void {
  line.isFree[side] = joint === undefined;
  if (!joint) return;
  line.xs.push(joint.x);
  line.ys.push(joint.y);
}

export function lineLength({ xs, ys }: PenLine): number {
  return lengthAlong(xs, ys);
}
