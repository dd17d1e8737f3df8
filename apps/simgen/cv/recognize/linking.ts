import type { Link, Shape } from "../recognition.ts";
import type { Dot } from "./dot.ts";
import {
  type Bounds,
  boundsOf,
  distance,
  first,
  isAround,
  last,
  nearestOnPath,
  type Path,
  type Point,
} from "./geometry.ts";
import { numbered } from "./numbered.ts";
import type { Parts } from "./parts.ts";
import { cornersOf, isClosed, outlinePath, shapeDistance, sizeOf } from "./solid.ts";

/** How far an end may be from what it is meant to touch. */
const REACH = 17;
/** Ropes and springs end where they can, also a bit farther off. */
const REACH_LOOSE = 22;
/** Marks, and axles, are looked at until there are so many links: several times what any machine has. */
const LINKS_MAX = 1000;

/** A rope or a spring, as drawn. */
type Tie = Pick<Parts["ties"][number], "curve" | "strokes">;

type Found = Link extends infer L ? (L extends Link ? Omit<L, "id"> : never) : never;

/** What joins the shapes: marks, axles, ends of bars, ropes and springs. */
export function linksOf(shapes: readonly Shape[], dots: readonly Dot[], ties: readonly Tie[], unit: number): Link[] {
  const found: Found[] = [];
  const around = new Map(shapes.map((shape) => [shape, boundsOf(outlinePath(shape))]));
  const axles = axlesOf(shapes, unit).slice(0, LINKS_MAX);
  for (const dot of dots) {
    if (found.length >= LINKS_MAX) break;
    const axle = axles.find(({ hinge, radius }) => distance(hinge.at, dot.at) < 0.4 * radius + 4 * unit);
    if (axle) axle.hinge.strokes = [...axle.hinge.strokes, ...dot.strokes];
    else found.push(...hingesAt(dot, around, unit));
  }
  const marked = new Set(found.map(({ a, b }) => `${a} ${b}`));
  for (const { hinge } of axles)
    if (!marked.has(`${hinge.a} ${hinge.b}`) && !marked.has(`${hinge.b} ${hinge.a}`)) found.push(hinge);
  for (const shape of shapes)
    if (shape.kind === "line" && !shape.fixed)
      for (const end of [first(shape.points), last(shape.points)]) {
        const link = endLink(shape, end, around, found, unit);
        if (link) found.push(link);
      }
  for (const tie of ties) {
    const link = tieLink(tie, around, unit);
    if (link) found.push(link);
  }
  return numbered(found);
}

/** Where each shape is. */
type Around = ReadonlyMap<Shape, Bounds>;

interface Axle {
  hinge: Extract<Found, { kind: "hinge" }>;
  /** Of the wheel. */
  radius: number;
}

/** The shapes less than `reach` from a point. */
function shapesNear(point: Point, around: Around, reach: number): { shape: Shape; away: number }[] {
  const near: { shape: Shape; away: number }[] = [];
  for (const [shape, bounds] of around) {
    if (!isAround(point, bounds, reach)) continue;
    const away = shapeDistance(point, shape);
    if (away < reach) near.push({ shape, away });
  }
  return near;
}

/** All shapes at a mark turn about it: each about the most solid of them. */
function hingesAt({ at, radius, strokes }: Dot, around: Around, unit: number): Found[] {
  const touched = shapesNear(at, around, radius + 11 * unit)
    .map(({ shape }) => shape)
    .sort((a, b) => Number(b.fixed) - Number(a.fixed) || Number(isClosed(b)) - Number(isClosed(a)));
  const [base, ...others] = touched;
  if (!base) return [];
  const hinge = { kind: "hinge" as const, at, strokes, confidence: 0.9 };
  if (others.length === 0) return base.fixed ? [] : [{ ...hinge, a: base.id, b: null }];
  const turning = others.filter((shape) => !shape.fixed && !isWhereItStands(at, shape, base));
  return turning.map(({ id }) => ({ ...hinge, a: id, b: base.id }));
}

