import { degreesBetween, headingFrom } from "./heading.ts";
import { type Branch, type End, endsAt, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

/** How much longer than the ink is wide a side line must be, in widths of the pen and pixels. */
const SPUR_PENS = 0.45;
const SPUR_EXTRA_PX = 1.5;
/** A shorter line that turns off from another one's end by more is not joined to it. */
const TAIL_PENS = 9;
const CORNER_DEGREES = 45;
/** Corners more acute than this are pulled back by thinning. */
const ACUTE_DEGREES = 75;
/** How much of a short side is seen, points. */
const SIDE_POINTS = 8;
const SHARED_DEGREES_MIN = 15;
/** Hands do not draw it as exactly as the angle says. */
const SHARED_WAY = 1.8;
/** How far a hand draws beyond a corner. */
const OVERSHOOT_PENS = 6;
const OPPOSITE_DEGREES = 30;
const TAIL_CUT_PENS = 1.5;
const TAIL_CUT_EXTRA_PX = 6;
/** Shorter lines are no sides of a shape. */
const SIDE_PENS = 5;
const ROUNDS_MAX = 8;

/** Takes away what thinning makes of uneven edges: short lines that end freely. Lines that then only meet end to end become one. */
export function pruneSpurs(graph: SkeletonGraph, penPx: number): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const gone = new Set<Branch>();
    const hatching = hatchingIn(graph, penPx);
    endsAt(graph).forEach((ends, at) => {
      const joint = graph.joints[at]!;
      for (const spur of spursAmong(ends, at, joint.radius + SPUR_PENS * penPx + SPUR_EXTRA_PX))
        if (!isLinesEnd(spur, ends, hatching)) gone.add(spur.branch);
      const lines = ends.filter(({ branch }) => !hatching.has(branch) && !gone.has(branch));
      for (const { branch } of overshootsAmong(lines, penPx)) gone.add(branch);
      const tip = tipAmong(ends, penPx) ?? tipAmong(lines, penPx);
      if (!tip) return;
      gone.add(tip.branch);
      const last = tip.side === 0 ? -1 : 0;
      Object.assign(joint, { x: tip.branch.xs.at(last), y: tip.branch.ys.at(last) });
      for (const { branch, side } of ends) if (hatching.has(branch)) branch.joints[side] = undefined;
    });
    if (gone.size > 0) graph.branches = graph.branches.filter((branch) => !gone.has(branch));
    if (!joinPairs(graph, penPx) && gone.size === 0) return;
  }
}

/** At the end of a broad line two run into its corners. Of a speck with nothing else the longest stays. */
function spursAmong(ends: readonly End[], joint: number, limit: number): End[] {
  const spurs = ends.filter(({ branch, side }) => {
    const other = branch.joints[1 - side];
    return lengthOf(branch) < limit && (other === undefined || other === joint);
  });
  if (spurs.length < ends.length) return spurs;
  return spurs.sort((a, b) => lengthOf(b.branch) - lengthOf(a.branch)).slice(1);
}

/** Whether a line goes on as the short one beyond the last stroke of hatching along it. */
function isLinesEnd(spur: End, ends: readonly End[], hatching: ReadonlySet<Branch>): boolean {
  const others = ends.filter((end) => end !== spur);
  const [line, another] = others.filter(({ branch }) => !hatching.has(branch));
  if (!line || another || others.length < 2 || lengthOf(spur.branch) < SPUR_EXTRA_PX) return false;
  return Math.abs(degreesBetween(headingFrom(spur) + Math.PI, headingFrom(line))) < CORNER_DEGREES;
}

/** Takes away what lines go on beyond another one, on which a hand meant to end them. */
export function cutTails(graph: SkeletonGraph, apart: ReadonlySet<Branch>, penPx: number): void {
  const lengthMax = TAIL_CUT_PENS * penPx + TAIL_CUT_EXTRA_PX;
  const isTail = (end: End) => isFree(end) && !apart.has(end.branch) && lengthOf(end.branch) < lengthMax;
  const gone = new Set<Branch>();
  for (const ends of endsAt(graph)) {
    const [tail, another] = ends.filter(isTail);
    if (ends.length === 4 && tail && !another) gone.add(tail.branch);
  }
  graph.branches = graph.branches.filter((branch) => !gone.has(branch));
}

/** Lets both sides of an acute corner that touches another line begin there, and not where they part. */
export function mendTips(graph: SkeletonGraph, penPx: number): void {
  const all = endsAt(graph);
  const isTouching = ({ branch, side }: End) => {
    const at = branch.joints[1 - side];
    return at !== undefined && at !== branch.joints[side] && all[at]!.length > 2;
  };
  const isMoved = new Set<number>();
  all.forEach((ends, joint) => {
    const tip = tipAmong(ends, penPx, isTouching);
    const at = tip?.branch.joints[1 - tip.side];
    if (!tip || at === undefined || isMoved.has(at)) return;
    if (ends.some((end) => end !== tip && lengthOf(end.branch) < SIDE_PENS * penPx)) return;
    isMoved.add(joint);
    for (const end of ends) if (end !== tip) end.branch.joints[end.side] = at;
    graph.branches = graph.branches.filter((branch) => branch !== tip.branch);
  });
}

