import type { Point } from "../drawing.ts";
import { dense, direction, distance, from, lengthOf, toward } from "./plane.ts";
import type { Random } from "./random.ts";

/** 0: neat, with a mouse. 1: normal. 2: hasty, but nobody would doubt what it is. */
export type Wobble = 0 | 1 | 2;

/** What a hand gets wrong. Lengths in pixels, shares of the size of what is drawn. */
interface Hand {
  /** Slow swerving off the intended path. */
  drift: number;
  driftShare: number;
  /** Fast shaking. */
  tremor: number;
  /** How far from where it began a closed shape may end. */
  gapShare: number;
  /** How far a line may stop short of, or run past, where it ought to end. */
  end: number;
  /** Radius up to which corners are rounded, or overshot by half of it. */
  corner: number;
  /** By how much one axis of a circle may be longer than the other. */
  ellipse: number;
  /** How far a corner may be off. */
  skewShare: number;
  /** How far off a dot may be. */
  aim: number;
  /** How often a shape is drawn over once more. */
  retraced: number;
  speedPxPerS: readonly [number, number];
}

const HANDS: Record<Wobble, Hand> = {
  0: {
    ...{ drift: 0.4, driftShare: 0.002, tremor: 0.15, gapShare: 0.01, end: 1.5, corner: 1, ellipse: 0.02 },
    ...{ skewShare: 0.004, aim: 1, retraced: 0, speedPxPerS: [150, 350] },
  },
  1: {
    ...{ drift: 0.9, driftShare: 0.006, tremor: 0.35, gapShare: 0.03, end: 4, corner: 4, ellipse: 0.06 },
    ...{ skewShare: 0.015, aim: 2, retraced: 0, speedPxPerS: [250, 600] },
  },
  2: {
    ...{ drift: 1.6, driftShare: 0.011, tremor: 0.6, gapShare: 0.06, end: 8, corner: 8, ellipse: 0.12 },
    ...{ skewShare: 0.03, aim: 4, retraced: 0.1, speedPxPerS: [400, 1000] },
  },
};

/** Points along the intended path, before the hand has its way with it. */
const STEP_PX = 1.5;
/** What is narrower than this is drawn with more care. */
const CARE_PX = 50;
/** A sharper turn than this is a corner: the hand slows down and may round or overshoot it. */
const CORNER_RAD = 0.45;

/** Draws intended paths as a hand would, into strokes as a pointer reports them. */
export class Pen {
  readonly strokes: Point[][] = [];
  readonly hand: Hand;
  readonly #random: Random;
  readonly #speed: number;
  readonly #rate: number;
  readonly #grid: number;
  #joined: Point[] | undefined;

  constructor(random: Random, wobble: Wobble) {
    this.#random = random;
    this.hand = HANDS[wobble];
    this.#speed = random.between(...this.hand.speedPxPerS);
    this.#rate = random.between(60, 120);
    this.#grid = wobble === 0 || random.chance(0.3) ? 1 : 10;
  }

  /** One stroke; its index. While strokes are being joined, a part of that stroke. The hand takes care of what is narrow. */
  draw(path: readonly Point[], width = CARE_PX): number {
    if (this.#joined) {
      this.#joined.push(...path);
      return this.strokes.length;
    }
    return (
      this.strokes.push(
        this.#sampled(this.#shaken(this.#cornered(path), Math.max(0.4, Math.min(1, width / CARE_PX)))),
      ) - 1
    );
  }

  /** All that `parts` draws becomes one stroke, without lifting the pen. */
  inOneStroke(parts: () => void): void {
    this.#joined = [];
    parts();
    const path = this.#joined;
    this.#joined = undefined;
    this.draw(path);
  }

