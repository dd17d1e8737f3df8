/** Machines of bars that branch, bend or cross, and of bricks. */
import type { Point } from "../drawing.ts";
import { bar, bodyAt, hatchedCeiling } from "./hanging.ts";
import { direction, from, toward } from "./plane.ts";
import type { Machine, Sketcher } from "./sketcher.ts";
import { groundAt } from "./standing.ts";

const DOWN = Math.PI / 2;

export const BRACED: Record<string, Machine> = {
  /** One ball below another, two from a joint of their own, or two from one pivot. */
  "double-pendulum"(sketch) {
    const { random } = sketch;
    const pivot: Point = [400 + random.around(60), random.between(80, 120)];
    const look = random.pick("chain", "chain", "fork", "one pivot");
    if (look === "one pivot") {
      const ceiling = hatchedCeiling(sketch, pivot, random.between(60, 140));
      forked(sketch, pivot, random.between(150, 230), ceiling);
      return;
    }
    const holder = random.chance(0.7) ? hatchedCeiling(sketch, pivot, random.between(60, 140)) : null;
    const swing = DOWN + random.around(0.5);
    const elbow = from(pivot, swing, random.between(110, 150));
    const upper = sketch.line([pivot, elbow]);
    sketch.hinge(upper, holder, pivot, holder === null || random.chance(0.4));
    if (look === "fork") {
      forked(sketch, elbow, random.between(120, 160), upper);
      return;
    }
    const radius = random.between(26, 38);
    const middle = from(elbow, swing, radius);
    const ball = sketch.circle(middle, radius);
    sketch.weld(upper, ball, elbow);
    const onward = swing + random.around(0.8);
    const start = random.chance(0.5) ? middle : from(middle, onward, radius);
    const lower = bar(sketch, start, from(middle, onward, radius + random.between(100, 150)), 0);
    sketch.hinge(lower, ball, start, true);
  },

  /** A bent bar, hatched along a wall or at its foot, now and then with a strut, and what hangs from it. */
  bracket(sketch) {
    const { random } = sketch;
    const side = random.sign();
    const x = 400 - side * random.between(110, 170);
    const top = random.between(110, 160);
    const corner: Point = [x, top];
    const tip: Point = [x + side * random.between(200, 270), top + random.around(6)];
    const isWalled = random.chance(0.5);
    const foot: Point = [x, isWalled ? top + random.between(190, 280) : random.between(480, 530)];
    const points = [foot, corner, tip];
    if (!isWalled) points.unshift([x + side * random.pick(-1, 1, 1) * random.between(110, 150), foot[1]]);
    let bracket = "";
    // In two strokes, a bend that is overshot would look like a bar that ends on a wall.
    sketch.inOneStroke(() => {
      bracket = sketch.line(points);
    });
    const [toe = foot] = points;
    const along = isWalled ? [foot, toward(corner, foot, 0.06)] : [toe, toward(foot, toe, 0.06)];
    const isForwards = isWalled ? side < 0 : toe[0] < foot[0];
    sketch.hatch(bracket, isForwards ? along : along.toReversed());
    if (random.chance(0.35)) {
      const ends: [Point, Point] = [
        [x, top + random.between(75, 110)],
        toward(corner, tip, random.between(0.38, 0.52)),
      ];
      const strut = sketch.line(ends);
      for (const end of ends) sketch.hinge(strut, bracket, end, false);
    }
    const hangsBy = random.pick("rope", "spring", "rod");
    const isDotted = hangsBy === "rod" && random.chance(0.6);
    // Without a dot, a rod at the tip would be one more bend.
    const on = toward(
      corner,
      tip,
      hangsBy === "rod" && !isDotted ? random.between(0.7, 0.8) : random.between(0.8, 0.95),
    );
    const below = from(on, DOWN + random.around(0.1), random.between(100, 150));
    if (hangsBy === "rod") {
      sketch.hinge(bar(sketch, on, below, 0), bracket, on, isDotted);
      return;
    }
    const body = bodyAt(sketch, below, direction(on, below));
    if (hangsBy === "rope") sketch.rope(bracket, body, on, below);
    else sketch.spring(bracket, body, on, below);
  },

  /** Two bars that cross at a dot: held by one end, or on the ground. */
  scissors(sketch) {
    const { random } = sketch;
    const isStanding = random.chance(0.35);
    const half = random.between(0.4, 0.65);
    const floor = random.between(450, 520);
    const height = random.between(150, 190);
    const cross: Point = [400 + random.around(60), isStanding ? floor - height : random.between(230, 270)];
    const lean = isStanding ? 0 : random.around(0.15);
    const ground = isStanding ? groundAt(sketch, floor) : "";
    const long = isStanding ? height / Math.cos(half) : random.between(150, 210);
    const isLeft = random.sign();
    const upper = [random.between(125, 150), random.between(65, 80)];
    const [held, free] = [0, 1].map((index) => {
      const heading = DOWN + lean + (index === 0 ? isLeft : -isLeft) * half;
      const [head, foot] = [from(cross, heading, -(upper[index] ?? 0)), from(cross, heading, long)];
      return { head, foot, heading, draw: () => sketch.line([head, foot]) };
    });
    if (!held || !free) return;
    const holder =
      !isStanding && random.chance(0.7) ? hatchedCeiling(sketch, held.head, random.between(60, 120)) : null;
    const bars = [held.draw(), free.draw()] as const;
    sketch.hinge(bars[0], bars[1], cross, true);
    if (isStanding) {
      sketch.hinge(bars[0], ground, held.foot, random.chance(0.2));
      sketch.hinge(bars[1], ground, free.foot, random.chance(0.2));
      return;
    }
    sketch.hinge(bars[0], holder, held.head, holder === null || random.chance(0.4));
    const [a, b] = [held, free].map(({ foot }) => toward(foot, cross, random.between(0.1, 0.3)));
    const tie = random.pick("spring", "rope", "balls");
    if (tie === "spring" && a && b) sketch.spring(bars[0], bars[1], a, b);
    if (tie === "rope" && a && b) sketch.rope(bars[0], bars[1], a, b);
    if (tie !== "balls") return;
    [held, free].forEach(({ foot, heading }, index) => {
      const radius = random.between(22, 34);
      sketch.weld(bars[index] ?? "", sketch.circle(from(foot, heading, radius), radius), foot);
    });
  },

  /** In running bond, with half bricks at the ends of every other row or without. */
  "brick-wall"(sketch) {
    const { random } = sketch;
    const floor = random.between(480, 540);
    groundAt(sketch, floor);
    const [rows, columns] = [random.whole(2, 4), random.whole(2, 4)];
    const [width, height] = [random.between(72, 100), random.between(34, 50)];
    const gap = random.between(3, 7);
    const isEven = random.chance(0.5);
    const left = 410 + random.around(30) - (columns * (width + gap)) / 2;
    const bricks: string[] = [];
    for (let row = 0; row < rows; row++) {
      const y = floor - (row + 0.5) * height - row * random.between(0.5, 2);
      const lay = (start: number, length: number) => {
        bricks.push(sketch.box([left + start + length / 2, y], [length, height - 1]));
      };
      const isShifted = row % 2 === 1;
      const short = (width - gap) / 2;
      if (isShifted && isEven) lay(0, short);
      for (let column = 0; column < columns - (isShifted ? 1 : 0); column++)
        lay((column + (isShifted ? 0.5 : 0)) * (width + gap), width);
      if (isShifted && isEven) lay((columns - 0.5) * (width + gap), short);
    }
    const [first] = bricks;
    if (!first || !random.chance(0.4)) return;
    const head: Point = [left + random.between(-4, 0), floor - height * random.between(0.4, 0.6)];
    sketch.push(first, [head[0] - random.between(75, 110), head[1] + random.around(5)], head);
  },
};

/** Two rods that start at one dot, each with a body at its end, hinged to what is already there. */
function forked(sketch: Sketcher, at: Point, length: number, holder: string): void {
  const { random } = sketch;
  const turn = DOWN + random.around(0.15);
  const rods = [-1, 1].map((side) => {
    const heading = turn + side * random.between(0.5, 0.8);
    return bar(sketch, at, from(at, heading, length), 0);
  });
  rods.forEach((rod, index) => {
    sketch.hinge(rod, holder, at, index === 0);
  });
}
