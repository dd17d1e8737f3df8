/** Machines of bodies that drive, carry or tie one another. */
import type { Point } from "../drawing.ts";
import { bar, bodyAt, hatchedCeiling } from "./hanging.ts";
import { direction, from, toward } from "./plane.ts";
import type { Machine, Sketcher } from "./sketcher.ts";
import { groundAt } from "./standing.ts";

const DOWN = Math.PI / 2;
const UP = -DOWN;

export const LINKED: Record<string, Machine> = {
  "slider-crank"(sketch) {
    const { random } = sketch;
    const floor = random.between(440, 510);
    groundAt(sketch, floor);
    const side = random.sign();
    const ahead = side > 0 ? 0 : Math.PI;
    const radius = random.between(50, 75);
    const hub: Point = [400 - side * random.between(195, 225), floor - radius - random.between(50, 90)];
    const wheel = sketch.circle(hub, radius);
    sketch.hinge(wheel, null, hub, true);
    const pin = from(hub, ahead + random.around(1.3), radius * random.pick(1, random.between(0.65, 0.8)));
    const [width, height] = [random.between(80, 105), random.between(60, 90)];
    const middle: Point = [hub[0] + side * random.between(240, 275), floor - height / 2 - random.between(0, 1.5)];
    const slider = sketch.box(middle, [width, height]);
    const joint = random.chance(0.5) ? middle : from(middle, ahead, -width / 2);
    const rod = sketch.line([pin, joint]);
    sketch.hinge(rod, wheel, pin, true);
    sketch.hinge(rod, slider, joint, true);
    if (random.chance(0.35)) {
      const sweep = random.between(1.5, 2.4) * random.sign();
      sketch.motor(wheel, hub, radius + random.between(22, 32), ahead + Math.PI - sweep / 2, sweep);
    }
    if (!random.chance(0.5)) return;
    const [wide, high] = [random.between(55, 72), random.between(50, 75)];
    const start = from([middle[0], floor - random.between(22, 38)], ahead, width / 2);
    const end = from(start, ahead, random.between(65, 95));
    const towed = sketch.box([end[0] + (side * wide) / 2, floor - high / 2], [wide, high]);
    if (random.chance(0.5)) sketch.rope(slider, towed, start, end);
    else sketch.spring(slider, towed, start, end);
  },

  balance(sketch) {
    const { random } = sketch;
    const reach = random.between(150, 215);
    const tilt = random.around(0.16);
    const middle: Point = [400 + random.around(60), random.between(190, 240)];
    const ends: [Point, Point] = [from(middle, tilt, -reach), from(middle, tilt, reach)];
    let beam: string;
    if (random.chance(0.45)) {
      const top = from(middle, UP, random.between(90, 130));
      const ceiling = hatchedCeiling(sketch, top, random.between(60, 130));
      beam = sketch.line(ends);
      sketch.rope(ceiling, beam, top, middle);
    } else {
      const post = hatchedPost(sketch, from(middle, UP, random.between(13, 22)), random.between(480, 540));
      beam = sketch.line(ends);
      sketch.hinge(beam, post, middle, true);
    }
    const hangsBy = random.pick("ropes", "ropes", "rods");
    for (const end of ends) {
      const on = toward(end, middle, random.between(0, 0.15));
      const below = from(on, DOWN + random.around(0.06), random.between(80, 140));
      if (hangsBy === "rods") sketch.hinge(bar(sketch, on, below, 0), beam, on, true);
      else sketch.rope(beam, bodyAt(sketch, below, direction(on, below)), on, below);
    }
  },

  catapult(sketch) {
    const { random } = sketch;
    const floor = random.between(470, 530);
    const ground = groundAt(sketch, floor);
    const side = random.sign();
    const pivot: Point = [400 + random.around(50), floor - random.between(160, 210)];
    const stand = narrowStand(sketch, pivot, floor);
    const isLoaded = random.chance(0.5);
    const dip = random.between(0.25, 0.42) * (isLoaded ? 1 : -1);
    const heading = side > 0 ? dip : Math.PI - dip;
    const [short, long] = [
      from(pivot, heading, -random.between(110, 130)),
      from(pivot, heading, random.between(170, 225)),
    ];
    const arm = sketch.line([short, long]);
    sketch.hinge(arm, stand, pivot, true);
    const radius = random.between(20, 28);
    sketch.weld(arm, sketch.circle(from(long, heading, radius), radius), long);
    const on = toward(short, pivot, random.between(0, 0.1));
    const drive = random.pick("spring", "spring", isLoaded ? "weight" : "none", "none");
    if (drive === "spring") sketch.spring(ground, arm, [on[0] + random.around(8), floor], on);
    if (drive !== "weight") return;
    const below = from(on, DOWN, random.between(70, 95));
    const [wide, high] = [random.between(45, 60), random.between(45, 60)];
    sketch.rope(arm, sketch.box(from(below, DOWN, high / 2), [wide, high]), on, below);
  },

  swing(sketch) {
    const { random } = sketch;
    const size: [number, number] = [random.between(170, 230), random.between(18, 30)];
    const half = size[0] * random.between(0.38, 0.45);
    const top: Point = [400 + random.around(60), random.between(70, 120)];
    const ceiling = hatchedCeiling(sketch, top, half + random.between(60, 110));
    const lean = random.around(0.2);
    const spread = random.pick(0, random.between(-30, 40));
    const hangsBy = random.pick("ropes", "ropes", "springs", "one of each");
    const hang = (above: string, below: string, starts: readonly Point[], ends: readonly Point[]) =>
      starts.forEach((start, index) => {
        const isRope = hangsBy === "ropes" || (hangsBy === "one of each" && index === 0);
        const end = ends[index] ?? start;
        if (isRope) sketch.rope(above, below, start, end);
        else sketch.spring(above, below, start, end);
      });
    const isDouble = random.chance(0.25);
    const center = from(top, DOWN - lean, isDouble ? random.between(130, 160) : random.between(180, 270));
    const tilt = random.around(0.06);
    const plank = sketch.box(center, size, tilt);
    const on = (share: number, up: 1 | -1) => from(from(center, tilt, share), tilt + UP, (up * size[1]) / 2);
    const starts: Point[] = [
      [top[0] - half - spread, top[1]],
      [top[0] + half + spread, top[1]],
    ];
    hang(ceiling, plank, starts, [on(-half, 1), on(half, 1)]);
    if (isDouble) {
      const lower: Point = [center[0] + random.around(20), center[1] + random.between(130, 170)];
      const seat = sketch.box(lower, size);
      const edge = lower[1] - size[1] / 2;
      const ends: Point[] = [
        [lower[0] - half, edge],
        [lower[0] + half, edge],
      ];
      hang(plank, seat, [on(-half, -1), on(half, -1)], ends);
    } else if (random.chance(0.6)) rider(sketch, on(random.around(25), 1), tilt + UP);
  },
};

