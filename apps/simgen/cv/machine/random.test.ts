import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadMujoco } from "../../sim/mujoco.ts";
import { parseScene } from "../../sim/scene.ts";
import { Simulation } from "../../sim/simulation.ts";
import { sceneOf } from "../machine.ts";
import { MachineError } from "../machine-error.ts";
import type { Recognition } from "../recognition.ts";
import { recognitionSchema } from "../sketch.ts";

const mujoco = await loadMujoco();
const RUNS = 400;

/** Where a hand draws, and garbage. */
const coordinate = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 800 }) },
  { weight: 1, arbitrary: fc.double({ min: -40_000, max: 40_000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 400, 400.0000001) },
);
const point = fc.tuple(coordinate, coordinate);
const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 5, max: 300 }) },
  { weight: 1, arbitrary: fc.double({ min: 1e-300, max: 40_000, noNaN: true }) },
);
const fixed = fc.boolean();
const shape = fc.oneof(
  fc.record({ kind: fc.constant("circle"), fixed, center: point, radius: length }),
  fc.record({
    ...{ kind: fc.constant("box"), fixed, center: point, size: fc.tuple(length, length) },
    angle: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("polygon"), fixed, points: fc.array(point, { minLength: 3, maxLength: 12 }) }),
  fc.record({ kind: fc.constant("line"), fixed, points: fc.array(point, { minLength: 2, maxLength: 20 }) }),
  fc.record({ kind: fc.constant("ground"), points: fc.array(point, { minLength: 2, maxLength: 5 }) }),
);
const text = fc.oneof(
  fc.constantFrom(
    "1 kg",
    "30°",
    "ice",
    "50 cm",
    "100 km",
    "1 mm",
    "0 kg",
    "moon",
    "5 m/s",
    "60 rpm",
    "Constructor",
    "steel 3 t",
  ),
  fc.string({ minLength: 1, maxLength: 40 }).filter((each) => each.trim().length > 0),
);

const recognition: fc.Arbitrary<Recognition> = fc
  .array(shape, { minLength: 1, maxLength: 14 })
  .chain((shapes) => {
    const named = shapes.map((each, index) => ({ ...each, id: `${each.kind}-${index + 1}` }));
    const id = fc.constantFrom(...named.map((each) => each.id));
    const ends = { a: id, b: fc.option(id) };
    const link = fc
      .oneof(
        fc.record({ kind: fc.constant("hinge"), ...ends, at: point }),
        fc.record({ kind: fc.constant("weld"), ...ends, at: point }),
        fc.record({ kind: fc.constant("rope"), ...ends, points: fc.array(point, { minLength: 2, maxLength: 20 }) }),
        fc.record({ kind: fc.constant("spring"), ...ends, points: fc.tuple(point, point) }),
      )
      .filter(({ a, b }) => a !== b);
    const arrow = fc.record({
      ...{ does: fc.constantFrom("push", "motor"), target: id },
      points: fc.array(point, { minLength: 2, maxLength: 9 }),
    });
    return fc.record({
      width: fc.integer({ min: 1, max: 20_000 }),
      height: fc.integer({ min: 1, max: 20_000 }),
      shapes: fc.constant(named),
      links: fc
        .array(link, { maxLength: 16 })
        .map((all) => all.map((each, at) => ({ ...each, id: `${each.kind}-${at}` }))),
      arrows: fc.array(arrow, { maxLength: 4 }).map((all) => all.map((each, at) => ({ ...each, id: `arrow-${at}` }))),
      labels: fc.array(fc.record({ text, at: point, target: fc.option(id) }), { maxLength: 4 }),
    });
  })
  .map((input) => recognitionSchema.parse(input));

test("any recognition becomes a scene that MuJoCo takes, or is refused", () => {
  let made = 0;
  fc.assert(
    fc.property(recognition, (sketch) => {
      try {
        const { scene } = sceneOf(sketch);
        assert.deepEqual(parseScene(scene), scene);
        const simulation = new Simulation(mujoco, scene);
        simulation.delete();
        made++;
      } catch (error) {
        if (!(error instanceof MachineError)) throw error;
      }
    }),
    { numRuns: RUNS, seed: 6 },
  );
  assert.ok(made > RUNS / 2, `${made} of ${RUNS}`);
});

test("as much as a recognition may hold fits in a scene", () => {
  const at = (index: number): [number, number] => [40 + (index % 10) * 75, 40 + Math.floor(index / 10) * 55];
  const star = (index: number) =>
    Array.from({ length: 24 }, (_, corner): [number, number] => {
      const [x, y] = at(index);
      const [angle, radius] = [(corner / 24) * 2 * Math.PI, corner % 2 === 0 ? 30 : 14];
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    });
  for (const shapes of [
    Array.from({ length: 100 }, (_, index) => ({ kind: "polygon", id: `polygon-${index}`, points: star(index) })),
    Array.from({ length: 100 }, (_, index) => ({ kind: "line", id: `line-${index}`, points: star(index) })),
    Array.from({ length: 100 }, (_, index) => ({
      kind: "circle",
      id: `circle-${index}`,
      center: [400, 300],
      radius: 50,
    })),
  ])
    for (const kind of ["none", "hinge", "weld"]) {
      const links = shapes.slice(1).map((shape, index) => {
        return { id: `${kind}-${index}`, kind, a: shape.id, b: shapes[index]?.id, at: at(index) };
      });
      const input = { width: 800, height: 600, shapes, links: kind === "none" ? [] : links };
      const { scene } = sceneOf(recognitionSchema.parse(input));
      new Simulation(mujoco, scene).delete();
    }
});
