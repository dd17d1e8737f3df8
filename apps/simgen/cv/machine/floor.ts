import type { Assembly, Cluster, Group } from "./assembly.ts";
import { boundsOf, type Measures, moved, type Part } from "./part.ts";
import { distance, pathLength, type Spot } from "./plane.ts";
import { hangs, membersOf } from "./settle.ts";

/** rad; a drawn ground this level is level. */
const LEVEL = 0.07;
/** How far off its mean height a level ground may be, as a share of the machine. */
const UNEVEN = 0.03;
/** Below what swings, as a share of the machine. */
const ROOM = 0.03;
/** A spring that hangs stretches so many times its length at most. */
const STRETCH = 1.6;
/** Of a rope's direction, how much must be up for what it holds to swing. */
const SLANTED = 0.3;

/**
 * Lifts or lowers everything so that the floor is at height 0: where a level ground was drawn, else at the lowest point,
 * or below all that swings. Gives the ground that became the floor, any other being a fixed slab, and how far down all went.
 */
export function layFloor(
  assembly: Assembly,
  near: number,
  measures: Measures,
): { floor: Part | undefined; down: number } {
  const { parts, pins, ties } = assembly;
  const drawn = parts.filter((part) => part.kind === "ground").toSorted((a, b) => meanHeight(a) - meanHeight(b))[0];
  const others = parts.filter((part) => part !== drawn);
  const floor =
    drawn && isLevel(drawn, measures) && !others.some((part) => liesBelow(part, drawn, measures)) ? drawn : undefined;
  const height = floor ? meanHeight(floor) : lowestOf(assembly, near, measures);
  const lowered = ([x, z]: Spot): Spot => [x, z - height];
  for (const part of parts) moved(part, lowered);
  for (const pin of pins) pin.at = lowered(pin.at);
  for (const tie of ties) tie.path = tie.path.map(lowered);
  return { floor, down: height };
}

function meanHeight({ points }: Part): number {
  const whole = pathLength(points);
  const sum = points.slice(1).reduce((total, point, at) => {
    const before = points[at] ?? point;
    return total + (distance(before, point) * (before[1] + point[1])) / 2;
  }, 0);
  return sum / whole;
}

function isLevel(ground: Part, { extent }: Measures): boolean {
  const [first, last] = [ground.points[0] ?? [0, 0], ground.points.at(-1) ?? [0, 0]];
  const mean = meanHeight(ground);
  const slope = Math.abs(last[1] - first[1]) / Math.max(1e-9, Math.abs(last[0] - first[0]));
  return slope < LEVEL && ground.points.every(([, z]) => Math.abs(z - mean) < UNEVEN * extent + LEVEL * 0.5 * extent);
}

function liesBelow(part: Part, ground: Part, { extent }: Measures): boolean {
  const { low, high } = boundsOf([part]);
  return (low[1] + high[1]) / 2 < meanHeight(ground) - 0.1 * extent;
}

/** Of all that is drawn; of what swings, where it comes at its lowest, unless something stands higher. */
function lowestOf(assembly: Assembly, near: number, { extent }: Measures): number {
  const { parts, clusters } = assembly;
  const drawn = boundsOf(parts).low[1];
  const reached = Math.min(...clusters.map((cluster) => reachOf(cluster, assembly)));
  const stands = clusters.some(
    (cluster) =>
      !cluster.anchored && !hangs(cluster, assembly, SLANTED) && boundsOf(membersOf(cluster)).low[1] < drawn + near,
  );
  return stands || reached === Number.POSITIVE_INFINITY ? drawn : Math.min(drawn, reached) - ROOM * extent;
}

/** The lowest height that a cluster which hangs or turns can come to. */
function reachOf(cluster: Cluster, { pins, ties }: Assembly): number {
  if (cluster.anchored) {
    const roots = pins.filter(({ group, other }) => other === undefined && group.cluster === cluster);
    const seen = new Set(roots.map(({ group }) => group));
    const visit = (group: Group, at: Spot): number => {
      const on = pins.flatMap((pin) => {
        const next = pin.group === group ? pin.other : pin.other === group ? pin.group : undefined;
        if (!next || seen.has(next)) return [];
        seen.add(next);
        return [distance(at, pin.at) + visit(next, pin.at)];
      });
      return Math.max(farthest(at, group.parts), ...on);
    };
    return Math.min(...roots.map(({ group, at }) => at[1] - visit(group, at)));
  }
  const hung = ties.flatMap(({ kind, path, from, to }) => {
    if ((from === undefined) === (to === undefined) || (from ?? to)?.cluster !== cluster) return [];
    const [first = [0, 0], last = [0, 0]] = [path[0], path.at(-1)];
    const [anchor, end] = from === undefined ? [first, last] : [last, first];
    const length = kind === "rope" ? pathLength(path) : STRETCH * distance(first, last);
    return anchor[1] > end[1] ? [anchor[1] - length - farthest(end, membersOf(cluster))] : [];
  });
  return Math.min(...hung);
}

function farthest(from: Spot, parts: readonly Part[]): number {
  return Math.max(...parts.flatMap(({ points, radius }) => points.map((point) => distance(from, point) + radius)));
}
