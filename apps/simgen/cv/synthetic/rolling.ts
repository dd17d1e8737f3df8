/** Machines on wheels or slopes, and what flies. */
import type { Point } from "../drawing.ts";
import { direction, from, toward } from "./plane.ts";
import { arc, type Machine, type Sketcher } from "./sketcher.ts";

const UP = -Math.PI / 2;

export const ROLLING: Record<string, Machine> = {
  "ball-on-ramp"(sketch) {
    const { random } = sketch;
    const [low, high] = ramp(sketch);
    const radius = random.between(20, 36);
    const at = toward(low, high, random.between(0.5, 0.82));
    sketch.circle(from(at, outward(low, high), radius + random.between(-1, 2)), radius);
  },

  "box-on-ramp"(sketch) {
    const { random } = sketch;
    const [low, high] = ramp(sketch);
    const [width, height] = [random.between(45, 80), random.between(36, 62)];
    const at = toward(low, high, random.between(0.45, 0.75));
    const slope = low[0] < high[0] ? direction(low, high) : direction(high, low);
    sketch.box(from(at, outward(low, high), height / 2 + random.between(-1, 2)), [width, height], slope);
  },

  car(sketch) {
    const { random } = sketch;
    const floor = random.between(430, 520);
    const length = random.between(190, 330);
    const x = random.between(330, 470);
    const radius = random.between(26, 42);
    sketch.ground([
      [random.between(40, 110), floor + random.around(3)],
      [random.between(690, 760), floor + random.around(3)],
    ]);
    const bottom = floor - radius * random.between(1.15, 1.45);
    const body = random.chance(0.55) ? boxBody(sketch, x, bottom, length) : carBody(sketch, x, bottom, length);
    const wheels = random.chance(0.2) && length > 270 ? 3 : 2;
    const reach = length / 2 - radius - random.between(4, 22);
    for (let wheel = 0; wheel < wheels; wheel++) {
      const center: Point = [x - reach + (2 * reach * wheel) / (wheels - 1), floor - radius + random.around(1.5)];
      sketch.hinge(sketch.circle(center, radius), body, center, random.chance(0.25));
    }
    if (!random.chance(0.35)) return;
    const side = random.sign();
    const start: Point = [x + (side * length) / 2, bottom - random.between(14, 24)];
    sketch.push(body, start, [start[0] + side * random.between(70, 110), start[1] + random.around(4)]);
  },

  "thrown-ball"(sketch) {
    const { random } = sketch;
    const floor = random.between(450, 530);
    sketch.ground([
      [random.between(40, 100), floor + random.around(3)],
      [random.between(690, 760), floor + random.around(3)],
    ]);
    const radius = random.between(22, 38);
    const toRight = random.chance(0.5);
    const lifted = random.chance(0.5) ? radius : random.between(100, 220);
    const center: Point = [toRight ? random.between(130, 260) : random.between(540, 670), floor - lifted];
    const ball = sketch.circle(center, radius);
    const steep = random.between(0.15, 1.1);
    const heading = toRight ? -steep : Math.PI + steep;
    const tail = from(center, heading, radius + random.between(-2, 3));
    sketch.push(ball, tail, from(tail, heading, random.between(80, 140)));
    if (!random.chance(0.4)) return;
    const [width, height] = [random.between(50, 80), random.between(45, 90)];
    sketch.box([toRight ? random.between(560, 640) : random.between(160, 240), floor - height / 2], [width, height]);
  },

  "motor-wheel"(sketch) {
    const { random } = sketch;
    const radius = random.between(50, 85);
    const center: Point = [random.between(280, 520), random.between(200, 300)];
    let post: string | null = null;
    if (random.chance(0.55)) {
      const width = random.between(40, 70);
      const [top, bottom] = [center[1] - random.between(14, 26), random.between(480, 540)];
      post = sketch.box([center[0], (top + bottom) / 2], [width, bottom - top]);
      sketch.hatch(post, [
        [center[0] - width / 2, bottom],
        [center[0] + width / 2, bottom],
      ]);
    }
    const wheel = sketch.circle(center, radius);
    sketch.hinge(wheel, post, center, true);
    const sweep = random.between(1.6, post ? 2.6 : 4.2) * random.sign();
    const start = post ? UP - sweep / 2 + random.around(0.3) : random.between(0, 2 * Math.PI);
    sketch.motor(wheel, center, radius + random.between(22, 34), start, sweep);
  },

  track(sketch) {
    const { random } = sketch;
    const radius = random.between(20, 30);
    if (random.chance(0.5)) {
      const reach = random.between(170, 260);
      const center: Point = [400 + random.around(60), random.between(220, 280)];
      const [first, last] = [Math.PI - random.between(0.15, 0.45), random.between(0.15, 0.45)];
      const path = arc(center, reach, first, last - first);
      const track = sketch.line(path);
      sketch.hatch(track, path.toReversed());
      const at = random.between(0.5, 1.1) * random.sign() - UP;
      sketch.circle(from(center, at, reach - radius - random.between(-1, 2)), radius);
      return;
    }
    const path = bentTrack(sketch);
    const track = sketch.line(path);
    sketch.hatch(track, path);
    const [high, low] = path;
    if (!high || !low) return;
    sketch.circle(
      from(toward(high, low, random.between(0.3, 0.6)), UP + direction(high, low), radius + random.between(-1, 2)),
      radius,
    );
  },
};

