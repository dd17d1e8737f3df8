import type { Drawing } from "./drawing.ts";
import { type Oddness, oddnessOf } from "./recognize/oddness.ts";
import { recognize } from "./recognize.ts";
import type { GreyImage } from "./trace/grey-image.ts";
import { ImageError } from "./trace/image-error.ts";
import { type InkShares, inkOf } from "./trace/ink.ts";
import { type Contrast, contrastOf } from "./trace/paper.ts";
import { traceInk } from "./trace/trace-image.ts";

/** What is less odd is not looked at again. */
const ODD = 2;
/**
 * Where else ink may end. Of thinner ink, lines that almost touch part, and hatching comes off what it hatches; of bolder ink, what is
 * broken holds together.
 */
const OTHER_INKS: readonly InkShares[] = [
  { sure: 0.6, faint: 0.5 },
  { sure: 0.35, faint: 0.22 },
  { sure: 0.7, faint: 0.62 },
  { sure: 0.8, faint: 0.74 },
];

/**
 * The drawing in a picture. Wherever ink ends, some lines run together and others break; so a picture in which something odd is
 * seen is traced again, with other ink, and the least odd drawing is taken. Throws `ImageError`.
 */
export function drawingIn(image: GreyImage): Drawing {
  const contrast = contrastOf(image);
  let best = readingOf(contrast);
  for (const shares of OTHER_INKS) {
    if (best.oddness.ofParts < ODD) break;
    const other = otherReadingOf(contrast, shares);
    if (other && other.oddness.inAll < best.oddness.inAll) best = other;
  }
  return best.drawing;
}

function readingOf(contrast: Contrast, shares?: InkShares): { drawing: Drawing; oddness: Oddness } {
  const drawing = traceInk(inkOf(contrast, shares));
  return { drawing, oddness: oddnessOf(recognize(drawing)) };
}

/** None if there is so little ink, or so much, that it is no drawing. */
function otherReadingOf(contrast: Contrast, shares: InkShares): ReturnType<typeof readingOf> | undefined {
  try {
    return readingOf(contrast, shares);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return;
  }
}
