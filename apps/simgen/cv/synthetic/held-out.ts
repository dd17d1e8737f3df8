/** Kinds of machine that no recogniser is tuned on: whoever works on one leaves this file closed. */
import type { Point } from "../drawing.ts";
import { bar } from "./hanging.ts";
import { from } from "./plane.ts";
import { type Machine, PAGE } from "./sketcher.ts";
import { groundAt, tower } from "./standing.ts";

export const HELD_OUT: Record<string, Machine> = {
  /** A closed loop: a crank, a coupler and a rocker between two pivots on the paper. */
  "four-bar-linkage"(sketch) {
    const { random } = sketch;
    const base = random.between(230, 320);
    const left: Point = [(PAGE.width - base) / 2 + random.around(50), random.between(400, 460)];
    const right: Point = [left[0] + base, left[1] + random.around(25)];
    const crank = from(left, -Math.PI / 2 + random.around(0.5), random.between(90, 140));
    const rocker = from(right, -Math.PI / 2 + random.between(-0.2, 0.5), random.between(150, 220));
    const [a, b, c] = [sketch.line([left, crank]), sketch.line([crank, rocker]), sketch.line([rocker, right])];
    sketch.hinge(a, null, left, true);
    sketch.hinge(a, b, crank, true);
    sketch.hinge(b, c, rocker, true);
    sketch.hinge(c, null, right, true);
  },

  /** A trolley that carries a pendulum. */
  "cart-with-pendulum"(sketch) {
    const { random } = sketch;
    const floor = random.between(460, 520);
    groundAt(sketch, floor);
    const [width, height] = [random.between(200, 270), random.between(60, 85)];
    const x = random.between(300, 500);
    const radius = random.between(24, 34);
    const bottom = floor - radius * 1.3;
    const cart = sketch.box([x, bottom - height / 2], [width, height]);
    for (const side of [-1, 1]) {
      const center: Point = [x + side * (width / 2 - radius - 10), floor - radius];
      sketch.hinge(sketch.circle(center, radius), cart, center, false);
    }
    const pivot: Point = [x + random.around(20), bottom - height];
    const rod = bar(sketch, pivot, from(pivot, -Math.PI / 2 + random.around(0.5), random.between(130, 190)), 0.2);
    sketch.hinge(rod, cart, pivot, true);
  },

  /** A beam that is pinned to a fixed mast, with a ball on a rope and boxes for it to hit. */
  "wrecking-ball"(sketch) {
    const { random } = sketch;
    const floor = random.between(500, 540);
    groundAt(sketch, floor);
    const [width, height] = [random.between(70, 100), random.between(270, 330)];
    const x = random.between(150, 190);
    const top = floor - height;
    const mast = sketch.box([x, floor - height / 2], [width, height]);
    sketch.hatch(mast, [
      [x - width / 2, top + 12],
      [x - width / 2, floor - 12],
    ]);
    const foot: Point = [x + width / 2, top + random.between(90, 130)];
    const tip = from(foot, -random.between(0.25, 0.5), random.between(240, 290));
    const beam = sketch.line([foot, tip]);
    sketch.hinge(beam, mast, foot, true);
    const radius = random.between(26, 38);
    const end: Point = [tip[0] + random.around(10), tip[1] + random.between(120, 170)];
    const ball = sketch.circle([end[0], end[1] + radius], radius);
    sketch.rope(beam, ball, tip, end);
    tower(sketch, random.between(610, 650), floor, random.whole(1, 3));
  },
};
