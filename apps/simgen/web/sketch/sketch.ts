import type { Drawing, DrawingText, Point } from "../../cv/drawing.ts";
import type { SKETCH_LIMITS } from "../../cv/sketch.ts";
import type { Corrections } from "./correction.ts";

/** The paper, in units of its own: what is drawn stays as it is when the page is resized. */
export const PAPER = { width: 800, height: 600 } as const;

/** What the server takes; its own constants would bring their parser along. */
export const LIMITS: Pick<typeof SKETCH_LIMITS, "strokes" | "points" | "texts" | "textChars"> = {
  strokes: 400,
  points: 20_000,
  texts: 40,
  textChars: 40,
};

export interface Stroke {
  /** Unique on this page: corrections find what they are about by it. */
  id: number;
  points: readonly Point[];
  /** Of a pen, from 0 to 1, one a point. */
  pressures?: readonly number[];
}

/** What is on the pad; never changed, only replaced. */
export interface Sketch {
  strokes: readonly Stroke[];
  texts: readonly DrawingText[];
  corrections: Corrections;
  /** The address of a picture that lies under the paper, as wide or as high as it. */
  picture?: string;
}

export const EMPTY: Sketch = { strokes: [], texts: [], corrections: { changed: [], hinges: [] } };

export function isEmpty({ strokes, texts }: Sketch): boolean {
  return strokes.length === 0 && texts.length === 0;
}

let lastId = 0;

export function strokeOf(points: readonly Point[], pressures?: readonly number[]): Stroke {
  return { id: ++lastId, points, ...(pressures && { pressures }) };
}

export function drawingOf({ strokes, texts }: Sketch): Drawing {
  return { ...PAPER, strokes: strokes.map(({ points }) => points), texts };
}

/** A drawing of any size, in the middle of the paper and as large as fits. */
export function sketchOf(drawing: Drawing): Sketch {
  const scale = Math.min(PAPER.width / drawing.width, PAPER.height / drawing.height);
  const left = (PAPER.width - drawing.width * scale) / 2;
  const top = (PAPER.height - drawing.height * scale) / 2;
  const place = ([x, y]: Point): Point => [rounded(left + x * scale), rounded(top + y * scale)];
  return {
    ...EMPTY,
    strokes: drawing.strokes.map((points) => strokeOf(points.map(place))),
    texts: drawing.texts.map(({ text, at }) => ({ text, at: place(at) })),
  };
}

export function pointsIn({ strokes }: Sketch): number {
  return strokes.reduce((sum, { points }) => sum + points.length, 0);
}

/** To a tenth, finer than any hand. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
