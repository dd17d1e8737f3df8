/** Between which points, about a pixel apart, the lines before and after a corner are seen. */
const NEAR = 3;
const FAR = 9;
/** A sharper turn is a corner. */
const TURN_RAD = (50 * Math.PI) / 180;
/** How far thinning and smoothing move one at most. */
const SHIFT_MAX_PX = 6;

/**
 * Puts the corners of a line back to where its sides would meet, in place: thinning and smoothing round them off. A closed line
 * begins and ends with the same point.
 */
export function sharpenCorners(xs: number[], ys: number[], isClosed: boolean): void {
  const count = isClosed ? xs.length - 1 : xs.length;
  if (count < 3 * FAR) return;
  const index = (i: number) => (isClosed ? (i + count) % count : i);
  const turns = new Float64Array(count);
  const [first, end] = isClosed ? [0, count] : [FAR, count - FAR];
  for (let i = first; i < end; i++) {
    const [a, b, c, d] = [index(i - FAR), index(i - NEAR), index(i + NEAR), index(i + FAR)];
    const [ux, uy, vx, vy] = [xs[b]! - xs[a]!, ys[b]! - ys[a]!, xs[d]! - xs[c]!, ys[d]! - ys[c]!];
    turns[i] = Math.abs(Math.atan2(ux * vy - uy * vx, ux * vx + uy * vy));
  }
  const corners: [at: number, x: number, y: number][] = [];
  for (let i = first; i < end; i++) {
    if (turns[i]! < TURN_RAD) continue;
    let isSharpest = true;
    for (let k = -NEAR; k <= NEAR; k++) {
      const other = turns[index(i + k)] ?? 0;
      if (other > turns[i]! || (other === turns[i] && k < 0)) isSharpest = false;
    }
    const [a, b, c, d] = [index(i - FAR), index(i - NEAR), index(i + NEAR), index(i + FAR)];
    if (!isSharpest) continue;
    const [ux, uy, vx, vy] = [xs[b]! - xs[a]!, ys[b]! - ys[a]!, xs[d]! - xs[c]!, ys[d]! - ys[c]!];
    const way = ((xs[c]! - xs[b]!) * vy - (ys[c]! - ys[b]!) * vx) / (ux * vy - uy * vx);
    const [x, y] = [xs[b]! + way * ux, ys[b]! + way * uy];
    if (way > 0 && Math.hypot(x - xs[i]!, y - ys[i]!) < SHIFT_MAX_PX) corners.push([i, x, y]);
  }
  for (const [at, x, y] of corners)
    for (let k = 1 - NEAR; k < NEAR; k++) {
      const i = index(at + k);
      const end = index(at + (k < 0 ? -NEAR : NEAR));
      const share = Math.abs(k) / NEAR;
      xs[i] = x + (xs[end]! - x) * share;
      ys[i] = y + (ys[end]! - y) * share;
    }
  if (isClosed) [xs[count], ys[count]] = [xs[0]!, ys[0]!];
}
