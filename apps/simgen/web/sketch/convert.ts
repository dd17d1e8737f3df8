import type { Point } from "../../cv/drawing.ts";
import type { BoxShape, Shape } from "../../cv/recognition.ts";
import type { ShapeKind } from "./kind.ts";
import { areaOf, distance, distanceTo, isInside, lengthOf, mean, middle } from "./path.ts";

const CORNERS_OF_A_CIRCLE = 24;
/** How thick a rod becomes that turns out to be a box. */
const THICKNESS = 14;

/** The same shape as another kind, of about the same place and extent. */
export function converted(shape: Shape, kind: ShapeKind): Shape {
  const { id, confidence, strokes } = shape;
  // What was taken for the ground is mostly a plank.
  const seen = { id, confidence, strokes, fixed: kind === "ground" || (shape.fixed && shape.kind !== "ground") };
  if (kind === shape.kind) return shape;
  switch (kind) {
    case "circle":
      return { ...seen, kind, ...circleOf(shape) };
    case "box":
      return { ...seen, kind, ...boxOf(shape) };
    case "polygon":
      return { ...seen, kind, points: platesOutline(shape) };
    case "line":
    case "ground":
      return { ...seen, kind, points: pathOf(shape) };
  }
}

/** Its corners or points; of a closed shape, the last is not the first. */
export function outlineOf(shape: Shape): readonly Point[] {
  switch (shape.kind) {
    case "circle":
      return Array.from({ length: CORNERS_OF_A_CIRCLE }, (_, at) => {
        const angle = (at * 2 * Math.PI) / CORNERS_OF_A_CIRCLE;
        return turned([shape.radius, 0], angle, shape.center);
      });
    case "box":
      return cornersOf(shape);
    default:
      return shape.points;
  }
}

export function isClosed({ kind }: Shape): boolean {
  return kind === "circle" || kind === "box" || kind === "polygon";
}

/** From a point to the shape; within a closed one, 0. */
export function distanceToShape(shape: Shape, at: Point): number {
  const outline = outlineOf(shape);
  if (!isClosed(shape)) return distanceTo(outline, at);
  return isInside(outline, at) ? 0 : distanceTo([...outline, outline[0]!], at);
}

function circleOf(shape: Shape): { center: Point; radius: number } {
  const outline = outlineOf(shape);
  if (isClosed(shape)) return { center: mean(outline), radius: Math.sqrt(areaOf(outline) / Math.PI) };
  const { center, size } = boxAround(outline);
  return { center, radius: Math.max(1, Math.max(...size) / 2) };
}

function boxOf(shape: Shape): Pick<BoxShape, "center" | "size" | "angle"> {
  if (shape.kind === "circle") {
    const side = shape.radius * Math.sqrt(Math.PI);
    return { center: shape.center, size: [side, side], angle: 0 };
  }
  return boxAround(outlineOf(shape));
}

function platesOutline(shape: Shape): readonly Point[] {
  const outline = outlineOf(shape);
  return outline.length >= 3 ? outline : cornersOf(boxAround(outline));
}

function pathOf(shape: Shape): readonly Point[] {
  if (shape.kind !== "box") return shape.kind === "circle" ? diameterOf(shape) : outlineOf(shape);
  const [a, b, c, d] = cornersOf(shape);
  return shape.size[0] >= shape.size[1] ? [middle(a, d), middle(b, c)] : [middle(a, b), middle(c, d)];
}

function diameterOf({ center: [x, y], radius }: { center: Point; radius: number }): readonly Point[] {
  return [
    [x - radius, y],
    [x + radius, y],
  ];
}

/** The box that lies along the longest side of an outline. */
function boxAround(outline: readonly Point[]): Pick<BoxShape, "center" | "size" | "angle"> {
  const sides = outline.map((point, at) => [point, outline[(at + 1) % outline.length]!] as const);
  const [from, to] = sides.reduce((longest, side) => (lengthOf(side) > lengthOf(longest) ? side : longest));
  const angle = asBoxAngle(Math.atan2(to[1] - from[1], to[0] - from[0]));
  const flat = outline.map((point) => turned(point, -angle));
  const [left, right] = extent(flat.map(([x]) => x));
  const [top, bottom] = extent(flat.map(([, y]) => y));
  return {
    center: turned([(left + right) / 2, (top + bottom) / 2], angle),
    size: [Math.max(THICKNESS, right - left), Math.max(THICKNESS, bottom - top)],
    angle,
  };
}

/** The same direction or one across it, from -π/4 to π/4. */
function asBoxAngle(angle: number): number {
  const quarter = Math.PI / 2;
  return angle - Math.round(angle / quarter) * quarter;
}

function cornersOf({ center, size: [width, height], angle }: Pick<BoxShape, "center" | "size" | "angle">) {
  const corner = (x: number, y: number) => turned([(x * width) / 2, (y * height) / 2], angle, center);
  return [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)] as const;
}

function turned([x, y]: Point, angle: number, [dx, dy]: Point = [0, 0]): Point {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [dx + x * cos - y * sin, dy + x * sin + y * cos];
}

function extent(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

/** The end of a path that is nearest to a point, 0 or 1, and how near that is. */
export function nearestEnd(points: readonly Point[], at: Point): { end: 0 | 1; away: number } {
  const [toFirst, toLast] = [distance(points[0]!, at), distance(points.at(-1)!, at)];
  return toFirst <= toLast ? { end: 0, away: toFirst } : { end: 1, away: toLast };
}
