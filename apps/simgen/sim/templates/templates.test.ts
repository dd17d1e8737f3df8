import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { compileScene } from "../compile.ts";
import { MATERIALS } from "../material.ts";
import { loadMujoco } from "../mujoco.ts";
import { type Body, SceneError } from "../scene.ts";
import { car } from "./car.ts";
import { dominoRow } from "./domino-row.ts";
import { hexapod } from "./hexapod.ts";
import { TEMPLATES, templateById } from "./index.ts";
import { objects } from "./objects.ts";
import { pendulum } from "./pendulum.ts";
import { Rig } from "./rig.fixture.ts";
import { buildTemplate, type Template } from "./template.ts";
import { wreckingBall } from "./wrecking-ball.ts";

const mujoco = await loadMujoco();
const rigged = (template: Template, params?: unknown) => new Rig(mujoco, buildTemplate(template, params));

for (const template of TEMPLATES) {
  test(`${template.id} runs for ten seconds without a warning`, () => {
    using rig = rigged(template);
    assertSound(rig.run(10), 10);
  });

  test(`${template.id} compiles to the same bytes every time`, () => {
    assert.equal(compileScene(buildTemplate(template)).mjcf, compileScene(buildTemplate(template, {})).mjcf);
  });

  test(`${template.id} bears the extremes of each parameter`, () => {
    for (const params of extremes(template)) {
      using rig = rigged(template, params);
      try {
        assertSound(rig.run(2), 2);
      } catch (error) {
        throw new Error(`with ${JSON.stringify(params)}`, { cause: error });
      }
    }
  });

  test(`${template.id} ${template.id === "box-stack" ? "stands still" : "moves"} in its first two seconds`, () => {
    using rig = rigged(template);
    const start = pose(rig);
    let most = 0;
    rig.run(2, () => {
      most = Math.max(most, ...pose(rig).map((value, index) => Math.abs(value - (start[index] ?? Number.NaN))));
    });
    if (template.id === "box-stack") assert.ok(most < 0.005, `moved ${most}`);
    else assert.ok(most > 0.1, `moved ${most}`);
  });
}

/** How many may leave the picture: the top when it falls over at last, a ball that rolls off the pile. */
const STRAYS_MAX: Record<string, number> = { "spinning-top": 1, objects: 1 };

for (const template of TEMPLATES)
  test(`${template.id} stays in its picture for eight seconds`, () => {
    using rig = rigged(template);
    const { bodies, camera } = rig.scene;
    // What a camera follows and the parts of it, or else everything.
    const watched = (body: Body) =>
      camera?.follow === undefined || body.parent !== undefined || body.id === camera.follow;
    const ids = bodies.filter((body) => body.joints.length > 0 && watched(body)).map((body) => body.id);
    const astray = new Set<string>();
    rig.run(8, () => {
      for (const id of ids) if (!inPicture(rig, id)) astray.add(id);
    });
    assert.ok(astray.size <= (STRAYS_MAX[template.id] ?? 0), `${[...astray].join(", ")} left the picture`);
  });

test("ids are unique, and each finds its template", () => {
  assert.equal(new Set(TEMPLATES.map((template) => template.id)).size, TEMPLATES.length);
  for (const template of TEMPLATES) assert.equal(templateById(template.id), template);
  assert.equal(templateById("perpetuum-mobile"), undefined);
});

test("a wrong parameter is named", () => {
  for (const [params, path] of [
    [{ length: -1 }, "length"],
    [{ count: 2.5 }, "count"],
    [{ material: "unobtainium" }, "material"],
    [{ color: "red" }, "color"],
    [{ lenght: 1 }, ""],
  ] as const)
    assert.throws(
      () => buildTemplate(pendulum, params),
      (error) => error instanceof SceneError && error.issues[0]?.path === path,
    );
});

test("a material decides density, friction and colour; a mass and a colour of one's own go first", () => {
  const bob = (params: object) => buildTemplate(pendulum, params).bodies.find((body) => body.id === "bob-1")?.geoms[0];
  const gold = bob({ material: "gold" });
  assert.equal(gold?.density, MATERIALS.gold.density);
  assert.equal(gold?.mass, undefined);
  assert.equal(gold?.color, MATERIALS.gold.color);
  assert.equal(gold?.finish, "metal");
  const painted = bob({ material: "gold", mass: 2, color: "#123456" });
  assert.equal(painted?.mass, 2);
  assert.equal(painted?.density, undefined);
  assert.equal(painted?.color, "#123456");
});

for (const shape of ["line", "curve", "circle", "spiral"])
  test(`dominoes in a ${shape} all fall, one after another`, () => {
    using rig = rigged(dominoRow, { shape });
    const ids = rig.scene.bodies.map((body) => body.id).filter((id) => id.startsWith("domino"));
    const fell = new Map<string, number>();
    rig.run(10, () => {
      for (const id of ids) if (!fell.has(id) && rig.up(id)[2] < 0.9) fell.set(id, rig.time);
    });
    assert.deepEqual([...fell.keys()], ids);
    for (const id of ids) assert.ok(rig.up(id)[2] < 0.7, `${id} lies down`);
  });

