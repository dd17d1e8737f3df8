import type { Point } from "./drawing.ts";

/** What is common to all that is seen in a drawing. */
interface Seen {
  /** Unique within the recognition, such as `circle-1`; stays the same as long as its strokes do. */
  id: string;
  /** From 0 to 1. */
  confidence: number;
  /** Indices of the strokes it was seen in; none if it only follows from others. */
  strokes: readonly number[];
}

interface Solid extends Seen {
  /** Hatched, or part of the ground: it does not move. */
  fixed: boolean;
}

export interface CircleShape extends Solid {
  kind: "circle";
  center: Point;
  radius: number;
}

export interface BoxShape extends Solid {
  kind: "box";
  center: Point;
  /** Along the side that `angle` turns, and across it. */
  size: readonly [width: number, height: number];
  /** rad from the x axis towards the y axis, so clockwise as seen; from -π/4 to π/4. */
  angle: number;
}

/** A closed shape with 3 corners or more that is no box: a ramp, a wedge, any plate. */
export interface PolygonShape extends Solid {
  kind: "polygon";
  points: readonly Point[];
}

/** A bar: straight (2 points), bent, or an arc (many). */
export interface LineShape extends Solid {
  kind: "line";
  points: readonly Point[];
}

/** What everything stands on; always fixed. */
export interface GroundShape extends Solid {
  kind: "ground";
  points: readonly Point[];
}

export type Shape = CircleShape | BoxShape | PolygonShape | LineShape | GroundShape;

interface Joining extends Seen {
  /** Ids of the shapes it joins; `null` is the paper, which does not move. */
  a: string;
  b: string | null;
}

/** They turn about a point: a dot or a small circle, an axle, or a bar's end on something fixed. */
export interface HingeLink extends Joining {
  kind: "hinge";
  at: Point;
}

/** They are one piece: a bar's end on something that moves. */
export interface WeldLink extends Joining {
  kind: "weld";
  at: Point;
}

/** From `a` to `b`. */
export interface RopeLink extends Joining {
  kind: "rope";
  points: readonly Point[];
}

/** From `a` to `b`: a zigzag or a coil. */
export interface SpringLink extends Joining {
  kind: "spring";
  points: readonly [Point, Point];
}

export type Link = HingeLink | WeldLink | RopeLink | SpringLink;

/** An arrow: straight ones push a shape at the start, bent ones turn it. */
export interface Arrow extends Seen {
  does: "push" | "motor";
  /** From its tail to its head. */
  points: readonly Point[];
  /** The shape it touches or is nearest to. */
  target: string;
}

/** Words, and the shape beside which they stand; `null`: they are about the whole drawing. */
export interface Label {
  text: string;
  at: Point;
  target: string | null;
}

/** What is seen in a drawing: a machine in a vertical plane. Coordinates are the drawing's. */
export interface Recognition {
  width: number;
  height: number;
  shapes: readonly Shape[];
  links: readonly Link[];
  arrows: readonly Arrow[];
  labels: readonly Label[];
  /** Indices of strokes that nothing was seen in. */
  unknown: readonly number[];
}
