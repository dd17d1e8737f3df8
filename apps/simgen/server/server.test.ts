import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CLOSE, encodeHello } from "@holdfast/protocol";
import WebSocket from "ws";
import { PENDULUM } from "../cv/service.fixture.ts";
import { PROBLEMS } from "../service/problem.ts";
import { explosive, heap } from "../sim/scenes.fixture.ts";
import { metric, startServer, suiteServer, Visitor } from "./server.fixture.ts";

describe("SimGen over HTTP and WebSocket", () => {
  const server = suiteServer();

  test("a template becomes a live simulation that its visitor can steer", async () => {
    const visitor = new Visitor(server);
    const made = await visitor.create({ template: "cart-pole" });
    assert.equal(made.planner, "template");
    assert.deepEqual(made.warnings, []);

    const talk = await visitor.connect();
    talk.send({ type: "watch", simulation: made.id });
    const begun = await talk.message("simulation");
    assert.equal(begun.simulation.id, made.id);
    const first = await talk.until("frame", () => talk.frames[0]);
    assert.equal(first.run, begun.run);
    assert.equal(first.keyframe, true);
    assert.equal(first.positions.length, made.scene.bodies.length * 3);
    await talk.frame((frame) => frame.step > first.step + 60);

    const [actuator] = made.scene.actuators;
    assert.ok(actuator);
    talk.send({ type: "control", simulation: made.id, actuator: actuator.id, value: actuator.range[1] });
    await talk.message("status", (status) => status.controls[0] === actuator.range[1]);

    talk.send({ type: "pause", simulation: made.id });
    await talk.message("status", (status) => status.state === "paused");
    const paused = await talk.frame((frame) => frame.paused);
    talk.send({ type: "reset", simulation: made.id });
    const reset = await talk.frame((frame) => frame.epoch !== paused.epoch);
    assert.equal(reset.step, 0);
    talk.send({ type: "resume", simulation: made.id });
    await talk.frame((frame) => !frame.paused && frame.step > 10);

    talk.send({ type: "ping", at: 17 });
    assert.equal((await talk.message("pong")).at, 17);
    await talk.close();
  });

  test("frames come 60 a second, and another viewer starts with a keyframe", async () => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ template: "pendulum" });
    const one = await visitor.connect();
    one.send({ type: "watch", simulation: id });
    await one.frame((frame) => frame.step > 300);
    const other = await visitor.connect();
    other.send({ type: "watch", simulation: id });
    const first = await other.until("frame", () => other.frames[0]);
    assert.equal(first.keyframe, true);
    assert.ok(first.step >= 300, "it joins the simulation where it is");
    const steps = one.frames.map((frame) => frame.step);
    assert.ok(
      steps.every((step, index) => index === 0 || step >= (steps[index - 1] ?? 0)),
      "frames come in order",
    );
    await one.close();
    await other.close();
  });

  test("a visitor sees only its own simulations", async () => {
    const owner = new Visitor(server);
    const other = new Visitor(server);
    const { id } = await owner.create({ template: "pendulum" });
    await other.create({ template: "seesaw" });
    const path = `/api/v1/simulations/${id}`;
    assert.equal((await owner.request("GET", path)).body.id, id);
    for (const method of ["GET", "DELETE"]) {
      const answer = await other.request(method, path);
      assert.equal(answer.status, 404);
      assert.equal(answer.body.code, "simulation_not_found");
    }
    assert.ok(
      !(await other.request("GET", "/api/v1/simulations")).body.simulations.some(
        (each: { id: string }) => each.id === id,
      ),
    );
    const talk = await other.connect();
    talk.send({ type: "watch", simulation: id });
    assert.equal((await talk.message("error")).code, "simulation_not_found");
    talk.send({ type: "pause", simulation: id });
    await talk.message("error", (error) => error.code === "simulation_not_running");
    await talk.close();

    assert.equal((await owner.request("DELETE", path)).status, 204);
    assert.equal((await owner.request("GET", path)).status, 404);
  });

  test("a list comes newest first, in pages", async () => {
    const visitor = new Visitor(server);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await visitor.create({ template: "pendulum" })).id);
    const seen: string[] = [];
    let before = "";
    for (let page = 0; page < 3; page++) {
      const { body } = await visitor.request("GET", `/api/v1/simulations?limit=2${before}`);
      seen.push(...body.simulations.map((each) => each.id));
      before = `&before=${body.next}`;
      assert.equal(body.next === null, page === 2);
    }
    assert.deepEqual(seen, ids);
  });

  test("deleting a simulation ends it for those who watch", async () => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ template: "pendulum" });
    const talk = await visitor.connect();
    talk.send({ type: "watch", simulation: id });
    await talk.frame();
    await visitor.request("DELETE", `/api/v1/simulations/${id}`);
    const ended = await talk.message("status", (status) => status.state === "stopped");
    assert.equal(ended.message, "it was deleted");
    await talk.close();
  });

  describe("bad input gets a clear error and harms nobody", () => {
    const body = {
      id: "a",
      pos: [0, 0, 1],
      joints: [{ id: "a", type: "free" }],
      geoms: [{ type: "sphere", size: [0.1] }],
    };
    const table: [string, unknown, number, string, RegExp][] = [
      ["broken JSON", '{"prompt": "a', 400, "json_malformed", /expected JSON/],
      [
        "a NaN",
        '{"scene": {"name": "x", "gravity": [0, 0, NaN], "bodies": []}}',
        400,
        "json_malformed",
        /expected JSON/,
      ],
      ["no body fields", {}, 400, "request_invalid", /exactly one of prompt, template, scene and sketch/],
      ["two kinds at once", { prompt: "a pendulum", template: "pendulum" }, 400, "request_invalid", /exactly one/],
      [
        "an unknown field",
        { prompt: "a pendulum", xml: "<mujoco/>" },
        400,
        "request_invalid",
        /no unknown fields, got also xml/,
      ],
      ["a prompt that is no text", { prompt: 7 }, 400, "request_invalid", /prompt: expected string, got 7/],
      [
        "an endless prompt",
        { prompt: "ball ".repeat(1000) },
        400,
        "request_invalid",
        /prompt: expected at most 2000 characters/,
      ],
      [
        "an unknown template",
        { template: "perpetuum-mobile" },
        404,
        "template_unknown",
        /expected one of .*pendulum.*, got perpetuum-mobile/,
      ],
      [
        "a wrong parameter",
        { template: "pendulum", params: { length: -1 } },
        400,
        "request_invalid",
        /params\.length: expected at least .*, got -1/,
      ],
      ["nonsense", { prompt: "qwertyuiop zxcvb" }, 422, "prompt_not_understood", /./],
      [
        "a sketch that is none",
        { sketch: "data" },
        400,
        "request_invalid",
        /sketch: expected an object with one of the fields strokes, recognition, picture, got "data"/,
      ],
      [
        "a sketch with a point that is none",
        { sketch: { strokes: [[[0, "x"]]] } },
        400,
        "request_invalid",
        /sketch\.strokes\[0\]\[0\]\[1\]: expected number, got "x"/,
      ],
      ["a sketch of nothing", { sketch: { strokes: [[[1, 1]]] } }, 422, "sketch_not_understood", /./],
      [
        "an image that is none",
        { sketch: { picture: { mediaType: "image/png", data: "PHN2Zz48L3N2Zz4=" } } },
        400,
        "request_invalid",
        /sketch\.picture\.data: expected a picture of that media type/,
      ],
      [
        "an image that is not in base64",
        { sketch: { picture: { mediaType: "image/png", data: `iVBORw0KGgo${"-:".repeat(99)}` } } },
        400,
        "request_invalid",
        /sketch\.picture\.data: expected base64/,
      ],
      [
        "an image that ends early",
        { sketch: { picture: { mediaType: "image/png", data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAY=" } } },
        422,
        "image_damaged",
        /./,
      ],
      [
        "a prompt beside a template",
        { prompt: "a ball", template: "pendulum" },
        400,
        "request_invalid",
        /exactly one of prompt, template, scene and sketch/,
      ],
      [
        "a picture beside a sketch",
        {
          ...{ prompt: "a ball", sketch: PENDULUM },
          picture: { mediaType: "image/png", data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAY=" },
        },
        400,
        "request_invalid",
        /picture: expected a picture only beside a prompt; a sketch has its own/,
      ],
      [
        "JSON 10,000 deep",
        `{"sketch":{"strokes":${"[".repeat(10_000)}${"]".repeat(10_000)}}}`,
        400,
        "request_invalid",
        /sketch\.strokes/,
      ],
      [
        "an unknown scene field",
        { scene: { name: "x", bodies: [body], include: "/etc/passwd" } },
        422,
        "scene_invalid",
        /scene: expected no unknown fields, got also include/,
      ],
      [
        "10,000 bodies",
        { scene: { name: "x", bodies: Array(10_000).fill({ id: "a", pos: [0, 0, 0], geoms: [] }) } },
        422,
        "scene_invalid",
        /scene\.bodies: expected at most 200 items/,
      ],
      [
        "raw XML in an id",
        { scene: { name: "x", bodies: [{ ...body, id: '"/><include file="x"/>' }] } },
        422,
        "scene_invalid",
        /scene\.bodies\[0\]\.id: expected a letter/,
      ],
      ["a scene that explodes", { scene: explosive }, 422, "scene_unstable", /grew without bound/],
      [
        "a scene that is far too slow",
        { scene: heap(150, 0.0001) },
        422,
        "scene_too_slow",
        /expected at least 10 %|not computed within/,
      ],
    ];
    for (const [name, input, status, code, detail] of table)
      test(name, async () => {
        const answer = await new Visitor(server).request("POST", "/api/v1/simulations", input);
        assert.equal(answer.body.code, code, JSON.stringify(answer.body).slice(0, 400));
        assert.equal(answer.status, status);
        assert.match(answer.body.detail, detail);
        assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
        assert.equal(answer.body.title, PROBLEMS[code as keyof typeof PROBLEMS].title);
        if (code === "prompt_not_understood") assert.ok(answer.body.suggestions.length >= 3);
      });

    test("a body that is larger than a sketch of 10 MiB", async () => {
      const answer = await new Visitor(server).request("POST", "/api/v1/simulations", {
        prompt: "x".repeat(16_000_000),
      });
      assert.equal(answer.status, 413);
      assert.equal(answer.body.code, "body_too_large");
    });

    test("a body that is not JSON", async () => {
      const response = await fetch(`${server.url}/api/v1/simulations`, {
        method: "POST",
        body: "a=1",
        headers: { "content-type": "text/csv" },
      });
      assert.equal(response.status, 415);
      assert.equal((await response.json()).code, "media_type_unsupported");
    });

    test("a path that is not there", async () => {
      const answer = await new Visitor(server).request("GET", "/api/v1/nothing");
      assert.equal(answer.status, 404);
      assert.equal(answer.body.code, "not_found");
    });

    test("messages with wrong fields", async () => {
      const visitor = new Visitor(server);
      const { id, scene } = await visitor.create({ template: "cart-pole" });
      const neighbour = await visitor.connect();
      neighbour.send({ type: "watch", simulation: id });
      await neighbour.frame();

      const talk = await visitor.connect();
      const [actuator] = scene.actuators;
      assert.ok(actuator);
      const control = { type: "control", simulation: id, actuator: actuator.id };
      const cases: [string | null | Record<string, unknown>, string][] = [
        ["not an object", "message_invalid"],
        [null, "message_invalid"],
        [{ type: "explode" }, "message_invalid"],
        [{ type: "watch", simulation: 7 }, "message_invalid"],
        [{ type: "watch", simulation: id, extra: 1 }, "message_invalid"],
        [{ type: "watch", simulation: "nobody's" }, "simulation_not_found"],
        [{ ...control, value: null }, "message_invalid"],
        [{ ...control, actuator: "nothing", value: 0 }, "actuator_unknown"],
        [{ ...control, value: actuator.range[1] + 1 }, "control_out_of_range"],
      ];
      for (const [message, code] of cases) {
        const from = talk.messages.length;
        talk.send(message);
        const error = await talk.message("error", () => true, from);
        assert.equal(error.code, code, JSON.stringify(message));
        if (code === "message_invalid") assert.ok(error.issues?.[0]?.expected);
        else assert.equal(error.simulation, (message as { simulation: string }).simulation);
      }
      const seen = neighbour.frames.length;
      await neighbour.until("more frames", () => neighbour.frames.length > seen + 30 || undefined);
      assert.deepEqual(talk.events, ["open"], "it is the same session, on the same line");
      await talk.close();
      await neighbour.close();
    });

    test("garbage on the WebSocket costs the line, and nobody else's", async () => {
      const visitor = new Visitor(server);
      const { id } = await visitor.create({ template: "pendulum" });
      const neighbour = await visitor.connect();
      neighbour.send({ type: "watch", simulation: id });
      await neighbour.frame();

      const hello = encodeHello({ v: 1, n: 1 });
      const garbage: [string[], string | Buffer, number][] = [
        [[], "not json", CLOSE.frameInvalid],
        [[], Buffer.from([1, 2, 3]), CLOSE.frameInvalid],
        [[], '[0,{"v":99,"n":1}]', CLOSE.versionUnsupported],
        [[hello], "null", CLOSE.frameInvalid],
        [[hello], '[1,0,0,{"type":"unwatch"}]', CLOSE.frameInvalid],
        [[hello], "x".repeat(200_000), 1009],
      ];
      for (const [before, message, code] of garbage) {
        const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: visitor.headers });
        await once(socket, "open");
        for (const frame of before) {
          socket.send(frame);
          await once(socket, "message");
        }
        socket.send(message);
        assert.equal((await once(socket, "close"))[0], code, String(message).slice(0, 60));
      }
      const raw = connect(Number(new URL(server.url).port), "127.0.0.1");
      raw.write("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\u0000\u0001garbage");
      raw.on("error", () => {});
      raw.resume();
      await once(raw, "close");

      const seen = neighbour.frames.length;
      await neighbour.until("more frames", () => neighbour.frames.length > seen + 30 || undefined);
      assert.equal((await visitor.request("GET", "/health")).body.status, "healthy");
      await neighbour.close();
    });

    test("a flood of messages is read more slowly, and none is lost", async () => {
      const talk = await new Visitor(server).connect();
      const startedMs = performance.now();
      for (const [first, last] of [
        [0, 999],
        [1000, 1099],
      ] as const) {
        for (let at = first; at <= last; at++) talk.send({ type: "ping", at });
        await talk.message("pong", ({ at }) => at === last);
      }
      const seconds = (performance.now() - startedMs) / 1000;
      assert.ok(seconds > 2, `400 at once, then 200 a second: 1100 took ${seconds.toFixed(1)} s`);
      assert.deepEqual(
        talk.messages.map((message) => message.type === "pong" && message.at),
        Array.from({ length: 1100 }, (_, at) => at),
      );
      await talk.close();
    });

    test("a visitor has 32 sessions and no more; one that has ended or has no connection makes room", async () => {
      const visitor = new Visitor(server);
      await visitor.request("GET", "/api/v1/simulations");
      const talks = await Promise.all(Array.from({ length: 32 }, () => visitor.connect()));
      await visitor.talk().event(`closed ${CLOSE.sessionsTooMany}`);
      await talks.pop()?.close();
      const left = new WebSocket(`${server.url.replace("http", "ws")}/ws`, { headers: visitor.headers });
      await once(left, "open");
      left.send(encodeHello({ v: 1, n: 1 }));
      await once(left, "message");
      await visitor.talk().event(`closed ${CLOSE.sessionsTooMany}`);
      left.terminate();
      while ((await metric(server, 'simgen_sessions_closed_total{reason="lost"}')) < 1) await sleep(10);
      await visitor.connect();
      await (await new Visitor(server).connect()).close();
      await Promise.all(talks.map((talk) => talk.close()));
    });
  });

  test("a page of another origin gets no connection", async () => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`, {
      headers: { origin: "https://evil.example" },
    });
    const [, response] = await once(socket, "unexpected-response");
    assert.equal(response.statusCode, 403);
    socket.on("error", () => {});
    socket.terminate();
  });

  test("a connection that comes first brings the visitor its cookie", async () => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`);
    const [response] = await once(socket, "upgrade");
    const [cookie = ""] = response.headers["set-cookie"] ?? [];
    assert.match(cookie, /^simgen_visitor=.*HttpOnly; SameSite=Lax/);
    socket.terminate();
    const visitor = new Visitor(server, { cookie: cookie.split(";")[0] ?? "" });
    const { headers } = await visitor.request("GET", "/api/v1/simulations");
    assert.equal(headers.get("set-cookie"), null, "it is known from then on");
  });

  test("a forged cookie makes a new visitor", async () => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ template: "pendulum" });
    const [value = ""] = /[^=]+$/.exec(visitor.headers.cookie ?? "") ?? [];
    const forged = new Visitor(server, { cookie: `simgen_visitor=${value.split(".")[0]}.AAAA` });
    assert.equal((await forged.request("GET", `/api/v1/simulations/${id}`)).status, 404);
    assert.match(forged.headers.cookie ?? "", /^simgen_visitor=/);
  });

  test("the visitor cookie is HttpOnly and SameSite=Lax", async () => {
    const { headers } = await new Visitor(server).request("GET", "/api/v1/simulations");
    assert.match(headers.get("set-cookie") ?? "", /HttpOnly; SameSite=Lax/);
    assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
  });

  test("OpenAPI, templates, health and metrics are served", async () => {
    const visitor = new Visitor(server);
    const { body: api } = await visitor.request("GET", "/openapi.json");
    assert.deepEqual(Object.keys(api.paths).sort(), [
      "/api/v1/simulations",
      "/api/v1/simulations/{id}",
      "/api/v1/sketches",
      "/api/v1/templates",
    ]);
    assert.match(JSON.stringify(api.paths["/api/v1/sketches"]), /"application\/json":\{.*"image\/png":\{/);
    assert.match(JSON.stringify(api.paths["/api/v1/simulations"]), /"sketch":\{.*"strokes":\{.*"recognition":\{/);
    assert.match(JSON.stringify(api.paths["/api/v1/simulations"]), /"timestep":\{.*"bodies":\{/);
    const { body: templates } = await visitor.request("GET", "/api/v1/templates");
    assert.ok(templates.templates.length >= 12);
    const packed = await fetch(`${server.url}/api/v1/templates`, { headers: { "accept-encoding": "gzip" } });
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    await packed.arrayBuffer();
    for (const path of ["/health", "/health/live", "/health/ready", "/health/detailed"])
      assert.equal((await visitor.request("GET", path)).body.status, "healthy", path);
    assert.match((await visitor.request("GET", "/metrics")).text, /^simgen_simulations_running \d+$/m);
  });
});

test("API keys own what they make, and a wrong one is refused", async (t) => {
  const server = await startServer(t, { API_KEYS: "first-key-of-a-client,second-key-of-a-client" });
  const first = new Visitor(server, { authorization: "Bearer first-key-of-a-client" });
  const second = new Visitor(server, { authorization: "Bearer second-key-of-a-client" });
  const { id } = await first.create({ template: "pendulum" });
  assert.equal((await first.request("GET", `/api/v1/simulations/${id}`)).status, 200);
  assert.equal((await second.request("GET", `/api/v1/simulations/${id}`)).status, 404);
  const answer = await new Visitor(server, { authorization: "Bearer wrong" }).request("GET", "/api/v1/simulations");
  assert.equal(answer.status, 401);
  assert.equal(answer.body.code, "unauthorized");
});

test("what people made is there after a restart, and SIGTERM ends cleanly", async (t) => {
  const server = await startServer(t);
  const visitor = new Visitor(server);
  const { id } = await visitor.create({ template: "pulley" });
  const talk = await visitor.connect();
  talk.send({ type: "watch", simulation: id });
  await talk.frame();
  assert.ok(talk.line);
  const closed = once(talk.line, "close");
  assert.equal(await server.stop(), 0);
  assert.equal((await closed)[0], CLOSE.draining);
  await talk.close();

  const again = await startServer(t, { DATA_DIR: server.dataDir });
  const back = new Visitor(again, visitor.headers);
  assert.equal((await back.request("GET", `/api/v1/simulations/${id}`)).body.id, id);
  const next = await back.connect();
  next.send({ type: "watch", simulation: id });
  await next.frame();
  await assert.rejects(startServer(t, { DATA_DIR: server.dataDir }), /DATA_DIR is in use by process \d+/);
  assert.equal(await again.stop("SIGINT"), 0);
});

test("a bad environment variable stops the start with one line", async (t) => {
  await assert.rejects(startServer(t, { PORT: "eighty" }), /simgen: PORT: expected number, got "eighty"\n$/);
});

test("an empty environment variable counts as missing, for the libraries too", async (t) => {
  const server = await startServer(t, {
    ANTHROPIC_API_KEY: "a-key",
    ANTHROPIC_BASE_URL: "",
    COOKIE_SECRET_FILE: "/dev/null",
  });
  assert.equal((await new Visitor(server).request("GET", "/health/live")).status, 200);
});
