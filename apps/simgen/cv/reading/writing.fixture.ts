/** Letters as a pen writes them, for tests. */
import type { Point } from "../drawing.ts";

/** In boxes one high, the base line at 0, y down; the number is how far it is to the next. */
const LETTERS: Readonly<Record<string, [advance: number, ...strokes: Point[][]]>> = {
  " ": [0.45],
  "0": [0.75, arc([0.28, -0.5], 0.28, 0.5, -90, 270)],
  "2": [0.75, [...arc([0.27, -0.73], 0.27, 0.27, -170, 30), [0.02, 0], [0.56, 0]]],
  "3": [0.75, [...arc([0.25, -0.75], 0.25, 0.25, -150, 80), ...arc([0.25, -0.26], 0.28, 0.26, -80, 150)]],
  "°": [0.4, arc([0.12, -0.9], 0.11, 0.11, -90, 270)],
  c: [0.6, arc([0.25, -0.32], 0.25, 0.32, -50, -310)],
  e: [0.6, [[0.02, -0.34], [0.48, -0.34], ...arc([0.25, -0.32], 0.24, 0.32, -10, -310)]],
  g: [
    0.65,
    arc([0.24, -0.33], 0.23, 0.32, -20, -340),
    [[0.48, -0.64], [0.48, 0.08], ...arc([0.25, 0.1], 0.23, 0.22, 0, 150)],
  ],
  i: [
    0.3,
    [
      [0.08, -0.64],
      [0.08, 0],
    ],
    [
      [0.08, -0.9],
      [0.09, -0.88],
    ],
  ],
  k: [
    0.62,
    [
      [0.04, -1],
      [0.04, 0],
    ],
    [
      [0.42, -0.64],
      [0.06, -0.3],
      [0.46, 0],
    ],
  ],
};

/** The strokes of the words, with their lower left corner there and capitals of that height. */
export function written(text: string, [x, y]: Point, height = 26): Point[][] {
  let along = 0;
  return [...text].flatMap((char) => {
    const [advance, ...strokes] = LETTERS[char] ?? [0];
    const left = along;
    along += advance;
    return strokes.map((stroke) => stroke.map(([sx, sy]): Point => [x + (left + sx) * height, y + sy * height]));
  });
}

/** Degrees from the right, downwards. */
function arc([x, y]: Point, rx: number, ry: number, from: number, to: number): Point[] {
  return Array.from({ length: 17 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / 16) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });
}
