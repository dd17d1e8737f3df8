import type { Picture } from "../server/picture.ts";
import { ApiError } from "./api.ts";

/** More than this, no language model looks at. */
const SIDE_MAX_PX = 1024;
/** What the server takes, in base64. */
const DATA_CHARS_MAX = 900_000;
const FILE_MB_MAX = 50;
/** From the best on, until one fits: drawings stay sharp, photographs become small. */
const PNG = { type: "image/png" } as const;
const JPEGS = [0.9, 0.75, 0.5].map((quality) => ({ type: "image/jpeg", quality }) as const);

/** A file as it is sent: scaled down, on white. Throws `ApiError` "picture". */
export async function pictureOf(file: File): Promise<Picture> {
  if (file.size > FILE_MB_MAX * 1e6)
    throw unusable(`Expected at most ${FILE_MB_MAX} MB, got ${Math.ceil(file.size / 1e6)} MB.`);
  const canvas = draw(await decode(file));
  for (const format of file.type === "image/jpeg" ? JPEGS : [PNG, ...JPEGS]) {
    const data = await base64(await canvas.convertToBlob(format));
    if (data.length <= DATA_CHARS_MAX) return { mediaType: format.type, data };
  }
  throw unusable("Even scaled down it is too large to be sent.");
}

async function decode(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw unusable(
      `Expected a PNG, JPEG, WebP or GIF that this browser can read, got ${file.name || "something else"}.`,
    );
  }
}

function draw(bitmap: ImageBitmap): OffscreenCanvas {
  const scale = Math.min(1, SIDE_MAX_PX / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width ?? 1, height ?? 1);
  const context = canvas.getContext("2d");
  if (!context) throw unusable("This browser cannot scale it down.");
  // What is drawn in black on nothing is meant to be on paper.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

function base64(blob: Blob): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(String(reader.result).replace(/^[^,]*,/, "")));
  reader.addEventListener("error", () => reject(unusable("This browser cannot read it.")));
  reader.readAsDataURL(blob);
  return promise;
}

function unusable(detail: string): ApiError {
  return new ApiError({ title: "The picture cannot be used", detail, status: 0, code: "picture" });
}
