import { type Bounds, boundsOf, distance, first, last, nearestOnSegment, type Point } from "./geometry.ts";
import { type Ink, strokesOf } from "./ink.ts";

/** Strokes that are writing, and where. */
export interface Lettering {
  strokes: readonly number[];
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Of a letter; what is smaller is the dot of an i, a decimal point or a degree sign. */
const HEIGHT_MIN = 8;
const HEIGHT_MAX = 46;
/** Several letters may be written without lifting the pen. */
const WIDTH_MAX = 70;
/** Such as that of a t, or what a 1 stands on. */
const BAR_WIDTH_MAX = 32;
/** How far from writing all larger strokes are. */
const CLEARANCE = 5;
/** Of a letter's height: how wide a space is, */
const SPACE = 1.3;
/** and how far up or down the next one may be. */
const STEP = 0.6;
/** How many times as high as the lowest a letter is. */
const RATIO_MAX = 4.5;

/** How far apart the ends of a bar are, of its length: that of a hatching, too. */
const BAR_STRAIGHT = 0.85;
/** For each stroke that is none: more are a hatching with a slip of the pen. */
const BARS_MAX = 4;

interface Letter {
  ink: Ink;
  bounds: Bounds;
  isMark: boolean;
}

/** Small strokes side by side on a line, apart from larger ones, and what is left. */
export function letteringsOf(inks: readonly Ink[], unit: number): { letterings: Lettering[]; rest: Ink[] } {
  const letters = lettersIn(inks, unit);
  const left = new Set(letters.filter(({ isMark }) => !isMark));
  const marks = new Set(letters.filter(({ isMark }) => isMark));
  const used = new Set<Ink>();
  const letterings: Lettering[] = [];
  for (const seed of left) {
    const { line, dots } = gathered(seed, left, marks);
    if (!isWriting(line)) continue;
    for (const mark of dots) marks.delete(mark);
    const whole = [...line, ...dots].map(({ ink }) => ink);
    for (const ink of whole) used.add(ink);
    const { left: x, top, width, height } = boundsOf(whole.flatMap(({ path }) => path));
    letterings.push({ strokes: strokesOf(whole), left: x, top, width, height });
  }
  return { letterings, rest: inks.filter((ink) => !used.has(ink)) };
}

export function isWithin([x, y]: Point, { left, top, width, height }: Lettering): boolean {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}

/** Small strokes that nothing larger is near to. */
function lettersIn(inks: readonly Ink[], unit: number): Letter[] {
  const small: Letter[] = [];
  const large: Ink[] = [];
  for (const ink of inks) {
    const { bounds } = ink;
    const widthMax = (isBar(ink) ? BAR_WIDTH_MAX : WIDTH_MAX) * unit;
    const isSmall = bounds.height < HEIGHT_MAX * unit && bounds.width < widthMax;
    if (isSmall) small.push({ ink, bounds, isMark: bounds.height < HEIGHT_MIN * unit });
    else large.push(ink);
  }
  return small.filter(({ ink }) => large.every((other) => areApart(ink, other, CLEARANCE * unit)));
}

function areApart(small: Ink, large: Ink, clearance: number): boolean {
  if (gapBetween(small.bounds, large.bounds) > clearance) return true;
  return large.path.every((to, index) => {
    const from = large.path[Math.max(0, index - 1)]!;
    if (!isBeside(from, to, small.bounds, clearance)) return true;
    return small.path.every((point) => nearestOnSegment(point, from, to).distance > clearance);
  });
}

function isBeside([ax, ay]: Point, [bx, by]: Point, { left, top, right, bottom }: Bounds, reach: number): boolean {
  const isAside = Math.max(ax, bx) < left - reach || Math.min(ax, bx) > right + reach;
  return !isAside && Math.max(ay, by) >= top - reach && Math.min(ay, by) <= bottom + reach;
}

/** The letters that are next to it, next to those, and so on, taken out of `left`; and the marks among them. */
function gathered(seed: Letter, left: Set<Letter>, marks: Set<Letter>): { line: Letter[]; dots: Letter[] } {
  left.delete(seed);
  const line = [seed];
  let dots: Letter[] = [];
  for (let size = 0; size < line.length + dots.length; ) {
    size = line.length + dots.length;
    const whole = boundsOf([...line, ...dots].flatMap(({ ink }) => ink.path));
    for (const other of left)
      if (isNext(whole, other.bounds) || line.some(({ bounds }) => isNext(bounds, other.bounds))) {
        left.delete(other);
        line.push(other);
      }
    dots = marksOf(line, marks);
  }
  return { line, dots };
}

function marksOf(line: readonly Letter[], marks: ReadonlySet<Letter>): Letter[] {
  const height = Math.max(...line.map(({ bounds }) => bounds.height));
  const { left, right, top, bottom } = boundsOf(line.flatMap(({ ink }) => ink.path));
  return [...marks].filter(({ bounds }) => {
    const isAlong = bounds.right > left - 0.3 * height && bounds.left < right + SPACE * height;
    return isAlong && bounds.bottom > top - 0.5 * height && bounds.top < bottom + 0.3 * height;
  });
}

function isNext(one: Bounds, other: Bounds): boolean {
  const [low, high] = [Math.min(one.height, other.height), Math.max(one.height, other.height)];
  const aside = Math.max(one.left, other.left) - Math.min(one.right, other.right);
  const step = Math.abs(one.top + one.bottom - other.top - other.bottom) / 2;
  return high < RATIO_MAX * low && aside < SPACE * high && step < STEP * high;
}

/** Two letters or more, one beside the other, and not only rings or only bars: a machine has these. */
function isWriting(line: readonly Letter[]): boolean {
  if (columnsOf(line) < 2) return false;
  const kinds = line.map(({ ink, bounds }) => {
    if (isBar(ink)) return "bar";
    return distance(first(ink.path), last(ink.path)) < 0.25 * bounds.diagonal ? "ring" : "letter";
  });
  const bars = kinds.filter((kind) => kind === "bar").length;
  if (bars > BARS_MAX * (kinds.length - bars)) return false;
  return kinds.includes("letter") || (bars > 0 && kinds.includes("ring"));
}

function isBar({ path, length }: Ink): boolean {
  return distance(first(path), last(path)) > BAR_STRAIGHT * length;
}

/** How many letters stand side by side: strokes one above the other are of one. */
function columnsOf(line: readonly Letter[]): number {
  const ordered = line.map(({ bounds }) => bounds).sort((a, b) => a.left - b.left);
  let columns = 0;
  let end = -Infinity;
  for (const { left, right, width } of ordered) {
    if (left > end - 0.4 * Math.min(width, right - end + width)) columns++;
    end = Math.max(end, right);
  }
  return columns;
}

function gapBetween(one: Bounds, other: Bounds): number {
  const aside = Math.max(one.left, other.left) - Math.min(one.right, other.right);
  const above = Math.max(one.top, other.top) - Math.min(one.bottom, other.bottom);
  return Math.max(aside, above);
}
