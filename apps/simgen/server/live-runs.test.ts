import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { FrameDecoder, isKeyframe } from "../sim/frame.ts";
import { Observer } from "../sim/observer.fixture.ts";
import { Pool, type PoolOptions } from "../sim/pool.ts";
import { template } from "../sim/scenes.fixture.ts";
import { type FrameLane, LiveRuns, type Viewer } from "./live-runs.ts";
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
  const pool = await Pool.create(options);
  t.after(() => pool.close());
  const runs = new LiveRuns(pool, idleMs);
  const watch = async (id: string) => {
    const eye = new Eye();
    await runs.watch("ann", simulation(id), eye);
    return eye;
  };
  return { runs, watch };
}

test("when there is no room, the longest unwatched goes; what is watched stays", async (t) => {
  const { runs, watch } = await liveRuns(t, { simulationsPerWorkerMax: 2 });
  runs.unwatch("a", await watch("a"));
  const b = await watch("b");
  const c = await watch("c");
  assert.equal(runs.get("ann", "a"), undefined);
  await assert.rejects(watch("d"), { code: "capacity_full" });
  assert.ok(runs.get("ann", "b") && runs.get("ann", "c"));
  runs.unwatch("c", c);
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
  runs.unwatch("a", eye);
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
  const { runs, watch } = await liveRuns(t);
  const first = await watch("a");
  await first.until(() => first.frames.length > 90);
  for (const eye of [first, await watch("a")]) {
    runs.unwatch("a", eye);
    const [frames, statuses] = [eye.frames.length, eye.statuses.length];
    await runs.watch("ann", simulation("a"), eye);
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
