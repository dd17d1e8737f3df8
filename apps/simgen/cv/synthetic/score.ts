import type { Point } from "../drawing.ts";
import type { Arrow, HingeLink, Link, Recognition, Shape } from "../recognition.ts";
import { angleBetween, dense, direction, distance, extent, gapTo, lengthOf, mean } from "./plane.ts";
import type { Truth } from "./sketcher.ts";

/** How far off a recognition may be and still be right. */
const PLACE_PX = 8;
const PLACE_SHARE = 0.12;
/** The way between a line's ends is held to less: a share of the whole line would let a bend pass for none. */
const PATH_SHARE = 0.06;
const ANGLE_RAD = (12 * Math.PI) / 180;
const LINK_PX = 20;
const LINK_SHARE = 0.15;

export interface Score {
  /** All of it: every shape, link and arrow, none too many, and no stroke left over. */
  right: boolean;
  /** What is wrong, one line each. */
  faults: string[];
}

/** Holds what was seen in a sketch against what is in it. */
export function score(truth: Truth, seen: Pick<Recognition, "shapes" | "links" | "arrows" | "unknown">): Score {
  const shapes = pair(truth.shapes, seen.shapes, offOf);
  const realId = new Map(shapes.pairs.map(([real, found]) => [found.id, real.id]));
  const named = (id: string) => realId.get(id) ?? `(${id})`;
  const slack = slackBetween(truth.shapes);

  const seenLinks = seen.links.map((link): Link => ({ ...link, a: named(link.a), b: link.b && named(link.b) }));
  const links = pair(truth.links, asToldBy(truth.links, seenLinks, slack), (real, found) =>
    joinsTheSame(real, found) ? linkGap(real, found) / slack(real.a, real.b) : Number.POSITIVE_INFINITY,
  );
  const seenArrows = seen.arrows.map((arrow): Arrow => ({ ...arrow, target: named(arrow.target) }));
  const arrows = pair(truth.arrows, seenArrows, (real, found) =>
    real.does === found.does && real.target === found.target ? arrowGap(real, found) : Number.POSITIVE_INFINITY,
  );

  const faults = [
    ...shapes.missing.map((shape) => missingShape(shape, shapes.extra)),
    ...shapes.extra.map((shape) => `a ${shape.kind} too many at ${shown(middleOf(shape))} (${shape.id})`),
    ...shapes.pairs
      .filter(([real, found]) => real.fixed !== found.fixed)
      .map(([real]) => `${real.id} is ${real.fixed ? "fixed, but not seen so" : "not fixed, but seen so"}`),
    ...links.missing.map((link) => `a ${describedLink(link)} is missing`),
    ...links.extra.map((link) => `a ${describedLink(link)} is too many`),
    ...arrows.missing.map((arrow) => `a ${describedArrow(arrow)} is missing`),
    ...arrows.extra.map((arrow) => `a ${describedArrow(arrow)} is too many`),
    ...(seen.unknown.length > 0 ? [`left unknown: stroke ${seen.unknown.join(", ")}`] : []),
  ];
  return { right: faults.length === 0, faults };
}

/** The kind of a fault: what it says without names and places. */
export function kindOfFault(fault: string): string {
  return fault
    .replace(/: stroke .*/, "")
    .replace(/ at -?\d+, -?\d+/g, "")
    .replace(/ \([a-z]+-\d+\)$/, "")
    .replace(/\(([a-z]+)-\d+\)/g, "a $1 there is not")
    .replace(/-\d+/g, "");
}

// ---- one to one ----

interface Pairing<T> {
  pairs: [real: T, found: T][];
  missing: T[];
  extra: T[];
}

/** The nearest first. `off` is 0 for no difference and 1 for as much as may be. */
function pair<T>(reals: readonly T[], founds: readonly T[], off: (real: T, found: T) => number): Pairing<T> {
  const candidates = reals
    .flatMap((real) => founds.map((found) => ({ real, found, off: off(real, found) })))
    .filter((candidate) => candidate.off <= 1)
    .sort((a, b) => a.off - b.off);
  const pairs: [T, T][] = [];
  const taken = new Set<T>();
  for (const { real, found } of candidates) {
    if (taken.has(real) || taken.has(found)) continue;
    taken.add(real).add(found);
    pairs.push([real, found]);
  }
  return {
    pairs,
    missing: reals.filter((real) => !taken.has(real)),
    extra: founds.filter((found) => !taken.has(found)),
  };
}

