/** Machines that stand on the ground. */
import type { Point } from "../drawing.ts";
import { from } from "./plane.ts";
import type { Machine, Sketcher } from "./sketcher.ts";

export const STANDING: Record<string, Machine> = {
  stack(sketch) {
    const { random } = sketch;
    const floor = random.between(480, 540);
    groundAt(sketch, floor);
    const x = random.between(300, 500);
    if (random.chance(0.6)) {
      tower(sketch, x, floor, random.whole(2, 5));
      return;
    }
    const [width, height] = [random.between(75, 105), random.between(55, 80)];
    const gap = random.between(16, 26);
    const rows = random.pick(2, 2, 3);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < rows - row; column++) {
        const left = x + (column - (rows - row - 1) / 2) * (width + gap);
        sketch.box([left, floor - (row + 0.5) * height + random.between(-1.5, 0.5)], [width, height]);
      }
  },

  dominoes(sketch) {
    const { random } = sketch;
    const floor = random.between(440, 520);
    groundAt(sketch, floor);
    const count = random.whole(4, 7);
    const [width, height] = [random.between(15, 24), random.between(85, 130)];
    const spacing = width + random.between(30, 48);
    const first = 430 - ((count - 1) * spacing) / 2 + random.around(30);
    const dominoes = Array.from({ length: count }, (_, index) =>
      sketch.box(
        [first + index * spacing + random.around(3), floor - height / 2],
        [width, height * (1 + random.around(0.04))],
      ),
    );
    const [start] = dominoes;
    const edge = first - width / 2;
    const cause = random.pick("push", "ball", "none");
    if (cause === "push" && start) {
      const head: Point = [edge + random.between(-4, 0), floor - height * random.between(0.7, 0.85)];
      sketch.push(start, [head[0] - random.between(75, 120), head[1] + random.around(8)], head);
    }
    if (cause !== "ball") return;
    const radius = random.between(20, 30);
    const center: Point = [edge - random.between(40, 70) - radius, floor - radius];
    const ball = sketch.circle(center, radius);
    const tail = from(center, Math.PI, radius + random.between(0, 3));
    if (tail[0] > 100) sketch.push(ball, [tail[0] - random.between(65, 90), tail[1]], tail);
  },

  seesaw(sketch) {
    const { random } = sketch;
    const floor = random.between(480, 530);
    const x = random.between(340, 460);
    const height = random.between(90, 140);
    const half = random.between(45, 75);
    const apex: Point = [x, floor - height];
    const hatched = random.chance(0.4);
    if (!hatched) groundAt(sketch, floor);
    const stand = sketch.polygon([apex, [x + half, floor], [x - half, floor]]);
    if (hatched)
      sketch.hatch(stand, [
        [x - half, floor],
        [x + half, floor],
      ]);
    const reach = random.between(190, 270);
    const tilt = random.around(0.16);
    const bar = sketch.line([from(apex, tilt + Math.PI, reach), from(apex, tilt, reach)]);
    sketch.hinge(bar, stand, apex, true);
    for (const side of random.pick([-1, 1], [-1, 1], [-1], [1])) {
      const on = from(apex, tilt, side * reach * random.between(0.55, 0.72));
      const up = tilt - Math.PI / 2;
      if (random.chance(0.4)) {
        const radius = random.between(20, 34);
        sketch.circle(from(on, up, radius + random.between(-1, 2)), radius);
      } else {
        const [wide, high] = [random.between(45, 70), random.between(38, 65)];
        sketch.box(from(on, up, high / 2 + random.between(-1, 2)), [wide, high], tilt);
      }
    }
  },
};

/** A long line across the page, now and then hatched. The ground. */
export function groundAt(sketch: Sketcher, y: number): string {
  const { random } = sketch;
  const ends: [Point, Point] = [
    [random.between(40, 110), y + random.around(3)],
    [random.between(690, 760), y + random.around(3)],
  ];
  const ground = sketch.ground(ends);
  if (random.chance(0.2)) sketch.hatch(ground, ends);
  return ground;
}

/** Boxes one on top of another. */
export function tower(sketch: Sketcher, x: number, floor: number, count: number): void {
  const { random } = sketch;
  let top = floor;
  for (let box = 0; box < count; box++) {
    const [width, height] = [random.between(70, 140), random.between(55, Math.min(100, 400 / count))];
    sketch.box([x + random.around(14), top - height / 2 + random.between(-1, 0.5)], [width, height]);
    top -= height;
  }
}
