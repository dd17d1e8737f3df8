import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScene, type Scene } from "../sim/scene.ts";
import { TEMPLATES, templateById } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import { compose } from "./compose.ts";

const build = (id: string, params = {}): Scene => {
  const template = templateById(id);
  assert.ok(template);
  return buildTemplate(template, params);
};

test("any two templates stand side by side in one valid scene with one floor", () => {
  for (const template of TEMPLATES) {
    const scene = buildTemplate(template);
    const { scene: both, used } = compose("both", [scene, scene]);
    assert.equal(used, 2, template.id);
    assert.deepEqual(parseScene(both), both);
    const planes = both.bodies.flatMap((body) => body.geoms).filter((geom) => geom.type === "plane");
    assert.equal(planes.length, 1, template.id);
  }
});

test("the second scene is the first one moved: links, ropes and springs go with it", () => {
  const spring = build("spring-mass");
  const { scene } = compose("two", [spring, spring]);
  const [one, other] = scene.constraints;
  assert.ok(one?.type === "spring" && other?.type === "spring");
  const mass = (prefix: string) => scene.bodies.find((body) => body.id === `${prefix}mass-1`)?.pos ?? [0, 0, 0];
  const shift = mass("mass-2-")[1] - mass("mass-")[1];
  assert.ok(shift > 0.3);
  assert.ok(Math.abs((other.points[0]?.pos[1] ?? 0) - (one.points[0]?.pos[1] ?? 0) - shift) < 1e-9);
  assert.equal(other.points[1]?.body, "mass-2-mass-1");
});

test("ids and labels say whose they are", () => {
  const { scene } = compose("three", [build("car"), build("car"), build("pendulum")]);
  assert.deepEqual(
    scene.actuators.map((each) => [each.id, each.label]),
    [
      ["car-drive", "Car: Drive (wheel rad/s)"],
      ["car-steer", "Car: Steer (rad, + is left)"],
      ["car-2-drive", "Car 2: Drive (wheel rad/s)"],
      ["car-2-steer", "Car 2: Steer (rad, + is left)"],
    ],
  );
  assert.ok(scene.sensors.some((each) => each.id === "pendulum-angle"));
});

test("what would pass the limits of a scene is left out", () => {
  const dominoes = build("domino-row", { count: 80 });
  const { scene, used } = compose("many", [dominoes, dominoes, dominoes, dominoes]);
  assert.equal(used, 2);
  assert.ok(scene.bodies.length <= 200);
});

test("one scene stays as it is, but for its name", () => {
  const car = build("car");
  assert.deepEqual(compose("mine", [car]), { scene: { ...car, name: "mine" }, used: 1 });
});
