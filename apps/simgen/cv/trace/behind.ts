import { lineResidual } from "./curve-fit.ts";
import { degreesBetween, headingFrom } from "./heading.ts";
import { lengthAlong, type SkeletonGraph } from "./skeleton-graph.ts";

/** How far a side may be from straight, as a share of its length, and by how much a line may turn where it comes upon it. */
const RESIDUAL_SHARE = 0.03;
const TURN_DEGREES = 25;
const CHORD_SHARE = 0.8;

/** A line's end on an outline. */
interface Arrival {
  line: number;
  side: 0 | 1;
  /** The number of its end there. */
  end: number;
  /** Onward from it, rad. */
  heading: number;
}

/**
 * Joins lines that go on as each other behind a side of an outline, which hides what is between them: the ground on both sides of a
 * box. Lines and outlines are given by the ends at which their branches begin, one after the other.
 */
export function joinBehind(
  graph: SkeletonGraph,
  lines: readonly number[][],
  outlines: readonly (readonly number[])[],
): number[][] {
  const { branches } = graph;
  const jointAt = (end: number) => branches[end >> 1]!.joints[end & 1];
  const arrivals = lines.flatMap((line, i) =>
    ([0, 1] as const).map((side): Arrival => {
      const end = side === 0 ? line[0]! : line.at(-1)! ^ 1;
      const heading = headingFrom({ branch: branches[end >> 1]!, side: end & 1 ? 1 : 0 }) + Math.PI;
      return { line: i, side, end, heading };
    }),
  );
  const joined = lines.map((line) => [...line]);
  const placeOf = lines.map((_, i) => i);
  const isTaken = new Set<number>();
  for (const outline of outlines) {
    const found = arrivals.flatMap((arrival) => {
      const joint = jointAt(arrival.end);
      const at = joint === undefined ? -1 : outline.findIndex((end) => jointAt(end) === joint);
      return at < 0 || outline.some((end) => end >> 1 === arrival.end >> 1) ? [] : [{ arrival, at }];
    });
    for (const one of found)
      for (const other of found) {
        if (one.at === other.at || isTaken.has(one.arrival.end) || isTaken.has(other.arrival.end)) continue;
        const path =
          one.at < other.at
            ? outline.slice(one.at, other.at)
            : [...outline.slice(one.at), ...outline.slice(0, other.at)];
        if (!isStraightOn(graph, one.arrival, path, other.arrival)) continue;
        const [a, b] = [placeOf[one.arrival.line]!, placeOf[other.arrival.line]!];
        if (a === b) continue;
        isTaken.add(one.arrival.end).add(other.arrival.end);
        const first = joined[a]!.at(-1)! === (one.arrival.end ^ 1) ? joined[a]! : reversed(joined[a]!);
        const second = joined[b]![0] === other.arrival.end ? joined[b]! : reversed(joined[b]!);
        joined[a] = [...first, ...path, ...second];
        joined[b] = [];
        placeOf.forEach((place, line) => {
          if (place === b) placeOf[line] = a;
        });
      }
  }
  return joined.filter((line) => line.length > 0);
}

function isStraightOn({ branches }: SkeletonGraph, one: Arrival, path: readonly number[], other: Arrival): boolean {
  const xs: number[] = [];
  const ys: number[] = [];
  for (const end of path) {
    const branch = branches[end >> 1]!;
    xs.push(...(end & 1 ? branch.xs.toReversed() : branch.xs));
    ys.push(...(end & 1 ? branch.ys.toReversed() : branch.ys));
  }
  const [dx, dy] = [xs.at(-1)! - xs[0]!, ys.at(-1)! - ys[0]!];
  const direction = Math.atan2(dy, dx);
  const length = lengthAlong(xs, ys);
  // There and back, around a narrow box, is no side.
  if (Math.hypot(dx, dy) < CHORD_SHARE * length) return false;
  const turns = [degreesBetween(one.heading, direction), degreesBetween(direction, other.heading + Math.PI)];
  return turns.every((turn) => Math.abs(turn) < TURN_DEGREES) && lineResidual(xs, ys) < RESIDUAL_SHARE * length;
}

function reversed(chain: readonly number[]): number[] {
  return chain.map((end) => end ^ 1).reverse();
}