test("the walking robot walks ahead, on six legs and on four", () => {
  for (const legs of [6, 4]) {
    using rig = rigged(hexapod, { legs });
    const [x, y, z] = rig.run(5).position("body");
    assert.ok(x > 0.3, `${legs} legs: ${x} m ahead`);
    assert.ok(Math.abs(y) < 0.5 * x, `${legs} legs: ${y} m aside`);
    assert.ok(z > 0.1 && rig.up("body")[2] > 0.9, `${legs} legs: on its feet`);
  }
});

test("the car drives off over the bumps on any number of wheels, and turns left when steered left", () => {
  for (const wheels of [3, 4, 5, 6, 7, 8]) {
    using rig = rigged(car, { wheels });
    const [x, y] = rig.run(4).position("car");
    assert.ok(x > 2 && Math.abs(y) < 0.3, `${wheels} wheels: ${x} m ahead, ${y} m aside`);
    assert.ok(rig.up("car")[2] > 0.9, `${wheels} wheels: upright`);
  }
  using turning = rigged(car, { speed: 1 });
  turning.data.ctrl[1] = 0.5;
  assert.ok(turning.run(3).position("car")[1] > 0.3, "left");
});

test("the wrecking ball wrecks the wall", () => {
  using rig = rigged(wreckingBall);
  const boxes = rig.scene.bodies.map((body) => body.id).filter((id) => id.startsWith("box"));
  const before = boxes.map((id) => rig.position(id));
  rig.run(4);
  const moved = boxes.filter(
    (id, index) => Math.hypot(...rig.position(id).map((value, axis) => value - (before[index]?.[axis] ?? 0))) > 0.2,
  );
  assert.ok(moved.length >= boxes.length / 2, `${moved.length} of ${boxes.length} boxes moved`);
});

test("things start apart, at the height asked for, whatever their sizes and arrangement", () => {
  for (const arrangement of ["pile", "row", "grid"]) {
    const items = [
      { shape: "box", count: 9, size: 0.1 },
      { shape: "ball", count: 30, size: 0.4 },
      { shape: "cylinder", count: 5, size: 0.7 },
    ];
    using rig = rigged(objects, { items, arrangement, height: 2 });
    assert.equal(rig.data.ncon, 0);
    const lowest = Math.min(
      ...rig.scene.bodies.filter((body) => body.id.startsWith("ball")).map((body) => body.pos[2]),
    );
    assert.ok(lowest >= 2.2 - 1e-9, `lowest ball centre ${lowest}`);
  }
});

// --- what is checked ---

function assertSound(rig: Rig, seconds: number): void {
  assert.deepEqual(
    rig.warnings().filter((count) => count > 0),
    [],
  );
  assert.ok(!pose(rig).some(Number.isNaN), "no NaN");
  assert.ok(Math.abs(rig.time - seconds) < 1.5 * rig.scene.timestep, `at ${rig.time} s`);
}

/** Whether the body's middle is in the square picture of the scene's camera, 38 degrees from top to bottom. */
function inPicture(rig: Rig, id: string): boolean {
  const camera = rig.scene.camera;
  assert.ok(camera, "a camera");
  const { azimuth, elevation, distance } = camera;
  const target = camera.follow === undefined ? camera.target : rig.position(camera.follow);
  const [x, y, z] = rig.position(id).map((value, axis) => value - (target[axis] ?? 0)) as [number, number, number];
  const ahead = Math.cos(azimuth) * x + Math.sin(azimuth) * y;
  const aside = Math.sin(azimuth) * x - Math.cos(azimuth) * y;
  const up = Math.sin(elevation) * ahead + Math.cos(elevation) * z;
  const depth = distance + Math.cos(elevation) * ahead - Math.sin(elevation) * z;
  return Math.max(Math.abs(aside), Math.abs(up)) < depth * Math.tan((19 * Math.PI) / 180);
}

/** Where all bodies are and which way up. */
function pose(rig: Rig): number[] {
  return rig.scene.bodies.flatMap((body) => [...rig.position(body.id), ...rig.up(body.id)]);
}

/** One parameter at its lowest or highest, or at one of its words, the others as they are by default. */
function extremes(template: Template): Record<string, unknown>[] {
  const { properties = {} } = z.toJSONSchema(template.params, { io: "input" });
  return Object.entries(properties).flatMap(([name, schema]) => {
    if (typeof schema === "boolean" || name === "material" || name === "color") return [];
    const options = schema.anyOf?.map((each) => (typeof each === "boolean" ? undefined : each.const));
    const values = schema.enum ?? options ?? [schema.minimum, schema.maximum];
    return values.filter((value) => value !== undefined).map((value) => ({ [name]: value }));
  });
}
