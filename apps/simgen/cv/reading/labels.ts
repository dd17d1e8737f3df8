import type { Drawing } from "../drawing.ts";
import { isWithin } from "../recognize/lettering.ts";
import { letteringsIn } from "../recognize.ts";
import { SKETCH_LIMITS } from "../sketch.ts";
import type { GreyImage } from "../trace/grey-image.ts";
import type { LabelReader } from "./label-reader.ts";

/** One for the thread that this runs in, and ended with it. */
let reader: LabelReader | undefined;

/** The drawing, traced in that picture if there is one, with what is written in it among its texts. Never rejects: a label that cannot be read is a warning. */
export async function labelled<Maybe extends Drawing | null>(
  drawing: Maybe,
  picture?: GreyImage,
): Promise<{ drawing: Maybe; warnings: string[] }> {
  if (!drawing) return { drawing, warnings: [] };
  const unread = letteringsIn(drawing).filter((lettering) => !drawing.texts.some(({ at }) => isWithin(at, lettering)));
  if (unread.length === 0) return { drawing, warnings: [] };
  // With sharp and tesseract, it takes 100 MB: only for those who write.
  const { LabelReader } = await import("./label-reader.ts");
  reader ??= new LabelReader();
  const { texts, warnings } = await reader.read(drawing, unread, picture);
  return { drawing: { ...drawing, texts: [...drawing.texts, ...texts].slice(0, SKETCH_LIMITS.texts) }, warnings };
}
