import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Resources } from "@holdfast/resources";
import { FrameDecoder, isKeyframe } from "../sim/frame.ts";
import { Observer } from "../sim/observer.fixture.ts";
import { Pool, type PoolOptions } from "../sim/pool.ts";
import { template } from "../sim/scenes.fixture.ts";
import { type FrameLane, LiveRuns, type Viewer, type Watching } from "./live-runs.ts";
import type { StatusMessage } from "./messages.ts";
import type { StoredSimulation } from "./simulation-store.ts";

const scene = template("pendulum");

const simulation = (id: string): StoredSimulation => ({
  id,
  name: id,
  planner: "scene",
  model: null,
  prompt: null,
  understood: [],
  warnings: [],
  createdAt: "2026-01-01T00:00:00.000Z",
  scene,
});

class Eye extends Observer implements Viewer {
  readonly frames: Uint8Array[] = [];
  readonly lanes: FrameLane[] = [];
  readonly statuses: StatusMessage[] = [];
  watching: Watching | undefined;

  status(message: StatusMessage): void {
    this.statuses.push(message);
    this.saw();
  }

  frame(lane: FrameLane, bytes: Uint8Array): void {
    this.lanes.push(lane);
    this.frames.push(bytes);
    this.saw();
  }
}

async function liveRuns(t: TestContext, options: Partial<PoolOptions> = {}, idleMs = 60_000) {
  const resources = new Resources();
  const pool = await Pool.create(options, resources);
  t.after(() => pool.close());
  const runs = new LiveRuns(pool, resources, idleMs);
  const scope = resources.scope("test");
  const watch = async (id: string, eye = new Eye()) => {
    eye.watching = await runs.watch(scope, "ann", simulation(id), eye);
    return eye;
  };
  return { resources, runs, scope, watch, pool };
}

test("when there is no room, the longest unwatched goes; what is watched stays", async (t) => {
  const { runs, watch } = await liveRuns(t, { simulationsPerWorkerMax: 2 });
  (await watch("a")).watching?.end();
  const b = await watch("b");
  const c = await watch("c");
  assert.equal(runs.get("ann", "a"), undefined);
  await assert.rejects(watch("d"), { code: "capacity_full" });
  assert.ok(runs.get("ann", "b") && runs.get("ann", "c"));
  c.watching?.end();
  await watch("d");
  assert.equal(runs.get("ann", "c"), undefined);
  assert.deepEqual(
    b.statuses.filter((status) => status.state === "stopped"),
    [],
  );
});

test("a simulation that nobody watches ends after a while, and starts anew when watched again", async (t) => {
  const { runs, watch } = await liveRuns(t, {}, 30);
  const eye = await watch("a");
  await eye.until(() => eye.frames.length > 5);
  const { run } = runs.get("ann", "a") ?? assert.fail();
  eye.watching?.end();
  while (runs.count > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await watch("a");
  assert.notEqual(runs.get("ann", "a")?.run.run, run.run);
});

test("two who watch at the same time share one run", async (t) => {
  const { runs, watch } = await liveRuns(t);
  const [one, two] = await Promise.all([watch("a"), watch("a")]);
  assert.equal(runs.count, 1);
  await one.until(() => one.frames.length > 3);
  await two.until(() => two.frames.length > 3);
});

test("whoever watches, or watches again, gets a keyframe and a status at once; keyframes have their own lane", async (t) => {
  const { watch } = await liveRuns(t);
  const first = await watch("a");
  await first.until(() => first.frames.length > 90);
  for (const eye of [first, await watch("a")]) {
    eye.watching?.end();
    const [frames, statuses] = [eye.frames.length, eye.statuses.length];
    await watch("a", eye);
    await eye.until(() => eye.frames.slice(frames).some(isKeyframe) && eye.statuses.length > statuses);
    const waited = eye.frames.slice(frames).findIndex(isKeyframe);
    assert.ok(waited <= 3, `${waited} frames before the keyframe`);
    assert.deepEqual(
      eye.lanes,
      eye.frames.map((bytes) => (isKeyframe(bytes) ? "keyframe" : "frame")),
    );
  }
});

test("of frames and keyframes, the latest of each make the picture", async (t) => {
  const { watch } = await liveRuns(t);
  const eye = await watch("a");
  await eye.until(() => eye.lanes.filter((lane) => lane === "keyframe").length > 2 && eye.lanes.at(-1) === "frame");
  const decoder = new FrameDecoder();
  const [keyframe, frame] = (["keyframe", "frame"] as const).map((lane) => eye.frames[eye.lanes.lastIndexOf(lane)]);
  assert.ok(keyframe && frame);
  decoder.decode(keyframe);
  assert.ok(decoder.decode(frame));
});

test("what a session watched is let go with its scope, and ends when it has been idle", async (t) => {
  const { resources, runs, scope, watch } = await liveRuns(t, {}, 30);
  const eye = await watch("a");
  await eye.until(() => eye.frames.length > 5);
  await scope.close();
  while (runs.count > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const held = resources.snapshot().kinds.filter(({ kind }) => ["simulation", "simulation thread"].includes(kind));
  assert.deepEqual(
    held.map(({ inUse }) => inUse),
    [0, 0],
  );
  assert.equal(held.find(({ kind }) => kind === "simulation")?.reclaimed, 1);
});

test("when its thread dies, whoever watches sees it go on; nobody is told that it stopped", async (t) => {
  const { watch, pool } = await liveRuns(t);
  const eye = await watch("a");
  await eye.until(() => eye.frames.length > 30);
  await pool.threads[0]?.end();
  const frames = eye.frames.length;
  await eye.until(() => eye.frames.length > frames + 30);
  assert.deepEqual(
    eye.statuses.filter(({ state }) => state === "stopped"),
    [],
  );
});
