import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import WebSocket from "ws";
import { explosive, heap } from "../sim/scenes.fixture.ts";
import { PROBLEMS } from "./problem.ts";
import { startServer, suiteServer, Visitor } from "./server.fixture.ts";

describe("SimGen over HTTP and WebSocket", () => {
  const server = suiteServer();

  test("a template becomes a live simulation that its visitor can steer", async () => {
    const visitor = new Visitor(server);
    const made = await visitor.create({ template: "cart-pole" });
    assert.equal(made.planner, "template");
    assert.deepEqual(made.warnings, []);

    const socket = await visitor.connect();
    socket.send({ type: "watch", simulation: made.id });
    const begun = await socket.message("simulation");
    assert.equal(begun.simulation.id, made.id);
    assert.deepEqual(begun.scene, made.scene);
    const first = await socket.frame();
    assert.equal(first.run, begun.run);
    assert.equal(first.keyframe, true);
    assert.equal(first.positions.length, made.scene.bodies.length * 3);
    await socket.frame((frame) => frame.step > first.step + 60);

    const [actuator] = made.scene.actuators;
    assert.ok(actuator);
    socket.send({ type: "control", simulation: made.id, actuator: actuator.id, value: actuator.range[1] });
    await socket.message("status", (status) => status.controls[0] === actuator.range[1]);

    socket.send({ type: "pause", simulation: made.id });
    await socket.message("status", (status) => status.state === "paused");
    const paused = await socket.frame((frame) => frame.paused);
    socket.send({ type: "reset", simulation: made.id });
    const reset = await socket.frame((frame) => frame.epoch !== paused.epoch);
    assert.equal(reset.step, 0);
    socket.send({ type: "resume", simulation: made.id });
    await socket.frame((frame) => !frame.paused && frame.step > 10);

    socket.send({ type: "ping", at: 17 });
    assert.equal((await socket.message("pong")).at, 17);
    socket.socket.close();
  });

  test("frames come 60 a second, and another viewer starts with a keyframe", async () => {
    const visitor = new Visitor(server);
    const { id } = await visitor.create({ template: "pendulum" });
    const one = await visitor.connect();
    one.send({ type: "watch", simulation: id });
    await one.frame((frame) => frame.step > 300);
    const other = await visitor.connect();
    other.send({ type: "watch", simulation: id });
    const first = await other.until("frame", (socket) => socket.frames[0]);
    assert.equal(first.keyframe, true);
    assert.ok(first.step >= 300, "it joins the simulation where it is");
    const steps = one.frames.map((frame) => frame.step);
    assert.ok(
      steps.every((step, index) => index === 0 || step >= (steps[index - 1] ?? 0)),
      "frames come in order",
    );
    one.socket.close();
    other.socket.close();
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
    const socket = await other.connect();
    socket.send({ type: "watch", simulation: id });
    assert.equal((await socket.message("error")).code, "simulation_not_found");
    socket.send({ type: "pause", simulation: id });
    await socket.message("error", (error) => error.code === "simulation_not_running");
    socket.socket.close();

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
    const socket = await visitor.connect();
    socket.send({ type: "watch", simulation: id });
    await socket.frame();
    await visitor.request("DELETE", `/api/v1/simulations/${id}`);
    const ended = await socket.message("status", (status) => status.state === "stopped");
    assert.equal(ended.message, "it was deleted");
    socket.socket.close();
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
      ["a sketch", { sketch: "data" }, 501, "sketch_unavailable", /./],
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

    test("a body of 10 MB", async () => {
      const answer = await new Visitor(server).request("POST", "/api/v1/simulations", {
        prompt: "x".repeat(10_000_000),
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

    test("garbage on the WebSocket", async () => {
      const visitor = new Visitor(server);
      const { id, scene } = await visitor.create({ template: "cart-pole" });
      const neighbour = await visitor.connect();
      neighbour.send({ type: "watch", simulation: id });
      await neighbour.frame();

      const socket = await visitor.connect();
      const [actuator] = scene.actuators;
      assert.ok(actuator);
      const cases: [string | Buffer | Record<string, unknown>, string][] = [
        ["not json", "message_invalid"],
        [Buffer.from([1, 2, 3]), "message_invalid"],
        ["null", "message_invalid"],
        [{ type: "explode" }, "message_invalid"],
        [{ type: "watch", simulation: 7 }, "message_invalid"],
        [{ type: "watch", simulation: id, extra: 1 }, "message_invalid"],
        [{ type: "watch", simulation: "nobody's" }, "simulation_not_found"],
        [`{"type":"control","simulation":"${id}","actuator":"${actuator.id}","value":1e999}`, "message_invalid"],
        [{ type: "control", simulation: id, actuator: "nothing", value: 0 }, "actuator_unknown"],
        [
          { type: "control", simulation: id, actuator: actuator.id, value: actuator.range[1] + 1 },
          "control_out_of_range",
        ],
      ];
      for (const [message, code] of cases) {
        const from = socket.messages.length;
        socket.send(message);
        assert.equal((await socket.message("error", () => true, from)).code, code, String(message));
      }
      const seen = neighbour.frames.length;
      await neighbour.until("more frames", () => neighbour.frames.length > seen + 30 || undefined);
      assert.equal(socket.socket.readyState, WebSocket.OPEN);

      socket.send("x".repeat(200_000));
      assert.equal((await once(socket.socket, "close"))[0], 1009);
      const raw = connect(Number(new URL(server.url).port), "127.0.0.1");
      raw.write("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\u0000\u0001garbage");
      raw.on("error", () => {});
      raw.resume();
      await once(raw, "close");
      assert.equal((await visitor.request("GET", "/health")).body.status, "healthy");
      neighbour.socket.close();
    });

    test("a flood of messages is refused, and the connection lives on", async () => {
      const socket = await new Visitor(server).connect();
      for (let i = 0; i < 1000; i++) socket.send({ type: "ping", at: i });
      await socket.message("error", (error) => error.code === "message_too_often");
      await socket.until("a pong after the flood", () => {
        socket.send({ type: "ping", at: -1 });
        return socket.messages.some((message) => message.type === "pong" && message.at === -1) || undefined;
      });
      socket.socket.close();
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
      "/api/v1/templates",
    ]);
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
  const socket = await visitor.connect();
  socket.send({ type: "watch", simulation: id });
  await socket.frame();
  const closed = once(socket.socket, "close");
  assert.equal(await server.stop(), 0);
  assert.equal((await closed)[0], 1001);

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
