import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Frame, FrameDecoder } from "./frame.ts";
import { Observer } from "./observer.fixture.ts";
import { Pool, type PoolOptions, type Run } from "./pool.ts";
import { PoolError, type PoolErrorCode } from "./pool-error.ts";
import { FRAME_MS, fairShare, type RunStatus } from "./runner.ts";
import { parseScene, type Scene } from "./scene.ts";
import { explosive, heap, template } from "./scenes.fixture.ts";

async function pool(t: TestContext, options: Partial<PoolOptions> = {}): Promise<Pool> {
  const made = await Pool.create(options);
  t.after(() => made.close());
  return made;
}

/** What a run has shown so far, and waits for more. */
class Watcher extends Observer {
  readonly frames: Frame[] = [];
  readonly statuses: RunStatus[] = [];
  failure: string | undefined;
  readonly #decoder = new FrameDecoder();

  readonly events = {
    frame: (bytes: Uint8Array) => {
      const frame = this.#decoder.decode(bytes);
      if (frame) this.frames.push(frame);
      this.saw();
    },
    status: (status: RunStatus) => {
      this.statuses.push(status);
      this.saw();
    },
    failed: (message: string) => {
      this.failure = message;
      this.saw();
    },
  };
}

async function start(from: Pool, scene: Scene, frameMs = 0.1): Promise<{ run: Run; seen: Watcher }> {
  const seen = new Watcher();
  const run = await from.start(scene, frameMs, seen.events);
  run.stream(true);
  return { run, seen };
}

const refusal = (code: PoolErrorCode) => (error: unknown) => error instanceof PoolError && error.code === code;

test("many simulations share a thread, each with its own frames and controls", async (t) => {
  const threads = await pool(t);
  const runs = await Promise.all(
    ["pendulum", "cart-pole", "hexapod", "box-stack"].map((id) => start(threads, template(id))),
  );
  for (const { run, seen } of runs) {
    await seen.until(() => seen.frames.length > 30);
    assert.ok(seen.frames.every((frame) => frame.run === run.run));
    assert.ok((seen.frames.at(-1)?.step ?? 0) > 50);
  }
  const [, cart] = runs;
  assert.ok(cart);
  cart.run.control(0, 0.5);
  await cart.seen.until(() => cart.seen.statuses.at(-1)?.controls[0] === 0.5);
  assert.equal(threads.snapshot().workers[0]?.simulations, 4);
  for (const { run } of runs) run.stop();
  assert.equal(threads.snapshot().workers[0]?.simulations, 0);
});

test("a paused simulation stands still, and goes on where it was", async (t) => {
  const { run, seen } = await start(await pool(t), template("pendulum"));
  await seen.until(() => seen.frames.length > 10);
  run.pause(true);
  await seen.until(() => seen.frames.at(-1)?.paused === true);
  const paused = seen.frames.length;
  await seen.until(() => seen.frames.length >= paused + 2);
  const [one, two] = seen.frames.slice(paused);
  assert.equal(one?.step, two?.step);
  assert.deepEqual(one?.positions, two?.positions);
  run.pause(false);
  await seen.until(() => (seen.frames.at(-1)?.step ?? 0) > (one?.step ?? 0));
});

test("a scene that explodes while it runs stops with a message; its neighbour goes on (M4)", async (t) => {
  const threads = await pool(t);
  const neighbour = await start(threads, template("pendulum"));
  // It stands for a moment, until the ball comes down on the stiff plate.
  const late = parseScene({
    name: "late",
    timestep: 0.02,
    integrator: "euler",
    bodies: [
      {
        id: "plate",
        pos: [0, 0, 0],
        joints: [{ id: "p", type: "slide", stiffness: 1e6 }],
        geoms: [{ type: "box", size: [1, 1, 0.01], mass: 0.001 }],
      },
      {
        id: "ball",
        pos: [0, 0, 1],
        joints: [{ id: "b", type: "free" }],
        geoms: [{ type: "sphere", size: [0.1], mass: 100 }],
      },
    ],
    gravity: [0, 0, -9.81],
  });
  const { run, seen } = await start(threads, late);
  await seen.until(() => seen.statuses.at(-1)?.state === "unstable");
  assert.match(seen.statuses.at(-1)?.message ?? "", /grew without bound/);
  const before = neighbour.seen.frames.length;
  await neighbour.seen.until(() => neighbour.seen.frames.length > before + 30);
  run.reset();
  await seen.until(() => seen.statuses.at(-1)?.state === "running");
});