// ---- shapes ----

function offOf(real: Shape, found: Shape): number {
  if (real.kind === "circle" && found.kind === "circle")
    return (
      Math.max(distance(real.center, found.center), 2 * Math.abs(real.radius - found.radius)) / slackOf(2 * real.radius)
    );
  if (real.kind === "box" && found.kind === "box")
    return Math.min(...[0, 1].map((turns) => boxOff(real, found, turns)));
  if (real.kind === "polygon" && found.kind === "polygon") return cornersOff(real.points, found.points);
  if (real.kind === "line" && found.kind === "line") return lineOff(real.points, found.points);
  if (real.kind === "ground" && found.kind === "ground") return lineOff(real.points, found.points);
  return Number.POSITIVE_INFINITY;
}

type Box = Extract<Shape, { kind: "box" }>;

/** The found one's sides may have changed places, its angle then being off by a quarter turn. */
function boxOff(real: Box, found: Box, quarters: number): number {
  const slack = slackOf(Math.max(...real.size));
  const [width, height] = quarters % 2 === 0 ? found.size : [found.size[1], found.size[0]];
  const turned = angleBetween(2 * real.angle, 2 * (found.angle + (quarters * Math.PI) / 2)) / 2;
  return Math.max(
    distance(real.center, found.center) / slack,
    Math.abs(width - real.size[0]) / slack,
    Math.abs(height - real.size[1]) / slack,
    turned / ANGLE_RAD,
  );
}

function cornersOff(real: readonly Point[], found: readonly Point[]): number {
  if (real.length !== found.length) return Number.POSITIVE_INFINITY;
  const slack = slackOf(extent(real));
  const offs = [found, found.toReversed()].flatMap((ring) =>
    ring.map((_, first) =>
      Math.max(...real.map((corner, index) => distance(corner, ring[(first + index) % ring.length] ?? corner))),
    ),
  );
  return Math.min(...offs) / slack;
}

function lineOff(real: readonly Point[], found: readonly Point[]): number {
  const length = lengthOf(real);
  const [start, end, foundStart, foundEnd] = [real[0], real.at(-1), found[0], found.at(-1)];
  if (!start || !end || !foundStart || !foundEnd) return Number.POSITIVE_INFINITY;
  const aside = Math.max(
    ...inner(real).map((point) => gapTo(point, found)),
    ...inner(found).map((point) => gapTo(point, real)),
  );
  const turned = real.length > 2 ? 0 : angleBetween(2 * direction(start, end), 2 * direction(foundStart, foundEnd)) / 2;
  return Math.max(
    endsGap([start, end], [foundStart, foundEnd]) / slackOf(length),
    aside / Math.max(PLACE_PX, PATH_SHARE * length),
    turned / ANGLE_RAD,
  );
}

/** Points along a path, without the tenth at either end: those are measured as ends. */
function inner(path: readonly Point[]): Point[] {
  const points = dense(path, Math.max(1, lengthOf(path) / 60));
  const cut = Math.floor(points.length / 10);
  return points.slice(cut, points.length - cut);
}

function endsGap([a, b]: readonly [Point, Point], [c, d]: readonly [Point, Point]): number {
  return Math.min(Math.max(distance(a, c), distance(b, d)), Math.max(distance(a, d), distance(b, c)));
}

function slackOf(size: number): number {
  return Math.max(PLACE_PX, PLACE_SHARE * size);
}

// ---- where three or more meet ----

/**
 * The found links, with other words for the same put right: where three or more shapes turn about one point, which is
 * hinged to which does not matter, as long as one hinge fewer than there are shapes ties all of them.
 */
function asToldBy(
  reals: readonly Link[],
  founds: readonly Link[],
  slack: (a: string, b: string | null) => number,
): Link[] {
  let told = [...founds];
  for (const hinges of jointsOf(reals.filter(isHinge))) {
    const ids = idsOf(hinges);
    const isOfJoint = (link: Link): link is HingeLink =>
      isHinge(link) &&
      ids.has(link.a) &&
      ids.has(link.b) &&
      hinges.some(({ at }) => distance(at, link.at) <= slack(link.a, link.b));
    const same = told.filter(isOfJoint);
    if (same.length !== hinges.length || jointsOf(same).length !== 1 || idsOf(same).size !== ids.size) continue;
    const renamed = same.map((hinge, index): Link => ({ ...hinge, ...names(hinges[index] ?? hinge) }));
    told = [...told.filter((link) => !isOfJoint(link)), ...renamed];
  }
  return told;
}

