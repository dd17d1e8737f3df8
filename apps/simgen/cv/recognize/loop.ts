import { areaOf, distance, lengthOf, middleOf, nearestOnPath, type Path, type Point, resampled } from "./geometry.ts";
import { type Ink, inkOf } from "./ink.ts";

const POINTS_MAX = 120;
/** Area by squared perimeter: a circle has 0.08, a box eight times as long as wide 0.025. */
const COMPACT = 0.014;

/** Of the way around: how far apart the ends of an outline may be, once nothing else can close it, and before. */
export const GAP_LOOSE = 0.075;
export const GAP_STRICT = 0.02;

/** Cuts a stroke into the shapes it goes round and what leads there and away. */
export function loopsOf(ink: Ink, gapShare: number, unit: number): { closed: Ink[]; open: Ink[] } {
  const loop = loopIn(ink.path, gapShare, unit);
  if (!loop) return { closed: [], open: [ink] };
  const { outline, rest } = loop;
  const [head, tail] = rest;
  const parts = [leaving(head.toReversed(), outline, unit).toReversed(), leaving(tail, outline, unit)]
    .filter((path) => lengthOf(path) > Math.max(12 * unit, 0.12 * lengthOf(outline)))
    .map((path) => loopsOf(inkOf(path, ink.strokes), gapShare, unit));
  return {
    closed: [inkOf(outline, ink.strokes), ...parts.flatMap(({ closed }) => closed)],
    open: parts.flatMap(({ open }) => open),
  };
}

function loopIn(
  path: Path,
  gapShare: number,
  unit: number,
): { outline: Point[]; rest: [Point[], Point[]] } | undefined {
  const length = lengthOf(path);
  if (length < 24 * unit) return;
  const points = resampled(path, Math.max(16, Math.min(POINTS_MAX, Math.round(length / (3 * unit)))));
  const n = points.length;
  const step = length / (n - 1);
  // Twice the area under each point, as summed crosswise, so that any loop's area follows at once.
  const swept = new Float64Array(n);
  for (let i = 1; i < n; i++) {
    const [[ax, ay], [bx, by]] = [points[i - 1]!, points[i]!];
    swept[i] = swept[i - 1]! + ax * by - bx * ay;
  }
  let best: { from: number; to: number; score: number } | undefined;
  for (let from = 0; from < n; from++) {
    const a = points[from]!;
    for (let to = n - 1; to > from; to--) {
      const around = (to - from) * step;
      if (around < 24 * unit || (best && around < best.score)) break;
      const b = points[to]!;
      const gap = distance(a, b);
      if (gap > Math.min(5 * unit + gapShare * around, 0.12 * around)) continue;
      const area = Math.abs(swept[to]! - swept[from]! + b[0] * a[1] - a[0] * b[1]) / 2;
      const perimeter = around + gap;
      if (area < COMPACT * perimeter * perimeter) continue;
      const score = around - 2.5 * gap;
      if (!best || score > best.score) best = { from, to, score };
    }
  }
  if (!best) return;
  const to = onceAround(points, best.from, best.to);
  return {
    outline: points.slice(best.from, to + 1),
    rest: [points.slice(0, best.from + 1), points.slice(to)],
  };
}

/** Where it has been round once, if it goes round more often. */
function onceAround(points: Path, from: number, to: number): number {
  const [mx, my] = middleOf(points.slice(from, to + 1));
  let swept = 0;
  for (let at = from + 1; at <= to; at++) {
    const [[ax, ay], [bx, by]] = [points[at - 1]!, points[at]!];
    swept += Math.atan2((ax - mx) * (by - my) - (ay - my) * (bx - mx), (ax - mx) * (bx - mx) + (ay - my) * (by - my));
    if (Math.abs(swept) > 2.3 * Math.PI) {
      let turned = 0;
      for (let first = from + 1; first <= to; first++) {
        const [[cx, cy], [dx, dy]] = [points[first - 1]!, points[first]!];
        turned += Math.atan2(
          (cx - mx) * (dy - my) - (cy - my) * (dx - mx),
          (cx - mx) * (dx - mx) + (cy - my) * (dy - my),
        );
        if (Math.abs(turned) >= 2 * Math.PI) return first;
      }
    }
  }
  return to;
}

/** Of a path that sets out from an outline: what does not only go over it again. */
function leaving(path: Path, outline: Path, unit: number): Path {
  const near = 6 * unit + 0.1 * Math.sqrt(Math.abs(areaOf(outline)));
  const away = path.findIndex((point) => nearestOnPath(point, outline, true).distance > near);
  if (away < 0) return [];
  return lengthOf(path.slice(0, away)) < 2.5 * near ? path : path.slice(Math.max(0, away - 1));
}
