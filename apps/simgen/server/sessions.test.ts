import assert from "node:assert/strict";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { CLOSE, decodeLaneValue, decodeToClient, encodeHello } from "@holdfast/protocol";
import WebSocket from "ws";
import { type Frame, FrameDecoder } from "../sim/frame.ts";
import { heap } from "../sim/scenes.fixture.ts";
import { TestLine } from "./line.fixture.ts";
import { freePort } from "./port.fixture.ts";
import { startPostgres } from "./postgres.fixture.ts";
import { startRedis } from "./redis.fixture.ts";
import { emptyDataDir, metric, startServer, suiteServer, type Talk, Visitor } from "./server.fixture.ts";

describe("a session outlives its line", () => {
  const server = suiteServer();

  test("the simulation goes on, is watched again unasked, and what was sent meanwhile takes effect once", async (t) => {
    const visitor = new Visitor(server);
    const { id, scene } = await visitor.create({ template: "cart-pole" });
    const line = await TestLine.open(t, server.url);
    const talk = await visitor.by(line).connect();
    talk.send({ type: "watch", simulation: id });
    const { run } = await talk.message("simulation");
    const before = await talk.frame((frame) => frame.step > 100);

    await cut(talk, line);
    while ((await metric(server, 'simgen_sessions_closed_total{reason="lost"}')) < 1) await sleep(10);
    const from = talk.messages.length;
    const sent = await metric(server, "simgen_sessions_messages_sent_total");
    const [actuator] = scene.actuators;
    assert.ok(actuator);
    talk.send({ type: "reset", simulation: id });
    talk.send({ type: "control", simulation: id, actuator: actuator.id, value: actuator.range[1] });
    await sleep(2_500);
    assert.equal(await metric(server, "simgen_sessions_messages_sent_total"), sent, "no status waits for it");

    line.mend();
    await talk.event("resumed");
    const again = await talk.message("simulation", () => true, from);
    assert.equal(again.run, run);
    await talk.message("status", ({ controls }) => controls[0] === actuator.range[1], from);
    const after = await talk.frame((frame) => frame.epoch !== before.epoch && frame.step > 50);
    assert.equal(after.epoch, before.epoch + 1, "it was reset once");
    assert.deepEqual(talk.events, ["open", "resumed"]);
    assert.ok(!talk.messages.some(({ type }) => type === "error"));
  });

  test("what is not watched any more is not watched again", async (t) => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ template: "pendulum" });
    const line = await TestLine.open(t, server.url);
    const talk = await visitor.by(line).connect();
    talk.send({ type: "watch", simulation: id });
    await talk.frame();
    talk.send({ type: "unwatch" });
    await talk.session.whenAcknowledged();
    await cut(talk, line);
    const from = talk.messages.length;
    line.mend();
    await talk.event("resumed");
    talk.send({ type: "ping", at: 1 });
    await talk.message("pong");
    assert.ok(!talk.messages.slice(from).some(({ type }) => type === "simulation"));
  });

  test("it is the visitor's own: another one's cookie does not resume it", async (t) => {
    const visitor = new Visitor(server);
    await visitor.request("GET", "/api/v1/simulations");
    const line = await TestLine.open(t, server.url);
    const away = visitor.by(line);
    const talk = await away.connect();
    const stranger = new Visitor(server);
    await stranger.request("GET", "/api/v1/simulations");
    // Before the line is cut, so that every attempt since is made with it.
    Object.assign(away.headers, stranger.headers);
    await cut(talk, line);
    line.mend();
    await talk.event(`closed ${CLOSE.unauthorized}`);
  });

  test("a client that reads slowly gets all messages, and of the frames only the latest", async () => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ prompt: `a pendulum ${"and nothing else ".repeat(110)}` });
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: visitor.headers });
    const decoder = new FrameDecoder();
    const frames: Frame[] = [];
    const orphans: number[] = [];
    let read = 0;
    /** How many frames it has seen by then. */
    const caughtUp = Promise.withResolvers<number>();
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) {
        const frame = decoder.decode(decodeLaneValue(data).bytes);
        if (frame) frames.push(frame);
        else if (frames.length > 0) orphans.push(frames.length);
        return;
      }
      const frame = decodeToClient(data.toString());
      assert.notEqual(frame.kind, "gap");
      if (frame.kind !== "messages") return;
      assert.equal(frame.first, read + 1);
      read += frame.messages.length;
      if (frame.messages.some((each) => isDeepStrictEqual(each, { type: "pong", at: -1 })))
        caughtUp.resolve(frames.length);
    });
    const closed = new AbortController();
    socket.on("close", (code) => {
      const why = new Error(`the line was closed: ${code}`);
      closed.abort(why);
      caughtUp.reject(why);
    });
    const received = () => once(socket, "message", closed);
    await once(socket, "open");
    socket.send(encodeHello({ v: 1, n: 1 }));
    await received();
    let written = 0;
    const send = (count: number, message: unknown) => {
      const json = Array(count).fill(JSON.stringify(message)).join();
      socket.send(`[1,${written + 1},${read},${json}]`);
      written += count;
    };
    send(1, { type: "watch", simulation: id });
    while (frames.length < 10) await received();

    socket.pause();
    const dropped = () => metric(server, "simgen_sessions_lane_values_dropped_total");
    const handled = await metric(server, "simgen_sessions_messages_handled_total");
    while ((await dropped()) === 0) {
      send(100, { type: "watch", simulation: id });
      while ((await metric(server, "simgen_sessions_messages_handled_total")) < handled + written - 1) await sleep(20);
    }
    // Each of these watches has brought a keyframe; now for the pace of every day.
    for (let before = 0, now = await dropped(); now < 120; before = now, now = await dropped()) {
      // The system has found more room for what waits: filled as well, or frames would take minutes to.
      if (now === before) send(100, { type: "watch", simulation: id });
      // Who says nothing for so long is taken for gone.
      send(1, { type: "ping", at: now });
      await sleep(200);
    }
    socket.resume();
    send(1, { type: "ping", at: -1 });
    const soFar = await caughtUp.promise;
    while (frames.length < soFar + 60) await received();
    const steps = frames.map(({ step }) => step);
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    );
    const jump = Math.max(...steps.slice(1).map((step, at) => step - (steps[at] ?? 0)));
    assert.ok(jump > 100, `the largest jump between frames was ${jump} steps`);
    // What waited may be a frame and, in place of its keyframe, the next one.
    assert.ok(orphans.length <= 1, `${orphans.length} frames came without their keyframe`);
    socket.close();
  });
});

