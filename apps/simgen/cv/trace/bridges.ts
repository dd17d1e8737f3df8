import { costsAmong, limitOf, residualOf, sightOf, sightWithin } from "./sight.ts";
import { type Branch, type End, endsAt, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

/** Joints closer to each other than this are one, in widths of the pen. */
const SHORT_PENS = 1.3;
/** So are those up to this far apart, if both lines at one go on beyond the other. */
const LONG_PENS = 14;
/** How far from both lines the way between may be, as a share of what is allowed elsewhere. */
const RESIDUAL_SHARE = 1.3;

/** Makes one joint of those that thinning makes of one place: where several lines meet or cross, not quite in one point. */
export function mergeNearJoints(graph: SkeletonGraph, penPx: number): void {
  mergeAcross(graph, (branch) => lengthOf(branch) <= SHORT_PENS * penPx);
}

/** Lines that cross share some way, the longer the more acute their angle, and so does a wheel with the ground: makes one joint of both ends. */
export function mergeOverlaps(graph: SkeletonGraph, penPx: number): void {
  const hatching = hatchingIn(graph, penPx);
  const ends = endsAt(graph);
  mergeAcross(graph, (branch, a, b) => {
    const others = [...ends[a]!, ...ends[b]!].filter((end) => end.branch !== branch);
    if (lengthOf(branch) >= LONG_PENS * penPx || others.some((end) => hatching.has(end.branch))) return false;
    return isOverlap(graph, ends[a]!, ends[b]!, branch, penPx);
  });
}

/** Takes bridges away and puts a joint in the middle between those at their ends. */
function mergeAcross(graph: SkeletonGraph, isBridge: (branch: Branch, a: number, b: number) => boolean): void {
  const parent = graph.joints.map((_, i) => i);
  const rootOf = (joint: number): number => {
    let root = joint;
    while (parent[root] !== root) root = parent[root]!;
    return root;
  };
  const bridges = new Set<Branch>();
  for (const branch of graph.branches) {
    const [a, b] = branch.joints;
    if (a === undefined || b === undefined || a === b || !isBridge(branch, a, b)) continue;
    bridges.add(branch);
    parent[rootOf(a)] = rootOf(b);
  }
  if (bridges.size === 0) return;
  graph.branches = graph.branches.filter((branch) => !bridges.has(branch));
  for (const branch of graph.branches) {
    const [a, b] = branch.joints;
    branch.joints = [a === undefined ? a : rootOf(a), b === undefined ? b : rootOf(b)];
  }
  const members = Map.groupBy(graph.joints.keys(), rootOf);
  for (const [root, joints] of members) {
    const all = joints.map((joint) => graph.joints[joint]!);
    graph.joints[root] = {
      x: all.reduce((sum, { x }) => sum + x, 0) / all.length,
      y: all.reduce((sum, { y }) => sum + y, 0) / all.length,
      radius: Math.max(...all.map(({ radius }) => radius)),
    };
  }
}

/** Whether each of two lines at one end of a branch goes on along it as one of two at the other end. */
function isOverlap(
  graph: SkeletonGraph,
  atA: readonly End[],
  atB: readonly End[],
  bridge: Branch,
  penPx: number,
): boolean {
  const others = [...atA, ...atB].filter(({ branch }) => branch !== bridge);
  if (atA.length !== 3 || atB.length !== 3 || others.length !== 4) return false;
  const sights = others.map((end) => sightOf(graph, end, penPx));
  const costs = costsAmong(sights, penPx);
  const middle = sightWithin({ branch: bridge, side: 0 }, lengthOf(bridge), 0, lengthOf(bridge));
  const limit = RESIDUAL_SHARE * limitOf(penPx);
  const goesOn = (i: number, j: number) => {
    if (costs[i]![j]! > 1) return false;
    const all = [sights[i]!, middle, sights[j]!];
    return (
      residualOf(
        all.flatMap(({ xs }) => xs),
        all.flatMap(({ ys }) => ys),
      ) < limit
    );
  };
  return (goesOn(0, 2) && goesOn(1, 3)) || (goesOn(0, 3) && goesOn(1, 2));
}
