/** Machines that hang from something, or are held by it. */
import type { Point } from "../drawing.ts";
import { direction, from, toward } from "./plane.ts";
import type { Machine, Sketcher } from "./sketcher.ts";

const DOWN = Math.PI / 2;

export const HANGING: Record<string, Machine> = {
  pendulum(sketch) {
    const { random } = sketch;
    const pivot: Point = [random.between(300, 500), random.between(90, 170)];
    const swing = DOWN + random.around(0.9);
    const end = from(pivot, swing, random.between(150, 290));
    if (random.chance(0.45)) {
      const rod = bar(sketch, pivot, end, 0.25);
      sketch.hinge(rod, null, pivot, true);
      return;
    }
    const ceiling = hatchedCeiling(sketch, pivot, random.between(60, 150));
    const rod = bar(sketch, pivot, end, 0.25);
    sketch.hinge(rod, ceiling, pivot, random.chance(0.4));
  },

  "newtons-cradle"(sketch) {
    const { random } = sketch;
    const count = random.whole(3, 5);
    const radius = random.between(20, 32);
    const spacing = 2 * radius + random.between(1, 5);
    const top = random.between(80, 140);
    const left = 400 + random.around(60) - ((count - 1) * spacing) / 2;
    const rod = random.between(170, 280);
    const middle: Point = [left + ((count - 1) * spacing) / 2, top];
    const ceiling = hatchedCeiling(sketch, middle, ((count - 1) * spacing) / 2 + random.between(35, 80));
    const raised = random.chance(0.6) ? random.pick(0, count - 1) : -1;
    for (let ball = 0; ball < count; ball++) {
      const pivot: Point = [left + ball * spacing, top];
      const swing = ball === raised ? (ball === 0 ? 1 : -1) * random.between(0.45, 0.8) : 0;
      const hanging = bobOn(sketch, pivot, DOWN + swing, rod, radius);
      sketch.hinge(hanging, ceiling, pivot, random.chance(0.15));
    }
  },

  "rope-and-weight"(sketch) {
    const { random } = sketch;
    const count = random.pick(1, 1, 2);
    const top = random.between(70, 130);
    const spread = count === 1 ? 0 : random.between(110, 170);
    const x = random.between(300, 500);
    const ceiling = hatchedCeiling(sketch, [x, top], spread + random.between(70, 120));
    for (let weight = 0; weight < count; weight++) {
      const start: Point = [x + (count === 1 ? 0 : spread * (weight === 0 ? -1 : 1)), top];
      const end = from(start, DOWN + random.around(0.12), random.between(130, 260));
      const body = bodyAt(sketch, end, direction(start, end));
      sketch.rope(ceiling, body, start, end);
    }
  },

  "spring-and-mass"(sketch) {
    const { random } = sketch;
    if (random.chance(0.55)) {
      const start: Point = [random.between(280, 520), random.between(60, 120)];
      const ceiling = hatchedCeiling(sketch, start, random.between(60, 140));
      const end: Point = [start[0] + random.around(6), start[1] + random.between(120, 180)];
      const radius = random.between(30, 42);
      if (random.chance(0.25)) {
        const upper = sketch.circle(from(end, DOWN, radius), radius);
        sketch.spring(ceiling, upper, start, end);
        const below = from(end, DOWN, 2 * radius);
        const next = from(below, DOWN, random.between(90, 120));
        sketch.spring(upper, bodyAt(sketch, next, DOWN), below, next);
        return;
      }
      sketch.spring(ceiling, bodyAt(sketch, end, DOWN), start, end);
      return;
    }
    const floor = random.between(420, 520);
    sketch.ground([
      [random.between(60, 110), floor],
      [random.between(640, 760), floor + random.around(4)],
    ]);
    const left = random.chance(0.6);
    const x = left ? random.between(150, 210) : random.between(560, 620);
    const tall = random.between(110, 180);
    const [width, height] = [random.between(70, 130), random.between(60, 100)];
    const gap = random.chance(0.5) ? 0 : random.between(4, height / 2 - 20);
    const wall = hatchedWall(sketch, [x, floor - gap], [x, floor - gap - tall], left);
    const reach = random.between(130, 220) * (left ? 1 : -1);
    const y = floor - height / 2;
    const mass = sketch.box([x + reach + (Math.sign(reach) * width) / 2, y - 1], [width, height]);
    sketch.spring(wall, mass, [x, y + random.around(5)], [x + reach, y + random.around(5)]);
  },

  arm(sketch) {
    const { random } = sketch;
    const links = random.pick(2, 2, 3);
    const place = random.pick("box", "paper", "ceiling", "wall");
    const [base, shoulder, heading] = armBase(sketch, place);
    const joints: Point[] = [shoulder];
    let turn = heading + random.around(0.5);
    for (let link = 0; link < links; link++) {
      joints.push(from(joints.at(-1) ?? shoulder, turn, random.between(100, 330 / links)));
      turn += random.sign() * random.between(0.5, 1.3);
    }
    const bars: string[] = [];
    const draw = () => {
      for (let link = 0; link < links; link++)
        bars.push(sketch.line([joints[link] ?? shoulder, joints[link + 1] ?? shoulder]));
    };
    if (random.chance(0.2)) sketch.inOneStroke(draw);
    else draw();
    bars.forEach((each, link) => {
      const before = link === 0 ? base : (bars[link - 1] ?? null);
      sketch.hinge(each, before, joints[link] ?? shoulder, link > 0 || base === null || random.chance(0.6));
    });
    const [hand, last] = [joints.at(-1), bars.at(-1)];
    if (!hand || !last || !random.chance(0.35)) return;
    const radius = random.between(24, 32);
    const held = sketch.circle(from(hand, direction(joints.at(-2) ?? shoulder, hand), radius), radius);
    sketch.weld(last, held, hand);
  },
};

