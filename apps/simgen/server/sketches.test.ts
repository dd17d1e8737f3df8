import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PENDULUM, pictureOf, post } from "../cv/service.fixture.ts";
import { metric, suiteServer, Visitor } from "./server.fixture.ts";

describe("sketches, read by the one process there is", () => {
  const server = suiteServer();

  test("a drawn pendulum swings, and its visitor's session is told how far it has got", async () => {
    const visitor = new Visitor(server);
    await visitor.request("GET", "/api/v1/simulations");
    const talk = await visitor.connect();
    const made = await visitor.create({ sketch: PENDULUM, session: talk.session.id });
    assert.equal(made.planner, "cv");
    assert.equal(made.model, null);
    assert.equal(made.prompt, null);
    assert.ok(made.understood.length > 0);
    const running = await talk.message("progress", ({ stage }) => stage === "running");
    const stages = talk.messages.filter((message) => message.type === "progress").map(({ stage }) => stage);
    assert.deepEqual(stages, ["planning", "compiling", "running"]);
    assert.equal(running.planner, "cv");
    talk.send({ type: "watch", simulation: made.id });
    const first = await talk.frame((frame) => frame.step > 0);
    const moved = await talk.frame((frame) => frame.step > first.step + 100);
    assert.notDeepEqual([...moved.positions], [...first.positions]);
    await talk.close();
  });

  test("an image becomes one too, in base64 beside a prompt that refines it", async () => {
    const data = Buffer.from(await pictureOf(PENDULUM)).toString("base64");
    const sketch = { picture: { mediaType: "image/png", data } };
    const made = await new Visitor(server).create({ sketch, prompt: "on the Moon" });
    assert.equal(made.planner, "cv");
    assert.equal(made.prompt, "on the Moon");
    assert.deepEqual(made.scene.gravity, [0, 0, -1.62]);
  });

  test("what is seen can be looked at, put right, and sent back", async () => {
    const visitor = new Visitor(server);
    const url = `${server.url}/api/v1/sketches`;
    const { status, body } = await post(url, await pictureOf(PENDULUM, "webp"), "image/webp");
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.by, "embedded");
    assert.deepEqual(Object.keys(body).sort(), ["by", "drawing", "recognition", "understood", "warnings"]);
    const { recognition } = body;
    assert.ok(recognition);
    const made = await visitor.create({ sketch: { recognition } });
    assert.equal(made.planner, "cv");
    assert.equal((await visitor.request("GET", "/api/v1/simulations")).body.simulations.length, 1);
  });

  test("an image may have 10 MiB, on its way in base64 too; nothing else may", async () => {
    const visitor = new Visitor(server);
    const image = await pictureOf(PENDULUM);
    // What follows a PNG's end is nobody's.
    const large = new Uint8Array(10 * 1024 * 1024);
    large.set(image);
    const url = `${server.url}/api/v1/sketches`;
    assert.equal((await post(url, large, "image/png")).status, 200);
    const tooLarge = await post(url, new Uint8Array(10 * 1024 * 1024 + 1), "image/png");
    assert.deepEqual([tooLarge.status, tooLarge.body.code], [413, "body_too_large"]);
    assert.match(tooLarge.body.detail ?? "", /at most 10485760 bytes/);
    const json = await post(url, { strokes: [], texts: "x".repeat(1_100_000) });
    assert.deepEqual([json.status, json.body.code], [413, "body_too_large"]);
    assert.match(json.body.detail ?? "", /at most 1048576 bytes/);
    const picture = (bytes: Uint8Array) => ({ mediaType: "image/png", data: Buffer.from(bytes).toString("base64") });
    assert.equal((await visitor.create({ sketch: { picture: picture(large) } })).planner, "cv");
    const create = (body: unknown) => visitor.request("POST", "/api/v1/simulations", body);
    const over = await create({ sketch: { picture: picture(new Uint8Array(10 * 1024 * 1024 + 3)) } });
    assert.deepEqual([over.status, over.body.code], [400, "request_invalid"]);
    const beside = await create({ prompt: "a ball", picture: picture(large.subarray(0, 700_000)) });
    assert.match(beside.body.detail, /picture\.data: expected at most 900000 characters/);
    const raw = await post(`${server.url}/api/v1/simulations`, image, "image/png");
    assert.deepEqual([raw.status, raw.body.code], [415, "media_type_unsupported"]);
  });

  test("an image of another type than it says is refused", async () => {
    const { status, body } = await post(`${server.url}/api/v1/sketches`, "<svg/>", "image/png");
    assert.deepEqual([status, body.code], [415, "image_unsupported"]);
  });

  test("what became of them is counted", async () => {
    assert.ok((await metric(server, 'simgen_sketches_total{by="embedded",outcome="ok"}')) >= 6);
    assert.equal(await metric(server, "simgen_sketch_threads"), 1);
    assert.equal(await metric(server, "simgen_sketches_queued"), 0);
    const { body } = await new Visitor(server).request("GET", "/health/detailed");
    assert.equal(body.status, "healthy");
  });
});
