import type { Recognition } from "../recognition.ts";
import { boundsOf, distance, first, last, type Point } from "./geometry.ts";
import { outlinePath } from "./solid.ts";

/** Of a logit that it is wrong, fitted to pictures that were read in two ways of which one was right. */
const WEIGHTS = { doubt: 8, tilt: 2.7, bend: 2.1, looseEnd: 2, part: 0.4 };
/** rad */
const LEVEL = 0.06;
/** How far a link may be from the end of a bar, as a share of the diagonal of all shapes. */
const AT_END = 0.045;

export interface Oddness {
  /** Of what is seen: about 0 in most drawings that are read right. */
  ofParts: number;
  /** To compare what is seen in one picture: the fewer parts explain it, the better. */
  inAll: number;
}

/**
 * How unlike a sensible drawing a recognition is: bars that are bent or end at nothing, boxes that are not level, something that
 * is hardly what it is taken for.
 */
export function oddnessOf({ shapes, links, arrows }: Recognition): Oddness {
  const seen = [...shapes, ...links, ...arrows];
  if (seen.length === 0) return { ofParts: Number.POSITIVE_INFINITY, inAll: Number.POSITIVE_INFINITY };
  const reach = AT_END * boundsOf(shapes.flatMap(outlinePath)).diagonal;
  const isLoose = (id: string, end: Point) =>
    !links.some((link) => {
      const points = "at" in link ? [link.at] : link.points;
      return (link.a === id || link.b === id) && points.some((point) => distance(point, end) <= reach);
    });
  let ofParts = WEIGHTS.doubt * (1 - Math.min(...seen.map(({ confidence }) => confidence)));
  for (const shape of shapes) {
    if (shape.fixed) continue;
    if (shape.kind === "box" && Math.abs(shape.angle) > LEVEL) ofParts += WEIGHTS.tilt;
    if (shape.kind !== "line") continue;
    const { id, points } = shape;
    if (points.length > 2) ofParts += WEIGHTS.bend;
    ofParts += WEIGHTS.looseEnd * [first(points), last(points)].filter((end) => isLoose(id, end)).length;
  }
  return { ofParts, inAll: ofParts + WEIGHTS.part * seen.length };
}
