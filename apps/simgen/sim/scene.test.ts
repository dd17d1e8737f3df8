import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileScene } from "./compile.ts";
import { LIMITS, parseScene, type Scene, SceneError, type SceneInput } from "./scene.ts";

type Loose = Record<string, unknown>;
const ball = { type: "sphere", size: [0.1] };
const free = (id: string) => ({ id, type: "free" });
const hinge = (id: string, more: Loose = {}) => ({ id, type: "hinge", axis: [0, 1, 0], ...more });
const body = (id: string, more: Loose = {}): Loose => ({ id, pos: [0, 0, 1], joints: [], geoms: [ball], ...more });
const scene = (bodies: unknown, more: Loose = {}): Loose => ({ name: "test", bodies, ...more });

/** The issues as `path: expected`, or [] when the scene is valid. */
function wrong(input: unknown): string[] {
  try {
    parseScene(input);
    return [];
  } catch (error) {
    if (!(error instanceof SceneError)) throw error;
    assert.equal(error.code, "scene_invalid");
    return error.issues.map((issue) => `${issue.path}: ${issue.expected}, got ${issue.received}`);
  }
}

test("defaults are filled in", () => {
  const parsed = parseScene(scene([body("a")]));
  assert.deepEqual(parsed.gravity, [0, 0, -9.81]);
  assert.equal(parsed.timestep, 0.002);
  assert.deepEqual(parsed.actuators, []);
});

