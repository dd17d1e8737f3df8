import { type MaterialName, materialOf } from "../../sim/material.ts";
import type { Recognition, Shape } from "../recognition.ts";
import type { Saying } from "./label.ts";
import { centroid, distance, pathLength, type Spot, signedArea, simplified, turned } from "./plane.ts";
import { boxCorners, type Scale } from "./scale.ts";

/** Half a bar's thickness, half the machine's depth, as shares of the machine's extent. */
const BAR = 0.0075;
const DEPTH = 0.025;
/** What is drawn smaller is made so small, m, and a share. */
const SMALLEST = 0.0005;
const SMALLEST_SHARE = 0.003;
/** kg/m³: as wood; bars are lighter, since they are drawn thicker than they are meant. */
const DENSITY = 650;
const BAR_DENSITY = 200;

/** Sizes that follow from how large a machine is, m. */
export interface Measures {
  extent: number;
  bar: number;
  depth: number;
  smallest: number;
}

export function measuresOf(extent: number): Measures {
  const smallest = Math.max(SMALLEST, SMALLEST_SHARE * extent);
  return { extent, smallest, bar: Math.max(smallest, BAR * extent), depth: Math.max(smallest, DEPTH * extent) };
}

/**
 * A shape of the drawing in the machine's plane. `points`: a circle's centre, a box's or polygon's corners
 * (counterclockwise), the path of a line. Only `points` change when it moves.
 */
export interface Part {
  readonly id: string;
  readonly kind: "circle" | "box" | "polygon" | "line" | "ground";
  points: readonly Spot[];
  /** Of a circle; half the thickness of a line; 0 for a box or polygon. */
  radius: number;
  fixed: boolean;
  /** A bar between joints, drawn round; other lines are planks. */
  rod: boolean;
  material: MaterialName | undefined;
  /** kg, when a label says so. */
  mass: number | undefined;
  /** Sliding friction that another part's surface gives it. */
  slides: number | undefined;
}

/** The shapes of a drawing as parts, without those that are nothing but a point. */
export function partsOf({ shapes }: Recognition, { pixel, spot }: Scale, measures: Measures): Part[] {
  return shapes.flatMap((shape): Part[] => {
    const drawn = drawnOf(shape, pixel, measures);
    const points = drawn.points.map(spot);
    if (drawn.kind === "circle") return [{ ...drawn, points }];
    if (pathLength(points) < 2 * measures.smallest) return [];
    if (drawn.kind === "line" || drawn.kind === "ground")
      return [{ ...drawn, points: simplified(points, points.length, 0.001 * measures.extent) }];
    const area = signedArea(points);
    // A plate of no width is a bar.
    if (Math.abs(area) < measures.smallest * pathLength(points))
      return [{ ...drawn, kind: "line", points: span(points), radius: measures.bar }];
    return [{ ...drawn, points: area < 0 ? points.toReversed() : points }];
  });
}

/** From the first point to the farthest from it. */
function span(points: readonly Spot[]): Spot[] {
  const first = points[0] ?? [0, 0];
  return [first, points.reduce((far, point) => (distance(first, point) > distance(first, far) ? point : far), first)];
}

function drawnOf(shape: Shape, pixel: number, { bar, smallest }: Measures) {
  const common = {
    id: shape.id,
    fixed: shape.fixed || shape.kind === "ground",
    rod: false,
    material: undefined,
    mass: undefined,
    slides: undefined,
  };
  switch (shape.kind) {
    case "circle":
      return {
        ...common,
        kind: shape.kind,
        points: [shape.center],
        radius: Math.max(2 * smallest, shape.radius * pixel),
      };
    case "box": {
      const [width, height] = shape.size.map((size) => Math.max(size, (2 * smallest) / pixel));
      return {
        ...common,
        kind: shape.kind,
        points: boxCorners({ ...shape, size: [width ?? 1, height ?? 1] }),
        radius: 0,
      };
    }
    case "polygon":
      return { ...common, kind: shape.kind, points: shape.points, radius: 0 };
    default:
      return { ...common, kind: shape.kind, points: shape.points, radius: bar };
  }
}

/** The labels beside parts that say what they weigh and are made of. */
export function heedLabels(
  parts: readonly Part[],
  said: readonly Saying[],
  { understood, warnings }: { understood: string[]; warnings: string[] },
): void {
  for (const saying of said) {
    if (saying.kind !== "mass" && saying.kind !== "material") continue;
    const part = parts.find(({ id }) => id === saying.label.target);
    if (!part) {
      warnings.push(`ignored: "${saying.label.text}", which stands beside nothing`);
      continue;
    }
    if (saying.kind === "material") part.material = saying.name;
    else part.mass = Math.min(1e5, Math.max(1e-3, saying.value));
    understood.push(`${part.id}: ${saying.kind === "material" ? saying.name : saying.label.text}`);
  }
}

/** m², as seen from the front. */
export function areaOf({ kind, points, radius }: Part): number {
  if (kind === "circle") return Math.PI * radius * radius;
  if (kind === "line" || kind === "ground") return 2 * radius * pathLength(points);
  return Math.abs(signedArea(points));
}

/** Its middle. */
export function centerOf(part: Part): Spot {
  if (part.kind === "circle") return part.points[0] ?? [0, 0];
  if (part.kind !== "line" && part.kind !== "ground") return centroid(part.points);
  const whole = pathLength(part.points);
  let [x, z] = [0, 0];
  part.points.slice(1).forEach((point, at) => {
    const before = part.points[at] ?? point;
    const share = Math.hypot(point[0] - before[0], point[1] - before[1]) / whole;
    x += (share * (point[0] + before[0])) / 2;
    z += (share * (point[1] + before[1])) / 2;
  });
  return [x, z];
}

/** kg/m³ */
function densityOf({ kind, material, rod }: Part): number {
  if (material !== undefined) return materialOf(material).density;
  return kind === "line" && rod ? BAR_DENSITY : DENSITY;
}

/** kg: all parts are equally deep. */
export function massOf(part: Part, { depth }: Measures): number {
  if (part.mass !== undefined) return part.mass;
  const across = part.kind === "line" && part.rod ? (Math.PI * part.radius) / 2 : 2 * depth;
  return Math.max(1e-6, areaOf(part) * across * densityOf(part));
}

export function moved(part: Part, move: (spot: Spot) => Spot): void {
  part.points = part.points.map(move);
}

/** Turned by `angle` rad counterclockwise about `about`, then shifted. */
export function rigidly(angle: number, about: Spot, shift: Spot): (spot: Spot) => Spot {
  return (spot) => {
    const [x, z] = angle === 0 ? spot : turned(spot, angle, about);
    return [x + shift[0], z + shift[1]];
  };
}

/** The lowest and highest corners of the upright box around parts. */
export function boundsOf(parts: readonly Part[]): { low: Spot; high: Spot } {
  let [left, bottom, right, top] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const { points, radius } of parts)
    for (const [x, z] of points) {
      left = Math.min(left, x - radius);
      right = Math.max(right, x + radius);
      bottom = Math.min(bottom, z - radius);
      top = Math.max(top, z + radius);
    }
  return { low: [left, bottom], high: [right, top] };
}
