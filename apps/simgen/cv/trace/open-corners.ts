import { degreesBetween, headingFrom } from "./heading.ts";
import type { Ink } from "./ink.ts";
import { endOnLines, type Place, type Stop } from "./line-ends.ts";
import { type Branch, type End, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";

/** How far a closed shape may end from where it began: in widths of the pen, and pixels. */
const GAP_PENS = 2.5;
const GAP_EXTRA_PX = 4;
/** Shorter lines are no sides of a shape, in gaps: but they may be what of one goes on beyond another line. */
const SIDE_GAPS = 2;
/** With more free ends it is a pattern. */
const ENDS_MAX = 400;
/** Less of a turn is no corner, of which the place can be told. */
const CORNER_DEGREES = 20;
/** A line ahead of an end is within some 45 degrees. */
const AHEAD_COSINE = 0.7;

interface OpenEnd extends End {
  /** Of a line that is long enough for a side of a shape. */
  isSide: boolean;
  x: number;
  y: number;
  /** Onward from the end, rad. */
  heading: number;
}

interface Gap {
  one: OpenEnd;
  /** Another end, or where a line is. */
  other: OpenEnd | Place;
  gap: number;
}

/**
 * Joins free ends near each other, the nearest first, and those that stop short of a line, where that closes a shape: what they are
 * the ends of hangs together already, or by other such gaps. Lines apart stay as they are.
 */
export function closeCorners(graph: SkeletonGraph, apart: ReadonlySet<Branch>, { penPx, width, height }: Ink): void {
  const gapMax = GAP_PENS * penPx + GAP_EXTRA_PX;
  const ends = graph.branches.flatMap((branch) => (apart.has(branch) ? [] : openEndsOf(branch, SIDE_GAPS * gapMax)));
  if (ends.length > ENDS_MAX) return;
  const near = ends.flatMap((one, i) =>
    ends.slice(i + 1).flatMap((other): Gap[] => {
      const gap = Math.hypot(other.x - one.x, other.y - one.y);
      return gap < gapMax && one.branch !== other.branch && (one.isSide || other.isSide) ? [{ one, other, gap }] : [];
    }),
  );
  const taken = new Set<unknown>();
  const corners = near
    .sort((a, b) => a.gap - b.gap)
    .filter(({ one, other }) => !taken.has(one) && !taken.has(other) && taken.add(one).add(other));
  const sides = ends
    .filter((end) => end.isSide && !taken.has(end))
    .flatMap((end) => gapAhead(graph, apart, end, gapMax));
  const gaps = [...corners, ...sides];
  const isClosing = gaps.map((gap) => {
    const pieces = new Pieces(graph);
    for (const each of gaps) if (each !== gap) pieces.join(each.one.branch, each.other.branch);
    return pieces.areJoined(gap.one.branch, gap.other.branch);
  });
  const within = (value: number, size: number) => Math.max(0, Math.min(size - 1, value));
  const stops: Stop[] = [];
  gaps.forEach(({ one, other }, i) => {
    if (!isClosing[i]) return;
    if ("at" in other) {
      stops.push({ end: one, ...other });
      return;
    }
    const { x, y } = cornerOf(one, other, gapMax);
    const joint = graph.joints.push({ x: within(x, width), y: within(y, height), radius: penPx / 2 }) - 1;
    one.branch.joints[one.side] = joint;
    other.branch.joints[other.side] = joint;
  });
  endOnLines(graph, stops, penPx);
}

/** To the nearest line within reach ahead of an end. */
function gapAhead({ branches }: SkeletonGraph, apart: ReadonlySet<Branch>, one: OpenEnd, gapMax: number): Gap[] {
  let best: Gap[] = [];
  let nearest = gapMax;
  const [dx, dy] = [Math.cos(one.heading), Math.sin(one.heading)];
  for (const branch of branches) {
    if (branch === one.branch || branch.isLoop || apart.has(branch)) continue;
    branch.xs.forEach((px, at) => {
      const [x, y] = [px - one.x, branch.ys[at]! - one.y];
      if (Math.abs(x) > nearest || Math.abs(y) > nearest) return;
      const gap = Math.hypot(x, y);
      if (gap >= nearest || x * dx + y * dy < AHEAD_COSINE * gap) return;
      nearest = gap;
      best = [{ one, other: { branch, at }, gap }];
    });
  }
  return best;
}

function openEndsOf(branch: Branch, sideMin: number): OpenEnd[] {
  const isSide = lengthOf(branch) >= sideMin;
  const isAlone = branch.joints.every((joint) => joint === undefined);
  if (branch.isLoop || (isAlone && !isSide)) return [];
  return ([0, 1] as const)
    .filter((side) => branch.joints[side] === undefined)
    .map((side) => {
      const at = side === 0 ? 0 : -1;
      return {
        branch,
        side,
        isSide,
        x: branch.xs.at(at)!,
        y: branch.ys.at(at)!,
        heading: headingFrom({ branch, side }) + Math.PI,
      };
    });
}

/** Where both would meet, or the middle between them. */
function cornerOf(one: OpenEnd, other: OpenEnd, wayMax: number): { x: number; y: number } {
  const [dx, dy] = [other.x - one.x, other.y - one.y];
  const turn = degreesBetween(one.heading, other.heading);
  if (Math.abs(turn) > CORNER_DEGREES && Math.abs(turn) < 180 - CORNER_DEGREES) {
    const way = (dx * Math.sin(other.heading) - dy * Math.cos(other.heading)) / Math.sin((turn * Math.PI) / 180);
    if (Math.abs(way) < wayMax)
      return { x: one.x + way * Math.cos(one.heading), y: one.y + way * Math.sin(one.heading) };
  }
  return { x: one.x + dx / 2, y: one.y + dy / 2 };
}

/** What hangs together: branches by their joints, or joined otherwise. */
class Pieces {
  readonly #parents = new Map<number | Branch, number | Branch>();

  constructor({ branches }: SkeletonGraph) {
    for (const branch of branches) for (const joint of branch.joints) if (joint !== undefined) this.join(branch, joint);
  }

  join(one: number | Branch, other: number | Branch): void {
    const [a, b] = [this.#rootOf(one), this.#rootOf(other)];
    if (a !== b) this.#parents.set(a, b);
  }

  areJoined(one: Branch, other: Branch): boolean {
    return this.#rootOf(one) === this.#rootOf(other);
  }

  #rootOf(one: number | Branch): number | Branch {
    let root = one;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    return root;
  }
}
