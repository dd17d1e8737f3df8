import type { Ink } from "./ink.ts";

/** Ink on a circle. */
export interface InkAround {
  /** How much of the circle it is. */
  share: number;
  /** Of its longest piece, px. */
  longest: number;
}

/** What of a circle (in the mask's columns and rows) is ink. */
export function inkAround({ mask, stride, width, height }: Ink, x: number, y: number, radius: number): InkAround {
  const steps = Math.ceil(2 * Math.PI * radius);
  const isInk = Array.from({ length: steps }, (_, i) => {
    const turn = (2 * Math.PI * i) / steps;
    const column = Math.round(x + radius * Math.cos(turn));
    const row = Math.round(y + radius * Math.sin(turn));
    return column > 0 && row > 0 && column <= width && row <= height && mask[row * stride + column] === 1;
  });
  const first = isInk.indexOf(false);
  if (first < 0) return { share: 1, longest: steps };
  let [total, piece, longest] = [0, 0, 0];
  for (let i = 1; i <= steps; i++) {
    piece = isInk[(first + i) % steps] ? piece + 1 : 0;
    longest = Math.max(longest, piece);
    if (piece > 0) total++;
  }
  return { share: total / steps, longest };
}
