import { z } from "zod";
import { IMAGE_BYTES_MAX, isOfType } from "../cv/sketch-body.ts";

/** In base64; language models take no more. */
const PICTURE_CHARS_MAX = 900_000;
export const SKETCH_PICTURE_CHARS_MAX = 4 * Math.ceil(IMAGE_BYTES_MAX / 3);
/** Of base64, enough to see what it is. */
const HEAD_CHARS = 64;

const mediaType = z.enum(["image/png", "image/jpeg", "image/webp"]);
const OTHER_TYPE = "a picture of that media type";

export const pictureSchema = z
  .strictObject({ mediaType, data: z.base64().max(PICTURE_CHARS_MAX).meta({ description: "In base64" }) })
  .refine(({ mediaType, data }) => isOfType(mediaType, Buffer.from(data.slice(0, HEAD_CHARS), "base64")), {
    path: ["data"],
    message: OTHER_TYPE,
  });

/** What a prompt may be about, for the planners that can look. */
export type Picture = z.output<typeof pictureSchema>;

/** A sketch that was drawn elsewhere; its bytes. */
export const sketchPictureSchema = z
  .strictObject({
    mediaType,
    data: z.string().min(1).max(SKETCH_PICTURE_CHARS_MAX).meta({ description: "In base64", contentEncoding: "base64" }),
  })
  .transform(({ mediaType, data }, context): Uint8Array => {
    const bytes = Buffer.from(data, "base64");
    // Whatever is no base64 is skipped by it. zod's own check takes a regular expression seven times as long.
    const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
    const isWhole = bytes.length === Math.floor(((data.length - padding) * 3) / 4);
    const wrong = !isWhole ? "base64" : !isOfType(mediaType, bytes) ? OTHER_TYPE : undefined;
    if (wrong !== undefined) context.addIssue({ code: "custom", path: ["data"], message: wrong });
    return bytes;
  });
