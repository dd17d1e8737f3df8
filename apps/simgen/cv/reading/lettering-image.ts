import sharp, { type Sharp } from "sharp";
import type { Point } from "../drawing.ts";
import type { Lettering } from "../recognize/lettering.ts";
import type { GreyImage } from "../trace/grey-image.ts";

/** How strokes are drawn for the reader, px. */
export interface InkLook {
  heightPx: number;
  penPx: number;
}

const MARGIN_PX = 20;
const WIDTH_MAX_PX = 1200;
/** How much around the writing is cut out with it: lines were thinned in tracing. */
const CUT_MIN_PX = 3;
const CUT_SHARE = 0.12;

/** The strokes in black on white, as a PGM: one line of writing of this height. */
export async function letteringImage(strokes: readonly (readonly Point[])[], look: InkLook): Promise<Uint8Array> {
  const points = strokes.flat();
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(1, Math.max(...ys) - top)];
  const scale = Math.min(look.heightPx / height, (WIDTH_MAX_PX - 2 * MARGIN_PX) / Math.max(1, width));
  const onImage = ([x, y]: Point) =>
    `${((x - left) * scale + MARGIN_PX).toFixed(1)},${((y - top) * scale + MARGIN_PX).toFixed(1)}`;
  // A tap has one point, which a line needs twice to be seen.
  const lines = strokes.map(
    (stroke) => `<polyline points="${[...stroke, ...stroke.slice(-1)].map(onImage).join(" ")}"/>`,
  );
  const [fullWidth, fullHeight] = [width, height].map((extent) => Math.ceil(extent * scale + 2 * MARGIN_PX));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${fullWidth}" height="${fullHeight}"><rect width="100%" height="100%" fill="#fff"/><g fill="none" stroke="#000" stroke-width="${look.penPx}" stroke-linecap="round" stroke-linejoin="round">${lines.join("")}</g></svg>`;
  return pgmOf(sharp(Buffer.from(svg)));
}

/** That part of a picture, as a PGM: the writing scaled to this height. */
export async function letteringCutOut(
  { width, height, pixels }: GreyImage,
  lettering: Lettering,
  { heightPx }: InkLook,
): Promise<Uint8Array> {
  const scale = Math.min(heightPx / Math.max(1, lettering.height), WIDTH_MAX_PX / Math.max(1, lettering.width));
  const around = Math.max(CUT_MIN_PX, CUT_SHARE * lettering.height);
  const left = Math.max(0, Math.floor(lettering.left - around));
  const top = Math.max(0, Math.floor(lettering.top - around));
  const right = Math.min(width, Math.ceil(lettering.left + lettering.width + around));
  const bottom = Math.min(height, Math.ceil(lettering.top + lettering.height + around));
  const cut = sharp(pixels, { raw: { width, height, channels: 1 } })
    .extract({ left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) })
    .resize({ width: Math.max(1, Math.round(scale * (right - left))), kernel: "cubic" })
    .normalise({ lower: 2, upper: 60 })
    .extend({ top: MARGIN_PX, bottom: MARGIN_PX, left: MARGIN_PX, right: MARGIN_PX, background: "#fff" });
  return pgmOf(cut);
}

async function pgmOf(image: Sharp): Promise<Uint8Array> {
  const { data, info } = await image.toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
  return Buffer.concat([Buffer.from(`P5\n${info.width} ${info.height}\n255\n`), data]);
}
