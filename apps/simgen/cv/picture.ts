import type { Drawing } from "./drawing.ts";
import { type Oddness, oddnessOf } from "./recognize/oddness.ts";
import { recognize } from "./recognize.ts";
import type { GreyImage } from "./trace/grey-image.ts";
import { ImageError } from "./trace/image-error.ts";
import { type Ink, inkOf } from "./trace/ink.ts";
import { type Contrast, contrastOf } from "./trace/paper.ts";
import { traceInk } from "./trace/trace-image.ts";

/** What is less odd is not looked at again. */
const ODD = 1.5;
/** Of ink as thin as this, lines that almost touch part, and hatching comes off what it hatches. */
const THIN = { sure: 0.6, faint: 0.5 };

/**
 * The drawing in a picture. Wherever ink ends, some lines run together and others break; so a picture in which something odd is
 * seen is traced once more, with thinner ink, and the less odd drawing is taken. Throws `ImageError`.
 */
export function drawingIn(image: GreyImage): Drawing {
  const contrast = contrastOf(image);
  const first = readingOf(inkOf(contrast));
  if (first.oddness.ofParts < ODD) return first.drawing;
  const second = thinReadingOf(contrast);
  return second && second.oddness.inAll < first.oddness.inAll ? second.drawing : first.drawing;
}

function readingOf(ink: Ink): { drawing: Drawing; oddness: Oddness } {
  const drawing = traceInk(ink);
  return { drawing, oddness: oddnessOf(recognize(drawing)) };
}

/** None if so little ink is no drawing. */
function thinReadingOf(contrast: Contrast): ReturnType<typeof readingOf> | undefined {
  try {
    return readingOf(inkOf(contrast, THIN));
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return;
  }
}
