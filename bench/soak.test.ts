import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Held, held } from "./soak/held.ts";
import { Leases } from "./soak/leases.ts";
import { Simulations } from "./soak/simulations.ts";
import { Sockets } from "./soak/sockets.ts";
import type { Workload } from "./soak/workload.ts";

const WASM = "WASM heaps, MB";
const REPLACED = "workers replaced";
const HEAP_GROWTH_MB_MAX = 0.5;
/** They grow by as many as happen to be on one worker at once; those of these tests that were never deleted take far more. */
const WASM_GROWTH_MB_MAX = 25;

test("leases given back in all the ways there are leave nothing behind", async (t) => {
  await soak(t, new Leases(), { warmUp: 5_000, half: 20_000 });
});

test("simulations made, shown and deleted leave nothing behind", async (t) => {
  const options = { workers: 2, atOnce: 50, usesMax: Number.POSITIVE_INFINITY };
  const { middle, after } = await soak(t, await Simulations.create(options), { warmUp: 300, half: 600 });
  const growth = (after[WASM] ?? Number.NaN) - (middle[WASM] ?? Number.NaN);
  assert.ok(growth < WASM_GROWTH_MB_MAX, `the WASM heaps grew by ${growth} MB`);
});

test("workers that are replaced under their simulations leave nothing behind", async (t) => {
  const options = { workers: 2, atOnce: 20, usesMax: 50 };
  const { after } = await soak(t, await Simulations.create(options), { warmUp: 100, half: 200 });
  assert.ok((after[REPLACED] ?? 0) >= 2, `${after[REPLACED]} workers were replaced`);
});

test("WebSockets that either side ends leave nothing behind", async (t) => {
  await soak(t, await Sockets.create(), { warmUp: 200, half: 400 });
});

type Sample = Held & Record<string, number>;

/** Two halves, after what is made only once. What there is must be no more than before, and the heap not grow in the second. */
async function soak(
  t: TestContext,
  workload: Workload,
  { warmUp, half }: { warmUp: number; half: number },
): Promise<{ middle: Sample; after: Sample }> {
  t.after(() => workload.close());
  const sample = async (count: number): Promise<Sample> => {
    await workload.run(count);
    const left = await workload.left();
    for (const [name, value] of Object.entries(left)) if (name.endsWith(" left")) assert.equal(value, 0, name);
    return { ...(await held()), ...left };
  };
  const before = await sample(warmUp);
  const middle = await sample(half);
  const after = await sample(half);
  for (const what of ["handles", "timers", "threads"] as const)
    assert.ok(after[what] <= before[what], `${what}: ${before[what]} before, ${after[what]} after`);
  const growth = after["heap, MB"] - middle["heap, MB"];
  assert.ok(growth < HEAP_GROWTH_MB_MAX, `the heap grew by ${growth} MB over ${half}`);
  t.diagnostic(JSON.stringify({ before, middle, after }));
  return { middle, after };
}
