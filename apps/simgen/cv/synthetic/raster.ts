import sharp, { type SharpOptions } from "sharp";
import type { Drawing, Point } from "../drawing.ts";
import { extent } from "./plane.ts";
import { Random } from "./random.ts";

/** What a drawing looks like as a picture: exported, or drawn with a pencil and scanned, or photographed. */
export type Look = "clean" | "pencil" | "photo";
export const LOOKS: readonly Look[] = ["clean", "pencil", "photo"];

/** Strokes smaller than this are dots: a pen that is pressed down leaves more than a speck. */
const DOT_PX = 5;

/** The drawing as a picture of its own size times `scale`: a PNG, a photo as a JPEG. The same one for the same seed. */
export async function rasterOf(drawing: Drawing, seed: number, look: Look, scale = 1): Promise<Uint8Array> {
  const random = new Random(seed ^ 0x51ed270b);
  const ink = await inkOf(drawing, random, look, scale);
  if (look === "clean")
    return sharp(
      ink.map((value) => 255 - value),
      raw(drawing, scale),
    )
      .png()
      .toBuffer();
  const paper = look === "pencil" ? pencilOn(ink, drawing, random, scale) : photoOf(ink, drawing, random, scale);
  if (look === "pencil") return sharp(paper, raw(drawing, scale)).png().toBuffer();
  return sharp(paper, raw(drawing, scale))
    .blur(random.between(0.5, 0.9) * scale)
    .toColourspace("srgb")
    .tint({ r: 255, g: 250, b: 238 })
    .jpeg({ quality: 80 })
    .toBuffer();
}

/** How much ink there is at each pixel, 0 to 255. */
async function inkOf(drawing: Drawing, random: Random, look: Look, scale: number): Promise<Buffer> {
  const svg = svgOf(drawing, random, look);
  const { width, height } = sizeOf(drawing, scale);
  return sharp(Buffer.from(svg), { density: 72 * scale })
    .resize(width, height, { fit: "fill" })
    .flatten({ background: "#000" })
    .toColourspace("b-w")
    .raw()
    .toBuffer();
}

/** White ink on nothing. */
function svgOf(drawing: Drawing, random: Random, look: Look): string {
  const pen = look === "clean" ? 3 : random.between(2.2, 3.2);
  const marks = drawing.strokes.map((stroke) => {
    const [first] = stroke;
    if (!first) return "";
    if (extent(stroke) < DOT_PX)
      return `<circle cx="${first[0]}" cy="${first[1]}" r="${random.between(1.5, 2) * pen}" fill="#fff"/>`;
    const path = (points: readonly Point[]) => points.map(([x, y]) => `${x},${y}`).join(" ");
    if (look === "clean") return `<polyline points="${path(stroke)}" stroke-width="${pen}"/>`;
    const pieces: string[] = [];
    for (let start = 0; start < stroke.length - 1; start += 6) {
      const width = (pen * random.between(0.8, 1.15)).toFixed(2);
      pieces.push(`<polyline points="${path(stroke.slice(start, start + 7))}" stroke-width="${width}"/>`);
    }
    return pieces.join("");
  });
  const { width, height } = drawing;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><g fill="none" stroke="#fff" stroke-linecap="round" stroke-linejoin="round">${marks.join("")}</g></svg>`;
}

/** Graphite catches on the paper's grain and is paler where the hand presses less. */
function pencilOn(ink: Uint8Array, drawing: Drawing, random: Random, scale: number): Uint8Array {
  const { width } = sizeOf(drawing, scale);
  const pressure = slowNoise(random, 90 * scale);
  const dark = random.between(105, 165);
  return ink.map((value, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    const grain = random.next();
    const paper = 240 - 14 * grain;
    return clamped(paper - (value / 255) * dark * (0.82 + 0.22 * pressure(x, y)) * (0.72 + 0.4 * grain));
  });
}

/** Light that falls off to one side, the soft edge of a shadow, and the noise of a sensor. */
function photoOf(ink: Uint8Array, drawing: Drawing, random: Random, scale: number): Uint8Array {
  const { width, height } = sizeOf(drawing, scale);
  const angle = random.between(0, 2 * Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const fall = random.between(0.15, 0.4);
  const edge = random.around(0.35);
  const shadow = random.chance(0.6) ? random.between(0.1, 0.3) : 0;
  const softness = random.between(0.04, 0.12);
  const turn = angle + random.around(1);
  const [shadowCos, shadowSin] = [Math.cos(turn), Math.sin(turn)];
  const dark = random.between(0.5, 0.75);
  return ink.map((value, index) => {
    const [x, y] = [(index % width) / width - 0.5, Math.floor(index / width) / height - 0.5];
    const light = 1 - fall * (0.5 + x * cos + y * sin);
    const shade = 1 - shadow / (1 + Math.exp((x * shadowCos + y * shadowSin - edge) / softness));
    const noise = (random.next() + random.next() - 1) * 9;
    return clamped(232 * light * shade * (1 - (value / 255) * dark) + noise);
  });
}

/** From -1 to 1, changing over about `reach` pixels. */
function slowNoise(random: Random, reach: number): (x: number, y: number) => number {
  const waves = Array.from({ length: 4 }, () => {
    const angle = random.between(0, 2 * Math.PI);
    const turns = (2 * Math.PI) / (reach * random.between(0.7, 2));
    return { x: Math.cos(angle) * turns, y: Math.sin(angle) * turns, phase: random.between(0, 6) };
  });
  return (x, y) => waves.reduce((sum, wave) => sum + Math.sin(x * wave.x + y * wave.y + wave.phase), 0) / waves.length;
}

function clamped(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

function sizeOf({ width, height }: Drawing, scale: number): { width: number; height: number } {
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

function raw(drawing: Drawing, scale: number): SharpOptions {
  return { raw: { ...sizeOf(drawing, scale), channels: 1 } };
}
