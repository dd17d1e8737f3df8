import type { Drawing, Point } from "../drawing.ts";
import type { Arrow, Link, Recognition, Shape } from "../recognition.ts";
import { Pen, type Wobble } from "./pen.ts";
import { corners, dense, direction, distance, extent, from, gapTo, lengthOf, toward } from "./plane.ts";
import type { Random } from "./random.ts";

export const PAGE = { width: 800, height: 600 } as const;

/** What is drawn over once more is followed as closely as something as narrow as this. */
const RETRACED_WIDTH_PX = 16;

/** What a synthetic sketch shows, in the words of a recognition: that is what has to be seen in it. */
export type Truth = Pick<Recognition, "shapes" | "links" | "arrows">;

export interface Sketch {
  drawing: Drawing;
  truth: Truth;
}

/** Draws one kind of machine, in as many ways as chance has it. */
export type Machine = (sketch: Sketcher) => void;

/** What only the shape itself says; the sketcher adds the rest. */
type Without<T> = T extends Shape ? Omit<T, "id" | "confidence" | "strokes" | "fixed"> : never;

/** Draws shapes, links and arrows by hand on a page, and keeps account of what they are. */
export class Sketcher {
  readonly random: Random;
  readonly wobble: Wobble;
  readonly #pen: Pen;
  readonly #shapes = new Map<string, Shape>();
  readonly #links: Link[] = [];
  readonly #arrows: Arrow[] = [];
  /** Which strokes were drawn together: they stay so when the order is shuffled. */
  readonly #parts: number[][] = [];
  #isJoining = false;

  constructor(random: Random, wobble: Wobble) {
    this.random = random;
    this.wobble = wobble;
    this.#pen = new Pen(random, wobble);
  }

