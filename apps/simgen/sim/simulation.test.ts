import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadMujoco, type Mujoco, MujocoError } from "./mujoco.ts";
import { parseScene, type Scene } from "./scene.ts";
import { explosive, template } from "./scenes.fixture.ts";
import { Simulation, sineLike, UnstableError } from "./simulation.ts";

let mujoco: Mujoco;
before(async () => {
  mujoco = await loadMujoco();
});

const unstable = parseScene(explosive);

function play(scene: Scene, chunks: number[], mj = mujoco): Float64Array {
  const simulation = new Simulation(mj, scene);
  try {
    for (const chunk of chunks) simulation.advance(chunk);
    return simulation.save();
  } finally {
    simulation.delete();
  }
}

for (const id of ["box-stack", "double-pendulum", "hexapod", "domino-row"])
  test(`${id}: the same steps give the same bits, however they are cut and in whatever module`, async () => {
    const scene = template(id);
    const whole = play(scene, [600]);
    assert.deepEqual(play(scene, [1, 7, 92, 400, 100]), whole);
    assert.deepEqual(play(scene, [300, 300], await loadMujoco()), whole);
    assert.notDeepEqual(play(scene, [599]), whole);
  });

test("controls at the same steps give the same bits", () => {
  const run = () => {
    const simulation = new Simulation(mujoco, template("cart-pole"));
    simulation.advance(100);
    simulation.control(0, 1);
    simulation.advance(50);
    simulation.control(0, -0.5);
    simulation.advance(200);
    const state = simulation.save();
    simulation.delete();
    return state;
  };
  assert.deepEqual(run(), run());
});

test("a reset brings back the first state, controls and waves, and counts", () => {
  const simulation = new Simulation(mujoco, template("hexapod"));
  // Behind the step and the count of resets.
  const state = () => simulation.save().subarray(2);
  const first = state();
  simulation.advance(300);
  const later = state();
  simulation.control(0, 0.3);
  simulation.advance(300);
  simulation.reset();
  assert.deepEqual(state(), first);
  assert.equal(simulation.step, 0);
  assert.equal(simulation.epoch, 1);
  simulation.advance(300);
  assert.deepEqual(state(), later);
  simulation.delete();
});

for (const id of ["box-stack", "double-pendulum", "hexapod", "domino-row", "cart-pole", "newtons-cradle"])
  test(`${id}: what is saved and restored in another module goes on the same, bit for bit (M2)`, async () => {
    const scene = template(id);
    const from = new Simulation(mujoco, scene);
    from.advance(217);
    if (scene.actuators.length > 0) from.control(0, scene.actuators[0]?.range[1] ?? 0);
    from.advance(40);
    const to = new Simulation(await loadMujoco(), scene);
    to.advance(5);
    to.restore(from.save());
    assert.deepEqual(to.save(), from.save());
    assert.deepEqual(to.controls, from.controls);
    const shown = (of: Simulation) => [of.positions, of.quaternions, of.sensors].map((values) => values.slice());
    assert.deepEqual(shown(to), shown(from));
    for (const simulation of [from, to]) simulation.advance(500);
    assert.deepEqual(to.save(), from.save());
    assert.deepEqual(shown(to), shown(from));
    for (const simulation of [from, to]) simulation.delete();
  });

test("a slider takes over from a wave", () => {
  const simulation = new Simulation(mujoco, template("hexapod"));
  simulation.advance(10);
  const moving = simulation.controls[0];
  simulation.advance(10);
  assert.notEqual(simulation.controls[0], moving);
  simulation.control(0, 0.1);
  simulation.advance(100);
  assert.equal(simulation.controls[0], 0.1);
  simulation.delete();
});

test("the wave is a sine to within 6 %, and exact where it must be", () => {
  for (const [turns, value] of [
    [0, 0],
    [0.25, 1],
    [0.5, 0],
    [0.75, -1],
    [-0.25, -1],
    [7.25, 1],
  ] as const)
    assert.equal(Math.abs(sineLike(turns) - value), 0);
  for (let turns = -2; turns < 2; turns += 0.001)
    assert.ok(Math.abs(sineLike(turns) - Math.sin(2 * Math.PI * turns)) < 0.06);
});

test("a scene that explodes is noticed, told and can be reset (M4)", () => {
  const simulation = new Simulation(mujoco, unstable);
  assert.throws(
    () => simulation.advance(5000),
    (error) => error instanceof UnstableError && /grew without bound/.test(error.message),
  );
  simulation.reset();
  simulation.advance(1);
  assert.ok(simulation.positions.every(Number.isFinite));
  simulation.delete();
});

test("thousands of bad models and failed scenes leave the module as it was", () => {
  const pendulum = template("pendulum");
  const good = play(pendulum, [500]);
  for (let i = 0; i < 4000; i++) {
    assert.throws(
      () =>
        mujoco.guard(() =>
          mujoco.mj.MjModel.from_xml_string(`<mujoco><worldbody><nonsense n="${i}"/></worldbody></mujoco>`),
        ),
      MujocoError,
    );
  }
  for (let i = 0; i < 300; i++) assert.throws(() => play(unstable, [5000]), UnstableError);
  assert.deepEqual(play(pendulum, [500]), good);
});

test("2,000 simulations made, stepped and deleted leave the heap where it was", () => {
  const scene = template("box-stack");
  play(scene, [20]);
  const before = mujoco.heapBytes();
  for (let i = 0; i < 2000; i++) play(scene, [2]);
  assert.equal(mujoco.heapBytes(), before);
});

test("asking a simulation for warnings, as every running one is each second, takes no memory", () => {
  const simulation = new Simulation(mujoco, template("pendulum"));
  simulation.warning();
  const before = mujoco.heapBytes();
  for (let i = 0; i < 400_000; i++) simulation.warning();
  assert.equal(mujoco.heapBytes(), before);
  simulation.delete();
});
