import { degreesBetween, headingFrom } from "./heading.ts";
import type { Ink } from "./ink.ts";
import { type Branch, type End, endsAt, type Joint, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn, type Tail, tailsIn } from "./tails.ts";

/** The sides of an arrow's head lead back from its tip along the shaft, one on each side and apart from it by so much. */
const BARB_DEGREES = [9, 80] as const;
const BARB_LENGTH_RATIO = 0.35;
const BARB_PENS = 2;
const SHAFT_PENS = 6;
const TIP_PENS = 5;
/** What thinning leaves of a head hangs together by branches no longer than this. */
const LINK_PENS = 4.5;
const JOINTS_MAX = 5;

/** What is at the end of a shaft. */
interface Cluster {
  joints: Set<number>;
  /** Between its joints. */
  links: Set<Branch>;
  tails: Tail[];
  /** Its joints at which other lines than the shaft leave. */
  passed: Set<number>;
}

/**
 * Makes one bent line of the two sides of an arrow's head, from the tip, to which the shaft then leads: thinning makes them part
 * from it farther back, and from each other. Gives these heads.
 */
export function mendArrowheads(graph: SkeletonGraph, ink: Ink): Set<Branch> {
  const heads = new Set<Branch>();
  const hatching = hatchingIn(graph, ink.penPx);
  const tails = new Map(tailsIn(graph, ink.penPx).map((tail) => [tail.branch, tail]));
  const isDone = new Set<number>();
  let ends = endsAt(graph);
  for (let at = 0; at < ends.length; at++) {
    if (isDone.has(at)) continue;
    for (const shaft of ends[at]!) {
      if (lengthOf(shaft.branch) < SHAFT_PENS * ink.penPx) continue;
      const cluster = clusterAt(ends, at, shaft, tails, ink.penPx);
      if (!cluster || cluster.tails.some(({ branch }) => hatching.has(branch)) || !mend(graph, ink, at, shaft, cluster))
        continue;
      for (const joint of cluster.joints) isDone.add(joint);
      ends = endsAt(graph);
      break;
    }
  }
  return heads;
}

function clusterAt(
  ends: readonly (readonly End[])[],
  at: number,
  shaft: End,
  tails: ReadonlyMap<Branch, Tail>,
  penPx: number,
): Cluster | undefined {
  const cluster: Cluster = { joints: new Set([at]), links: new Set(), tails: [], passed: new Set() };
  for (const joint of cluster.joints)
    for (const end of ends[joint]!) {
      const { branch, side } = end;
      if (branch === shaft.branch) continue;
      const tail = tails.get(branch);
      const next = branch.joints[1 - side];
      if (tail) cluster.tails.push(tail);
      else if (next === undefined || lengthOf(branch) > LINK_PENS * penPx) cluster.passed.add(joint);
      else {
        cluster.links.add(branch);
        cluster.joints.add(next);
      }
      if (cluster.joints.size > JOINTS_MAX) return undefined;
    }
  return cluster.tails.length < 2 ? undefined : cluster;
}

function mend(graph: SkeletonGraph, ink: Ink, at: number, shaft: End, cluster: Cluster): Branch | undefined {
  const { penPx } = ink;
  const joint = graph.joints[at]!;
  const back = headingFrom(shaft);
  const way = tipBeyond(ink, joint, back);
  const tip = { x: joint.x - way * Math.cos(back), y: joint.y - way * Math.sin(back) };
  const barbs = cluster.tails
    .map(({ x, y }) => ({
      x,
      y,
      length: Math.hypot(x - tip.x, y - tip.y),
      degrees: degreesBetween(back, Math.atan2(y - tip.y, x - tip.x)),
    }))
    .filter(({ degrees }) => isBetween(Math.abs(degrees), BARB_DEGREES))
    .sort((a, b) => b.length - a.length);
  const a = barbs.find(({ degrees }) => degrees > 0);
  const b = barbs.find(({ degrees }) => degrees < 0);
  if (!a || !b) return undefined;
  const [shorter, longer] = [Math.min(a.length, b.length), Math.max(a.length, b.length)];
  if (shorter < BARB_PENS * penPx || shorter < BARB_LENGTH_RATIO * longer) return undefined;
  const isKept = ({ joints: [from, to] }: Branch) => cluster.passed.has(from!) && cluster.passed.has(to!);
  const gone = new Set(
    [...cluster.tails.map(({ branch }) => branch), ...cluster.links].filter((each) => !isKept(each)),
  );
  graph.branches = graph.branches.filter((branch) => !gone.has(branch));
  const head: Branch = {
    xs: [a.x, tip.x, b.x],
    ys: [a.y, tip.y, b.y],
    radius: shaft.branch.radius,
    joints: [undefined, undefined],
    isLoop: false,
  };
  graph.branches.push(head);
  if (!cluster.passed.has(at)) Object.assign(joint, tip);
  return head;
}

/** How far a pen's middle has gone on beyond a joint, against a direction. */
function tipBeyond({ distances, stride, penPx }: Ink, { x, y }: Joint, back: number): number {
  let way = 0;
  for (; way < TIP_PENS * penPx; way++) {
    const column = Math.round(x - way * Math.cos(back)) + 1;
    const row = Math.round(y - way * Math.sin(back)) + 1;
    if (!distances[row * stride + column]) break;
  }
  return Math.max(0, way - penPx / 2);
}

function isBetween(value: number, [min, max]: readonly [number, number]): boolean {
  return value >= min && value <= max;
}
