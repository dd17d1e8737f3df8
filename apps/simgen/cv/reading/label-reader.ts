import { setTimeout as sleep } from "node:timers/promises";
import type { Drawing, DrawingText, Point } from "../drawing.ts";
import { type Bounds, boundsOf } from "../recognize/geometry.ts";
import type { Lettering } from "../recognize/lettering.ts";
import type { GreyImage } from "../trace/grey-image.ts";
import { labelTextOf } from "./label-text.ts";
import { type InkLook, letteringCutOut, letteringImage } from "./lettering-image.ts";
import { Tesseract } from "./tesseract.ts";

export interface LabelReaderOptions {
  /** Of one drawing; what is written last stays unread. */
  letteringsMax: number;
  /** For one drawing, the start of the reader among it, ms. */
  deadlineMs: number;
  /** From 0 to 1: what is read with less is not taken; */
  confidenceMin: number;
  /** what is read with less than this, or is nearly a label, has to be read so twice. */
  confidenceSure: number;
  /** Its thread is ended when there has been nothing to read for so long, ms, */
  idleMs: number;
  /** and when it has read so many pictures: what it holds, some 100 MB, no pool sees. The next one to read starts another. */
  usesMax: number;
  /** The entry of the thread that reads. */
  entry: URL;
}

export const LABEL_READER_DEFAULTS: LabelReaderOptions = {
  letteringsMax: 8,
  deadlineMs: 2_000,
  confidenceMin: 0.2,
  confidenceSure: 0.8,
  idleMs: 120_000,
  usesMax: 2_000,
  entry: new URL("./tesseract-worker.ts", import.meta.url),
};

/** What is written in a drawing, and what went wrong in reading it. */
export interface LabelReading {
  texts: DrawingText[];
  warnings: string[];
}

/** What one look does not give, the next may. */
const LOOKS: readonly InkLook[] = [
  { heightPx: 32, penPx: 3 },
  { heightPx: 46, penPx: 4 },
  { heightPx: 40, penPx: 5 },
  { heightPx: 64, penPx: 5 },
];
/** Of the height: letters that are nearer to each other may be one. */
const GAP_SHARE = 0.05;
/** Tracing leaves gaps between strokes of a letter. */
const TRACED_GAP_SHARE = 0.12;
/** Of the height: how large a decimal point is at most. */
const POINT_SHARE = 0.2;

/** Reads labels written by hand or printed. Nothing is loaded before the first; it ends with its thread, or by `close`. */
export class LabelReader {
  readonly #options: LabelReaderOptions;
  #tesseract: Tesseract | undefined;
  /** Of that thread. */
  #uses = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: Partial<LabelReaderOptions> = {}) {
    this.#options = { ...LABEL_READER_DEFAULTS, ...options };
  }

  /** With the picture that was traced, if it was one: print reads better there. Never rejects: a failure is a warning. */
  async read(drawing: Drawing, letterings: readonly Lettering[], picture?: GreyImage): Promise<LabelReading> {
    const { letteringsMax, deadlineMs } = this.#options;
    const texts: DrawingText[] = [];
    if (letterings.length === 0) return { texts, warnings: [] };
    clearTimeout(this.#idle);
    const done = new AbortController();
    const late = sleep(deadlineMs, "late" as const, { signal: done.signal });
    late.catch(() => {});
    let unread = Math.max(0, letterings.length - letteringsMax);
    try {
      for (const lettering of letterings.slice(0, letteringsMax)) {
        const label = await Promise.race([this.#label(drawing, lettering, picture), late]);
        if (label === "late") {
          await this.#giveUp();
          throw new Error(`it took longer than ${deadlineMs} ms`);
        }
        if (label) texts.push({ text: label, at: middleOf(lettering) });
        else unread++;
      }
    } catch (error) {
      return { texts, warnings: [`Labels were not read: ${error instanceof Error ? error.message : error}.`] };
    } finally {
      done.abort();
      await this.#rest();
    }
    const what = unread === 1 ? "One label" : `${unread} labels`;
    return { texts, warnings: unread > 0 ? [`${what} in the sketch could not be read.`] : [] };
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const ended = this.#tesseract;
    // At once: who reads meanwhile starts another.
    this.#tesseract = undefined;
    await ended?.close();
  }

  async #label(drawing: Drawing, lettering: Lettering, picture?: GreyImage): Promise<string | undefined> {
    const { strokes, height } = lettering;
    const paths = strokes.map((stroke) => drawing.strokes[stroke] ?? []).filter(({ length }) => length > 0);
    if (paths.length === 0) return;
    const { confidenceMin, confidenceSure } = this.#options;
    if (!this.#tesseract || this.#tesseract.failure) {
      this.#tesseract = new Tesseract(this.#options.entry);
      this.#uses = 0;
    }
    const seen = columnsOf(paths, (picture ? TRACED_GAP_SHARE : GAP_SHARE) * height);
    const imageOf = (look: InkLook) =>
      picture ? letteringCutOut(picture, lettering, look) : letteringImage(paths, look);
    const unsure = new Set<string>();
    for (const look of LOOKS) {
      this.#uses++;
      const { text, confidence } = await this.#tesseract.read(await imageOf(look));
      const isWhole = text.replaceAll(" ", "").length >= seen.columns && (!seen.hasPoint || /[.,]/.test(text));
      const label = labelTextOf(text);
      if (!label || !isWhole || confidence < confidenceMin) continue;
      if ((label.edits === 0 && confidence >= confidenceSure) || unsure.has(label.text)) return label.text;
      unsure.add(label.text);
    }
    return;
  }

  async #rest(): Promise<void> {
    if (this.#uses >= this.#options.usesMax) return this.close();
    this.#idle = setTimeout(() => this.close(), this.#options.idleMs);
    this.#idle.unref();
  }

  /** One that is still loading is kept for the next drawing. */
  async #giveUp(): Promise<void> {
    if (this.#tesseract?.isReady) await this.close();
  }
}

function middleOf({ left, top, width, height }: Lettering): Point {
  return [left + width / 2, top + height / 2];
}

/** How many letters stand side by side at least, and whether a decimal point is among them. */
function columnsOf(paths: readonly (readonly Point[])[], gap: number): { columns: number; hasPoint: boolean } {
  const spans = paths.map(boundsOf).sort((a, b) => a.left - b.left);
  const { top, height } = boundsOf(paths.flat());
  let columns = 0;
  let end = -Infinity;
  for (const { left, right } of spans) {
    if (left > end + gap) columns++;
    end = Math.max(end, right);
  }
  const isPoint = (span: Bounds) =>
    span.diagonal < POINT_SHARE * height &&
    span.top > top + height / 2 &&
    spans.every((other) => other === span || other.left > span.right || other.right < span.left);
  return { columns, hasPoint: spans.some(isPoint) };
}