const table: [string, unknown, RegExp][] = [
  ["nothing at all", null, /^: object, got null$/],
  ["no bodies", scene([]), /^bodies: at least 1 items/],
  ["an unknown field", scene([body("a", { mesh: "x" })]), /^bodies\[0\]: no unknown fields, got also mesh/],
  ["NaN", scene([body("a", { pos: [0, Number.NaN, 0] })]), /^bodies\[0\]\.pos\[1\]: number, got NaN/],
  [
    "infinity",
    scene([body("a")], { gravity: [0, 0, Number.NEGATIVE_INFINITY] }),
    /^gravity\[2\]: number, got -Infinity/,
  ],
  ["two numbers for a vector", scene([body("a", { pos: [0, 1] })]), /^bodies\[0\]\.pos/],
  ["a timestep of nothing", scene([body("a")], { timestep: 0 }), /^timestep: at least 0\.0001, got 0/],
  ["a quaternion that is not one", scene([body("a", { quat: [1, 1, 0, 0] })]), /^bodies\[0\]\.quat: a unit quaternion/],
  ["a long name", scene([body("a")], { name: "x".repeat(81) }), /^name: at most 80 characters/],
  ["an id with markup", scene([body('a"/>')]), /^bodies\[0\]\.id: a letter, then/],
  ["the same body twice", scene([body("a"), body("a")]), /^bodies\[1\]\.id: a body id that is not taken, got "a"/],
  [
    "the same joint twice",
    scene([body("a", { joints: [free("j")] }), body("b", { joints: [free("j")] })]),
    /^bodies\[1\]\.joints\[0\]\.id: a joint id that is not taken/,
  ],
  ["an unknown parent", scene([body("a", { parent: "b" })]), /^bodies\[0\]\.parent: the id of another body, got "b"/],
  [
    "parents in a ring",
    scene([body("a", { parent: "b" }), body("b", { parent: "a" })]),
    /^bodies\[0\]\.parent: a chain of parents without a loop/,
  ],
  [
    "a chain 33 deep",
    scene(Array.from({ length: 33 }, (_, i) => body(`b${i}`, i > 0 ? { parent: `b${i - 1}` } : {}))),
    /^bodies\[32\]\.parent: .*at most 32 deep/,
  ],
  [
    "a limited joint without a range",
    scene([body("a", { joints: [hinge("j", { limited: true })] })]),
    /^bodies\[0\]\.joints\[0\]\.range: a range, because the joint is limited, got nothing/,
  ],
  [
    "a range upside down",
    scene([body("a", { joints: [hinge("j", { range: [1, -1] })] })]),
    /^bodies\[0\]\.joints\[0\]\.range: \[low, high\]/,
  ],
  [
    "a start outside the range",
    scene([body("a", { joints: [hinge("j", { range: [-1, 1], initial: 2 })] })]),
    /^bodies\[0\]\.joints\[0\]\.initial: a value inside the joint's range, got 2/,
  ],
  [
    "a free joint below another body",
    scene([body("a"), body("b", { parent: "a", joints: [free("j")] })]),
    /^bodies\[1\]\.joints\[0\]\.type: a free joint only on a body without a parent/,
  ],
  [
    "a free joint beside another",
    scene([body("a", { joints: [free("j"), hinge("h")] })]),
    /^bodies\[0\]\.joints\[0\]\.type: a free joint to be the body's only joint/,
  ],
  [
    "an axis of zero",
    scene([body("a", { joints: [hinge("j", { axis: [0, 0, 0] })] })]),
    /^bodies\[0\]\.joints\[0\]\.axis: an axis that is not zero/,
  ],
  [
    "a velocity of the wrong shape",
    scene([body("a", { joints: [{ id: "j", type: "free", velocity: 3 }] })]),
    /^bodies\[0\]\.joints\[0\]\.velocity: 6 numbers, got 3/,
  ],
  [
    "a moving body without mass",
    scene([body("a", { joints: [free("j")], geoms: [] })]),
    /^bodies\[0\]\.geoms: at least one geom/,
  ],
  [
    "a moving plane",
    scene([body("a", { joints: [free("j")], geoms: [{ type: "plane", size: [1, 1] }] })]),
    /^bodies\[0\]\.geoms\[0\]\.type: a plane only on a body that does not move/,
  ],
  [
    "a plane that hangs on a moving body",
    scene([body("a", { joints: [free("j")] }), body("b", { parent: "a", geoms: [{ type: "plane", size: [1, 1] }] })]),
    /^bodies\[1\]\.geoms\[0\]\.type: a plane only/,
  ],
  [
    "a box with one size",
    scene([body("a", { geoms: [{ type: "box", size: [1] }] })]),
    /^bodies\[0\]\.geoms\[0\]\.size: 3 numbers for a box, got \[1\]/,
  ],
  [
    "mass and density",
    scene([body("a", { geoms: [{ ...ball, mass: 1, density: 1 }] })]),
    /^bodies\[0\]\.geoms\[0\]\.density: either mass or density/,
  ],
  [
    "a ball from here to there",
    scene([body("a", { geoms: [{ ...ball, fromto: [0, 0, 0, 1, 0, 0] }] })]),
    /^bodies\[0\]\.geoms\[0\]\.fromto: fromto only on a capsule or cylinder/,
  ],
  [
    "a capsule of no length",
    scene([body("a", { geoms: [{ type: "capsule", size: [0.1], fromto: [0, 0, 0, 0, 0, 0] }] })]),
    /^bodies\[0\]\.geoms\[0\]\.fromto: two different points/,
  ],
  [
    "an actuator on a missing joint",
    scene([body("a")], { actuators: [{ id: "m", type: "motor", joint: "j", range: [-1, 1] }] }),
    /^actuators\[0\]\.joint: the id of a joint, got "j"/,
  ],
  [
    "an actuator on a free joint",
    scene([body("a", { joints: [free("j")] })], {
      actuators: [{ id: "m", type: "motor", joint: "j", range: [-1, 1] }],
    }),
    /^actuators\[0\]\.joint: a hinge or slide joint/,
  ],
  [
    "a control outside its range",
    scene([body("a", { joints: [hinge("j")] })], {
      actuators: [{ id: "m", type: "motor", joint: "j", range: [-1, 1], initial: 3 }],
    }),
    /^actuators\[0\]\.initial: a value inside the actuator's range/,
  ],
  [
    "a sensor of nothing",
    scene([body("a")], { sensors: [{ id: "s", type: "bodyPosition", target: "b" }] }),
    /^sensors\[0\]\.target: the id of a body, got "b"/,
  ],
  [
    "a rope to nowhere",
    scene([body("a")], {
      constraints: [{ id: "r", type: "rope", length: 1, points: [{ pos: [0, 0, 0] }, { body: "b", pos: [0, 0, 0] }] }],
    }),
    /^constraints\[0\]\.points\[1\]\.body: the id of a body/,
  ],
  [
    "a weld to itself",
    scene([body("a")], { constraints: [{ id: "w", type: "weld", body: "a", other: "a" }] }),
    /^constraints\[0\]\.other: another body/,
  ],
  ["an unknown constraint", scene([body("a")], { constraints: [{ id: "w", type: "glue" }] }), /^constraints\[0\]/],
  [
    "a camera that follows nobody",
    scene([body("a")], { camera: { target: [0, 0, 0], distance: 3, follow: "b" } }),
    /^camera\.follow: the id of a body/,
  ],
  [
    `${LIMITS.bodies + 1} bodies`,
    scene(Array.from({ length: LIMITS.bodies + 1 }, (_, i) => body(`b${i}`))),
    /^bodies: at most 200 items/,
  ],
  [
    "401 geoms",
    scene(Array.from({ length: 14 }, (_, i) => body(`b${i}`, { geoms: Array(i < 13 ? 31 : 1).fill(ball) }))),
    /^bodies: at most 400 geoms in all, got 404/,
  ],
];
for (const [name, input, expected] of table)
  test(`refused with the path, what was expected and what came: ${name} (M1)`, () => {
    const issues = wrong(input);
    assert.ok(
      issues.some((issue) => expected.test(issue)),
      JSON.stringify(issues, null, 1),
    );
    assert.ok(issues.length <= 20);
  });

