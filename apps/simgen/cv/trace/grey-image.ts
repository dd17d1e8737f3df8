import sharp, { type Metadata } from "sharp";
import { ImageError } from "./image-error.ts";
import { type ImageFormat, imageFormatOf, nameOfOther } from "./image-format.ts";

/** A picture without colours, upright, not wider or higher than `IMAGE_LIMITS.sidePx`. */
export interface GreyImage {
  width: number;
  height: number;
  /** Row by row, from 0 (black) to 255. */
  pixels: Uint8Array;
}

export const IMAGE_LIMITS = {
  bytes: 10 * 1024 * 1024,
  /** A phone's 50- and 64-megapixel photos pass. */
  pixels: 65_000_000,
  /** Of what it decodes to. */
  decodedBytes: 210_000_000,
  /** Of what is decoded as a whole rather than row by row: WebP, progressive JPEG, interlaced PNG. */
  decodedBytesHeld: 80_000_000,
  /** A longer side is scaled down to this. */
  sidePx: 1000,
  decodeSeconds: 5,
} as const;

/** Scans of a progressive JPEG: each goes over all pixels. Encoders make about ten. */
const SCANS_MAX = 40;

// Nothing is decoded twice, and one core for each image keeps the memory flat.
sharp.cache(false);
sharp.concurrency(1);

/** Decodes a PNG, JPEG or WebP. Throws `ImageError`. */
export async function decodeImage(bytes: Uint8Array): Promise<GreyImage> {
  const format = imageFormatOf(bytes);
  if (!format) throw new ImageError("image_unsupported", `expected a PNG, JPEG or WebP, got ${nameOfOther(bytes)}`);
  if (bytes.length > IMAGE_LIMITS.bytes)
    throw new ImageError("image_too_large", `expected at most ${IMAGE_LIMITS.bytes} bytes, got ${bytes.length}`);
  try {
    const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
    checkSize(metadata, metadata.isProgressive || format === "webp");
    if (format === "jpeg" && metadata.isProgressive) checkScans(bytes);
    const { data, info } = await sharp(bytes, {
      // Turned below, when it is small: libvips would hold the whole picture for that.
      autoOrient: false,
      failOn: "truncated",
      // The colours do not matter.
      ignoreIcc: true,
      limitInputPixels: IMAGE_LIMITS.pixels,
    })
      .timeout({ seconds: IMAGE_LIMITS.decodeSeconds })
      .resize({ width: IMAGE_LIMITS.sidePx, height: IMAGE_LIMITS.sidePx, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return upright(
      { width: info.width, height: info.height, pixels: greyOf(data, info.channels) },
      metadata.orientation ?? 1,
    );
  } catch (error) {
    throw error instanceof ImageError ? error : failureOf(format, bytes, error);
  }
}

/** What libvips' complaint means. */
function failureOf(format: ImageFormat, bytes: Uint8Array, error: unknown): ImageError {
  const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "").slice(0, 120) : "unknown";
  const isEmpty = format === "png" ? isEmptyPng(bytes) : /empty/i.test(reason);
  if (isEmpty) return new ImageError("image_empty", "expected an image with pixels, got one of no width or height");
  if (reason.startsWith("timeout"))
    return new ImageError("image_too_large", `expected what decodes in ${IMAGE_LIMITS.decodeSeconds} s, got ${reason}`);
  return new ImageError("image_damaged", `expected a whole ${format.toUpperCase()}, got one that fails: ${reason}`);
}

/** Its header holds width and height, four bytes each. */
function isEmptyPng(bytes: Uint8Array): boolean {
  const isZero = (from: number) =>
    bytes.length >= from + 4 && bytes.subarray(from, from + 4).every((byte) => byte === 0);
  return isZero(16) || isZero(20);
}

function checkSize({ width, height, channels, depth }: Metadata, isHeld: boolean): void {
  const size = `${width} x ${height}`;
  if (width * height > IMAGE_LIMITS.pixels)
    throw new ImageError("image_too_large", `expected at most ${IMAGE_LIMITS.pixels} pixels, got ${size}`);
  const bytes = width * height * channels * (depth === "ushort" ? 2 : 1);
  const max = isHeld ? IMAGE_LIMITS.decodedBytesHeld : IMAGE_LIMITS.decodedBytes;
  if (bytes <= max) return;
  const kind = isHeld ? "a WebP, progressive or interlaced image" : "an image";
  throw new ImageError(
    "image_too_large",
    `expected ${kind} of at most ${max} bytes decoded, got ${size}, ${bytes} bytes`,
  );
}

function checkScans(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const startOfScan = Buffer.of(0xff, 0xda);
  let scans = 0;
  for (let at = buffer.indexOf(startOfScan); at >= 0; at = buffer.indexOf(startOfScan, at + 2)) scans++;
  if (scans > SCANS_MAX)
    throw new ImageError("image_too_large", `expected a JPEG of at most ${SCANS_MAX} scans, got ${scans}`);
}

/** The luma of Rec. 601, on white where it is transparent. libvips goes by way of linear light, which takes 20 times as long. */
function greyOf(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return data;
  const pixels = new Uint8Array(data.length / channels);
  if (channels === 3) {
    for (let i = 0, at = 0; i < pixels.length; i++, at += 3) pixels[i] = lumaOf(data, at);
    return pixels;
  }
  for (let i = 0, at = 0; i < pixels.length; i++, at += channels) {
    const grey = channels === 4 ? lumaOf(data, at) : data[at]!;
    const alpha = data[at + channels - 1]!;
    pixels[i] = alpha === 255 ? grey : 255 + ((grey - 255) * alpha) / 255;
  }
  return pixels;
}

function lumaOf(data: Uint8Array, at: number): number {
  return (77 * data[at]! + 150 * data[at + 1]! + 29 * data[at + 2]!) >> 8;
}

/** Turned and mirrored as the camera says: EXIF 2.32, tag 0x0112, from 1 to 8. */
function upright(image: GreyImage, orientation: number): GreyImage {
  if (orientation <= 1 || orientation > 8) return image;
  const { width: w, height: h, pixels } = image;
  const isTurned = orientation >= 5;
  const [width, height] = isTurned ? [h, w] : [w, h];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const turned = new Uint8Array(w * h);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = isTurned ? [y, x] : [x, y];
      turned[y * width + x] = pixels[(fromBottom ? h - 1 - v : v) * w + (fromRight ? w - 1 - u : u)] ?? 0;
    }
  return { width, height, pixels: turned };
}
