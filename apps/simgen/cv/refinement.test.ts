import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseScene, type Scene, type SceneInput } from "../sim/scene.ts";
import type { Made } from "./machine.ts";
import { refine } from "./refinement.ts";

const planar = (id: string, velocity?: number): NonNullable<SceneInput["bodies"][number]["joints"]> => [
  { id: `${id}-x`, type: "slide", axis: [1, 0, 0], ...(velocity === undefined ? {} : { velocity }) },
  { id: `${id}-z`, type: "slide", axis: [0, 0, 1], ...(velocity === undefined ? {} : { velocity: 0 }) },
  { id: `${id}-turn`, type: "hinge", axis: [0, 1, 0] },
];

/** As a sketch of a ball, a box with a label, a ramp, a bar with a motor and a spring comes out. */
const made: Made = {
  scene: parseScene({
    name: "Sketch",
    bodies: [
      { id: "ground-1", pos: [0, 0, 0], geoms: [{ type: "plane", size: [50, 50], friction: 0.01 }] },
      { id: "polygon-1", pos: [0, 0, 0], geoms: [{ type: "box", size: [1, 0.05, 0.01], friction: 0.01 }] },
      {
        id: "circle-1",
        pos: [0, 0, 1],
        joints: planar("circle-1", 2),
        geoms: [
          {
            type: "sphere",
            size: [0.1],
            density: 325,
            friction: [0.5, 0.01, 0.001],
            bounce: 0.4,
            color: "#ef6a5a",
            finish: "matte",
          },
        ],
      },
      {
        id: "box-1",
        pos: [1, 0, 1],
        joints: planar("box-1"),
        geoms: [{ type: "box", size: [0.1, 0.05, 0.1], mass: 2, friction: 0.5, color: "#f2a93b", finish: "matte" }],
      },
      {
        id: "line-1",
        pos: [2, 0, 1],
        joints: [{ id: "hinge-1", type: "hinge", axis: [0, 1, 0], damping: 0.1 }],
        geoms: [{ type: "capsule", size: [0.01], fromto: [0, 0, 0, 1, 0, 0], density: 200, friction: 0.5 }],
      },
    ],
    actuators: [{ id: "motor", type: "velocity", joint: "hinge-1", range: [-9, 9], initial: -3, gain: 1 }],
    constraints: [
      {
        id: "spring-1",
        type: "spring",
        points: [{ pos: [1, 0, 2] }, { body: "box-1", pos: [0, 0, 0.1] }],
        length: 0.9,
        stiffness: 100,
        damping: 1,
      },
    ],
  }),
  understood: ["a sketch"],
  warnings: [],
};

function geom(scene: Scene, id: string) {
  return scene.bodies.find((body) => body.id === id)?.geoms[0];
}

test("a place sets gravity", () => {
  const { scene, understood, warnings } = refine(made, "on the Moon, please");
  assert.deepEqual(scene.gravity, [0, 0, -1.62]);
  assert.deepEqual(understood, ["a sketch", "gravity of the Moon (1.62 m/s²)"]);
  assert.deepEqual(warnings, []);
});

test("a material changes how a thing looks, rubs and weighs, and nothing else", () => {
  const { scene, understood, warnings } = refine(made, "the circle is steel");
  const ball = geom(scene, "circle-1");
  assert.equal(ball?.finish, "metal");
  assert.ok(Math.abs((ball?.density ?? 0) - (325 * 7850) / 650) < 1e-9);
  assert.deepEqual(geom(scene, "box-1"), geom(made.scene, "box-1"));
  assert.deepEqual(understood.slice(1), ["ball: steel"]);
  assert.deepEqual(warnings, []);
  const again = geom(refine({ ...made, scene }, "the ball is wooden").scene, "circle-1");
  assert.ok(Math.abs((again?.density ?? 0) - 325) < 1e-9, "and back");
});

test("masses, colours, friction and bounce are heeded; a label's mass stays when the material changes", () => {
  const { scene, warnings } = refine(made, "the box weighs 3 kg and is red, the ball is very bouncy");
  assert.equal(geom(scene, "box-1")?.mass, 3);
  assert.equal(geom(scene, "box-1")?.color, "#e5383b");
  assert.equal(geom(scene, "circle-1")?.bounce, 0.85);
  assert.equal(geom(scene, "circle-1")?.color, "#ef6a5a");
  assert.deepEqual(warnings, []);
  assert.equal(geom(refine(made, "a steel square").scene, "box-1")?.mass, 2);
  assert.equal(geom(refine(made, "a heavy box").scene, "box-1")?.mass, 10);
});

test("what is said of nothing in particular is said of all that moves", () => {
  const smooth = refine(made, "no friction").scene;
  assert.deepEqual(geom(smooth, "circle-1")?.friction, [0, 0.01, 0.001]);
  assert.equal(geom(smooth, "box-1")?.friction, 0);
  assert.equal(geom(smooth, "ground-1")?.friction, 0);
  const red = refine(made, "red").scene;
  assert.equal(geom(red, "line-1")?.color, "#e5383b");
  assert.equal(geom(red, "polygon-1")?.color, undefined);
});

test("a slippery ramp lets slide what is on it, a rough floor holds it", () => {
  const icy = refine(made, "the triangle is ice").scene;
  assert.equal(geom(icy, "box-1")?.friction, 0.03);
  assert.equal(geom(icy, "polygon-1")?.finish, "glass");
  const rough = refine(made, "a rough floor").scene;
  assert.equal(geom(rough, "ground-1")?.friction, 1.2);
  assert.equal(geom(rough, "box-1")?.friction, 0.5);
});

test("springs, speeds and motors", () => {
  const spring = refine(made, "a spring of 300 N/m").scene.constraints[0];
  assert.equal(spring?.type === "spring" && spring.stiffness, 300);
  const thrown = refine(made, "the ball is thrown at 5 m/s").scene;
  assert.equal(thrown.bodies.find(({ id }) => id === "circle-1")?.joints[0]?.velocity, 5);
  const spun = refine(made, "60 rpm").scene.actuators[0];
  assert.ok(Math.abs((spun?.initial ?? 0) + 2 * Math.PI) < 1e-9);
});

test("what is not understood is told", () => {
  const { scene, understood, warnings } = refine(made, "the ball is steel, slow motion, and a purple elephant");
  assert.deepEqual(understood.slice(1, 2), ["ball: steel"]);
  assert.match(warnings.join("; "), /ignored: "slow"/);
  assert.match(warnings.join("; "), /elephant/);
  assert.equal(scene.bodies.find(({ id }) => id === "circle-1")?.joints[0]?.velocity, 2);
  assert.match(
    refine(
      { ...made, scene: { ...made.scene, bodies: made.scene.bodies.slice(0, 1), actuators: [], constraints: [] } },
      "a red box",
    ).warnings.join(),
    /nothing in the sketch is a box/,
  );
});

test("any prompt leaves a valid scene, and what was understood before", () => {
  const word = fc.constantFrom(
    ..."the ball box is steel red no friction 3 kg on Mars heavy 1e9 N/m -5 m/s 0 rpm ramp".split(" "),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.array(word, { maxLength: 14 }).map((words) => words.join(" ")),
      ),
      (prompt) => {
        const refined = refine(made, prompt);
        assert.deepEqual(parseScene(refined.scene), refined.scene);
        assert.equal(refined.understood[0], "a sketch");
      },
    ),
    { numRuns: 500, seed: 6 },
  );
});
