import { degreesBetween } from "./heading.ts";
import { costsAmong, type Sight, sightOf } from "./sight.ts";
import { type End, endsAt, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

/** With more lines in one place it is not searched for the best way to pair them. */
const SEARCHED_ENDS_MAX = 8;
/** By how much a line may turn where it crosses another one. */
const CROSSING_DEGREES = 110;

/**
 * Pairs the ends at every joint that go on as each other: a line across another one, a circle at which a line ends. What is left
 * over ends there. The end at side s of branch b has the number 2 b + s; gives the number of that which each goes on as, or -1.
 */
export function pairEnds(graph: SkeletonGraph, penPx: number): Int32Array {
  const numbers = new Map(graph.branches.map((branch, i) => [branch, 2 * i]));
  const numberOf = ({ branch, side }: End) => numbers.get(branch)! + side;
  const hatching = hatchingIn(graph, penPx);
  const onward = new Int32Array(2 * graph.branches.length).fill(-1);
  for (const all of endsAt(graph)) {
    const ends = all.filter(({ branch }) => !hatching.has(branch));
    const sights = ends.map((end) => sightOf(graph, end, penPx));
    const pairs = sights.length === 2 ? [[0, 1] as const] : bestPairs(costsAmong(sights, penPx));
    for (const [a, b] of [...pairs, ...pairsAcross(sights, pairs)]) {
      const [one, other] = [numberOf(ends[a]!), numberOf(ends[b]!)];
      onward[one] = other;
      onward[other] = one;
    }
  }
  return onward;
}

/** Where one line goes through, what is left on both sides of it is one line too, unless it has a corner there. */
function pairsAcross(
  sights: readonly Sight[],
  [through, ...others]: readonly (readonly [number, number])[],
): (readonly [number, number])[] {
  if (!through || others.length > 0 || sights.length !== 4) return [];
  const [one, other] = [...sights.keys()].filter((i) => !through.includes(i));
  const [a, b] = [sights[one!]!.near, sights[other!]!.near];
  const from = sights[through[0]]!.near;
  const turned = (angle: number) => (degreesBetween(from, angle) + 360) % 360;
  const across = turned(sights[through[1]]!.near);
  const isAcross = turned(a) < across !== turned(b) < across;
  return isAcross && Math.abs(degreesBetween(a + Math.PI, b)) < CROSSING_DEGREES ? [[one!, other!]] : [];
}

/** The pairs with the least sum of costs, where an end that stays alone costs a half. */
function bestPairs(costs: readonly (readonly number[])[]): (readonly [number, number])[] {
  if (costs.length > SEARCHED_ENDS_MAX) return nextBestPairs(costs);
  let best: (readonly [number, number])[] = [];
  let least = costs.length / 2;
  const search = (open: readonly number[], pairs: readonly (readonly [number, number])[], cost: number): void => {
    if (cost >= least) return;
    const [first, ...rest] = open;
    if (first === undefined) {
      best = [...pairs];
      least = cost;
      return;
    }
    for (const other of rest)
      search(
        rest.filter((each) => each !== other),
        [...pairs, [first, other]],
        cost + costs[first]![other]!,
      );
    search(rest, pairs, cost + 0.5);
  };
  search([...costs.keys()], [], 0);
  return best;
}

/** Takes the cheapest pair, then the cheapest of the others. */
function nextBestPairs(costs: readonly (readonly number[])[]): (readonly [number, number])[] {
  const all = costs.flatMap((row, a) => row.map((cost, b) => ({ a, b, cost })));
  const pairs: (readonly [number, number])[] = [];
  const taken = new Set<number>();
  for (const { a, b, cost } of all.sort((one, other) => one.cost - other.cost)) {
    if (cost === Number.POSITIVE_INFINITY || a === b || taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    pairs.push([a, b]);
  }
  return pairs;
}