/** Two sides drawn beyond their corner: each has a short line opposite to it. */
function overshootsAmong(ends: readonly End[], penPx: number): End[] {
  if (ends.length !== 4) return [];
  const isShort = (end: End) => isFree(end) && lengthOf(end.branch) < OVERSHOOT_PENS * penPx;
  const [short, long] = [ends.filter(isShort), ends.filter((end) => !isShort(end))];
  if (short.length !== 2) return [];
  const isOpposite = (a: End, b: End) =>
    Math.abs(degreesBetween(headingFrom(a) + Math.PI, headingFrom(b))) < OPPOSITE_DEGREES;
  return short.every((one) => long.filter((other) => isOpposite(one, other)).length === 1) ? short : [];
}

/**
 * In the ink of an acute corner the two sides are one line over some way: that from where they part to the corner. A side may
 * bend soon after: a spring's first, to what it hangs from.
 */
function tipAmong(ends: readonly End[], penPx: number, isTip: (end: End) => boolean = isFree): End | undefined {
  if (ends.length !== 3) return undefined;
  return ends.find(
    (tip) => isTip(tip) && [undefined, SIDE_POINTS].some((points) => isCornersTip(tip, ends, points, penPx)),
  );
}

function isCornersTip(tip: End, ends: readonly End[], points: number | undefined, penPx: number): boolean {
  const [one, other] = ends.filter((end) => end !== tip).map((end) => headingFrom(end, points));
  const angle = degreesBetween(one!, other!);
  if (Math.abs(angle) > ACUTE_DEGREES) return false;
  const middle = one! + (angle * Math.PI) / 360;
  if (Math.abs(degreesBetween(headingFrom(tip) + Math.PI, middle)) > ACUTE_DEGREES / 2) return false;
  const shared = penPx / 2 / Math.sin((Math.max(Math.abs(angle), SHARED_DEGREES_MIN) * Math.PI) / 360);
  return lengthOf(tip.branch) < SHARED_WAY * shared + penPx;
}

function isFree({ branch, side }: End): boolean {
  return branch.joints[1 - side] === undefined;
}

/** Makes one line of two that are alone at a joint, a loop of one that begins and ends there, and a free end of one alone. */
export function joinPairs(graph: SkeletonGraph, penPx: number): boolean {
  const ends = endsAt(graph);
  let isChanged = false;
  ends.forEach(([one, other, third], joint) => {
    if (!one || third || (other && isCorner(one, other, penPx))) return;
    isChanged = true;
    const { x, y } = graph.joints[joint]!;
    const first = from(one, 1);
    first.xs.push(x);
    first.ys.push(y);
    let joined: Branch;
    if (!other) joined = { ...first, joints: [first.joints[0], undefined] };
    else if (other.branch === one.branch) joined = { ...first, joints: [undefined, undefined], isLoop: true };
    else {
      const second = from(other, 0);
      const share = first.xs.length / (first.xs.length + second.xs.length);
      joined = {
        xs: first.xs.concat(second.xs),
        ys: first.ys.concat(second.ys),
        radius: first.radius * share + second.radius * (1 - share),
        joints: [first.joints[0], second.joints[1]],
        isLoop: false,
      };
    }
    const old = [one.branch, other?.branch];
    graph.branches = graph.branches.filter((branch) => !old.includes(branch)).concat(joined);
    ends[joint] = [];
    for (const at of joined.joints)
      if (at !== undefined) ends[at] = ends[at]!.filter(({ branch }) => !old.includes(branch));
    for (const side of [0, 1] as const) {
      const at = joined.joints[side];
      if (at !== undefined) ends[at]!.push({ branch: joined, side });
    }
  });
  return isChanged;
}

/** Whether a short line leaves the end of another one: it may be a stroke of hatching. */
function isCorner(one: End, other: End, penPx: number): boolean {
  const isShort = (end: End) => isFree(end) && lengthOf(end.branch) < TAIL_PENS * penPx;
  if (isShort(one) === isShort(other)) return false;
  return Math.abs(degreesBetween(headingFrom(one) + Math.PI, headingFrom(other))) > CORNER_DEGREES;
}

/** The branch, turned so that the given end of it is at its first pixel (0) or its last (1). */
function from({ branch, side }: End, at: 0 | 1): Branch {
  const { xs, ys, joints } = branch;
  if (side === at) return { ...branch, xs: xs.slice(), ys: ys.slice() };
  return { ...branch, xs: xs.toReversed(), ys: ys.toReversed(), joints: [joints[1], joints[0]] };
}