/** A straight bar with a body at its end; now and then in one stroke. The bar. */
export function bar(sketch: Sketcher, start: Point, end: Point, joined: number): string {
  const { random } = sketch;
  const heading = direction(start, end);
  if (random.chance(0.65))
    return bobOn(
      sketch,
      start,
      heading,
      Math.hypot(end[0] - start[0], end[1] - start[1]),
      random.between(24, 46),
      joined,
    );
  const isJoined = random.chance(joined);
  const [width, height] = [random.between(55, 90), random.between(50, 80)];
  let rod = "";
  let box = "";
  const draw = () => {
    rod = sketch.line([start, end]);
    box = sketch.box(from(end, heading, height / 2), [width, height], heading - DOWN, isJoined ? end : undefined);
  };
  if (isJoined) sketch.inOneStroke(draw);
  else draw();
  sketch.weld(rod, box, end);
  return rod;
}

/** A rod of this length that ends on a ball. The rod. */
function bobOn(sketch: Sketcher, pivot: Point, heading: number, length: number, radius: number, joined = 0): string {
  const end = from(pivot, heading, length);
  let rod = "";
  let ball = "";
  const draw = () => {
    rod = sketch.line([pivot, end]);
    ball = sketch.circle(from(end, heading, radius), radius, joined > 0 ? heading + Math.PI : undefined);
  };
  if (sketch.random.chance(joined)) sketch.inOneStroke(draw);
  else draw();
  sketch.weld(rod, ball, end);
  return rod;
}

/** A ball or a box whose edge is at `end`, beyond it as seen along `heading`. */
export function bodyAt(sketch: Sketcher, end: Point, heading: number): string {
  const { random } = sketch;
  if (random.chance(0.4)) {
    const radius = random.between(24, 42);
    return sketch.circle(from(end, heading, radius), radius);
  }
  const [width, height] = [random.between(60, 110), random.between(50, 90)];
  return sketch.box(from(end, heading, height / 2), [width, height], heading - DOWN);
}

export function hatchedCeiling(sketch: Sketcher, [x, y]: Point, half: number): string {
  const tilt = sketch.random.around(0.007) * half;
  const ends: [Point, Point] = [
    [x - half, y - tilt],
    [x + half, y + tilt],
  ];
  const ceiling = sketch.line(ends);
  sketch.hatch(ceiling, ends.toReversed());
  return ceiling;
}

/** Hatched on its left, or else its right side. */
function hatchedWall(sketch: Sketcher, foot: Point, head: Point, left: boolean): string {
  const wall = sketch.line([foot, head]);
  const pulled: [Point, Point] = [toward(foot, head, 0.03), head];
  sketch.hatch(wall, left ? pulled.toReversed() : pulled);
  return wall;
}

/** What an arm is held by (`null`: the paper), where, and which way it sets out. */
function armBase(sketch: Sketcher, place: "box" | "paper" | "ceiling" | "wall"): [string | null, Point, number] {
  const { random } = sketch;
  if (place === "paper") return [null, [random.between(300, 500), random.between(250, 350)], random.around(Math.PI)];
  if (place === "ceiling") {
    const shoulder: Point = [random.between(300, 500), random.between(80, 130)];
    return [hatchedCeiling(sketch, shoulder, random.between(60, 120)), shoulder, DOWN + random.around(0.4)];
  }
  if (place === "wall") {
    const left = random.chance(0.5);
    const [x, y] = [left ? random.between(80, 150) : random.between(650, 720), random.between(230, 330)];
    const wall = hatchedWall(sketch, [x, y + random.between(60, 100)], [x, y - random.between(60, 100)], left);
    return [wall, [x, y], (left ? 0 : Math.PI) + random.around(0.5)];
  }
  const [width, height] = [random.between(80, 140), random.between(50, 90)];
  const [x, bottom] = [random.between(300, 500), random.between(500, 550)];
  const base = sketch.box([x, bottom - height / 2], [width, height]);
  sketch.hatch(base, [
    [x - width / 2, bottom],
    [x + width / 2, bottom],
  ]);
  return [base, [x, bottom - height], -DOWN + random.around(0.4)];
}