test("a watch that was in hand when the line was cut is not lost", async (t) => {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const first = await startServer(t, { DATA_DIR: dataDir });
  const visitor = new Visitor(first);
  const { id } = await visitor.create({ template: "pendulum" });
  await first.stop();

  // This one has not tried the scene yet, and is busy trying another.
  const server = await startServer(t, { DATA_DIR: dataDir });
  const back = new Visitor(server, visitor.headers);
  const line = await TestLine.open(t, server.url);
  const talk = await back.by(line).connect();
  const busy = back.request("POST", "/api/v1/simulations", { scene: heap(20, 0.002) });
  while ((await metric(server, "simgen_trials_queued")) < 1) await sleep(5);
  talk.send({ type: "watch", simulation: id });
  while ((await metric(server, "simgen_trials_queued")) < 2) await sleep(5);
  await cut(talk, line);
  line.mend();
  await talk.event("resumed");
  await talk.frame();
  await busy;
});

describe("a session outlives its server", () => {
  const shared: Record<string, string> = { COOKIE_SECRET: "a secret that servers share" };
  const ends: (() => Promise<void>)[] = [];
  const suite = { after: (end: () => Promise<void>) => void ends.push(end) };
  before(async () => {
    shared.DATABASE_URL = (await startPostgres(suite)).url;
    shared.REDIS_URL = (await startRedis(suite)).url;
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** A visitor who watches a cart-pole over a line to the first of two servers. */
  async function watching(t: TestContext) {
    const [one, other] = await Promise.all([
      startServer(t, { ...shared, SERVER_ID: "one" }),
      startServer(t, { ...shared, SERVER_ID: "other" }),
    ]);
    const visitor = new Visitor(one);
    const { id, scene } = await visitor.create({ template: "cart-pole" });
    const [actuator] = scene.actuators;
    assert.ok(actuator);
    const line = await TestLine.open(t, one.url);
    const talk = await visitor.by(line).connect();
    talk.send({ type: "watch", simulation: id });
    const { run } = await talk.message("simulation");
    await talk.frame();
    return { one, other, id, actuator, line, talk, run };
  }

  test("kill -9: another server goes on with what was watched and what was sent meanwhile (S2, S3)", async (t) => {
    const { one, other, id, actuator, line, talk, run } = await watching(t);
    await one.stop("SIGKILL");
    await cut(talk, line);
    talk.send({ type: "reset", simulation: id });
    talk.send({ type: "control", simulation: id, actuator: actuator.id, value: actuator.range[0] });
    const from = talk.messages.length;
    line.mend(other.url);
    await talk.event("resumed");
    const again = await talk.message("simulation", () => true, from);
    assert.notEqual(again.run, run, "on another server it begins again");
    await talk.message("status", ({ controls }) => controls[0] === actuator.range[0], from);
    const frame = await talk.frame((each) => each.run === again.run && each.step > 50);
    assert.equal(frame.epoch, 1, "it was reset once");
    assert.deepEqual(talk.events, ["open", "resumed"]);
    assert.ok(!talk.messages.some(({ type }) => type === "error"));
  });

  test("SIGTERM: every client is sent to another server, and the first ends with 0 (S10)", async (t) => {
    const { one, other, line, talk } = await watching(t);
    line.mend(other.url);
    const from = talk.messages.length;
    const lost = once(talk.line ?? assert.fail(), "close");
    const stopped = one.stop("SIGTERM");
    assert.equal((await lost)[0], CLOSE.draining);
    await talk.event("resumed");
    await talk.message("simulation", () => true, from);
    assert.equal(await stopped, 0);
    assert.deepEqual(talk.events, ["open", "resumed"]);
  });

  test("a server that comes back on its port has its sessions again", async (t) => {
    const env = { ...shared, PORT: String(await freePort()) };
    const killed = await startServer(t, env);
    const visitor = new Visitor(killed);
    const { id } = await visitor.create({ template: "pendulum" });
    const talk = await visitor.connect();
    talk.send({ type: "watch", simulation: id });
    const { run } = await talk.message("simulation");
    await killed.stop("SIGKILL");
    await startServer(t, env);
    await talk.event("resumed");
    const again = await talk.message("simulation", (message) => message.run !== run);
    await talk.frame((frame) => frame.run === again.run);
    assert.deepEqual(talk.events, ["open", "resumed"]);
  });
});

test("without Redis frames go on and health says so; when it is back, so is all else (S6)", async (t) => {
  const redis = await startRedis(t);
  const server = await startServer(t, { REDIS_URL: redis.url });
  const visitor = new Visitor(server);
  const { id } = await visitor.create({ template: "pendulum" });
  const talk = await visitor.connect();
  talk.send({ type: "watch", simulation: id });
  const before = await talk.frame((frame) => frame.step > 50);
  const health = async () => (await visitor.request("GET", "/health")).body.status;
  assert.equal(await health(), "healthy");

  await redis.kill();
  while ((await health()) !== "unhealthy") await sleep(100);
  const report = await (await fetch(`${server.url}/health/detailed`)).json();
  assert.equal(report.checks.redis.detail, "the store of sessions is out of reach");
  assert.equal((await fetch(`${server.url}/health/ready`)).status, 200, "it is no reason to take this server out");
  const frames = talk.frames.length;
  await talk.until("frames", () => talk.frames.length > frames + 60 || undefined);
  talk.send({ type: "reset", simulation: id });

  await redis.start();
  await talk.frame((frame) => frame.epoch === before.epoch + 1);
  const from = talk.messages.length;
  await talk.message("status", () => true, from);
  while ((await health()) !== "healthy") await sleep(100);
  assert.equal(talk.session.state, "open");
});

async function cut(talk: Talk, line: TestLine): Promise<void> {
  line.cut();
  await talk.until("loss of the line", () => talk.session.state === "reconnecting" || undefined);
}
