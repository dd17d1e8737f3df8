import { crossing, distance, type Path, type Point } from "./geometry.ts";

/** A straight line through points, by least squares of their distances to it. */
export interface LineFit {
  middle: Point;
  /** rad */
  direction: number;
  /** Sum of the squared distances. */
  squares: number;
}

export interface CircleFit {
  center: Point;
  radius: number;
  /** Root mean square of the distances to the circle. */
  error: number;
}

/** A path cut into straight pieces. */
export interface Pieces {
  /** Where pieces meet, ends included; of a closed path each corner once. */
  corners: Point[];
  /** The same, as indices into the path. */
  cuts: number[];
  /** Root mean square of the distances to the pieces. */
  error: number;
}

/** Sums over a path from which the line through any run of its points follows at once. */
export class Moments {
  readonly #path: Path;
  readonly #sums: Float64Array;

  constructor(path: Path) {
    this.#path = path;
    this.#sums = new Float64Array(5 * (path.length + 1));
    const sums = this.#sums;
    // About the first point: far away, the squares would drown the differences.
    const [ox, oy] = path[0] ?? [0, 0];
    path.forEach(([px, py], i) => {
      const [x, y, at] = [px - ox, py - oy, 5 * i];
      sums[at + 5] = sums[at]! + x;
      sums[at + 6] = sums[at + 1]! + y;
      sums[at + 7] = sums[at + 2]! + x * x;
      sums[at + 8] = sums[at + 3]! + y * y;
      sums[at + 9] = sums[at + 4]! + x * y;
    });
  }

  /** Of the points `from` to `to`, both included: the sum of squared distances to the best line. */
  squares(from: number, to: number): number {
    const spread = this.#spread(from, to);
    const [xx, yy, xy] = [spread.xx, spread.yy, spread.xy];
    return Math.max(0, (to - from + 1) * ((xx + yy) / 2 - Math.sqrt(((xx - yy) / 2) ** 2 + xy * xy)));
  }

  line(from: number, to: number): LineFit {
    const { x, y, xx, yy, xy } = this.#spread(from, to);
    const [ox, oy] = this.#path[0] ?? [0, 0];
    const direction = 0.5 * Math.atan2(2 * xy, xx - yy);
    return { middle: [x + ox, y + oy], direction, squares: this.squares(from, to) };
  }

  #spread(from: number, to: number): { x: number; y: number; xx: number; yy: number; xy: number } {
    const sums = this.#sums;
    const [a, b, n] = [5 * from, 5 * (to + 1), to - from + 1];
    const x = (sums[b]! - sums[a]!) / n;
    const y = (sums[b + 1]! - sums[a + 1]!) / n;
    return {
      x,
      y,
      xx: (sums[b + 2]! - sums[a + 2]!) / n - x * x,
      yy: (sums[b + 3]! - sums[a + 3]!) / n - y * y,
      xy: (sums[b + 4]! - sums[a + 4]!) / n - x * y,
    };
  }
}

export function lineThrough(path: Path): LineFit {
  return new Moments(path).line(0, path.length - 1);
}

/** Taubin's fit: unlike the plain algebraic one it does not shrink short arcs. See Taubin, PAMI 13 (1991), 1115–1138. */
export function circleThrough(path: Path): CircleFit | undefined {
  const n = path.length;
  let [mx, my] = [0, 0];
  for (const [x, y] of path) {
    mx += x / n;
    my += y / n;
  }
  let [xx, yy, xy, xz, yz, zz] = [0, 0, 0, 0, 0, 0];
  for (const [px, py] of path) {
    const [x, y] = [px - mx, py - my];
    const z = x * x + y * y;
    xx += (x * x) / n;
    yy += (y * y) / n;
    xy += (x * y) / n;
    xz += (x * z) / n;
    yz += (y * z) / n;
    zz += (z * z) / n;
  }
  const z = xx + yy;
  const covariance = xx * yy - xy * xy;
  const a3 = 4 * z;
  const a2 = -3 * z * z - zz;
  const a1 = (zz - z * z) * z + 4 * covariance * z - xz * xz - yz * yz;
  const a0 = xz * (xz * yy - yz * xy) + yz * (yz * xx - xz * xy) - (zz - z * z) * covariance;
  let root = 0;
  for (let turn = 0; turn < 20; turn++) {
    const value = a0 + root * (a1 + root * (a2 + root * a3));
    const slope = a1 + root * (2 * a2 + 3 * a3 * root);
    const next = root - value / slope;
    if (!Number.isFinite(next) || Math.abs(next - root) < 1e-9 * z) break;
    root = next;
  }
  const determinant = root * root - root * z + covariance;
  if (Math.abs(determinant) < 1e-12 * z * z) return;
  const cx = (xz * (yy - root) - yz * xy) / determinant / 2;
  const cy = (yz * (xx - root) - xz * xy) / determinant / 2;
  const radius = Math.sqrt(cx * cx + cy * cy + z);
  if (!Number.isFinite(radius)) return;
  const center: Point = [cx + mx, cy + my];
  let squares = 0;
  for (const point of path) squares += (distance(point, center) - radius) ** 2;
  return { center, radius, error: Math.sqrt(squares / n) };
}