/** Fixed by hatching at its foot. */
function hatchedPost(sketch: Sketcher, [x, top]: Point, bottom: number): string {
  const width = sketch.random.between(40, 65);
  const post = sketch.box([x, (top + bottom) / 2], [width, bottom - top]);
  sketch.hatch(post, [
    [x - width / 2, bottom],
    [x + width / 2, bottom],
  ]);
  return post;
}

/** A steep triangle with its top at the pivot, or a narrow box that reaches a little higher. */
function narrowStand(sketch: Sketcher, pivot: Point, floor: number): string {
  const { random } = sketch;
  const [x, y] = pivot;
  if (random.chance(0.5)) {
    const half = random.between(40, 60);
    return sketch.polygon([pivot, [x + half, floor], [x - half, floor]]);
  }
  const top = y - random.between(14, 22);
  return sketch.box([x, (top + floor) / 2], [random.between(40, 58), floor - top]);
}

/** Stands on a place, upwards being as told. */
function rider(sketch: Sketcher, at: Point, up: number): void {
  const { random } = sketch;
  if (random.chance(0.5)) {
    const radius = random.between(20, 32);
    sketch.circle(from(at, up, radius + random.between(-1, 2)), radius);
    return;
  }
  const [wide, high] = [random.between(40, 64), random.between(38, 70)];
  sketch.box(from(at, up, high / 2 + random.between(-1, 2)), [wide, high], up + DOWN);
}
