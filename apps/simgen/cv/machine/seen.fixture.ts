import type { Point } from "../drawing.ts";
import type {
  Arrow,
  BoxShape,
  CircleShape,
  GroundShape,
  HingeLink,
  Label,
  LineShape,
  Link,
  PolygonShape,
  Recognition,
  RopeLink,
  Shape,
  SpringLink,
  WeldLink,
} from "../recognition.ts";

/** For tests: a recognition, written by hand. Pixels, y down, as a hand draws: some off, some degrees askew. */
export function seen(
  shapes: readonly Shape[],
  links: readonly Link[] = [],
  more: { arrows?: readonly Arrow[]; labels?: readonly Label[]; width?: number } = {},
): Recognition {
  const { arrows = [], labels = [], width = 800 } = more;
  return { width, height: 600, shapes, links, arrows, labels, unknown: [] };
}

const sure = { confidence: 1, strokes: [] };

export function circle(id: string, center: Point, radius: number, fixed = false): CircleShape {
  return { ...sure, kind: "circle", id, center, radius, fixed };
}

/** `degrees` clockwise. */
export function box(id: string, center: Point, size: readonly [number, number], degrees = 0, fixed = false): BoxShape {
  return { ...sure, kind: "box", id, center, size, angle: (degrees * Math.PI) / 180, fixed };
}

export function polygon(id: string, points: readonly Point[], fixed = false): PolygonShape {
  return { ...sure, kind: "polygon", id, points, fixed };
}

export function line(id: string, points: readonly Point[], fixed = false): LineShape {
  return { ...sure, kind: "line", id, points, fixed };
}

export function ground(points: readonly Point[], id = "ground-1"): GroundShape {
  return { ...sure, kind: "ground", id, points, fixed: true };
}

export function hinge(id: string, a: string, b: string | null, at: Point): HingeLink {
  return { ...sure, kind: "hinge", id, a, b, at };
}

export function weld(id: string, a: string, b: string | null, at: Point): WeldLink {
  return { ...sure, kind: "weld", id, a, b, at };
}

export function rope(id: string, a: string, b: string | null, points: readonly Point[]): RopeLink {
  return { ...sure, kind: "rope", id, a, b, points };
}

export function spring(id: string, a: string, b: string | null, points: readonly [Point, Point]): SpringLink {
  return { ...sure, kind: "spring", id, a, b, points };
}

export function push(id: string, target: string, points: readonly Point[]): Arrow {
  return { ...sure, id, does: "push", target, points };
}

export function motor(id: string, target: string, points: readonly Point[]): Arrow {
  return { ...sure, id, does: "motor", target, points };
}

/** A bent arrow around a point, from one angle to another in degrees, clockwise from the right. */
export function around([x, y]: Point, radius: number, from: number, to: number): Point[] {
  return Array.from({ length: 9 }, (_, at) => {
    const angle = ((from + ((to - from) * at) / 8) * Math.PI) / 180;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

export function label(text: string, target: string | null, at: Point = [400, 300]): Label {
  return { text, at, target };
}
