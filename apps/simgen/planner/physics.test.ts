import assert from "node:assert/strict";
import { test } from "node:test";
import { loadMujoco } from "../sim/mujoco.ts";
import { Simulation } from "../sim/simulation.ts";
import { HELD_OUT, PROMPTS } from "./prompts.table.ts";
import { planFromPrompt } from "./rules.ts";

const SECONDS = 2;
/** m: nothing here falls, flies or drives so far in two seconds. */
const FAR = 500;

test("planned scenes run in MuJoCo for two seconds without blowing up", async () => {
  const mujoco = await loadMujoco();
  // Every third prompt, and all with several machines.
  const sample = [...PROMPTS, ...HELD_OUT].filter(({ makes }, index) => index % 3 === 0 || makes.length > 1);
  for (const { prompt } of sample) {
    const { scene } = planFromPrompt(prompt);
    const simulation = new Simulation(mujoco, scene);
    try {
      simulation.advance(Math.round(SECONDS / scene.timestep));
      const places = [...simulation.positions];
      assert.ok(
        places.every((value) => Number.isFinite(value) && Math.abs(value) < FAR),
        prompt,
      );
    } finally {
      simulation.delete();
    }
  }
});
