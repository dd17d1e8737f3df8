import { z } from "zod";

/** In base64, within the body's limit. */
const PICTURE_CHARS_MAX = 900_000;

export const pictureSchema = z
  .strictObject({
    mediaType: z.enum(["image/png", "image/jpeg", "image/webp"]),
    data: z.base64().max(PICTURE_CHARS_MAX).meta({ description: "In base64" }),
  })
  .refine(({ mediaType, data }) => startsAs(mediaType, Buffer.from(data.slice(0, 24), "base64")), {
    path: ["data"],
    message: "a picture of that media type",
  });

/** What a prompt may be about, for the planners that can look. */
export type Picture = z.output<typeof pictureSchema>;

function startsAs(mediaType: string, head: Buffer): boolean {
  if (mediaType === "image/png") return head.subarray(0, 4).toString("latin1") === "\x89PNG";
  if (mediaType === "image/jpeg") return head[0] === 0xff && head[1] === 0xd8;
  return head.subarray(0, 4).toString() === "RIFF" && head.subarray(8, 12).toString() === "WEBP";
}
