import { bestPieces, circleThrough, lineThrough } from "./fit.ts";
import {
  directionOf,
  distance,
  first,
  last,
  lengthOf,
  type Path,
  type Point,
  resampled,
  rotated,
  turnBetween,
} from "./geometry.ts";

/** What an open path looks like. */
export interface Curve {
  /** `wave`: a slack rope; `zigzag`: a spring. */
  kind: "straight" | "bent" | "arc" | "wave" | "zigzag";
  /** From end to end: two, the corners, or points along the curve. */
  points: Point[];
  confidence: number;
}

const POINTS = 72;
/** Enough to see each coil of a long spring. */
const SWAYING_POINTS_MAX = 300;
const PIECES_MAX = 8;
const ARC_POINTS = 13;
const WAVE_POINTS = 25;
/** Of its length: what the hand strays on its way from end to end. */
const STRAIGHT_ERROR = 0.022;
const PIECE_GAIN = 1.5;
/** Of half a swing, height by length: ropes sway less, springs more. */
const SPRING_STEEPNESS = 1.4;
const ROPE_STEEPNESS = 0.28;

export function curveOf(path: Path, unit: number): Curve {
  const points = resampled(path, POINTS);
  const length = lengthOf(points);
  const swaying = swayingOf(path, unit);
  if (swaying) return swaying;
  const straight = straightOf(points, unit);
  if (straight) return straight;
  const floor = 0.006 * length + 0.6 * unit;
  const all = bestPieces(points, PIECES_MAX);
  let best = all[0]!;
  for (const more of all.slice(1)) {
    const pieces = more.cuts.length - best.cuts.length;
    if ((best.error + floor) / (more.error + floor) > PIECE_GAIN ** pieces) best = more;
  }
  const circle = circleThrough(points);
  if (circle && best.cuts.length > 2) {
    const turn = turningOf(points);
    const isArc =
      Math.abs(turn.total) > 0.4 && turn.evenness > 0.5 && circle.error + floor < 1.15 * (best.error + floor);
    if (isArc || (best.cuts.length > 4 && turn.evenness > 0.6 && circle.error < 0.05 * circle.radius))
      return { kind: "arc", points: resampled(points, ARC_POINTS), confidence: 0.85 };
  }
  if (best.cuts.length === 2) return { kind: "straight", points: best.corners, confidence: 0.7 };
  return { kind: "bent", points: best.corners, confidence: Math.max(0.4, 1 - (12 * best.error) / length) };
}

/** Whether it is a line, drawn once or there and back. */
export function isStraight(path: Path, unit: number): boolean {
  return straightOf(resampled(path, POINTS), unit) !== undefined;
}

function straightOf(points: Path, unit: number): Curve | undefined {
  const { middle, direction, squares } = lineThrough(points);
  const turned = points.map(([x, y]) => rotated([x - middle[0], y - middle[1]], -direction));
  const along = turned.map(([x]) => x);
  const [low, high] = [Math.min(...along), Math.max(...along)];
  const extent = high - low;
  const error = Math.sqrt(squares / points.length);
  if (error > STRAIGHT_ERROR * extent + 0.6 * unit && !isFolded(turned, low, high, unit)) return;
  const forward = (along.at(-1) ?? 0) >= (along[0] ?? 0);
  const isOnce = lengthOf(points) < 1.35 * extent;
  const ends = isOnce
    ? [first(points), last(points)]
    : (forward ? [low, high] : [high, low]).map((x): Point => {
        const [dx, dy] = rotated([x, 0], direction);
        return [middle[0] + dx, middle[1] + dy];
      });
  return {
    kind: "straight",
    points: ends,
    confidence: Math.max(0.5, 1 - error / (STRAIGHT_ERROR * extent + unit) / 2),
  };
}