/**
 * The best cuts of a path into 1 to `piecesMax` straight pieces, by dynamic programming over all cuts, so that neither a
 * rounded nor an overshot corner leads it astray. Points should be equally far apart, and some 100 at most.
 */
export function bestPieces(path: Path, piecesMax: number): Pieces[] {
  const n = path.length;
  const moments = new Moments(path);
  // For each count of pieces, up to each point: the least sum of squares, and where the last piece begins.
  const counts = Array.from({ length: Math.min(piecesMax, n - 1) }, () => ({
    least: new Float64Array(n).fill(Number.POSITIVE_INFINITY),
    origin: new Int32Array(n),
  }));
  const cost = new Float64Array(n);
  for (let to = 1; to < n; to++) {
    counts[0]!.least[to] = moments.squares(0, to);
    let known = to;
    for (let more = 1; more < counts.length; more++) {
      const before = counts[more - 1]!.least;
      let least = Number.POSITIVE_INFINITY;
      let origin = 0;
      for (let cut = to - 1; cut >= more; cut--) {
        if (cut < known) cost[--known] = moments.squares(cut, to);
        // The longer the last piece, the more it costs: once that is too much by itself, it stays so.
        if (cost[cut]! > least) break;
        const total = before[cut]! + cost[cut]!;
        if (total <= least) {
          least = total;
          origin = cut;
        }
      }
      counts[more]!.least[to] = least;
      counts[more]!.origin[to] = origin;
    }
  }
  return counts.map(({ least }, more) => {
    const cuts = [n - 1];
    for (let at = more; at >= 0; at--) cuts.unshift(counts[at]!.origin[cuts[0]!]!);
    return { cuts, corners: cornersAt(path, moments, cuts), error: Math.sqrt(least[n - 1]! / n) };
  });
}

/** The same of a closed path, into `piecesMin` to `piecesMax` pieces; `start`: which of its points is a corner. */
export function bestSides(path: Path, start: number, piecesMin: number, piecesMax: number): Pieces[] {
  const turned = [...path.slice(start), ...path.slice(0, start + 1)];
  const moments = new Moments(turned);
  return bestPieces(turned, piecesMax)
    .slice(piecesMin - 1)
    .map(({ cuts, error }) => {
      const lines = cuts.slice(1).map((to, side) => moments.line(cuts[side]!, to));
      const corners = lines.map((line, side) => {
        const before = lines.at(side - 1)!;
        return cornerNear(turned[cuts[side]!]!, before, line, (cuts[side + 1]! - cuts[side]!) * spacingOf(turned));
      });
      return { cuts, corners, error };
    });
}

function cornersAt(path: Path, moments: Moments, cuts: number[]): Point[] {
  const spacing = spacingOf(path);
  return cuts.map((cut, index) => {
    const at = path[cut]!;
    const [before, after] = [cuts[index - 1], cuts[index + 1]];
    if (before === undefined) return onLine(at, moments.line(cut, after ?? cut));
    if (after === undefined) return onLine(at, moments.line(before, cut));
    const reach = Math.min(cut - before, after - cut) * spacing;
    return cornerNear(at, moments.line(before, cut), moments.line(cut, after), reach);
  });
}

function spacingOf(path: Path): number {
  return path.length < 2 ? 0 : distance(path[0]!, path[1]!);
}

/** Where the two lines cross, if that is near enough to where they were cut. */
function cornerNear(cut: Point, one: LineFit, other: LineFit, reach: number): Point {
  const at = crossing(one.middle, one.direction, other.middle, other.direction);
  return at && distance(at, cut) < 0.35 * reach ? at : cut;
}

function onLine([x, y]: Point, { middle: [mx, my], direction }: LineFit): Point {
  const [cosine, sine] = [Math.cos(direction), Math.sin(direction)];
  const along = (x - mx) * cosine + (y - my) * sine;
  return [mx + along * cosine, my + along * sine];
}
