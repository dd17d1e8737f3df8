import type { Drawing } from "../../apps/simgen/cv/drawing.ts";
import { drawingIn } from "../../apps/simgen/cv/picture.ts";
import type { Recognition } from "../../apps/simgen/cv/recognition.ts";
import { recognize } from "../../apps/simgen/cv/recognize.ts";
import type { Wobble } from "../../apps/simgen/cv/synthetic/pen.ts";
import { type Look, rasterOf } from "../../apps/simgen/cv/synthetic/raster.ts";
import { kindOfFault, type Score, score } from "../../apps/simgen/cv/synthetic/score.ts";
import type { Truth } from "../../apps/simgen/cv/synthetic/sketcher.ts";
import { sketchOf } from "../../apps/simgen/cv/synthetic/sketches.ts";
import { decodeImage } from "../../apps/simgen/cv/trace/grey-image.ts";

/** One synthetic sketch, read back. */
export interface Trial extends Score {
  kind: string;
  seed: number;
  wobble: Wobble;
  truth: Truth;
  /** What was recognised from: the strokes as drawn, or as traced from a picture. */
  drawing: Drawing;
  recognition: Recognition;
  ms: number;
}

export async function trial(kind: string, seed: number, wobble: Wobble, look?: Look): Promise<Trial> {
  const { drawing, truth } = sketchOf(kind, seed, wobble);
  const bytes = look && (await rasterOf(drawing, seed, look));
  const started = performance.now();
  let read = drawing;
  let recognition: Recognition = { ...drawing, shapes: [], links: [], arrows: [], labels: [], unknown: [] };
  const failures: string[] = [];
  try {
    if (bytes) read = drawingIn(await decodeImage(bytes));
    recognition = recognize(read);
  } catch (error) {
    failures.push(`not read: ${error instanceof Error ? error.message : error}`);
  }
  const ms = performance.now() - started;
  // A picture's specks belong to no stroke of the sketch.
  const seen = look ? { ...recognition, unknown: [] } : recognition;
  const { right, faults } = score(truth, seen);
  return { kind, seed, wobble, truth, drawing: read, recognition, ms, right, faults: [...failures, ...faults] };
}

/** In how many of them each kind of fault is found, the most frequent first. */
export function frequentFaults(trials: readonly Trial[]): [fault: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { faults } of trials)
    for (const fault of new Set(faults.map(kindOfFault))) counts.set(fault, (counts.get(fault) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
