import type { Drawing, DrawingText } from "./drawing.ts";
import type { Arrow, Label, Link, Recognition, Shape } from "./recognition.ts";
import { type Pointer, pointersOf } from "./recognize/arrowhead.ts";
import { turningOf } from "./recognize/curve.ts";
import { boundsOf, distance, first, last, middleOf, type Path, type Point, resampled } from "./recognize/geometry.ts";
import { hatchingsOf } from "./recognize/hatching.ts";
import { inkOf } from "./recognize/ink.ts";
import { isWithin, type Lettering, letteringsOf } from "./recognize/lettering.ts";
import { linksOf } from "./recognize/linking.ts";
import { numbered } from "./recognize/numbered.ts";
import { outlineOf } from "./recognize/outline.ts";
import { type Parts, partsOf } from "./recognize/parts.ts";
import { centerOf, outlineDistance, shapeDistance } from "./recognize/solid.ts";
import { grounded, held } from "./recognize/standing.ts";

/** A unit is a pixel of a page of 800 by 600 that is well filled. */
const PAGE_DIAGONAL = 840;
const LABEL_REACH = 120;
/** rad; an arrow that is bent so far turns what it goes round. */
const MOTOR_BEND = 0.9;
const ARROW_POINTS = 13;
const LOOSE_BAR = 0.6;
/** Several times what a machine is made of: of more, the rest stays unknown, so that no scribble takes long. */
const SHAPES_MAX = 400;

/**
 * What a drawing shows: shapes, what joins them, arrows and labels. Everything is told by its geometry, so the same drawing
 * gives the same again, here or in a page.
 */
export function recognize(drawing: Drawing): Recognition {
  const unit = unitOf(drawing);
  const { pointers, hatchings, letterings, rest: plain } = sortedOut(drawing, unit);
  const parts = partsOf(plain, unit);
  const shapes: Shape[] = numbered(grounded(held(shapesOf(parts, unit), hatchings, unit), parts.dots, unit));
  const links = linksOf(shapes, parts.dots, parts.ties, unit);
  const seen = {
    shapes: doubted(shapes, links),
    links,
    arrows: pointers.flatMap((pointer, index) => arrowOf(pointer, `arrow-${index + 1}`, shapes) ?? []),
  };
  const read = letterings.filter((lettering) => drawing.texts.some(({ at }) => isWithin(at, lettering)));
  const known = new Set([...seen.shapes, ...seen.links, ...seen.arrows, ...read].flatMap(({ strokes }) => strokes));
  return {
    width: drawing.width,
    height: drawing.height,
    ...seen,
    labels: drawing.texts.map((text) => labelOf(text, shapes, unit)),
    unknown: drawing.strokes.flatMap((_, index) => (known.has(index) ? [] : [index])),
  };
}

/** Where something is written in a drawing, in its order. */
export function letteringsIn(drawing: Drawing): Lettering[] {
  return sortedOut(drawing, unitOf(drawing)).letterings;
}

/** What does not become a shape, and what is left. */
function sortedOut(drawing: Drawing, unit: number) {
  const inks = drawing.strokes.map((path, stroke) => inkOf(cleaned(path, 0.5 * unit), [stroke]));
  const { letterings, rest: drawn } = letteringsOf(inks, unit);
  const { pointers, rest } = pointersOf(drawn, unit);
  return { letterings, pointers, ...hatchingsOf(rest, unit) };
}

/** From the page, and from how much of it is drawn on. */
function unitOf({ width, height, strokes }: Drawing): number {
  const content = boundsOf(strokes.flat()).diagonal;
  return Math.max(1e-6, (0.6 * Math.min(Math.hypot(width, height), 6 * content) + 0.4 * content) / PAGE_DIAGONAL);
}

/** Without points that are on one another. */
function cleaned(path: Path, least: number): Path {
  const points: Point[] = [];
  for (const point of path) {
    const before = points.at(-1);
    if (!before || distance(before, point) >= least) points.push(point);
  }
  return points;
}

function shapesOf({ outlines, lines }: Parts, unit: number): Shape[] {
  const common = { id: "", fixed: false };
  const fitted = outlines.slice(0, SHAPES_MAX);
  return [
    ...fitted.map(({ path, strokes }): Shape => ({ ...common, ...outlineOf(path, unit), strokes })),
    ...lines.slice(0, SHAPES_MAX - fitted.length).map(({ curve: { points, confidence }, strokes }): Shape => {
      return { ...common, kind: "line", points, confidence, strokes };
    }),
  ].sort((a, b) => (a.strokes[0] ?? 0) - (b.strokes[0] ?? 0));
}

/** A bar that nothing is joined to may be no more than a slip of the pen. */
function doubted(shapes: readonly Shape[], links: readonly Link[]): Shape[] {
  const joined = new Set(links.flatMap(({ a, b }) => [a, b]));
  return shapes.map((shape) =>
    shape.kind === "line" && !shape.fixed && !joined.has(shape.id)
      ? { ...shape, confidence: shape.confidence * LOOSE_BAR }
      : shape,
  );
}

/** Undefined when nothing is there that could be pushed. */
function arrowOf({ shaft, strokes }: Pointer, id: string, shapes: readonly Shape[]): Arrow | undefined {
  const does = Math.abs(turningOf(shaft).total) > MOTOR_BEND ? "motor" : "push";
  const away = (shape: Shape) =>
    does === "motor"
      ? distance(middleOf(shaft), centerOf(shape))
      : Math.min(...[first(shaft), last(shaft)].map((end) => shapeDistance(end, shape)));
  const target = nearestBy(
    away,
    shapes.filter(({ fixed }) => !fixed),
  );
  if (!target) return;
  const points = does === "push" ? [first(shaft), last(shaft)] : resampled(shaft, ARROW_POINTS);
  return { id, does, points, target: target.id, strokes, confidence: 0.85 };
}

function labelOf({ text, at }: DrawingText, shapes: readonly Shape[], unit: number): Label {
  const away = (shape: Shape) => outlineDistance(at, shape) * (shape.kind === "ground" ? 1.5 : 1);
  const nearest = nearestBy(away, shapes);
  return { text, at, target: nearest && away(nearest) < LABEL_REACH * unit ? nearest.id : null };
}

function nearestBy(away: (shape: Shape) => number, shapes: readonly Shape[]): Shape | undefined {
  return shapes.map((shape) => ({ shape, away: away(shape) })).sort((a, b) => a.away - b.away)[0]?.shape;
}
