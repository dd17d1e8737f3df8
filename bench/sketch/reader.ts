/** A process that does nothing but read sketches, so that its memory is that of reading them. */
import { readFile } from "node:fs/promises";
import { drawingIn } from "../../apps/simgen/cv/picture.ts";
import { recognize } from "../../apps/simgen/cv/recognize.ts";
import { sketchOf, TUNED_KINDS, WOBBLES } from "../../apps/simgen/cv/synthetic/sketches.ts";
import { decodeImage } from "../../apps/simgen/cv/trace/grey-image.ts";
import { answer } from "../sessions/child.ts";

const calls = {
  /** ms, each. */
  async images(files: string[], count: number): Promise<number[]> {
    const pictures = await Promise.all(files.map((file) => readFile(file)));
    const times: number[] = [];
    for (let read = 0; read < count; read++) {
      const picture = pictures[read % pictures.length];
      if (!picture) break;
      const started = performance.now();
      recognize(drawingIn(await decodeImage(picture)));
      times.push(performance.now() - started);
    }
    return times;
  },

  /** ms, each: tuned kinds by turns. */
  strokes(count: number): number[] {
    return Array.from({ length: count }, (_, index) => {
      const kind = TUNED_KINDS[index % TUNED_KINDS.length] ?? "";
      const seed = 1 + Math.floor(index / TUNED_KINDS.length);
      const { drawing } = sketchOf(kind, seed, WOBBLES[seed % WOBBLES.length] ?? 1);
      const started = performance.now();
      recognize(drawing);
      return performance.now() - started;
    });
  },

  /** Resident, MB. */
  memory(): number {
    return process.memoryUsage.rss() / 1e6;
  },
};

export type ReaderCalls = typeof calls;

answer(calls);