test("the most that is allowed is allowed", () => {
  assert.deepEqual(wrong(scene(Array.from({ length: LIMITS.bodies }, (_, i) => body(`b${i}`)))), []);
  assert.deepEqual(
    wrong(scene(Array.from({ length: LIMITS.depth }, (_, i) => body(`b${i}`, i > 0 ? { parent: `b${i - 1}` } : {})))),
    [],
  );
});

test("anything gives a scene or a SceneError", () => {
  fc.assert(fc.property(fc.anything(), (input) => void wrong(input)));
  const almost = fc.record({
    name: fc.string(),
    bodies: fc.array(
      fc.record({
        id: fc.constantFrom("a", "b", "c"),
        parent: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
        pos: fc.tuple(fc.double(), fc.double(), fc.double()),
        joints: fc.array(fc.anything()),
        geoms: fc.array(fc.anything()),
      }),
    ),
  });
  fc.assert(fc.property(almost, (input) => void wrong(input)));
});

test("the same scene compiles to the same bytes, whatever the order of its fields (M1)", () => {
  const one = {
    name: "x",
    bodies: [
      {
        id: "a",
        pos: [0, 0, 1],
        joints: [{ id: "j", type: "free" }],
        geoms: [{ type: "sphere", size: [0.1], mass: 2 }],
      },
    ],
  } satisfies SceneInput;
  const two = {
    bodies: [
      {
        geoms: [{ mass: 2, size: [0.1], type: "sphere" }],
        joints: [{ type: "free", id: "j" }],
        pos: [0, 0, 1],
        id: "a",
      },
    ],
    name: "y",
  } satisfies SceneInput;
  assert.equal(compileScene(parseScene(one)).mjcf, compileScene(parseScene(two)).mjcf);
});

test("bodies may come before their parents; MuJoCo's numbers are found again", () => {
  const parsed: Scene = parseScene(scene([body("leaf", { parent: "root" }), body("other"), body("root")]));
  const { mjcf, bodyIds } = compileScene(parsed);
  assert.deepEqual(bodyIds, [3, 1, 2]);
  assert.ok(
    mjcf.indexOf('name="other"') < mjcf.indexOf('name="root"') &&
      mjcf.indexOf('name="root"') < mjcf.indexOf('name="leaf"'),
  );
});
