import type { Link, Shape } from "../recognition.ts";
import type { Dot } from "./dot.ts";
import { boundsOf, distance, first, last, nearestOnPath, type Path, type Point } from "./geometry.ts";
import { numbered } from "./numbered.ts";
import type { Parts } from "./parts.ts";
import { cornersOf, isClosed, outlineDistance, outlinePath, shapeDistance, sizeOf } from "./solid.ts";

/** How far an end may be from what it is meant to touch. */
const REACH = 17;
/** Ropes and springs end where they can, also a bit farther off. */
const REACH_LOOSE = 22;

/** A rope or a spring, as drawn. */
type Tie = Pick<Parts["ties"][number], "curve" | "strokes">;

type Found = Link extends infer L ? (L extends Link ? Omit<L, "id"> : never) : never;

/** What joins the shapes: marks, axles, ends of bars, ropes and springs. */
export function linksOf(shapes: readonly Shape[], dots: readonly Dot[], ties: readonly Tie[], unit: number): Link[] {
  const found: Found[] = [];
  const axles = axlesOf(shapes, unit);
  for (const dot of dots) {
    const axle = axles.find(({ a, at }) => distance(at, dot.at) < 0.4 * radiusOf(a, shapes) + 4 * unit);
    if (axle) axle.strokes = [...axle.strokes, ...dot.strokes];
    else found.push(...hingesAt(dot, shapes, unit));
  }
  found.push(...axles.filter(({ a, b }) => !found.some((each) => isOf(each, a, b))));
  for (const shape of shapes)
    if (shape.kind === "line" && !shape.fixed)
      for (const end of [first(shape.points), last(shape.points)]) {
        const link = endLink(shape, end, shapes, found, unit);
        if (link) found.push(link);
      }
  for (const tie of ties) {
    const link = tieLink(tie, shapes, unit);
    if (link) found.push(link);
  }
  return numbered(found);
}

type Axle = Extract<Found, { kind: "hinge" }>;

/** All shapes at a mark turn about it: each about the most solid of them. */
function hingesAt({ at, radius, strokes }: Dot, shapes: readonly Shape[], unit: number): Found[] {
  const touched = shapes
    .filter((shape) => {
      const reach = radius + 11 * unit;
      return isClosed(shape) ? shapeDistance(at, shape) < reach : outlineDistance(at, shape) < reach;
    })
    .sort((a, b) => Number(b.fixed) - Number(a.fixed) || Number(isClosed(b)) - Number(isClosed(a)));
  const [base, ...others] = touched;
  if (!base) return [];
  const hinge = { kind: "hinge" as const, at, strokes, confidence: 0.9 };
  if (others.length === 0) return base.fixed ? [] : [{ ...hinge, a: base.id, b: null }];
  return others.filter(({ fixed }) => !fixed).map(({ id }) => ({ ...hinge, a: id, b: base.id }));
}

/** Circles across the lower edge of something else are wheels. */
function axlesOf(shapes: readonly Shape[], unit: number): Axle[] {
  const axles: Axle[] = [];
  for (const wheel of shapes) {
    if (wheel.kind !== "circle") continue;
    const { center, radius } = wheel;
    for (const body of shapes) {
      if (body.fixed || (body.kind !== "box" && body.kind !== "polygon")) continue;
      if (sizeOf(body) < 1.2 * radius) continue;
      const corners = cornersOf(body);
      const nearest = nearestOnPath(center, corners, true);
      const middle = corners.reduce((sum, [, y]) => sum + y / corners.length, 0);
      const depth = radius - (shapeDistance(center, body) === 0 ? 0 : nearest.distance);
      const isUnder = center[1] > middle && nearest.at[1] > middle;
      if (isUnder && nearest.distance < radius && depth > Math.max(0.2 * radius, 2 * unit))
        axles.push({ kind: "hinge", a: wheel.id, b: body.id, at: center, strokes: [], confidence: 0.8 });
    }
  }
  return axles;
}

/** What the end of a bar is joined to. */
function endLink(
  bar: Shape,
  end: Point,
  shapes: readonly Shape[],
  found: readonly Found[],
  unit: number,
): Found | undefined {
  const isMarked = found.some(
    (link) => link.kind === "hinge" && (link.a === bar.id || link.b === bar.id) && distance(link.at, end) < 20 * unit,
  );
  if (isMarked) return;
  const near = shapes
    .filter((shape) => shape.id !== bar.id && isAround(end, shape, REACH * unit))
    .map((shape) => ({ shape, distance: shapeDistance(end, shape) }))
    .filter((each) => each.distance < REACH * unit)
    // Two bars that end there are joined once.
    .filter(({ shape }) => !isLinked(bar.id, shape.id, end, found, unit))
    .sort((a, b) => a.distance - b.distance || Number(isClosed(b.shape)) - Number(isClosed(a.shape)));
  const [nearest] = near;
  if (!nearest) return;
  const { shape } = nearest;
  const confidence = 1 - nearest.distance / REACH / unit / 2;
  return { kind: shape.fixed ? "hinge" : "weld", a: bar.id, b: shape.id, at: end, strokes: [], confidence };
}

/** Whether the shape's surroundings hold the point: quicker to tell than how far away it is. */
function isAround([x, y]: Point, shape: Shape, reach: number): boolean {
  const { left, top, right, bottom } = boundsOf(outlinePath(shape));
  return x > left - reach && x < right + reach && y > top - reach && y < bottom + reach;
}

function isOf(link: Found, a: string, b: string | null): boolean {
  return (link.a === a && link.b === b) || (link.a === b && link.b === a);
}

function radiusOf(id: string, shapes: readonly Shape[]): number {
  const shape = shapes.find((each) => each.id === id);
  return shape?.kind === "circle" ? shape.radius : 0;
}

function isLinked(one: string, other: string, at: Point, found: readonly Found[], unit: number): boolean {
  return found.some(
    (link) =>
      isOf(link, one, other) && (link.kind === "hinge" || link.kind === "weld") && distance(link.at, at) < 25 * unit,
  );
}

function tieLink({ curve, strokes }: Tie, shapes: readonly Shape[], unit: number): Found | undefined {
  const path: Path = curve.points;
  const [start, end] = [first(path), last(path)];
  const [a, b] = [start, end].map((point) => nearestTo(point, shapes, unit));
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

function nearestTo(point: Point, shapes: readonly Shape[], unit: number): string | undefined {
  let best: { id: string; distance: number } | undefined;
  for (const shape of shapes) {
    const away = shapeDistance(point, shape);
    if (away < REACH_LOOSE * unit && (!best || away < best.distance)) best = { id: shape.id, distance: away };
  }
  return best?.id;
}
