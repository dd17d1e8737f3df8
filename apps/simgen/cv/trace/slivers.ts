import { lineLength, type PenLine } from "./pen-lines.ts";

/** How near another line one is all along that is the same line drawn twice, and how long it is at least, in widths of the pen. */
const NEAR_PENS = 2.2;
const LENGTH_MIN_PENS = 5;
/** Of its length, so much is between its ends: half of a ring around a joint is none. */
const STRAIGHT_SHARE = 0.85;
/** So many places of a line are looked at, the middle first. */
const PLACES = [0.5, 0.3, 0.7, 0.4, 0.6, 0.2, 0.8];

/** The lines without those from line to line that are beside others all along: sides of the slits in what is drawn twice. */
export function withoutSlivers(lines: readonly PenLine[], penPx: number): PenLine[] {
  const kept = new Set(lines);
  for (const line of lines) {
    const { xs, ys, isClosed, isFree } = line;
    const length = lineLength(line);
    if (isClosed || isFree.includes(true) || length < LENGTH_MIN_PENS * penPx) continue;
    if (Math.hypot(xs.at(-1)! - xs[0]!, ys.at(-1)! - ys[0]!) < STRAIGHT_SHARE * length) continue;
    const isBeside = PLACES.every((place) => {
      const at = Math.floor(place * xs.length);
      return isNear(xs[at]!, ys[at]!, kept, line, NEAR_PENS * penPx);
    });
    if (isBeside) kept.delete(line);
  }
  return [...kept];
}

function isNear(x: number, y: number, lines: Iterable<PenLine>, apart: PenLine, limit: number): boolean {
  for (const line of lines) {
    if (line === apart) continue;
    const { xs, ys } = line;
    for (let i = 0; i < xs.length; i++) if ((xs[i]! - x) ** 2 + (ys[i]! - y) ** 2 < limit ** 2) return true;
  }
  return false;
}
