import assert from "node:assert/strict";
import { test } from "node:test";
import { loadMujoco } from "./mujoco.ts";
import { Runner } from "./runner.ts";
import { template } from "./scenes.fixture.ts";

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

test("however often its last run stops and another begins, a runner has one clock", async () => {
  const nothing = () => {};
  const output = { enter: nothing, leave: nothing, frames: nothing, statuses: nothing, stats: nothing };
  const runner = new Runner(await loadMujoco(), output);
  const before = timers();
  for (let run = 1; run <= 20; run++) {
    runner.start(run, template("pendulum"), { lease: run, streaming: false });
    runner.stop(run);
  }
  runner.start(21, template("pendulum"), { lease: 21, streaming: false });
  assert.equal(timers() - before, 1);
  runner.close();
});
