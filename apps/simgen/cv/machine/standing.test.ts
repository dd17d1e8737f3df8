import assert from "node:assert/strict";
import { test } from "node:test";
import { sceneOf } from "../machine.ts";
import { angleOf, distance, GRAVITY, near, rigged, within } from "./measure.fixture.ts";
import { box, label, polygon, seen } from "./seen.fixture.ts";
import { ball, car, DOMINOES, dominoes, GROUND, plank, ramp, seesaw, stack, thrown } from "./sketches.fixture.ts";

test("a box slides down a steep icy ramp and stays on a flat rough one", () => {
  using slides = rigged(ramp(240, { labels: [label("ice", "polygon-1")] }));
  const top = slides.position("box-1");
  const [x, , z] = slides.run(1).position("box-1");
  assert.ok(x < top[0] - 0.5 && z < top[2] - 0.25, `slid to ${x}, ${z}`);
  const rough = ramp(110, { labels: [label("wood", "box-1")] });
  using stays = rigged(rough);
  const from = stays.position("box-1");
  within(distance(stays.run(3).position("box-1"), from), 0.015);
  assert.match(sceneOf(rough).warnings.join(), /nothing here will move/);
});

test("a box drawn askew over a ramp is set on it, flush", () => {
  for (const turn of [-9, -4, 0, 4, 9]) {
    const slope = (Math.atan2(200, 450) * 180) / Math.PI;
    using rig = rigged(
      seen([
        GROUND,
        polygon(
          "polygon-1",
          [
            [150, 499],
            [602, 503],
            [599, 301],
          ],
          true,
        ),
        box("box-1", [450, 339], [62, 44], -slope + turn),
      ]),
    );
    rig.run(0.04);
    within(Math.abs(angleOf(rig, "box-1")), 0.001);
    assert.ok(rig.data.ncon >= 2, `turned by ${turn}: ${rig.data.ncon} contacts`);
  }
});

test("a ball rolls down a ramp by 5/7 of g sin θ", () => {
  using rig = rigged(ball);
  rig.run(0.1);
  const slope = Math.atan2(200, 449);
  const [time, speed] = [rig.time, Math.hypot(rig.speed("circle-1-x"), rig.speed("circle-1-z"))];
  rig.run(0.4);
  const faster = Math.hypot(rig.speed("circle-1-x"), rig.speed("circle-1-z")) - speed;
  near(faster / (rig.time - time), (5 / 7) * GRAVITY * Math.sin(slope), 0.05);
  assert.ok(rig.speed("circle-1-x") < 0, "to the left, where it is lower");
});

test("a car drives the way its wheel's arrow turns, on both wheels", () => {
  for (const [from, to, way] of [
    [200, 330, 1],
    [330, 200, -1],
  ] as const) {
    using rig = rigged(car(from, to));
    const [start] = rig.position("box-1");
    rig.run(2);
    const [x, y] = rig.position("box-1");
    assert.ok(way * (x - start) > 0.4, `drove from ${start} to ${x}`);
    within(Math.abs(y), 1e-6);
    within(Math.abs(angleOf(rig, "box-1")), 0.1);
    assert.match(rig.scene.actuators[0]?.label ?? "", /^Motor \(rad\/s/);
  }
});

test("a car without a motor stands still", () => {
  const { arrows: _, ...rest } = car(200, 330);
  using rig = rigged({ ...rest, arrows: [] });
  const from = rig.position("box-1");
  within(distance(rig.run(3).position("box-1"), from), 0.01);
});

test("five boxes drawn on each other stand for five seconds", () => {
  using rig = rigged(stack);
  const ids = [1, 2, 3, 4, 5].map((number) => `box-${number}`);
  const before = ids.map((id) => rig.position(id));
  rig.run(5);
  for (const [index, id] of ids.entries()) within(distance(rig.position(id), before[index]!), 0.01);
});

test("a plank drawn over two boxes comes to lie on both", () => {
  using rig = rigged(plank);
  const before = rig.position("box-3");
  const angle = angleOf(rig, "box-3");
  rig.run(3);
  within(distance(rig.position("box-3"), before), 0.01);
  within(Math.abs(angleOf(rig, "box-3") - angle), 0.01);
});

test("a seesaw tips to its heavier side", () => {
  using rig = rigged(seesaw);
  assert.equal(rig.scene.name, "Sketch: a seesaw");
  const [left, right] = [rig.position("box-1")[2], rig.position("box-2")[2]];
  rig.run(0.4);
  assert.ok(rig.position("box-1")[2] > left + 0.05 && rig.position("box-2")[2] < right - 0.05);
});

test("a thrown ball lands where its speed and angle say", () => {
  using rig = rigged(thrown);
  const speed = (10 * Math.hypot(120, 120)) / 800;
  const start = rig.position("circle-1");
  near(Math.hypot(rig.speed("circle-1-x"), rig.speed("circle-1-z")), speed, 0.01);
  let landed = Number.NaN;
  rig.run(1, () => {
    if (Number.isNaN(landed) && rig.time > 0.05 && rig.position("circle-1")[2] <= start[2])
      landed = rig.position("circle-1")[0];
  });
  near(landed - start[0], (speed ** 2 / GRAVITY) * Math.sin(Math.PI / 2), 0.03);
});

test("dominoes fall one after another once the first is pushed", () => {
  using rig = rigged(dominoes);
  assert.equal(rig.scene.name, "Sketch: 6 dominoes");
  const fell = new Set<number>();
  rig.run(4, () => {
    for (let index = 1; index <= DOMINOES; index++) if (angleOf(rig, `box-${index}`) > 0.4) fell.add(index);
  });
  assert.deepEqual([...fell], [1, 2, 3, 4, 5, 6]);
});
