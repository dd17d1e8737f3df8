import type { Point } from "../drawing.ts";
import { BRACED } from "./braced.ts";
import { HANGING } from "./hanging.ts";
import { HELD_OUT } from "./held-out.ts";
import { LINKED } from "./linked.ts";
import type { Wobble } from "./pen.ts";
import { Random } from "./random.ts";
import { ROLLING } from "./rolling.ts";
import { type Machine, PAGE, type Sketch, Sketcher } from "./sketcher.ts";
import { STANDING } from "./standing.ts";

const TUNED: Record<string, Machine> = { ...HANGING, ...ROLLING, ...STANDING, ...LINKED, ...BRACED };

/** Kinds that a recogniser may be tuned on, with seeds below `HELD_OUT_SEED`. */
export const TUNED_KINDS: readonly string[] = Object.keys(TUNED);

/** Kinds that are only ever measured. */
export const HELD_OUT_KINDS: readonly string[] = Object.keys(HELD_OUT);

/** From here on, seeds of any kind are only ever measured. */
export const HELD_OUT_SEED = 1_000_000;

export const WOBBLES: readonly Wobble[] = [0, 1, 2];

const ATTEMPTS_MAX = 50;

/** A drawing of such a machine and what is in it: always the same one. Throws RangeError for a kind there is not. */
export function sketchOf(kind: string, seed: number, wobble: Wobble): Sketch {
  const machine = TUNED[kind] ?? HELD_OUT[kind];
  if (!machine)
    throw new RangeError(`kind: expected one of ${[...TUNED_KINDS, ...HELD_OUT_KINDS].join(", ")}; got ${kind}`);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const sketcher = new Sketcher(new Random(hashOf(`${kind} ${seed} ${wobble} ${attempt}`)), wobble);
    machine(sketcher);
    const sketch = sketcher.finish();
    if (sketch.drawing.strokes.every((stroke) => stroke.every(isOnPage))) return sketch;
  }
  throw new RangeError(`${kind}: none of ${ATTEMPTS_MAX} drawings fits on the page`);
}

function isOnPage([x, y]: Point): boolean {
  return x >= 0 && y >= 0 && x <= PAGE.width && y <= PAGE.height;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  return [...text].reduce((hash, char) => Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193), 0x811c9dc5);
}