  /** Starts at the angle `start` (rad) if it is told, or anywhere. */
  circle(center: Point, radius: number, start = this.random.between(0, 2 * Math.PI)): string {
    const { hand } = this.#pen;
    const stretch = 1 + this.random.around(hand.ellipse / 2);
    const tilt = this.random.between(0, Math.PI);
    const turn = this.random.sign();
    const gap = this.random.around(2 * hand.gapShare);
    const round = (first: number, sweep: number) =>
      arc(center, radius, first, sweep).map((point) => stretched(point, center, tilt, stretch));
    const full = turn * (2 * Math.PI - gap);
    const paths = [round(start, full)];
    const isRetraced = !this.#isJoining && this.random.chance(hand.retraced);
    if (isRetraced) {
      const again = round(start + full, turn * this.random.between(2, 6));
      paths[0] = [...round(start, full), ...again.map((point) => toward(center, point, 1 + this.random.around(0.004)))];
    } else if (!this.#isJoining && this.random.chance(0.1)) {
      const first = full * this.random.between(0.4, 0.6);
      paths.splice(0, 1, round(start, first), round(start + first, full - first));
    }
    return this.#shape(
      { kind: "circle", center, radius },
      this.#draw(paths, isRetraced ? RETRACED_WIDTH_PX : undefined),
    );
  }

  /** Angle in rad; any, it is brought to between -π/4 and π/4. Starts at `start`, somewhere on an edge, if it is told. */
  box(center: Point, size: readonly [number, number], angle = 0, start?: Point): string {
    const quarters = Math.round(angle / (Math.PI / 2));
    const [width, height] = size;
    return this.#shape(
      {
        kind: "box",
        center,
        size: quarters % 2 === 0 ? [width, height] : [height, width],
        angle: angle - (quarters * Math.PI) / 2,
      },
      this.#drawOutline(corners(center, size, angle), Math.min(...size), start),
    );
  }

  polygon(points: readonly Point[]): string {
    return this.#shape({ kind: "polygon", points }, this.#drawOutline(points, extent(points) / 2));
  }

  /** Straight, or bent at its inner points, or a curve of many. */
  line(points: readonly Point[]): string {
    return this.#shape({ kind: "line", points }, this.#drawOpen(points));
  }

  ground(points: readonly Point[]): string {
    return this.#shape({ kind: "ground", points }, this.#drawOpen(points));
  }

  /** Short strokes along a path, to its right as seen when walking along it (below, from left to right): `shape` is fixed. */
  hatch(shape: string, along: readonly Point[]): void {
    const { hand } = this.#pen;
    const spacing = this.random.between(10, 18);
    const length = this.random.between(11, 20);
    const lean = this.random.between(0.6, 1) * this.random.sign();
    const path = dense(along, 2);
    const strokes: number[] = [];
    const total = lengthOf(along);
    const count = Math.max(4, Math.floor(total / spacing));
    for (let index = 0; index < count; index++) {
      const at = Math.floor(((index + 0.5 + this.random.around(0.12)) / count) * (path.length - 1));
      const [here, next] = [path[at], path[at + 1]];
      if (!here || !next) continue;
      const heading = direction(here, next) + Math.PI / 2 + lean * 0.8 + this.random.around(0.03 + hand.skewShare * 2);
      const begin = from(here, heading, this.random.between(-0.2, 0.6) * hand.end * 0.6);
      const end = from(begin, heading, length * (1 + this.random.around(0.05 + hand.gapShare * 2)));
      strokes.push(...this.#draw([this.random.chance(0.85) ? [begin, end] : [end, begin]]));
    }
    this.#parts.splice(-strokes.length, strokes.length, strokes);
    const seen = this.#shapes.get(shape);
    if (seen) this.#shapes.set(shape, { ...seen, fixed: true, strokes: [...seen.strokes, ...strokes] });
  }

  /** Without a dot, a line's end on something fixed or an axle says it all. `null`: the paper. */
  hinge(a: string, b: string | null, at: Point, dot: boolean): void {
    const strokes = dot ? this.#dot(at) : [];
    this.#links.push({ ...this.#seen("hinge", this.#links.length, strokes), kind: "hinge", a, b, at });
  }

  weld(a: string, b: string, at: Point): void {
    this.#links.push({ ...this.#seen("weld", this.#links.length, []), kind: "weld", a, b, at });
  }

  rope(a: string, b: string, start: Point, end: Point): void {
    const length = distance(start, end);
    const waves = Math.max(3, Math.round(length / this.random.between(28, 45)));
    const height = this.random.between(5, 8) * this.random.sign();
    const path = along(start, end, 40 * waves, (share) => {
      const swell = Math.min(1, share * waves * 2, (1 - share) * waves * 2);
      return [share, height * swell * Math.sin(2 * Math.PI * waves * share)];
    });
    const strokes = this.#draw([this.#eitherWay(this.#pen.loose(path))]);
    this.#links.push({ ...this.#seen("rope", this.#links.length, strokes), kind: "rope", a, b, points: [start, end] });
  }

  /** A zigzag or a coil, with a short straight piece at either end. */
  spring(a: string, b: string, start: Point, end: Point): void {
    const length = distance(start, end);
    const half = this.random.between(11, 18);
    const lead = this.random.between(0.06, 0.14);
    const turns = Math.max(4, Math.round((length * (1 - 2 * lead)) / this.random.between(14, 24)));
    const path = this.random.chance(0.65)
      ? zigzag(start, end, {
          half,
          lead,
          turns,
          uneven: () => 1 + this.random.around(0.03 + this.#pen.hand.gapShare * 2),
        })
      : coil(start, end, { half, lead, turns });
    const strokes = this.#draw([this.#eitherWay(this.#pen.loose(path))]);
    this.#links.push({
      ...this.#seen("spring", this.#links.length, strokes),
      kind: "spring",
      a,
      b,
      points: [start, end],
    });
  }

  /** A straight arrow. */
  push(target: string, tail: Point, head: Point): void {
    this.#arrow("push", target, [tail, head], direction(tail, head));
  }

  /** A bent arrow around a middle, from an angle on, so many rad further. */
  motor(target: string, center: Point, radius: number, start: number, sweep: number): void {
    const path = arc(center, radius, start, sweep);
    this.#arrow("motor", target, path, start + sweep + Math.sign(sweep) * (Math.PI / 2 - 0.12));
  }

  /** What is drawn meanwhile is one stroke. */
  inOneStroke(parts: () => void): void {
    const before = this.#parts.length;
    const stroke = this.#pen.strokes.length;
    this.#isJoining = true;
    this.#pen.inOneStroke(parts);
    this.#isJoining = false;
    this.#parts.splice(before, this.#parts.length - before, [stroke]);
  }

  /** The sketch, its strokes in the order in which they were drawn or, as often, in any. */
  finish(): Sketch {
    const parts = this.random.chance(0.5) ? this.#parts : this.random.shuffled(this.#parts);
    const order = parts.flat();
    const renumbered = <T extends { strokes: readonly number[] }>(seen: T): T => ({
      ...seen,
      strokes: seen.strokes.map((stroke) => order.indexOf(stroke)),
    });
    return {
      drawing: { ...PAGE, strokes: order.map((stroke) => this.#pen.strokes[stroke] ?? []), texts: [] },
      truth: {
        shapes: [...this.#shapes.values()].map(renumbered),
        links: this.#links.map(renumbered),
        arrows: this.#arrows.map(renumbered),
      },
    };
  }

  // ---- drawing ----

  #draw(paths: readonly (readonly Point[])[], width?: number): number[] {
    const strokes = paths.map((path) => this.#pen.draw(path, width));
    this.#parts.push(strokes);
    return strokes;
  }

  /** A closed shape: one stroke, two, or one a side. */
  #drawOutline(exact: readonly Point[], size: number, begin?: Point): number[] {
    const { hand } = this.#pen;
    const skewed = this.#pen.skewed(exact, size);
    if (begin) return this.#draw([[begin, ...startingBy(skewed, begin), begin]], size);
    const first = this.random.whole(0, skewed.length - 1);
    const turned = [...skewed.slice(first), ...skewed.slice(0, first)];
    const points = this.random.chance(0.5) ? turned : turned.toReversed();
    const [start] = points;
    if (!start) return [];
    const ring = [...points, start];
    const habit = this.random.next();
    if (habit < 0.7) {
      const [last, before] = [ring.at(-1) ?? start, ring.at(-2) ?? start];
      const gap = this.random.around(hand.gapShare * size);
      ring[ring.length - 1] = from(last, direction(before, last), gap);
      if (this.random.chance(hand.retraced)) {
        const again = this.#pen.skewed(points, size);
        return this.#draw([[...ring, ...again.slice(1), again[0] ?? start]], RETRACED_WIDTH_PX);
      }
      return this.#draw([ring], size);
    }
    const breaks = habit < 0.88 ? [0, this.random.whole(1, points.length - 1), points.length] : [...ring.keys()];
    const sides = breaks.slice(1).map((end, index) => ring.slice(breaks[index] ?? 0, end + 1));
    return this.#draw(
      sides.map((side) => this.#eitherWay(this.#pen.loose(side, [true, true], size))),
      size,
    );
  }

  /** An open line: one stroke, or now and then one up to a bend and another from there. */
  #drawOpen(points: readonly Point[]): number[] {
    if (this.#isJoining) return this.#draw([this.#pen.loose(points, [true, false])]);
    const bends = points.length - 2;
    if (bends >= 1 && bends <= 4 && this.random.chance(0.3)) {
      const bend = this.random.whole(1, bends);
      const parts = [points.slice(0, bend + 1), points.slice(bend)];
      return this.#draw(parts.map((part) => this.#eitherWay(this.#pen.loose(part))));
    }
    const path = this.#pen.loose(points);
    if (points.length === 2 && this.random.chance(this.#pen.hand.retraced))
      return this.#draw([[...path, ...this.#pen.loose(path.toReversed()).slice(1)]], RETRACED_WIDTH_PX);
    return this.#draw([this.#eitherWay(path)]);
  }

  /** A tap, a tiny scribble or a small circle. */
  #dot(at: Point): number[] {
    const { aim, gapShare } = this.#pen.hand;
    const middle: Point = [at[0] + this.random.around(aim), at[1] + this.random.around(aim)];
    const habit = this.random.pick("tap", "scribble", "circle");
    if (habit === "tap") {
      const strokes = [this.#pen.tap(middle)];
      this.#parts.push(strokes);
      return strokes;
    }
    if (habit === "scribble") {
      const turns = this.random.between(2, 4);
      const radius = this.random.between(2.5, 4.5);
      return this.#draw([
        Array.from({ length: Math.ceil(turns * 12) }, (_, index) =>
          from(middle, (index / 12) * 2 * Math.PI, radius * (0.35 + 0.65 * this.random.next())),
        ),
      ]);
    }
    const radius = this.random.between(5.5, 8.5);
    const sweep = this.random.sign() * (2 * Math.PI + this.random.around(4 * gapShare));
    return this.#draw([arc(middle, radius, this.random.between(0, 6), sweep)]);
  }

  #arrow(does: Arrow["does"], target: string, points: readonly Point[], heading: number): void {
    const tip = points.at(-1);
    if (!tip) return;
    const size = this.random.between(13, 20);
    const spread = this.random.between(0.4, 0.62);
    const wing = (side: 1 | -1) =>
      from(
        tip,
        heading + Math.PI + side * (spread + this.random.around(this.#pen.hand.gapShare)),
        size * (1 + this.random.around(0.1)),
      );
    const [left, right] = [wing(1), wing(-1)];
    const shaft = this.#pen.loose(points, [true, false]);
    const habit = this.random.pick("one stroke", "shaft and head", "three strokes");
    const paths =
      habit === "one stroke"
        ? [[...shaft, left, tip, right]]
        : habit === "shaft and head"
          ? [this.#eitherWay(shaft), this.#eitherWay([left, tip, right])]
          : [
              this.#eitherWay(shaft),
              this.#eitherWay(this.#pen.loose([tip, left])),
              this.#eitherWay(this.#pen.loose([tip, right])),
            ];
    this.#arrows.push({ ...this.#seen(does, this.#arrows.length, this.#draw(paths)), does, points, target });
  }

  #eitherWay(path: readonly Point[]): Point[] {
    return this.#isJoining || this.random.chance(0.6) ? [...path] : path.toReversed();
  }

  // ---- keeping account ----

  #shape(shape: Without<Shape>, strokes: readonly number[]): string {
    const known = [...this.#shapes.values()].filter(({ kind }) => kind === shape.kind).length;
    const seen = this.#seen(shape.kind, known, strokes);
    this.#shapes.set(seen.id, { ...shape, ...seen, fixed: shape.kind === "ground" });
    return seen.id;
  }

  #seen(name: string, before: number, strokes: readonly number[]) {
    return { id: `${name}-${before + 1}`, confidence: 1, strokes };
  }
}

// ---- paths ----

/** The corners in their order, the first one being the next after a point on an edge. */
function startingBy(points: readonly Point[], begin: Point): Point[] {
  const gaps = points.map((point, index) => gapTo(begin, [points.at(index - 1) ?? point, point]));
  const first = gaps.indexOf(Math.min(...gaps));
  return [...points.slice(first), ...points.slice(0, first)];
}

export function arc(center: Point, radius: number, start: number, sweep: number): Point[] {
  const steps = Math.max(8, Math.ceil(Math.abs(sweep) / 0.12));
  return Array.from({ length: steps + 1 }, (_, step) => from(center, start + (sweep * step) / steps, radius));
}

/** Longer along an axis and shorter across it, about a middle. */
function stretched([x, y]: Point, [cx, cy]: Point, tilt: number, stretch: number): Point {
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const [u, v] = [(x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin];
  return [cx + u * stretch * cos - (v / stretch) * sin, cy + u * stretch * sin + (v / stretch) * cos];
}

/** A path from `start` to `end`: `shape` gives the share of the way and the units aside. */
function along(start: Point, end: Point, steps: number, shape: (share: number) => readonly [number, number]): Point[] {
  const aside = direction(start, end) + Math.PI / 2;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const [share, units] = shape(step / steps);
    return from(toward(start, end, share), aside, units);
  });
}

interface Winding {
  half: number;
  /** The share of the way that is straight, at either end. */
  lead: number;
  turns: number;
}

function zigzag(start: Point, end: Point, { half, lead, turns, uneven }: Winding & { uneven: () => number }): Point[] {
  const aside = direction(start, end) + Math.PI / 2;
  const teeth = Array.from({ length: turns * 2 }, (_, tooth) => {
    const share = lead + ((1 - 2 * lead) * (tooth + 0.5)) / (turns * 2);
    return from(toward(start, end, share), aside, (tooth % 2 === 0 ? half : -half) * uneven());
  });
  return [start, toward(start, end, lead), ...teeth, toward(start, end, 1 - lead), end];
}

/** Loops like a telephone cord. */
function coil(start: Point, end: Point, { half, lead, turns }: Winding): Point[] {
  const length = distance(start, end);
  const back = Math.min(half * 1.4, (length / turns) * 1.3) / length;
  const loops = along(start, end, turns * 24, (share) => {
    const angle = 2 * Math.PI * turns * share;
    return [lead + (1 - 2 * lead - back) * share + back * (1 - Math.cos(angle)) * 0.5, half * Math.sin(angle)];
  });
  return [start, ...loops, end];
}
