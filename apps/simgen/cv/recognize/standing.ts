import type { Shape } from "../recognition.ts";
import { type Dot, isAtDot } from "./dot.ts";
import { boundsOf, first, last, nearestOnPath } from "./geometry.ts";
import { type Hatching, hatchingDistance, hatchingRow } from "./hatching.ts";
import { strokesOf } from "./ink.ts";
import { isClosed, outlinePath } from "./solid.ts";

const HATCHING_REACH = 16;
/** What lies so little below a line still stands on it. */
const SINK = 14;
/** Of all that is drawn, from left to right: how long the ground is at least, and hatched. */
const GROUND_SHARE = 0.5;
const HATCHED_SHARE = 0.3;
const SLOPE_MAX = 0.15;

/** What hatching stands on is fixed: the shape along which it goes, else one that ends on it. */
export function held(shapes: readonly Shape[], hatchings: readonly Hatching[], unit: number): Shape[] {
  const all = [...shapes];
  const outlines = shapes.map((shape) => ({ path: outlinePath(shape), isClosed: isClosed(shape) }));
  for (const hatching of hatchings) {
    let away = outlines.map(({ path, isClosed }) => hatchingDistance(hatching, path, isClosed));
    if (Math.min(...away) >= HATCHING_REACH * unit) {
      const row = hatchingRow(hatching);
      away = outlines.map(({ path }) => Math.min(...path.map((corner) => nearestOnPath(corner, row).distance)));
    }
    const nearest = away.indexOf(Math.min(...away));
    const shape = all[nearest];
    if (!shape || away[nearest]! > HATCHING_REACH * unit) continue;
    all[nearest] = { ...shape, fixed: true, strokes: [...new Set([...shape.strokes, ...strokesOf(hatching.ticks)])] };
  }
  return all;
}

/** A long flat line with nothing below it is the ground, unless it turns about a dot at its end. */
export function grounded(shapes: readonly Shape[], dots: readonly Dot[], unit: number): Shape[] {
  const bounds = shapes.map((shape) => boundsOf(outlinePath(shape)));
  const content = boundsOf(shapes.flatMap(outlinePath));
  return shapes.map((shape) => {
    if (shape.kind !== "line") return shape;
    const { width, height, bottom } = boundsOf(shape.points);
    const isFlat = height < SLOPE_MAX * width;
    const isLong = width > (shape.fixed ? HATCHED_SHARE : GROUND_SHARE) * content.width;
    const isLowest = bounds.every((other) => other.bottom < bottom + SINK * unit);
    const ends = [first(shape.points), last(shape.points)];
    const isBar = !shape.fixed && ends.some((end) => isAtDot(end, dots, unit));
    return isFlat && isLong && isLowest && !isBar ? { ...shape, kind: "ground", fixed: true } : shape;
  });
}
