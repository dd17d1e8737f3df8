import type { Point } from "../../cv/drawing.ts";
import type { Arrow, Link, Recognition, Shape } from "../../cv/recognition.ts";
import { halfway, mean } from "./path.ts";

/** Anything that is seen in a sketch. */
export type Item = Shape | Link | Arrow;
export type ShapeKind = Shape["kind"];
export type LinkKind = Link["kind"];
export type Kind = ShapeKind | LinkKind | Arrow["does"];

export const KIND_NAMES: Record<Kind, string> = {
  circle: "Ball",
  box: "Box",
  polygon: "Polygon",
  line: "Rod",
  ground: "Ground",
  hinge: "Joint",
  weld: "Weld",
  rope: "Rope",
  spring: "Spring",
  push: "Push",
  motor: "Motor",
};

/** Below it, a guess is shown to be one. */
export const SURE = 0.6;

export function kindOf(item: Item): Kind {
  return "does" in item ? item.does : item.kind;
}

export function isShape(item: Item): item is Shape {
  return "fixed" in item;
}

export function itemsOf({ shapes, links, arrows }: Recognition): Item[] {
  return [...shapes, ...links, ...arrows];
}

/** Where it is, as one point. */
export function anchorOf(item: Item): Point {
  if ("center" in item) return item.center;
  if ("at" in item) return item.at;
  return kindOf(item) === "polygon" ? mean(item.points) : halfway(item.points);
}

/** "Ball", or "Ball 2" where there are several. */
export function namesOf(recognition: Recognition): Map<string, string> {
  const names = new Map<string, string>();
  for (const [kind, items] of Map.groupBy(itemsOf(recognition), kindOf))
    items.forEach(({ id }, at) => {
      names.set(id, items.length > 1 ? `${KIND_NAMES[kind]} ${at + 1}` : KIND_NAMES[kind]);
    });
  return names;
}
