import { distancesIn, penWidthIn, widthByOutline } from "./distance-map.ts";
import { fillHoles, type Hole } from "./holes.ts";
import { ImageError } from "./image-error.ts";
import type { Contrast } from "./paper.ts";
import { patchesIn } from "./patches.ts";

/** What is drawn, with a border of one pixel around it, so that every pixel has eight neighbours. */
export interface Ink {
  /** Of the picture. */
  width: number;
  height: number;
  /** Of a row of `mask`: `width + 2`. */
  stride: number;
  /** 1 where there is ink. */
  mask: Uint8Array;
  /** Indices of the ink's pixels in `mask`, from the top. */
  pixels: Int32Array;
  /** For each pixel of `mask`; see `distance-map.ts`. */
  distances: Uint16Array;
  /** How wide most lines are. */
  penPx: number;
  /** Small bits of paper within the ink. */
  holes: readonly Hole[];
}

/** Differences between paper and ink that are never told apart, in levels of contrast. */
const CONTRAST_MIN = 24;
/** Ink is what is this far from the paper towards the darkest ink; what hangs together with it may be fainter. */
export interface InkShares {
  sure: number;
  faint: number;
}

const SHARES: InkShares = { sure: 0.5, faint: 0.35 };
const NOISE_SIGMAS = 4.5;
/** Noisier paper is blurred first. */
const NOISE_SIGMA_MAX = 3;
const INK_SHARE_MAX = 0.3;
const RUNS_MAX = 60_000;
/** Wider than this, and than this share of the longer side, are filled shapes; of a picture of nothing else a common pen is assumed. */
const PEN_MAX_PX = 16;
const PEN_MAX_SHARE = 0.03;
const PEN_PX = 3;
/** A median width below this share of the one by the outline is too small, and this share of the latter is taken. */
const PEN_SURE_SHARE = 0.75;
const PEN_OUTLINE_SHARE = 0.9;
/** The median is off by less. */
const PEN_STEP_PX = 1.5;
/** Smaller patches are specks: in squares of the pen's width, and pixels. */
const SPECK_PENS = 1.2;
const SPECK_EXTRA_PX = 2;
/** Of a patch that is kept. */
const SURE_SHARE_MIN = 0.05;

/** Throws `ImageError` if there is none, or too much. */
export function inkOf(contrast: Contrast, shares = SHARES): Ink {
  let { levels } = contrast;
  let histogram = histogramOf(levels);
  if (sigmaIn(histogram, levels.length) > NOISE_SIGMA_MAX) {
    levels = blurred(contrast);
    histogram = histogramOf(levels);
  }
  const paper = quantile(histogram, 0.5, levels.length);
  const difference = Math.max(CONTRAST_MIN, NOISE_SIGMAS * sigmaIn(histogram, levels.length));
  const inked = histogram.fill(0, 0, Math.ceil(paper + difference));
  const count = inked.reduce((sum, each) => sum + each, 0);
  // Lines printed on the paper are fainter than the darkest twentieth.
  const darkest = quantile(inked, 0.95, count);
  const sure = paper + Math.max(difference, shares.sure * (darkest - paper));
  const faint = paper + Math.max(difference * 0.7, shares.faint * (darkest - paper));
  return inkBetween({ ...contrast, levels }, faint, sure);
}

/** Noise around the level of the paper, which is most of the picture: the half of it that is brighter has no ink in it. */
function sigmaIn(histogram: Uint32Array, count: number): number {
  return Math.max(0.5, quantile(histogram, 0.5, count) - quantile(histogram, 0.16, count));
}

function histogramOf(levels: Uint8Array): Uint32Array {
  const histogram = new Uint32Array(256);
  for (let i = 0; i < levels.length; i++) histogram[levels[i]!]!++;
  return histogram;
}

function quantile(histogram: Uint32Array, share: number, count: number): number {
  let sum = 0;
  for (let level = 0; level < histogram.length; level++) {
    sum += histogram[level]!;
    if (sum >= share * count) return level;
  }
  return histogram.length;
}

/** By 1 2 1 in both directions. */
function blurred({ width, height, levels }: Contrast): Uint8Array {
  const across = new Uint16Array(width * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++)
      across[i] = levels[x > 0 ? i - 1 : i]! + 2 * levels[i]! + levels[x < width - 1 ? i + 1 : i]!;
  const out = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -width : 0;
    const down = y < height - 1 ? width : 0;
    for (let x = 0; x < width; x++, i++) out[i] = (across[i + up]! + 2 * across[i]! + across[i + down]! + 8) >> 4;
  }
  return out;
}

/** What is faint and hangs together with what is sure, without specks. */
function inkBetween({ width, height, levels }: Contrast, faint: number, sure: number): Ink {
  const stride = width + 2;
  const mask = new Uint8Array(stride * (height + 2));
  const isSure = new Uint8Array(mask.length);
  const found = new Int32Array(Math.ceil(INK_SHARE_MAX * width * height) + 1);
  let count = 0;
  for (let y = 0, i = 0, at = stride + 1; y < height; y++, at += 2)
    for (let x = 0; x < width; x++, i++, at++) {
      const level = levels[i]!;
      if (level < faint) continue;
      mask[at] = 1;
      if (level >= sure) isSure[at] = 1;
      found[count++] = at;
    }
  if (count === 0) throw new ImageError("image_empty", "expected a drawing, got an image without lines");
  if (count >= found.length) throw tooComplex(`more than ${100 * INK_SHARE_MAX} % ink`);
  const pixels = found.slice(0, count);
  const distances = distancesIn(mask, stride, pixels);
  const penMax = Math.max(PEN_MAX_PX, PEN_MAX_SHARE * Math.max(width, height));
  const penPx = penWidthIn(distances, stride, pixels, penMax) ?? PEN_PX;
  const ink: Ink = { width, height, stride, mask, pixels, distances, penPx, holes: [] };
  dropSpecks(ink, isSure);
  const byOutline = widthByOutline(mask, stride, ink.pixels);
  const penBy = PEN_OUTLINE_SHARE * byOutline;
  // Of lines between two and three pixels wide, most middles may be those of either. More is due to solid shapes.
  if (penPx < PEN_SURE_SHARE * byOutline && penBy < penPx + PEN_STEP_PX) ink.penPx = penBy;
  fillHoles(ink);
  return ink;
}

function dropSpecks(ink: Ink, isSure: Uint8Array): void {
  const { mask, stride, penPx } = ink;
  const patches = patchesIn(mask, stride, RUNS_MAX);
  if (!patches) throw tooComplex("a pattern of dots");
  const { starts, ends, patch, count } = patches;
  const areas = new Uint32Array(count);
  const sures = new Uint32Array(count);
  for (let run = 0; run < patch.length; run++) {
    areas[patch[run]!]! += ends[run]! - starts[run]!;
    for (let at = starts[run]!; at < ends[run]!; at++) sures[patch[run]!]! += isSure[at]!;
  }
  const areaMin = SPECK_PENS * penPx ** 2 + SPECK_EXTRA_PX;
  const isSpeck = areas.map((area, i) => Number(area < areaMin || sures[i]! < Math.max(2, area * SURE_SHARE_MIN)));
  for (let run = 0; run < patch.length; run++) if (isSpeck[patch[run]!]) mask.fill(0, starts[run], ends[run]);
  ink.pixels = ink.pixels.filter((at) => mask[at] === 1);
}

function tooComplex(what: string): ImageError {
  return new ImageError("image_too_complex", `expected lines on paper, got ${what}`);
}