test("a heavy simulation runs slowly and says so; its light neighbour does not pay for it (M4)", async (t) => {
  const threads = await pool(t);
  const light = await start(threads, template("pendulum"));
  const heavy = await start(threads, parseScene(heap(27, 0.00015)), 8);
  await heavy.seen.until(() => heavy.seen.statuses.length > 4);
  const slow = heavy.seen.statuses.at(-1)?.speed ?? 1;
  const fast = light.seen.statuses.at(-1)?.speed ?? 0;
  assert.ok(slow < 0.9, `${slow}`);
  assert.ok(fast > 2 * slow, `${fast} beside ${slow}`);
  assert.ok((heavy.seen.frames.at(-1)?.speedPercent ?? 100) < 90, "the frames say it too");
});

test("a trial refuses what explodes, what does not load, what is far too slow", async (t) => {
  const threads = await pool(t, { probeTimeoutMs: 1500 });
  const trial = await threads.try(template("pendulum"));
  assert.equal(trial.speed, 1);
  assert.ok(trial.frameMs > 0 && trial.frameMs < FRAME_MS);
  await assert.rejects(threads.try(parseScene(explosive)), refusal("scene_unstable"));
  await assert.rejects(threads.try(parseScene(heap(190, 0.0001))), refusal("scene_too_slow"));
  assert.equal((await threads.try(template("pendulum"))).speed, 1, "the next trial has a thread again");
});

test("trials wait in a bounded queue", async (t) => {
  const threads = await pool(t, { probesQueuedMax: 2 });
  const trials = await Promise.allSettled(Array.from({ length: 5 }, () => threads.try(template("pendulum"))));
  assert.deepEqual(
    trials.map((each) => each.status),
    ["fulfilled", "fulfilled", "rejected", "rejected", "rejected"],
  );
  assert.ok(trials.slice(2).every((each) => each.status === "rejected" && refusal("capacity_full")(each.reason)));
});

test("a thread takes simulations up to its time, its memory and its number", async (t) => {
  const costly = await pool(t);
  await start(costly, template("pendulum"), 7);
  await assert.rejects(start(costly, template("pendulum"), 7), refusal("capacity_full"));
  const few = await pool(t, { simulationsPerWorkerMax: 1 });
  const { run } = await start(few, template("pendulum"));
  await assert.rejects(start(few, template("pendulum")), refusal("capacity_full"));
  run.stop();
  await start(few, template("pendulum"));
  const small = await pool(t, { arenaBytesPerWorkerMax: 1000 });
  await assert.rejects(start(small, template("pendulum")), refusal("capacity_full"));
});

test("a thread that is busier than trials said takes no more", async (t) => {
  const threads = await pool(t);
  const { seen } = await start(threads, parseScene(heap(27, 0.00015)), 0.01);
  await seen.until(() => (threads.snapshot().workers[0]?.loadMs ?? 0) > 6);
  await assert.rejects(start(threads, template("pendulum"), 7.5), refusal("capacity_full"));
});

test("when a pool closes, its runs are told", async (t) => {
  const threads = await pool(t);
  const { seen } = await start(threads, template("pendulum"));
  await threads.close();
  await seen.until(() => seen.failure !== undefined);
  await assert.rejects(start(threads, template("pendulum")), refusal("capacity_full"));
});

test("fair shares: the light keep what they need, the heavy split the rest", () => {
  assert.equal(fairShare([1, 2, 3], 10), Number.POSITIVE_INFINITY);
  assert.equal(fairShare([1, 10, 10], 11), 5);
  assert.equal(fairShare([8, 8], 8), 4);
  assert.equal(fairShare([], 8), Number.POSITIVE_INFINITY);
});