  /** A tap: a few reports at nearly one place. */
  tap([x, y]: Point): number {
    const count = this.#random.whole(1, 3);
    const tap = Array.from({ length: count }, (): Point => this.#rounded([x, y], 0.7));
    return this.strokes.push(tap) - 1;
  }

  /** An open path whose ends are a little off, along its own direction. */
  loose(path: readonly Point[], ends: readonly [boolean, boolean] = [true, true], width = CARE_PX): Point[] {
    const [first, second] = path;
    const [last, butLast] = [path.at(-1), path.at(-2)];
    if (!first || !second || !last || !butLast) return [...path];
    const most = this.hand.end * Math.min(1, lengthOf(path) / 90, 0.2 + (0.8 * width) / CARE_PX);
    const moved = [...path];
    if (ends[0]) moved[0] = from(first, direction(second, first), this.#random.around(most));
    if (ends[1]) moved[moved.length - 1] = from(last, direction(butLast, last), this.#random.around(most));
    return moved;
  }

  /** Corners that are a little off. */
  skewed(points: readonly Point[], size: number): Point[] {
    const most = this.hand.skewShare * size;
    return points.map(([x, y]) => [x + this.#random.around(most), y + this.#random.around(most)]);
  }

  // ---- from the intended path to what the pointer reports ----

  /** Corners are turned sharply, rounded, or overshot. */
  #cornered(path: readonly Point[]): Point[] {
    return path.flatMap((corner, index) => {
      const [before, after] = [path[index - 1], path[index + 1]];
      if (!before || !after || !isCorner(before, corner, after)) return [corner];
      const room = Math.min(distance(before, corner), distance(corner, after)) * 0.35;
      const radius = Math.min(room, this.#random.between(0, this.hand.corner));
      if (radius < 0.8) return [corner];
      if (this.#random.chance(0.35)) {
        const past = from(corner, direction(before, corner), radius / 2);
        return [corner, past, from(toward(past, corner, 0.6), direction(corner, after), radius)];
      }
      const [start, end] = [
        from(corner, direction(corner, before), radius),
        from(corner, direction(corner, after), radius),
      ];
      return [0, 0.25, 0.5, 0.75, 1].map((share) =>
        toward(toward(start, corner, share), toward(corner, end, share), share),
      );
    });
  }

  #shaken(path: readonly Point[], ease: number): Point[] {
    const length = lengthOf(path);
    const amplitude = ease * (this.hand.drift + this.hand.driftShare * Math.min(length, 400));
    const share = Math.min(1, 0.25 + length / 120);
    const swerve = [0, 1].map(() =>
      this.#waves(amplitude * share, Math.max(60, length * 0.5), Math.max(90, length * 2)),
    );
    const shake = [0, 1].map(() => this.#waves(this.hand.tremor, 9, 22));
    let along = 0;
    let previous: Point | undefined;
    return dense(path, STEP_PX).map((point) => {
      along += previous ? distance(previous, point) : 0;
      previous = point;
      const [x, y] = [0, 1].map((axis) => (swerve[axis]?.(along) ?? 0) + (shake[axis]?.(along) ?? 0));
      return [point[0] + (x ?? 0), point[1] + (y ?? 0)];
    });
  }

  /** A sum of three waves with about this amplitude, as a function of the way along the path. */
  #waves(amplitude: number, shortest: number, longest: number): (along: number) => number {
    const waves = Array.from({ length: 3 }, () => ({
      height: (amplitude * this.#random.between(0.4, 1)) / 1.7,
      length: this.#random.between(shortest, longest),
      phase: this.#random.between(0, 2 * Math.PI),
    }));
    return (along) =>
      waves.reduce(
        (sum, { height, length, phase }) => sum + height * Math.sin((2 * Math.PI * along) / length + phase),
        0,
      );
  }

  /** What the pointer reports: points at even times, so close together where the hand is slow. */
  #sampled(path: readonly Point[]): Point[] {
    const slow = slownessAlong(path);
    const sampled: Point[] = [];
    const pulse = this.#random.between(0, 2 * Math.PI);
    let left = 0;
    path.forEach((point, index) => {
      const before = path[index - 1];
      const speed = this.#speed * (slow[index] ?? 1) * (1 + 0.25 * Math.sin(index / 40 + pulse));
      left -= before ? distance(before, point) / speed : 0;
      if (left > 0 && index < path.length - 1) return;
      left = this.#random.between(0.9, 1.1) / this.#rate;
      const reported = this.#rounded(point, 0);
      const last = sampled.at(-1);
      if (!last || distance(last, reported) > 0) sampled.push(reported);
    });
    return sampled;
  }

  #rounded([x, y]: Point, off: number): Point {
    const round = (value: number) => Math.round((value + this.#random.around(off)) * this.#grid) / this.#grid;
    return [round(x), round(y)];
  }
}

function isCorner(before: Point, corner: Point, after: Point): boolean {
  const turn = Math.abs(direction(before, corner) - direction(corner, after));
  return Math.min(turn, 2 * Math.PI - turn) > CORNER_RAD;
}

/** The share of its speed that a hand has at each point: the less, the nearer a corner or an end is. */
function slownessAlong(path: readonly Point[]): number[] {
  const stops = path.map((point, index) => {
    const [before, after] = [path[index - 4], path[index + 4]];
    return !before || !after || isCorner(before, point, after);
  });
  const since = (order: readonly boolean[]) => {
    let steps = 0;
    return order.map((stop) => {
      steps = stop ? 0 : steps + 1;
      return steps;
    });
  };
  const [back, ahead] = [since(stops), since(stops.toReversed()).reverse()];
  return stops.map((_, index) => {
    const nearest = Math.min(back[index] ?? 0, ahead[index] ?? 0) * STEP_PX;
    return 0.3 + 0.7 * Math.min(1, nearest / 40);
  });
}