/** A triangle, on a ground or hatched, or only a hatched slope. The ends of the slope, the lower one first. */
function ramp(sketch: Sketcher): [Point, Point] {
  const { random } = sketch;
  const rise = random.between(0.28, 0.75);
  const run = random.between(290, 430);
  const side = random.sign();
  const bottom = random.between(440, 510);
  const middle = 400 + random.around(50);
  const low: Point = [middle - (side * run) / 2, bottom];
  const high: Point = [middle + (side * run) / 2, bottom - Math.min(330, run * Math.tan(rise))];
  const look = random.pick("on ground", "hatched", "slope");
  if (look === "slope") {
    const slope = sketch.line([low, high]);
    sketch.hatch(slope, side > 0 ? [low, high] : [high, low]);
    return [low, high];
  }
  const foot: Point = [high[0], bottom];
  if (look === "on ground")
    sketch.ground([
      [random.between(50, 110), bottom + random.around(3)],
      [random.between(690, 750), bottom + random.around(3)],
    ]);
  const wedge = sketch.polygon([low, high, foot]);
  if (look === "hatched") sketch.hatch(wedge, side > 0 ? [low, foot] : [foot, low]);
  return [low, high];
}

/** Off a slope, upwards. */
function outward(low: Point, high: Point): number {
  return low[0] < high[0] ? direction(low, high) + UP : direction(low, high) - UP;
}

function boxBody(sketch: Sketcher, x: number, bottom: number, length: number): string {
  const height = sketch.random.between(60, 100);
  return sketch.box([x, bottom - height / 2], [length, height]);
}

/** From the side: a bonnet, a windscreen, a roof. */
function carBody(sketch: Sketcher, x: number, bottom: number, length: number): string {
  const { random } = sketch;
  const bonnet = random.between(40, 55);
  const roof = bonnet + random.between(40, 60);
  const front = random.sign();
  const at = (share: number, height: number): Point => [x + front * length * share, bottom - height];
  const [screen, slant] = [random.between(0.05, 0.15), random.between(0.08, 0.13)];
  const profile = [
    at(-0.5, 0),
    at(-0.5, roof),
    at(screen, roof),
    at(screen + slant, bonnet),
    at(0.5, bonnet),
    at(0.5, 0),
  ];
  return sketch.polygon(profile);
}

/** Down, then level or up again, perhaps both. From left to right. */
function bentTrack(sketch: Sketcher): Point[] {
  const { random } = sketch;
  const start: Point = [random.between(90, 150), random.between(150, 230)];
  const path = [start];
  const dip = from(start, random.between(0.5, 0.85), random.between(230, 300));
  path.push(dip);
  const shape = random.pick("level", "up", "both");
  if (shape !== "up") path.push([dip[0] + random.between(150, 230), dip[1] + random.around(5)]);
  if (shape !== "level") path.push(from(path.at(-1) ?? dip, -random.between(0.5, 0.9), random.between(100, 160)));
  return path;
}
