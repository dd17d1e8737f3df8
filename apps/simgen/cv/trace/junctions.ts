import { degreesBetween } from "./heading.ts";
import { costsAmong, type Sight, sightOf } from "./sight.ts";
import { type Branch, type End, endsAt, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";
import { hatchingIn } from "./tails.ts";

/** With more lines in one place it is not searched for the best way to pair them. */
const SEARCHED_ENDS_MAX = 8;
/** By how much a line may turn where it crosses another one, and if that goes straight on. */
const CROSSING_DEGREES = 75;
const CORNER_DEGREES = 110;
/** Turns of a coil: no longer than this, and so many within so many of their lengths. */
const CURL_PENS = 40;
const CURLS_MIN = 3;
const CURL_REACH = 1.5;
const CURL_LENGTH_RATIO = 0.4;

/**
 * Pairs the ends at every joint that go on as each other: a line across another one, a circle at which a line ends. What is left
 * over ends there. The end at side s of branch b has the number 2 b + s; gives the number of that which each goes on as, or -1.
 */
export function pairEnds(graph: SkeletonGraph, penPx: number): Int32Array {
  const numbers = new Map(graph.branches.map((branch, i) => [branch, 2 * i]));
  const numberOf = ({ branch, side }: End) => numbers.get(branch)! + side;
  const hatching = hatchingIn(graph, penPx);
  const onward = new Int32Array(2 * graph.branches.length).fill(-1);
  const curls = curlsIn(graph, penPx);
  for (const all of endsAt(graph)) {
    const ends = all.filter(({ branch }) => !hatching.has(branch));
    const sights = ends.map((end) => sightOf(graph, end, penPx));
    const isCurl = ends.some(({ branch }) => curls.has(branch));
    const pairs = sights.length === 2 ? [[0, 1] as const] : isCurl ? [] : bestPairs(costsAmong(sights, penPx));
    const turnMax = isCurl ? 180 : CROSSING_DEGREES;
    for (const [a, b] of [...pairs, ...pairsAcross(sights, pairs, turnMax)]) {
      const [one, other] = [numberOf(ends[a]!), numberOf(ends[b]!)];
      onward[one] = other;
      onward[other] = one;
    }
  }
  return onward;
}

/** Loops that a line makes one after the other: the turns of a coil, not shapes that stand on it. */
function curlsIn({ branches }: SkeletonGraph, penPx: number): Set<Branch> {
  const loops = branches.flatMap((branch) => {
    const length = lengthOf(branch);
    const [from, to] = branch.joints;
    if (from === undefined || from !== to || length > CURL_PENS * penPx) return [];
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return [{ branch, length, x: mean(branch.xs), y: mean(branch.ys) }];
  });
  const areNear = (a: (typeof loops)[number], b: (typeof loops)[number]) =>
    Math.hypot(a.x - b.x, a.y - b.y) < CURL_REACH * a.length &&
    Math.min(a.length, b.length) > CURL_LENGTH_RATIO * Math.max(a.length, b.length);
  const isCurl = (loop: (typeof loops)[number]) => loops.filter((other) => areNear(loop, other)).length >= CURLS_MIN;
  return new Set(loops.filter(isCurl).map(({ branch }) => branch));
}

/**
 * Of four ends, those that are left over: where one line goes through, what is on both sides of it is one line too, even with a
 * corner there; and where none does for sure, as in a tight coil, two lines cross.
 */
function pairsAcross(
  sights: readonly Sight[],
  pairs: readonly (readonly [number, number])[],
  crossingDegrees: number,
): (readonly [number, number])[] {
  if (sights.length !== 4 || pairs.length > 1) return [];
  const from = sights[0]!.near;
  const turned = sights.map(({ near }) => (degreesBetween(from, near) + 360) % 360);
  const [a, b, c, d] = [...sights.keys()].sort((one, other) => turned[one]! - turned[other]!);
  const opposite = [[a!, c!] as const, [b!, d!] as const];
  const isThrough = ([one, other]: readonly [number, number]) =>
    pairs.some((pair) => pair.includes(one) && pair.includes(other));
  const turnMax = opposite.some(isThrough) ? CORNER_DEGREES : pairs.length === 0 ? crossingDegrees : 0;
  const left = opposite.filter((pair) => !isThrough(pair));
  const turns = left.map(([one, other]) => degreesBetween(sights[one]!.near + Math.PI, sights[other]!.near));
  return turns.every((turn) => Math.abs(turn) < turnMax) ? left : [];
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