/** A wheel is not pinned where it stands: that is thick ink. */
function isWhereItStands(at: Point, shape: Shape, base: Shape): boolean {
  if (shape.kind !== "circle" || !base.fixed || isClosed(base)) return false;
  const { center, radius } = shape;
  return at[1] > center[1] && distance(at, center) > 0.6 * radius;
}

/** Circles across the lower edge of something else are wheels. */
function axlesOf(shapes: readonly Shape[], unit: number): Axle[] {
  const axles: Axle[] = [];
  const bodies = shapes
    .filter((body) => !body.fixed && (body.kind === "box" || body.kind === "polygon"))
    .map((body) => {
      const corners = cornersOf(body);
      const middle = corners.reduce((sum, [, y]) => sum + y / corners.length, 0);
      return { body, corners, middle, size: sizeOf(body) };
    });
  for (const wheel of shapes) {
    if (wheel.kind !== "circle") continue;
    const { center, radius } = wheel;
    for (const { body, corners, middle, size } of bodies) {
      if (size < 1.2 * radius || center[1] <= middle) continue;
      const nearest = nearestOnPath(center, corners, true);
      const depth = radius - (shapeDistance(center, body) === 0 ? 0 : nearest.distance);
      const isUnder = nearest.at[1] > middle;
      const hinge = { kind: "hinge" as const, a: wheel.id, b: body.id, at: center, strokes: [], confidence: 0.8 };
      if (isUnder && nearest.distance < radius && depth > Math.max(0.2 * radius, 2 * unit))
        axles.push({ hinge, radius });
    }
  }
  return axles;
}

/** What the end of a bar is joined to. */
function endLink(bar: Shape, end: Point, around: Around, found: readonly Found[], unit: number): Found | undefined {
  const own = found.filter(({ a, b }) => a === bar.id || b === bar.id);
  if (own.some((link) => link.kind === "hinge" && distance(link.at, end) < 20 * unit)) return;
  const nearest = shapesNear(end, around, REACH * unit)
    .filter(({ shape }) => shape !== bar)
    .sort((a, b) => a.away - b.away || Number(isClosed(b.shape)) - Number(isClosed(a.shape)))
    // Two bars that end there are joined once.
    .find(({ shape }) => !isLinked(bar.id, shape.id, end, own, unit));
  if (!nearest) return;
  const { shape, away } = nearest;
  const confidence = 1 - away / REACH / unit / 2;
  return { kind: shape.fixed ? "hinge" : "weld", a: bar.id, b: shape.id, at: end, strokes: [], confidence };
}

function isOf(link: Found, a: string, b: string | null): boolean {
  return (link.a === a && link.b === b) || (link.a === b && link.b === a);
}

function isLinked(one: string, other: string, at: Point, found: readonly Found[], unit: number): boolean {
  return found.some(
    (link) =>
      isOf(link, one, other) && (link.kind === "hinge" || link.kind === "weld") && distance(link.at, at) < 25 * unit,
  );
}

function tieLink({ curve, strokes }: Tie, around: Around, unit: number): Found | undefined {
  const path: Path = curve.points;
  const [start, end] = [first(path), last(path)];
  const [a, b] = [start, end].map((point) => nearestTo(point, around, unit));
  const isRope = curve.kind === "wave";
  const of = (from: string, to: string | null, points: Path): Found => {
    const common = { a: from, b: to, strokes, confidence: curve.confidence };
    return isRope
      ? { ...common, kind: "rope", points }
      : { ...common, kind: "spring", points: [first(points), last(points)] };
  };
  if (a && a !== b) return of(a, b ?? null, path);
  if (b) return of(b, null, path.toReversed());
  return;
}

function nearestTo(point: Point, around: Around, unit: number): string | undefined {
  const near = shapesNear(point, around, REACH_LOOSE * unit);
  return near.sort((a, b) => a.away - b.away)[0]?.shape.id;
}
