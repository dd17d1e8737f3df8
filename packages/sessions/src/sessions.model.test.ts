import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Totals } from "./model.fixture.ts";

const RUNS = 1000;
/** The same each time: what it takes new seeds to find is no fault of a change. `model.fixture.ts --seed N --runs N` hunts with others. */
const SEED = 1;

// In a thread of their own: the test runner's hooks would make each promise twice as dear.
test("S1 S2 S3 S4 S5 S7: whatever happens, each message arrives once and in order, or a gap says so", async () => {
  const totals = await Promise.all([many(SEED, RUNS), many(SEED + RUNS, RUNS)]);
  // Without gaps and repetitions the faults would have been too mild to show anything.
  for (const { gaps, repeated } of totals) assert.ok(gaps > 0 && repeated > 0, JSON.stringify(totals));
});

async function many(seed: number, runs: number): Promise<Totals> {
  const worker = new Worker(new URL("./model.fixture.ts", import.meta.url), { workerData: { seed, runs } });
  const [totals] = await once(worker, "message");
  return totals;
}
