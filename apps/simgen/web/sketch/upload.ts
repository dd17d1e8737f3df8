import { ApiError, api, type SketchAnswer } from "../api.ts";

const UPLOAD_TYPES = ["image/png", "image/jpeg", "image/webp"];
const UPLOAD_MB_MAX = 10;

/** Has a picture of a drawing read. Throws `ApiError`, "picture" before anything is sent. */
export async function readPicture(file: File, signal: AbortSignal): Promise<SketchAnswer> {
  if (!UPLOAD_TYPES.includes(file.type))
    throw unusable(`Expected a PNG, JPEG or WebP, got ${file.name || "something else"}.`);
  if (file.size > UPLOAD_MB_MAX * 1e6)
    throw unusable(`Expected at most ${UPLOAD_MB_MAX} MB, got ${(file.size / 1e6).toFixed(1)} MB.`);
  if (file.size === 0) throw unusable(`Expected a PNG, JPEG or WebP, got an empty file.`);
  return api.readSketch(file, signal);
}

function unusable(detail: string): ApiError {
  return new ApiError({ title: "The picture cannot be used", detail, status: 0, code: "picture" });
}