/** Hinges at one place that share shapes, together. */
function jointsOf(hinges: readonly HingeLink[]): HingeLink[][] {
  return hinges.reduce<HingeLink[][]>((joints, hinge) => {
    const isOf = (joint: readonly HingeLink[]) =>
      joint.some(
        ({ at, a, b }) => distance(at, hinge.at) <= LINK_PX && [a, b].some((id) => id === hinge.a || id === hinge.b),
      );
    return [...joints.filter((joint) => !isOf(joint)), [...joints.filter(isOf).flat(), hinge]];
  }, []);
}

function isHinge(link: Link): link is HingeLink {
  return link.kind === "hinge";
}

function names({ a, b }: HingeLink): Pick<HingeLink, "a" | "b"> {
  return { a, b };
}

function idsOf(hinges: readonly HingeLink[]): Set<string | null> {
  return new Set(hinges.flatMap(({ a, b }) => [a, b]));
}

// ---- links and arrows ----

/** How far off a link between two shapes may be: more between large ones. */
function slackBetween(shapes: readonly Shape[]): (a: string, b: string | null) => number {
  const sizes = new Map(shapes.map((shape) => [shape.id, sizeOf(shape)]));
  return (a, b) => {
    const smaller = Math.min(...[a, b].map((id) => sizes.get(id ?? "") ?? Number.POSITIVE_INFINITY));
    return Math.max(LINK_PX, Number.isFinite(smaller) ? LINK_SHARE * smaller : 0);
  };
}

function joinsTheSame(real: Link, found: Link): boolean {
  if (real.kind !== found.kind) return false;
  return (real.a === found.a && real.b === found.b) || (real.a === found.b && real.b === found.a);
}

function linkGap(real: Link, found: Link): number {
  const [a, b] = [endsOf(real), endsOf(found)];
  return endsGap(a, b);
}

/** Where a link is: its two ends, or twice the one place. */
function endsOf(link: Link): [Point, Point] {
  if (link.kind === "hinge" || link.kind === "weld") return [link.at, link.at];
  const start: Point = link.points[0] ?? [Number.NaN, Number.NaN];
  return [start, link.points.at(-1) ?? start];
}

/** Tail and head count, and what is between them for a bent one. */
function arrowGap(real: Arrow, found: Arrow): number {
  const [tail, head, foundTail, foundHead] = [real.points[0], real.points.at(-1), found.points[0], found.points.at(-1)];
  if (!tail || !head || !foundTail || !foundHead) return Number.POSITIVE_INFINITY;
  const length = lengthOf(real.points);
  const ends = Math.max(distance(tail, foundTail), distance(head, foundHead)) / Math.max(LINK_PX, LINK_SHARE * length);
  const aside = Math.max(...inner(real.points).map((point) => gapTo(point, found.points)));
  return Math.max(ends, aside / Math.max(PLACE_PX, PLACE_SHARE * length));
}

// ---- in words ----

function missingShape(shape: Shape, extra: readonly Shape[]): string {
  const instead = extra.find((other) => distance(middleOf(shape), middleOf(other)) < Math.max(25, 0.3 * sizeOf(shape)));
  if (!instead) return `${shape.id} is missing`;
  return instead.kind === shape.kind ? `${shape.id} is off` : `${shape.id} is seen as a ${instead.kind}`;
}

function describedLink(link: Link): string {
  return `${link.kind} of ${link.a} with ${link.b ?? "the paper"} at ${shown(mean(endsOf(link)))}`;
}

function describedArrow({ does, target, points }: Arrow): string {
  return `${does} of ${target} at ${shown(points.at(-1) ?? [Number.NaN, Number.NaN])}`;
}

function shown([x, y]: Point): string {
  return `${Math.round(x)}, ${Math.round(y)}`;
}

function middleOf(shape: Shape): Point {
  return "center" in shape ? shape.center : mean(shape.points);
}

function sizeOf(shape: Shape): number {
  if (shape.kind === "circle") return 2 * shape.radius;
  if (shape.kind === "box") return Math.max(...shape.size);
  return extent(shape.points);
}
