import type { Shape } from "../recognition.ts";
import { distance, isInside, middleOf, nearestOnPath, type Path, type Point, rotated } from "./geometry.ts";

const CIRCLE_POINTS = 32;

/** The corners of a box, or of what has corners; a circle has none. */
export function cornersOf(shape: Shape): Path {
  if (shape.kind === "circle") return [];
  if (shape.kind !== "box") return shape.points;
  const { center, size, angle } = shape;
  const [w, h] = [size[0] / 2, size[1] / 2];
  return (
    [
      [-w, -h],
      [w, -h],
      [w, h],
      [-w, h],
    ] as const
  ).map((corner): Point => {
    const [x, y] = rotated(corner, angle);
    return [center[0] + x, center[1] + y];
  });
}

export function isClosed(shape: Shape): boolean {
  return shape.kind !== "line" && shape.kind !== "ground";
}

/** From a point to the shape's outline. */
export function outlineDistance(point: Point, shape: Shape): number {
  if (shape.kind === "circle") return Math.abs(distance(point, shape.center) - shape.radius);
  return nearestOnPath(point, cornersOf(shape), isClosed(shape)).distance;
}

/** The same, but 0 inside of it. */
export function shapeDistance(point: Point, shape: Shape): number {
  if (shape.kind === "circle") return Math.max(0, distance(point, shape.center) - shape.radius);
  if (isClosed(shape) && isInside(point, cornersOf(shape))) return 0;
  return outlineDistance(point, shape);
}

/** About as long as it is wide, or the longer of both. */
export function sizeOf(shape: Shape): number {
  if (shape.kind === "circle") return 2 * shape.radius;
  if (shape.kind === "box") return Math.max(...shape.size);
  const [xs, ys] = [shape.points.map(([x]) => x), shape.points.map(([, y]) => y)];
  return Math.hypot(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
}

/** The outline as a path; a circle's with many points. */
export function outlinePath(shape: Shape): Path {
  if (shape.kind !== "circle") return cornersOf(shape);
  const [x, y] = shape.center;
  return Array.from({ length: CIRCLE_POINTS }, (_, index): Point => {
    const angle = (index / CIRCLE_POINTS) * 2 * Math.PI;
    return [x + shape.radius * Math.cos(angle), y + shape.radius * Math.sin(angle)];
  });
}

export function centerOf(shape: Shape): Point {
  return "center" in shape ? shape.center : middleOf(shape.points);
}
