import { bestSides, type CircleFit, circleThrough, lineThrough, type Pieces } from "./fit.ts";
import { areaOf, distance, type Path, type Point, resampled, rotated } from "./geometry.ts";

type Box = Omit<Extract<Outline, { kind: "box" }>, "confidence">;

/** What a closed path is the outline of. */
export type Outline = { confidence: number } & (
  | { kind: "circle"; center: Point; radius: number }
  | { kind: "box"; center: Point; size: readonly [number, number]; angle: number }
  | { kind: "polygon"; points: Point[] }
);

const POINTS = 64;
const SIDES_MAX = 8;
/** Of a circle's radius: what a hand is off by; as much again, and it is something else. */
const ROUND_ERROR = 0.13;
/** With less, it is nothing else. */
const ROUND_SURE = 0.03;
/** The same: by what four sides miss a circle at least, and a box at most. */
const SQUARE_FIT = 0.065;
/** Shorter across than that, it is no circle. */
const ROUND_ASPECT = 0.68;
/** What one more side has to take off the error, or it is not there. */
const SIDE_GAIN = 1.35;
/** How much worse than its corners a box may fit, for being simpler. */
const BOX_GAIN = 1.45;
/** Of its size: whatever fits a box so well is meant as one. */
const BOX_ERROR = 0.034;

/** Circle, box or polygon: whatever is nearest to it. `unit`: about the width of the pen. */
export function outlineOf(path: Path, unit: number): Outline {
  const points = resampled(path, POINTS, true);
  const extent = Math.sqrt(Math.abs(areaOf(points))) + unit;
  // Of something long and narrow, the arc of a large circle might be found.
  const circle = aspectOf(points) > ROUND_ASPECT ? circleThrough(points) : undefined;
  if (circle && circle.error < ROUND_SURE * circle.radius) return circleShape(circle);
  const { box, error: boxError } = boxThrough(points);
  if (boxError < BOX_ERROR * extent) return { ...box, confidence: 1 - (3 * boxError) / extent };
  const all = sidesFrom(points);
  const floor = 0.009 * extent + 0.5 * unit;
  const { corners, error } = fewest(all, floor);
  if (circle) {
    const four = all.find((sides) => sides.corners.length === 4)?.error ?? 0;
    const isRound = circle.error < ROUND_ERROR * circle.radius && four > SQUARE_FIT * circle.radius;
    if (isRound && circle.error < 1.15 * four && circle.error < 2.2 * error + 0.03 * circle.radius)
      return circleShape(circle);
  }
  if (corners.length < 6 && boxError + floor < BOX_GAIN * (error + floor))
    return { ...box, confidence: Math.max(0.3, 1 - (3 * boxError) / extent) };
  return { kind: "polygon", points: corners, confidence: Math.max(0.3, 1 - (4 * error) / extent) };
}

function circleShape({ center, radius, error }: CircleFit): Outline {
  return { kind: "circle", center, radius, confidence: 1 - error / radius / ROUND_ERROR / 2 };
}

/** Corners stand out: so one of the points that are farthest from the middle, or nearest to an end, is one. */
function sidesFrom(points: Path): Pieces[] {
  const [mx, my] = points.reduce<[number, number]>(([x, y], [px, py]) => [x + px / POINTS, y + py / POINTS], [0, 0]);
  const far = (index: number) => distance(points[index]!, [mx, my]);
  const farthest = points.reduce((best, _, index) => (far(index) > far(best) ? index : best), 0);
  const second = points.reduce((best, _, index) => {
    const apart = Math.abs(index - farthest);
    return Math.min(apart, POINTS - apart) > POINTS / 8 && (best < 0 || far(index) > far(best)) ? index : best;
  }, -1);
  const [one, other] = [farthest, second].map((start) => bestSides(points, start, 3, SIDES_MAX));
  return one!.map((sides, index) => (other![index]!.error < sides.error ? other![index]! : sides));
}

/** As few sides as do. */
function fewest(all: readonly Pieces[], floor: number): Pieces {
  let best = all[0]!;
  for (const more of all.slice(1)) {
    const sides = more.corners.length - best.corners.length;
    if ((best.error + floor) / (more.error + floor) > SIDE_GAIN ** sides) best = more;
  }
  return best;
}

/** Width through length of what the points spread over. */
function aspectOf(points: Path): number {
  const { direction } = lineThrough(points);
  const turned = points.map((point) => rotated(point, -direction));
  const [xs, ys] = [turned.map(([x]) => x), turned.map(([, y]) => y)];
  return (Math.max(...ys) - Math.min(...ys)) / (Math.max(...xs) - Math.min(...xs));
}

/** The best box: the angle whose sides are nearest to the points, found coarsely first. */
function boxThrough(points: Path): { box: Box; error: number } {
  const few = points.filter((_, index) => index % 2 === 0);
  const steps = (from: number, step: number, count: number) =>
    Array.from({ length: count }, (_, index) => from + (index - (count - 1) / 2) * step);
  const nearest = (among: Path, angles: number[], rounds: number) =>
    angles.map((angle) => boxAt(among, angle, rounds)).reduce((best, each) => (each.error < best.error ? each : best));
  const coarse = nearest(few, steps(0, Math.PI / 24, 12), 2);
  const finer = nearest(few, steps(coarse.angle, Math.PI / 72, 5), 3);
  return nearest(points, steps(finer.angle, Math.PI / 216, 3), 4);
}

/** Each side lies amid the points that are nearest to it. */
function boxAt(points: Path, angle: number, rounds: number): { box: Box; error: number; angle: number } {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const xs = new Float64Array(points.length);
  const ys = new Float64Array(points.length);
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i++) {
    const [px, py] = points[i]!;
    const [x, y] = [px * cosine + py * sine, py * cosine - px * sine];
    xs[i] = x;
    ys[i] = y;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  let squares = 0;
  for (let round = 0; round < rounds; round++) {
    squares = 0;
    let [l, ln, r, rn, t, tn, b, bn] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < points.length; i++) {
      const [x, y] = [xs[i]!, ys[i]!];
      const [toLeft, toRight] = [Math.abs(x - left), Math.abs(x - right)];
      const [toTop, toBottom] = [Math.abs(y - top), Math.abs(y - bottom)];
      const [across, down] = [Math.min(toLeft, toRight), Math.min(toTop, toBottom)];
      squares += Math.min(across, down) ** 2;
      if (across < down) {
        if (toLeft < toRight) {
          l += x;
          ln++;
        } else {
          r += x;
          rn++;
        }
      } else if (toTop < toBottom) {
        t += y;
        tn++;
      } else {
        b += y;
        bn++;
      }
    }
    if (ln > 0) left = l / ln;
    if (rn > 0) right = r / rn;
    if (tn > 0) top = t / tn;
    if (bn > 0) bottom = b / bn;
  }
  const turns = Math.round(angle / (Math.PI / 2));
  const size = [right - left, bottom - top] as const;
  const box: Box = {
    kind: "box",
    center: rotated([(left + right) / 2, (top + bottom) / 2], angle),
    size: turns % 2 === 0 ? size : [size[1], size[0]],
    angle: angle - (turns * Math.PI) / 2,
  };
  return { box, error: Math.sqrt(squares / points.length), angle };
}
