import assert from "node:assert/strict";
import { test } from "node:test";
import { angleOf, distance, GRAVITY, near, pivotOf, rigged, within } from "./measure.fixture.ts";
import { arm, bouncer, cradle, hung, linkage, pendulum, pulley } from "./sketches.fixture.ts";

test("a pendulum swings through both sides, in the time its length says", () => {
  using rig = rigged(pendulum);
  const start = rig.position("circle-1");
  const pivot = pivotOf(rig, "hinge-1");
  let [least, most] = [0, 0];
  const crossings: number[] = [];
  let before = start[0] - pivot[0];
  rig.run(10, () => {
    const x = rig.position("circle-1")[0] - pivot[0];
    if (before < 0 && x >= 0) crossings.push(rig.time);
    before = x;
    least = Math.min(least, x);
    most = Math.max(most, x);
  });
  const length = Math.hypot(start[0] - pivot[0], start[2] - pivot[1]);
  const swing = Math.atan2(start[0] - pivot[0], pivot[1] - start[2]);
  near(-least / most, 1, 0.15);
  near((crossings[2]! - crossings[0]!) / 2, 2 * Math.PI * Math.sqrt(length / GRAVITY) * (1 + swing ** 2 / 16), 0.04);
  assert.equal(rig.scene.name, "Sketch: a pendulum");
  assert.deepEqual(
    rig.scene.sensors.map(({ target }) => target),
    ["hinge-1"],
  );
});

test("an arm of two links with a motor turns, and its second link follows", () => {
  using rig = rigged(arm);
  let most = 0;
  rig.run(3, () => {
    most = Math.max(most, Math.abs(rig.speed("hinge-1")));
  });
  assert.ok(rig.joint("hinge-1") > 2, `clockwise by ${rig.joint("hinge-1")}`);
  assert.ok(most < 15);
  assert.equal(rig.scene.bodies.find(({ id }) => id === "line-2")?.parent, "line-1");
});

test("a mass on a spring sinks by a fifth of its length and swings in the time that says", () => {
  using rig = rigged(bouncer);
  const top = rig.position("box-1")[2];
  const length = rig.scene.constraints[0]?.type === "spring" ? rig.scene.constraints[0].length : Number.NaN;
  const peaks: number[] = [];
  let lowest = top;
  let before = [0, 0];
  rig.run(6, () => {
    const z = rig.position("box-1")[2];
    lowest = Math.min(lowest, z);
    if (before[1]! > before[0]! && z < before[1]!) peaks.push(rig.time);
    before = [before[1]!, z];
  });
  near(top - lowest, 2 * 0.2 * length, 0.06);
  near((peaks[3]! - peaks[1]!) / 2, 2 * Math.PI * Math.sqrt((0.2 * length) / GRAVITY), 0.03);
  within(Math.abs(rig.position("box-1")[0] - rig.scene.bodies.find(({ id }) => id === "box-1")!.pos[0]), 0.01);
});

test("a linkage of four bars stays closed while its motor turns it", () => {
  using rig = rigged(linkage);
  const pin = rig.scene.constraints[0];
  assert.ok(pin?.type === "connect" && pin.other);
  const start = rig.position(pin.body).map((value, axis) => value + pin.anchor[axis]!);
  const arm = [pin.body, pin.other].map((id) => start.map((value, axis) => value - rig.position(id)[axis]!));
  /** Where the pin is on each of the two bars it joins. */
  const ends = () =>
    [pin.body, pin.other!].map((id, index) => {
      const angle = angleOf(rig, id);
      const [dx = 0, , dz = 0] = arm[index]!;
      const [x, , z] = rig.position(id);
      return [x + Math.cos(angle) * dx + Math.sin(angle) * dz, z - Math.sin(angle) * dx + Math.cos(angle) * dz];
    });
  let [worst, turned] = [0, 0];
  rig.run(10, () => {
    const [one, other] = ends();
    worst = Math.max(worst, distance(one!, other!));
    turned = Math.max(turned, rig.joint("hinge-1"));
  });
  within(worst, 0.01);
  assert.ok(turned > 2 * Math.PI, `the crank turned by ${turned}`);
});

test("a ball on a rope swings, its rope as long as drawn", () => {
  using rig = rigged(hung);
  const tie = rig.scene.constraints[0];
  assert.ok(tie?.type === "rope");
  // The drawing is 340 pixels wide.
  near(tie.length, (2 / 340) * (Math.hypot(45, 55) + Math.hypot(45, 62) + Math.hypot(53, 67)), 0.01);
  const [anchor] = tie.points.filter(({ body }) => body === undefined).map(({ pos }) => pos);
  let [left, farthest] = [0, 0];
  rig.run(4, () => {
    const [x, , z] = rig.position("circle-1");
    left = Math.min(left, x - anchor![0]);
    farthest = Math.max(farthest, Math.hypot(x - anchor![0], z - anchor![2]));
  });
  assert.ok(left < -0.3, `swung over to ${left}`);
  within(farthest, tie.length + 0.25);
});

test("weights on a rope over a pulley: the heavier goes down, the lighter up", () => {
  using rig = rigged(pulley);
  const [one, other] = [rig.position("box-1")[2], rig.position("box-2")[2]];
  rig.run(0.5);
  const [up, down] = [rig.position("box-1")[2] - one, other - rig.position("box-2")[2]];
  assert.ok(up > 0.1, `up by ${up}`);
  near(up, down, 0.15);
});

test("Newton's cradle: one in, one out, the others stay", () => {
  const balls = [0, 1, 2, 3, 4].map((index) => ({ x: 280 + index * 60, index }));
  using rig = rigged(cradle);
  assert.equal(rig.scene.name, "Sketch: Newton's cradle");
  const start = balls.map(({ index }) => rig.position(`circle-${index + 1}`));
  const most = balls.map(() => 0);
  rig.run(1.1, () =>
    balls.forEach(({ index }) => {
      if (index > 0) most[index] = Math.max(most[index]!, rig.position(`circle-${index + 1}`)[0] - start[index]![0]);
    }),
  );
  assert.ok(most[4]! > 0.35, `the last one goes out by ${most[4]}`);
  for (const index of [1, 2, 3]) within(most[index]!, 0.2 * most[4]!);
});