/** There and back: two ways apart in the middle perhaps, but not at the end where it turned. A narrow box is as wide there. */
function isFolded(turned: Path, low: number, high: number, unit: number): boolean {
  const extent = high - low;
  const across = turned.map(([, y]) => y);
  const width = Math.max(...across) - Math.min(...across);
  if (width > 0.16 * extent || lengthOf(turned) < 1.6 * extent) return false;
  const widthNear = (end: number) => {
    const near = turned.filter(([x]) => Math.abs(x - end) < 0.08 * extent).map(([, y]) => y);
    return Math.max(...near) - Math.min(...near);
  };
  return Math.min(widthNear(low), widthNear(high)) < Math.max(3 * unit, 0.3 * width);
}

/** To and fro across its own way: a rope when it sways gently, a spring when sharply. */
export function swayingOf(path: Path, unit: number): Curve | undefined {
  const points = resampled(
    path,
    Math.max(POINTS, Math.min(SWAYING_POINTS_MAX, Math.round(lengthOf(path) / (4 * unit)))),
  );
  const [from, to] = [first(points), last(points)];
  const chord = distance(from, to);
  const length = lengthOf(points);
  if (chord < 0.3 * length && chord < 12 * unit) return;
  const direction = chord > 0.25 * length ? directionOf(from, to) : lineThrough(points).direction;
  const turned = points.map(([x, y]) => rotated([x - from[0], y - from[1]], -direction));
  const across = turned.map(([, y]) => y);
  const peaks = peaksOf(across, Math.max(1.5 * unit, 0.18 * (Math.max(...across) - Math.min(...across))));
  const swings = peaks.length - 1;
  const extent = Math.max(...turned.map(([x]) => x)) - Math.min(...turned.map(([x]) => x));
  const sizes = peaks.slice(1).map((peak, index) => Math.abs(across[peak]! - across[peaks[index]!]!));
  const size = sizes.reduce((sum, each) => sum + each, 0) / Math.max(1, sizes.length);
  if (swings < 3 || size < Math.max(4 * unit, 0.03 * extent)) return;
  // Height by length of a swing: the straight ends do not count.
  const inner = Math.abs(turned[peaks.at(-2)!]![0] - turned[peaks[1]!]![0]);
  const steepness = (size * (swings - 2)) / Math.max(unit, inner);
  if (swings >= 4 && steepness > SPRING_STEEPNESS)
    return { kind: "zigzag", points: [from, to], confidence: Math.min(1, 0.5 + swings / 16) };
  return swings >= 4 && steepness > ROPE_STEEPNESS && length < 2 * extent
    ? { kind: "wave", points: resampled(points, WAVE_POINTS), confidence: 0.8 }
    : undefined;
}

/** Where values turn back by more than `least`, ends included. */
function peaksOf(values: readonly number[], least: number): number[] {
  const peaks = [0];
  let extreme = 0;
  let direction = 0;
  values.forEach((value, index) => {
    const best = values[extreme]!;
    if (direction === 0) {
      if (Math.abs(value - values[0]!) > least) {
        direction = Math.sign(value - values[0]!);
        extreme = index;
      }
    } else if ((value - best) * direction > 0) extreme = index;
    else if ((best - value) * direction > least) {
      peaks.push(extreme);
      direction = -direction;
      extreme = index;
    }
  });
  if (direction !== 0) peaks.push(extreme);
  return peaks;
}

/** How far a path turns from end to end, rad, and how evenly: 1 on a circle, near 0 when all of it is at one corner. */
export function turningOf(path: Path): { total: number; evenness: number } {
  const coarse = resampled(path, 14);
  const turns = coarse
    .slice(2)
    .map((point, index) =>
      turnBetween(directionOf(coarse[index]!, coarse[index + 1]!), directionOf(coarse[index + 1]!, point)),
    );
  const total = turns.reduce((sum, turn) => sum + turn, 0);
  const absolute = turns.reduce((sum, turn) => sum + Math.abs(turn), 0);
  const most = [...turns].sort((a, b) => Math.abs(b) - Math.abs(a)).slice(0, 3);
  const inMost = most.reduce((sum, turn) => sum + Math.abs(turn), 0);
  // On a circle a quarter of the turning is in the three largest of twelve.
  const spread = absolute === 0 ? 0 : (1 - inMost / absolute) / 0.75;
  return { total, evenness: absolute === 0 ? 0 : spread * Math.abs(total / absolute) };
}
