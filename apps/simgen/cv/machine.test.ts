import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScene } from "../sim/scene.ts";
import { Simulation } from "../sim/simulation.ts";
import { distance, mujoco, near, rigged, within } from "./machine/measure.fixture.ts";
import { box, circle, hinge, label, line, polygon, push, rope, seen } from "./machine/seen.fixture.ts";
import { car, GROUND, MACHINES, pendulum, stack } from "./machine/sketches.fixture.ts";
import { sceneOf } from "./machine.ts";
import { MachineError } from "./machine-error.ts";

for (const [name, sketch] of Object.entries(MACHINES))
  test(`the ${name} runs for ten seconds, gains no energy and stays in its plane`, () => {
    const { scene } = sceneOf(sketch);
    assert.deepEqual(parseScene(scene), scene);
    const simulation = new Simulation(mujoco, scene);
    simulation.advance(Math.round(10 / scene.timestep));
    simulation.delete();
    using rig = rigged(sketch);
    if (scene.actuators.length === 0) {
      const energy = rig.energy();
      for (let second = 0; second < 10; second++) assert.ok(rig.run(1).energy() < energy * 1.001 + 0.01);
    } else rig.run(10);
    for (const { id } of scene.bodies) within(Math.abs(rig.position(id)[1]), 1e-6);
    assert.deepEqual(
      rig.warnings().filter((count) => count > 0),
      [],
    );
  });

test("labels set scale, mass, material, angle and gravity", () => {
  const { scene, understood, warnings } = sceneOf(
    seen(
      [
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
        box("box-1", [450, 340], [60, 44], -24),
        circle("circle-1", [700, 470], 28),
      ],
      [],
      {
        labels: [
          label("30°", "polygon-1", [250, 480]),
          label("2 kg", "box-1"),
          label("steel", "circle-1"),
          label("60 cm", "box-1", [450, 280]),
          label("on the Moon", null),
        ],
      },
    ),
  );
  assert.deepEqual(warnings, []);
  assert.deepEqual(scene.gravity, [0, 0, -1.62]);
  const body = (id: string) => scene.bodies.find((each) => each.id === id)!;
  assert.equal(body("box-1").geoms[0]?.mass, 2);
  assert.equal(body("box-1").geoms[0]?.type, "box");
  near(body("box-1").geoms[0]?.size[0] ?? 0, 0.3, 1e-9);
  const [w = 1, , y = 0] = body("box-1").geoms[0]?.quat ?? [];
  near(Math.abs(2 * Math.atan2(y, w)), Math.PI / 6, 0.001);
  assert.equal(body("circle-1").geoms[0]?.finish, "metal");
  assert.ok(
    understood.includes("polygon-1: 30°") && understood.includes("gravity of the Moon (1.62 m/s²)"),
    understood.join("; "),
  );
});

test("a length beside a rope, a name, and what nothing can be made of", () => {
  const sketch = (labels: ReturnType<typeof label>[]) =>
    sceneOf(
      seen(
        [
          line(
            "line-1",
            [
              [250, 60],
              [550, 58],
            ],
            true,
          ),
          circle("circle-1", [402, 270], 30),
        ],
        [
          rope("rope-1", "circle-1", "line-1", [
            [402, 240],
            [402, 60],
          ]),
        ],
        { labels },
      ),
    );
  const tie = sketch([label("90 cm", null, [420, 150])]).scene.constraints[0];
  near(tie?.type === "rope" ? tie.length : 0, 0.9, 0.01);
  assert.equal(sketch([label("Clock", "circle-1")]).scene.name, "Sketch: clock");
  assert.match(sketch([label("3 kg", null)]).warnings.join(), /ignored: "3 kg"/);
});

test("a bar held at two places is fixed; two groups pinned twice are one", () => {
  const { scene, warnings } = sceneOf(
    seen(
      [
        line(
          "line-1",
          [
            [100, 100],
            [100, 400],
          ],
          true,
        ),
        line(
          "line-2",
          [
            [500, 100],
            [500, 400],
          ],
          true,
        ),
        line("line-3", [
          [100, 200],
          [500, 204],
        ]),
      ],
      [hinge("hinge-1", "line-3", "line-1", [100, 200]), hinge("hinge-2", "line-3", "line-2", [500, 204])],
    ),
  );
  assert.deepEqual(scene.bodies.find(({ id }) => id === "line-3")?.joints, []);
  assert.match(warnings.join(), /nothing here will move/);
});

test("what is welded together is one body, named after its most solid shape", () => {
  const { scene } = sceneOf(pendulum);
  assert.deepEqual(
    scene.bodies.map(({ id }) => id),
    ["ground", "line-1", "circle-1"],
  );
});

test("what overlaps as drawn does not blow apart", () => {
  for (const sketch of [
    seen([GROUND, box("box-1", [400, 420], [200, 160]), circle("circle-1", [400, 400], 40)]),
    seen([GROUND, box("box-1", [400, 440], [120, 120]), box("box-2", [480, 450], [100, 100])]),
    seen([box("box-1", [400, 300], [100, 100]), box("box-2", [400, 300], [100, 100])]),
    seen([
      line("line-1", [
        [300, 300],
        [500, 500],
      ]),
      line("line-2", [
        [500, 300],
        [300, 500],
      ]),
    ]),
  ]) {
    using rig = rigged(sketch);
    const energy = rig.energy();
    rig.run(2);
    assert.ok(rig.energy() < energy * 1.01 + 0.1, `${energy} became ${rig.energy()}`);
    assert.ok(rig.scene.bodies.every(({ id }) => distance(rig.position(id), [0, 0, 0]) < 5));
  }
});

test("ropes, arrows and labels that mean nothing are told", () => {
  const { warnings } = sceneOf(
    seen(
      [
        line(
          "line-1",
          [
            [250, 60],
            [550, 58],
          ],
          true,
        ),
        circle("circle-1", [402, 270], 30),
      ],
      [
        rope("rope-1", "line-1", null, [
          [300, 60],
          [300, 200],
        ]),
      ],
      {
        arrows: [
          push("arrow-1", "line-1", [
            [100, 100],
            [200, 100],
          ]),
        ],
      },
    ),
  );
  assert.deepEqual(warnings.slice(0, 2), [
    "rope-1 holds nothing that moves",
    "arrow-1: line-1 does not move, so it is not pushed",
  ]);
});

test("what is no machine is refused", () => {
  for (const sketch of [
    seen([GROUND]),
    seen([
      line("line-1", [
        [5, 5],
        [5, 5],
      ]),
    ]),
  ])
    assert.throws(
      () => sceneOf(sketch),
      (error) => error instanceof MachineError && error.code === "sketch_not_understood",
    );
});

test("the same recognition gives the same scene, in under a millisecond", () => {
  assert.deepEqual(sceneOf(stack), sceneOf(stack));
  const times: number[] = [];
  for (let round = 0; round < 300; round++) {
    const begun = performance.now();
    sceneOf(car(200, 330));
    times.push(performance.now() - begun);
  }
  // The quickest tenth: the machine has other things to do.
  within(times.sort((a, b) => a - b)[30]!, 1);
});
