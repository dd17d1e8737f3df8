import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { CLOSE } from "@holdfast/protocol";
import { WebSocket as NodeWebSocket } from "ws";
import type { Connection, ConnectionEvents, ConnectOptions } from "./client.ts";
import { ClientError } from "./client-error.ts";
import { connect } from "./index.ts";
import { ScriptedServer } from "./scripted-server.fixture.ts";

type Numbers = { toClient: number; toServer: number };

// ---- opening ----

test("a session opens, and messages arrive in order", async (t) => {
  const { server, connection, events } = await setup(t);
  assert.equal(connection.state, "connecting");
  const line = await server.hello();
  assert.deepEqual(line.hello, { v: 1, n: 1 });
  line.welcome();
  line.send([1, 1, 0, 10, 20]);
  line.send([1, 3, 0, 30]);
  await told(connection, "message", 30);
  assert.equal(connection.id, "s1");
  assert.deepEqual(events, [
    "state open",
    'open {"id":"s1","resumed":false}',
    "message 10",
    "message 20",
    "message 30",
  ]);
});

test("connections do not mix, also when made in the same tick", async (t) => {
  const { server, connection } = await setup(t);
  const other = connect(server.url);
  t.after(() => other.close());
  const lines = await Promise.all([server.hello(), server.hello()]);
  lines.forEach((line, i) => {
    line.welcome({ id: `s${i}` });
    line.send([1, 1, 0, `to s${i}`]);
  });
  const messages = await Promise.all([connection, other].map(async (each) => [await next(each, "message"), each.id]));
  assert.deepEqual(messages.map(([message]) => message).sort(), ["to s0", "to s1"]);
  for (const [message, id] of messages) assert.equal(message, `to ${id}`);
});

test("`ws` and headers of one's own go in as the option WebSocket", async (t) => {
  class WithCookie extends NodeWebSocket {
    constructor(url: string) {
      super(url, { headers: { cookie: "visitor=1" } });
    }
  }
  const { server, connection } = await setup(t, { WebSocket: WithCookie });
  (await server.welcomed()).sendLane("frames", "abc");
  await told(connection, "state", "open");
});

test("in a page, the address may be relative to it", async (t) => {
  const server = await started(t);
  t.after(stub("location", { href: new URL("/page?x", server.url.replace("ws", "http")).href }));
  const connection = connect("/chat");
  t.after(() => connection.close());
  await server.welcomed();
  await told(connection, "state", "open");
});

test("what cannot be connected is refused at once, by name", () => {
  const refused = (url: string, options: ConnectOptions, message: RegExp) =>
    assert.throws(
      () => connect(url, options),
      (error) => error instanceof ClientError && error.code === "option_invalid" && message.test(error.message),
    );
  refused("/chat", {}, /^url: expected ws:, wss:, http: or https:, got \/chat$/);
  refused("ftp://host/", {}, /^url: .* got ftp:/);
  refused("ws://host/", { queueMax: 0 }, /^queueMax: expected a number above 0, got 0$/);
  refused("ws://host/", { backoffMinMs: Number.NaN }, /^backoffMinMs: /);
});

test("the token goes in the hello, a function is asked at every attempt", async (t) => {
  let asked = 0;
  const { server } = await setup(t, { token: async () => `ticket ${++asked}` });
  const line = await server.welcomed();
  assert.equal(line.hello.token, "ticket 1");
  line.drop();
  assert.equal((await server.hello()).hello.token, "ticket 2");
});

test("a token that cannot be had, or takes too long, is a failed attempt", async (t) => {
  const answers = [
    () => Promise.reject(new Error("no ticket")),
    () => {
      throw new Error("no ticket at all");
    },
    () => new Promise<string>(() => {}),
    () => "ticket",
  ];
  const { server, events } = await setup(t, { token: () => answers.shift()!(), connectTimeoutMs: 500 });
  const line = await server.hello();
  assert.deepEqual([line.hello.n, line.hello.token], [4, "ticket"]);
  assert.deepEqual(
    events.map((event) => event.replace(/"inMs":[\d.]+,/, "")),
    [
      'retry {"code":1006,"reason":"Error: no ticket"}',
      'retry {"code":1006,"reason":"Error: no ticket at all"}',
      'retry {"code":4002,"reason":"no welcome in time"}',
    ],
  );
});

// ---- sending ----

test("all that is sent in one go leaves in one frame, numbered, and what was sent before there was a line as well", async (t) => {
  const { server, connection } = await setup(t);
  assert.deepEqual([connection.send(10), connection.send(20)], [1, 2]);
  const line = await server.welcomed();
  assert.deepEqual(await line.frame(), [1, 1, 0, 10, 20]);
  connection.send(30);
  connection.send(40);
  await Promise.resolve().then(() => connection.send(50));
  assert.deepEqual(await line.frame(), [1, 3, 0, 30, 40]);
  assert.deepEqual(await line.frame(), [1, 5, 0, 50]);
});

test("a message is sent as it was when it was sent", async (t) => {
  const { server, connection } = await setup<{ toClient: never; toServer: { x: number } }>(t);
  const message = { x: 1 };
  connection.send(message);
  message.x = 2;
  assert.deepEqual(await (await server.welcomed()).frame(), [1, 1, 0, { x: 1 }]);
});

test("whenAcknowledged resolves once the server has handled all so far", async (t) => {
  const { server, connection } = await setup(t);
  await connection.whenAcknowledged();
  const line = await server.welcomed();
  connection.send(1);
  connection.send(2);
  const acknowledged = connection.whenAcknowledged();
  await line.frame();
  line.send([2, 1]);
  line.send([1, 1, 1, 7]);
  await told(connection, "message", 7);
  assert.equal(connection.unacknowledged, 1);
  line.send([1, 2, 2, 8]);
  await acknowledged;
  assert.equal(connection.unacknowledged, 0);
});

test("what cannot be sent is refused by name, and takes no number", async (t) => {
  const { connection } = await setup<{ toClient: never; toServer: unknown }>(t, { queueMax: 3, messageBytesMax: 30 });
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  const refused = (message: unknown, code: string) => assert.throws(() => connection.send(message), { code });
  refused(undefined, "message_not_json");
  refused(() => {}, "message_not_json");
  refused(circle, "message_not_json");
  refused(10n, "message_not_json");
  refused("x".repeat(29), "message_too_large");
  refused("€".repeat(10), "message_too_large");
  assert.equal(connection.send("x".repeat(28)), 1);
  assert.equal(connection.send("€".repeat(9)), 2);
  assert.equal(connection.send(null), 3);
  refused(1, "queue_full");
  await connection.close();
  refused(1, "closed");
});

// ---- acknowledging ----

test("what has arrived is acknowledged soon, and not one by one", async (t) => {
  const { server, connection } = await setup(t);
  const line = await server.welcomed();
  for (let i = 1; i <= 10; i++) line.send([1, i, 0, i]);
  assert.deepEqual(await line.frame(), [2, 10]);
  for (let i = 11; i <= 20; i++) line.send([1, i, 0, i]);
  await told(connection, "message", 20);
  connection.send(1);
  assert.deepEqual(await line.frame(), [1, 1, 20, 1], "carried by a message");
  await pause(250);
  assert.equal(line.waiting, 0, "and not told twice");
});

test("under load, 64 messages are acknowledged at once", async (t) => {
  const start = setTimeout;
  t.mock.method(globalThis, "setTimeout", (work: () => void, ms: number) => ms !== 200 && start(work, ms));
  const { server } = await setup(t);
  const line = await server.welcomed();
  for (let i = 1; i <= 640; i++) line.send([1, i, 0, i]);
  for (let acknowledged = 64; acknowledged <= 640; acknowledged += 64)
    assert.deepEqual(await line.frame(), [2, acknowledged]);
});

test("a message that a handler has not seen yet is not acknowledged", async (t) => {
  const { server, connection } = await setup(t);
  connection.on("message", (message) => connection.send(message));
  const line = await server.welcomed();
  line.send([1, 1, 0, 10, 20]);
  assert.deepEqual(await line.frame(), [1, 1, 2, 10, 20]);
});

test("an acknowledgement that is due when the line breaks does not disturb the next one", async (t) => {
  const silent = createTcpServer().listen(0);
  t.after(() => silent.close());
  let attempts = 0;
  class Diverted extends WebSocket {
    constructor(url: string) {
      super(attempts++ === 0 ? url : `ws://localhost:${(silent.address() as AddressInfo).port}/`);
    }
  }
  const { server, connection } = await setup(t, { WebSocket: Diverted });
  const line = await server.welcomed();
  line.send([1, 1, 0, 10]);
  await told(connection, "message", 10);
  line.drop();
  const [socket] = await once(silent, "connection");
  t.after(() => socket.destroy());
  await pause(250); // to write on a socket that is not open yet would throw
  assert.equal(connection.state, "reconnecting");
});

test("a ping is answered at once", async (t) => {
  const { server, connection } = await setup(t);
  const line = await server.welcomed();
  line.send([1, 1, 0, 10]);
  line.send([3]);
  assert.deepEqual(await line.frame(), [2, 1]);
  line.send([3]);
  assert.deepEqual(await line.frame(), [2, 1]);
  assert.equal(connection.state, "open");
});

// ---- coming back ----

test("after a break the session goes on, with what is missing on either side", async (t) => {
  const { server, connection, events } = await setup(t);
  const first = await server.welcomed();
  for (const message of [1, 2, 3]) connection.send(message);
  first.send([1, 1, 0, 10, 20]);
  await told(connection, "message", 20);
  await first.frame();
  first.drop();
  await told(connection, "state", "reconnecting");
  connection.send(4);

  const second = await server.hello();
  assert.deepEqual(second.hello, { v: 1, n: 2, id: "s1", secret: "x1", epoch: "e1", offset: 2, welcomed: 1 });
  second.welcome({ seq: 1 });
  assert.deepEqual(await second.frame(), [1, 2, 2, 2, 3, 4]);
  second.send([1, 3, 1, 30]);
  await told(connection, "message", 30);
  const resumed = events.find((event) => event.startsWith("resumed"))!;
  assert.match(resumed, /^resumed {"afterMs":\d/);
  assert.deepEqual(
    events.filter((event) => !/^(retry|resumed)/.test(event)),
    ["state open", 'open {"id":"s1","resumed":false}', "message 10", "message 20"].concat([
      "state reconnecting",
      "state open",
      "message 30",
    ]),
  );
});

test("a batch that comes twice, or reaches back, is taken once", async (t) => {
  const { server, connection, events } = await setup(t);
  const line = await server.welcomed();
  line.send([1, 1, 0, 10, 20]);
  line.send([1, 1, 0, 10, 20]);
  line.send([1, 1, 0, 10, 20, 30]);
  line.send([1, 3, 0, 30, 40]);
  await told(connection, "message", 40);
  assert.deepEqual(messagesIn(events), [10, 20, 30, 40]);
});

test("a hole is never stepped over: the client hangs up with 4005 and has the log read again", async (t) => {
  const { server, connection, events } = await setup(t);
  const line = await server.welcomed();
  line.send([1, 1, 0, 10]);
  line.send([1, 3, 0, 30]);
  assert.equal(await line.closed, CLOSE.resync);
  const again = await server.welcomed();
  assert.equal(again.hello.offset, 1);
  again.send([1, 2, 0, 20, 30]);
  await told(connection, "message", 30);
  assert.deepEqual(messagesIn(events), [10, 20, 30]);
});

test("a gap sets the cursor and is told", async (t) => {
  const { server, connection, events } = await setup(t);
  const line = await server.welcomed();
  line.send([1, 1, 0, 10]);
  line.send([4, "e2", 700]);
  line.send([1, 701, 0, 20]);
  await told(connection, "message", 20);
  line.drop();
  const { hello } = await server.hello();
  assert.deepEqual([hello.epoch, hello.offset], ["e2", 701]);
  assert.deepEqual(events.slice(2, 5), ["message 10", 'gap {"unconfirmed":[]}', "message 20"]);
});

test("a gap after the welcome is told once, wherever the welcome says the stream goes on", async (t) => {
  for (const welcome of [{}, { epoch: "e2", offset: 9 }]) {
    const { server, connection, events } = await setup(t);
    (await server.welcomed()).drop();
    const line = await server.welcomed(welcome);
    line.send([4, "e2", 9]);
    line.send([1, 10, 0, 20]);
    await told(connection, "message", 20);
    assert.deepEqual(
      events.slice(4).map((event) => event.replace(/ .*/, "")),
      ["state", "resumed", "gap", "message"],
    );
  }
});

test("a gap that only the welcome shows is told as well", async (t) => {
  for (const welcome of [{ epoch: "e2" }, { offset: 9 }]) {
    const { server, connection } = await setup(t);
    (await server.welcomed()).drop();
    server.welcomed(welcome);
    await next(connection, "gap");
  }
});

test("a second gap at the same place is told again", async (t) => {
  const { server, connection, events } = await setup(t);
  (await server.welcomed()).drop();
  const line = await server.welcomed({ epoch: "e2", offset: 9 });
  line.send([4, "e2", 9]);
  line.send([4, "e2", 9]);
  line.send([1, 10, 0, 20]);
  await told(connection, "message", 20);
  assert.equal(events.filter((event) => event.startsWith("gap")).length, 2);
});

test("when the session is lost, the application learns which messages may not have been handled; the others follow", async (t) => {
  const { server, connection, events } = await setup(t);
  const first = await server.welcomed();
  for (const message of [1, 2, 3]) connection.send(message);
  await first.frame();
  first.send([2, 1]);
  first.drop();
  await told(connection, "state", "reconnecting");
  connection.send(4);
  const acknowledged = assert.rejects(connection.whenAcknowledged(), { code: "unconfirmed" });
  const second = await server.welcomed({ id: "s2", secret: "x2", epoch: "e2", offset: 0, resumed: false });
  assert.deepEqual(await second.frame(), [1, 1, 0, 4]);
  await acknowledged;
  assert.deepEqual(events.slice(-2), ['open {"id":"s2","resumed":false}', 'gap {"unconfirmed":[2,3]}']);
  second.drop();
  const { hello } = await server.hello();
  assert.deepEqual([hello.id, hello.secret, hello.n], ["s2", "x2", 3]);
});

test("a welcome to a session that is not one's own is no welcome", async (t) => {
  const { server } = await setup(t);
  (await server.welcomed()).drop();
  const line = await server.welcomed({ id: "s9" });
  assert.equal(await line.closed, CLOSE.frameInvalid);
  const { hello } = await server.hello();
  assert.deepEqual([hello.id, hello.n], ["s1", 3]);
});

const COME_BACK = [1000, 1001, 1011, 1012, 1013, 3000, 4000, 4001, 4002, 4003, 4004, 4005, 4499];
const STOP = [1002, 1003, 1007, 1008, 1009, 4500, 4501, 4502, 4503, 4504, 4505, 4506, 4999];

test("close codes say whether to come back", async (t) => {
  const server = await started(t);
  for (const code of COME_BACK) {
    const connection = connect(server.url, QUICK);
    (await server.welcomed()).close(code);
    assert.equal((await server.hello()).hello.n, 2, `after ${code}`);
    await connection.close();
  }
  for (const code of STOP) {
    const connection = connect(server.url, QUICK);
    connection.send(1);
    const closed = next(connection, "closed");
    const line = await server.welcomed();
    await line.frame();
    line.close(code, "for a reason");
    assert.deepEqual(await closed, { code, reason: "for a reason", unconfirmed: [1] });
    assert.equal(connection.state, "closed");
    assert.throws(() => connection.send(1), { code: "closed" });
  }
  await pause(50);
  assert.equal(server.waiting, 0, "nobody comes back after a stop");
});

test("sent away by its server, the client is with another at once", async (t) => {
  t.mock.method(Math, "random", () => 1);
  const { server, connection } = await setup(t, { backoffMinMs: 10_000, backoffMaxMs: 20_000 });
  (await server.welcomed()).close(CLOSE.draining);
  assert.equal((await next(connection, "retry")).inMs, 0);
  await server.hello();
});

test("a server that welcomes and hangs up at once is not hammered, whatever code it gives", async (t) => {
  t.mock.method(Math, "random", () => 1);
  for (const [code, waits] of [
    [1001, [1, 2, 4, 8, 16, 32]],
    [CLOSE.draining, [0, 2, 4, 8, 16, 32]],
  ] as const) {
    const { server, connection } = await setup(t, { backoffMinMs: 1, backoffMaxMs: 5000 });
    const retries: number[] = [];
    connection.on("retry", ({ inMs }) => retries.push(inMs));
    while (retries.length < waits.length) {
      (await server.welcomed()).close(code);
      await next(connection, "retry");
    }
    assert.deepEqual(retries, waits);
  }
});

test("where many are connected, each takes its time to come back, and gives the next server time", async (t) => {
  t.mock.method(Math, "random", () => 1);
  const { server, connection } = await setup(t, { backoffMinMs: 1, backoffMaxMs: 50, connectTimeoutMs: 20 });
  const line = await server.welcomed({ spread: 40 });
  line.close(1001);
  assert.equal((await next(connection, "retry")).inMs, 40);
  const hello = await server.hello();
  const waited = performance.now();
  await hello.closed;
  assert.ok(performance.now() - waited > 150, "given up before 20 ms and four times 40");
  // However many a server says there are, the longest wait bounds it.
  (await server.welcomed({ spread: 1e9 })).close(1001);
  assert.equal((await next(connection, "retry")).inMs, 50);
});

test("a server that cannot be reached is tried again, with a reason told", async (t) => {
  const gone = await ScriptedServer.start();
  const url = gone.url;
  gone.close();
  const connection = connect(url, { ...QUICK, WebSocket: NodeWebSocket });
  t.after(() => connection.close());
  // The first may still meet a server that is about to be gone.
  await next(connection, "retry");
  const { code, reason } = await next(connection, "retry");
  assert.equal(code, 1006);
  assert.match(reason, /ECONNREFUSED/);
  assert.equal(connection.state, "connecting");
});

// ---- silence ----

test("a socket that opens and never says welcome is given up, and nothing of it is heard again", async (t) => {
  class Stubborn extends WebSocket {
    override close(): void {} // neither the timeout nor the server's words end it
  }
  const { server, connection, events } = await setup(t, { connectTimeoutMs: 500, WebSocket: Stubborn });
  const silent = await server.hello();
  const line = await server.hello();
  assert.deepEqual(line.hello, { v: 1, n: 2 });
  silent.welcome({ id: "wrong" });
  silent.send([1, 1, 0, 666]);
  silent.close(CLOSE.replaced);
  await silent.closed;
  line.welcome();
  line.send([1, 1, 0, 10]);
  await told(connection, "message", 10);
  assert.deepEqual(events.slice(1), ["state open", 'open {"id":"s1","resumed":false}', "message 10"]);
  line.drop();
});

test("a line that has gone silent is dead after two and a half heartbeats", async (t) => {
  const { server, connection } = await setup(t);
  const line = await server.welcomed({ heartbeat: 40 });
  const heardAt = performance.now();
  line.goDeaf();
  const { code, reason } = await next(connection, "retry");
  const afterMs = performance.now() - heardAt;
  assert.deepEqual([code, reason], [CLOSE.silent, "the server is silent"]);
  assert.ok(afterMs > 100 && afterMs < 1000, `${afterMs} ms`);
  await server.welcomed();
  await next(connection, "resumed");
});

test("a line that is heard of in time lives", async (t) => {
  const { server, events } = await setup(t);
  const line = await server.welcomed({ heartbeat: 100 });
  for (let i = 0; i < 8; i++) {
    line.send([3]);
    await line.frame();
    await pause(70);
  }
  assert.deepEqual(events.slice(2), []);
});

test("a program that slept reads what came meanwhile before it gives the line up", async (t) => {
  const { server, connection, events } = await setup(t);
  const line = await server.welcomed({ heartbeat: 100 });
  await told(connection, "state", "open");
  line.send([1, 1, 0, 10]);
  const until = performance.now() + 300;
  while (performance.now() < until); // the timers are due before the message is read
  await told(connection, "message", 10);
  for (let i = 0; i < 6; i++) {
    line.send([3]);
    await pause(60);
  }
  assert.deepEqual(events.slice(2), ["message 10"]);
});

// ---- what a browser knows ----

test("offline gives the line up, online tries again at once", async (t) => {
  const { server, connection, page } = await setupPage(t, { backoffMinMs: 10_000, backoffMaxMs: 20_000 });
  await server.welcomed();
  await told(connection, "state", "open");
  page.dispatchEvent(new Event("offline"));
  assert.equal(connection.state, "reconnecting");
  page.dispatchEvent(new Event("online"));
  const attempt = await server.hello();
  assert.equal(attempt.hello.n, 2);
  page.dispatchEvent(new Event("online"));
  assert.equal(await attempt.closed, 1000, "an attempt on the old network is given up");
  assert.equal((await server.welcomed()).hello.n, 3);
  await next(connection, "resumed");
  page.dispatchEvent(new Event("online"));
  await pause(30);
  assert.equal(server.waiting, 0, "a line that lives is kept");
});

test("a page that is shown again tries at once, and looks whether its line still lives", async (t) => {
  const { Counted, made } = countedWebSocket();
  const options = { backoffMinMs: 10_000, backoffMaxMs: 20_000, WebSocket: Counted };
  const { server, connection, page, show } = await setupPage(t, options);
  const line = await server.hello();
  show("visible");
  await pause(300);
  line.welcome({ heartbeat: 500 }); // an attempt has its own time
  await told(connection, "state", "open");
  const heardAt = performance.now();
  line.goDeaf();
  show("visible"); // heard of a moment ago: trusted
  await pause(400);
  assert.equal(connection.state, "open");
  await pause(250);
  show("visible"); // silent for longer than any server is
  assert.equal((await next(connection, "retry")).code, CLOSE.silent);
  const afterMs = performance.now() - heardAt;
  assert.ok(afterMs < 1250, `${afterMs} ms: sooner than two and a half heartbeats`);
  show("hidden");
  page.dispatchEvent(new Event("pageshow"));
  await pause(5);
  assert.equal(made(), 1, "a hidden page waits");
  show("visible");
  await server.welcomed();
  await next(connection, "resumed");
});

test("a hidden page that is online again tries at once", async (t) => {
  const { server, connection, page, show } = await setupPage(t, { backoffMinMs: 10_000, backoffMaxMs: 20_000 });
  (await server.welcomed()).drop();
  await told(connection, "state", "reconnecting");
  show("hidden");
  page.dispatchEvent(new Event("online"));
  await server.hello();
});

test("an attempt made early is the only one", async (t) => {
  t.mock.method(Math, "random", () => 1);
  const { Counted, made } = countedWebSocket();
  const options = { backoffMinMs: 50, backoffMaxMs: 5000, WebSocket: Counted };
  const { server, connection, page } = await setupPage(t, options);
  (await server.welcomed()).drop();
  await told(connection, "state", "reconnecting");
  page.dispatchEvent(new Event("online"));
  await server.welcomed();
  await next(connection, "resumed");
  await pause(150); // past the time of the attempt that was planned
  assert.equal(made(), 2);
});

test("a closed connection lets go of the page", async (t) => {
  const { server, connection, page } = await setupPage(t);
  await server.welcomed();
  await told(connection, "state", "open");
  connection.close();
  page.dispatchEvent(new Event("online"));
  await pause(30);
  assert.equal(server.waiting, 0);
});

// ---- what is wrong ----

test("a frame that cannot be costs the line, and nothing else", async (t) => {
  const { server, connection } = await setup(t);
  const wrong = ["", "x", "null", "{}", "[]", '"0"', "[9]", '["1",1,0,1]', "[1,1]", "[1,1,0.5,1]", "[1,-1,0,1]"].concat(
    [
      "[1,1,1,1]",
      "[2]",
      '[2,"1"]',
      "[2,1e308]",
      "[2,7]",
      "[4]",
      '[4,"e"]',
      "[4,1,1]",
      "[6]",
      "[6,-1]",
      '[0,{"id":"s1"}]',
    ],
  );
  let line = await server.welcomed();
  for (const text of wrong) {
    line.say(text);
    assert.equal(await line.closed, CLOSE.frameInvalid, text);
    line = await server.welcomed();
  }
  line.send([1, 1, 0, 10]);
  await told(connection, "message", 10);
});

test("before the welcome, nothing else counts", async (t) => {
  const { server, events } = await setup(t);
  for (const frame of [[1, 1, 0, 10], [3], [4, "e", 1], [0, {}], [0, null], [0, { resumed: true, id: "s1" }]]) {
    const line = await server.hello();
    line.send(frame);
    assert.equal(await line.closed, CLOSE.frameInvalid);
  }
  for (const field of ["secret", "epoch", "offset", "seq", "heartbeat", "spread"]) {
    const line = await server.welcomed({ [field]: undefined });
    assert.equal(await line.closed, CLOSE.frameInvalid, field);
  }
  assert.ok(events.every((event) => event.startsWith("retry")));
});

test("a handler that throws is reported, the next handler and the next message come all the same", async (t) => {
  const reported: unknown[] = [];
  t.after(stub("reportError", (error: unknown) => reported.push(error)));
  const { server, connection, events } = await setup(t);
  connection.on("message", (message) => {
    throw new Error(`cannot bear ${message}`);
  });
  const after: number[] = [];
  connection.on("message", (message) => after.push(message));
  const line = await server.welcomed();
  line.send([1, 1, 0, 10, 20]);
  assert.deepEqual(await line.frame(), [2, 2]);
  assert.deepEqual(after, [10, 20]);
  assert.deepEqual(messagesIn(events), [10, 20]);
  assert.deepEqual(reported.map(String), ["Error: cannot bear 10", "Error: cannot bear 20"]);
});

test("where there is no reportError, a handler's error is uncaught in a microtask of its own", async () => {
  const { stderr } = await run(`
    process.on("uncaughtException", (error) => console.error("uncaught", error.message));
    const connection = connect("ws://localhost:1/");
    connection.on("retry", () => { connection.close(); throw new Error("of the handler"); });
    connection.on("closed", () => console.error("closed"));
  `);
  assert.deepEqual(stderr.trim().split("\n"), ["closed", "uncaught of the handler"]);
});

test("a handler that was taken away is not called, one that is added meanwhile from the next event on", async (t) => {
  const { server, connection } = await setup(t);
  const heard: string[] = [];
  const handler = (message: number) => heard.push(`twice ${message}`);
  connection.on("message", handler);
  const off = connection.on("message", (message) => {
    heard.push(`once ${message}`);
    connection.on("message", (later) => heard.push(`later ${later}`));
    off();
  });
  const offTwice = connection.on("message", handler);
  const line = await server.welcomed();
  line.send([1, 1, 0, 1, 2]);
  await told(connection, "message", 2);
  assert.deepEqual(heard.splice(0), ["twice 1", "once 1", "twice 1", "twice 2", "twice 2", "later 2"]);
  offTwice();
  line.send([1, 3, 0, 3]);
  await told(connection, "message", 3);
  assert.deepEqual(heard, ["twice 3", "later 3"]);
});

// ---- lanes ----

test("a lane's values arrive by name, as they are", async (t) => {
  const { server, connection } = await setup(t);
  const heard: string[] = [];
  const off = connection.lane("frames").on((bytes) => heard.push(Buffer.from(bytes).toString()));
  const line = await server.welcomed();
  line.sendLane("frames", "one");
  line.sendLane("nobody's", "two");
  line.sendLane("frames", "");
  line.send([1, 1, 0, 10]);
  await told(connection, "message", 10);
  off();
  line.sendLane("frames", "three");
  line.send([1, 2, 0, 20]);
  await told(connection, "message", 20);
  assert.deepEqual(heard, ["one", ""]);
});

test("whoever iterates a lane too slowly gets the latest value only, and the end", async (t) => {
  const { server, connection } = await setup(t);
  const heard: string[] = [];
  const reading = (async () => {
    for await (const bytes of connection.lane("frames")) {
      heard.push(Buffer.from(bytes).toString());
      await next(connection, "message");
    }
  })();
  const line = await server.welcomed();
  line.sendLane("frames", "1");
  await next(connection, "open");
  line.sendLane("frames", "2");
  line.sendLane("frames", "3");
  line.sendLane("frames", "4");
  line.send([1, 1, 0, 10]);
  await told(connection, "message", 10);
  await until(() => heard.length === 2);
  line.send([1, 2, 0, 20]);
  await told(connection, "message", 20);
  connection.close();
  await reading;
  assert.deepEqual(heard, ["1", "4"]);
  for await (const _ of connection.lane("other")) assert.fail("a closed connection has no values");
});

test("a lane's value is sent as it was; without a line, or without room on it, the latest waits", async (t) => {
  let buffered = 0;
  class Crowded extends WebSocket {
    override get bufferedAmount(): number {
      return buffered;
    }
  }
  const { server, connection } = await setup(t, { WebSocket: Crowded, laneBufferedBytesMax: 1000 });
  const lane = connection.lane("pointer");
  const bytes = new Uint8Array([1]);
  lane.send(bytes);
  lane.send(new Uint8Array([2]));
  const line = await server.welcomed();
  assert.equal(await line.value(), "\x07pointer\x02");
  lane.send(bytes);
  bytes[0] = 9;
  assert.equal(await line.value(), "\x07pointer\x01");

  buffered = 1001;
  for (let i = 3; i < 50; i++) lane.send(new Uint8Array([i]));
  connection.lane("other").send(new Uint8Array([0]));
  connection.send(1);
  assert.deepEqual(await line.frame(), [1, 1, 0, 1], "messages do not wait behind lanes");
  buffered = 1000;
  assert.deepEqual([await line.value(), await line.value()], ["\x07pointer1", "\x05other\x00"]);
});

test("a real socket that is full drops what is old, and carries the latest value in the end", async (t) => {
  const { server, connection } = await setup(t, { WebSocket: NodeWebSocket });
  const line = await server.welcomed();
  await told(connection, "state", "open");
  line.goDeaf();
  const value = new Uint8Array(200_000);
  for (let i = 1; i <= 100; i++) {
    value[0] = i;
    connection.lane("x").send(value);
    await pause(1);
  }
  line.hear();
  let values = 0;
  for (let last = 0; last !== 100; values++) last = (await line.value()).charCodeAt(2);
  assert.ok(values < 100, `${values} of 100 came`);
});

test("a lane's name has 1 to 32 bytes", async (t) => {
  const { connection } = await setup(t);
  for (const name of ["", "x".repeat(33), "€".repeat(11), "x".repeat(300)])
    assert.throws(() => connection.lane(name), { name: "ClientError", code: "lane_invalid" });
  assert.equal(connection.lane("x".repeat(32)), connection.lane("x".repeat(32)));
});

// ---- the end ----

test("close sends what waits and a good-bye, and resolves when the server has hung up", async (t) => {
  const { server, connection, events } = await setup(t);
  const line = await server.welcomed();
  await told(connection, "state", "open");
  connection.send(1);
  let isOver = false;
  const closing = connection.close().then(() => {
    isOver = true;
  });
  assert.equal(connection.state, "closed");
  assert.deepEqual(await line.frame(), [1, 1, 0, 1]);
  assert.deepEqual(await line.frame(), [5]);
  line.send([1, 1, 1, 10]);
  line.sendLane("frames", "late");
  await pause(20);
  assert.equal(isOver, false);
  line.close(CLOSE.ended);
  await closing;
  await connection.close();
  assert.deepEqual(events.slice(2), [
    "state closed",
    'closed {"code":4506,"reason":"closed by this client","unconfirmed":[1]}',
  ]);
});

test("close before the welcome, or between two lines, ends it as well", async (t) => {
  const { Counted, made } = countedWebSocket();
  await connect("ws://localhost/", { WebSocket: Counted }).close();
  await pause(10);
  assert.equal(made(), 0);

  const half = await setup(t);
  const line = await half.server.hello();
  await half.connection.close();
  assert.equal(await line.closed, 1000);

  const between = await setup(t, { WebSocket: Counted });
  (await between.server.welcomed()).drop();
  await told(between.connection, "state", "reconnecting");
  await between.connection.close();
  await pause(30);
  assert.equal(made(), 1);
});

test("close does not wait for ever for a server that does not hang up", async (t) => {
  const { server, connection } = await setup(t, { connectTimeoutMs: 500 });
  const line = await server.welcomed();
  await told(connection, "state", "open");
  await connection.close();
  assert.equal(await line.closed, 1000);
});

test("a handler may close the connection in the middle of a batch, or of a welcome: nothing comes after", async (t) => {
  const batch = await setup(t);
  batch.connection.on("message", (message) => message === 20 && batch.connection.close());
  const line = await batch.server.welcomed();
  line.send([1, 1, 0, 10, 20, 30]);
  assert.deepEqual(await line.frame(), [5]);
  assert.match(batch.events.at(-1)!, /^closed/);
  assert.deepEqual(messagesIn(batch.events), [10, 20]);

  const welcome = await setup(t);
  (await welcome.server.welcomed()).drop();
  await told(welcome.connection, "state", "reconnecting");
  welcome.connection.on("resumed", () => welcome.connection.close());
  await welcome.server.welcomed({ epoch: "e2" });
  await next(welcome.connection, "closed");
  await pause(10);
  assert.match(welcome.events.at(-1)!, /^closed/);
});

test("a closed connection keeps no process alive", async () => {
  const server = await ScriptedServer.start();
  const process = run(`
    const connection = connect("${server.url}");
    connection.on("message", () => connection.close());
    connection.lane("x").send(new Uint8Array(1));
  `);
  const line = await server.welcomed();
  line.send([1, 1, 0, 10]);
  assert.deepEqual(await line.frame(), [5]);
  line.close(CLOSE.ended);
  await process;
  server.close();
});

test("the package can be imported where there is no WebSocket, and connect then says what is missing", async () => {
  const { stdout } = await run(
    'try { connect("ws://localhost/"); } catch ({ code, message }) { console.log(code, message); }',
    "delete globalThis.WebSocket; delete globalThis.performance; delete globalThis.location;",
  );
  assert.equal(stdout.trim(), "websocket_missing expected a global WebSocket, or the option WebSocket");
});

// ---- all together ----

test("through fifty breaks of every kind, both sides get every message once, in order", {
  timeout: 60_000,
}, async (t) => {
  const server = await started(t);
  const connection = connect<Numbers>(server.url, { ...QUICK, backoffMaxMs: 20 });
  t.after(() => connection.close());
  const received: number[] = [];
  connection.on("message", (message) => received.push(message));
  const log: number[] = [];
  const handled: number[] = [];
  let sent = 0;
  for (let cut = 0; cut < 50; cut++) {
    const line = await server.hello();
    line.welcome({ seq: handled.length });
    let from = (line.hello.offset as number | undefined) ?? 0;
    let isCut = false;
    const listening = (async () => {
      while (!isCut) {
        const frame = await Promise.race([line.frame(), line.closed]);
        if (typeof frame === "number" || isCut) return;
        if (frame[0] !== 1) continue;
        const first = frame[1] as number;
        assert.ok(first <= handled.length + 1);
        handled.push(...(frame.slice(3) as number[]).slice(handled.length + 1 - first));
        if (Math.random() < 0.7) line.send([2, handled.length]);
      }
    })();
    for (let burst = 0; burst < 5; burst++) {
      for (let i = 0; i < 5; i++) {
        log.push(log.length + 1);
        connection.send(++sent);
      }
      line.send([1, from + 1, handled.length, ...log.slice(from)]);
      from = Math.random() < 0.8 ? log.length : Math.max(0, from - 3); // now and then it says again what it said before
      await pause(Math.random() * 3);
    }
    isCut = true;
    const end = cut % 5;
    if (end === 0) line.drop();
    else if (end === 1) line.close(CLOSE.tooSlow);
    else if (end === 2) line.close(CLOSE.draining);
    else if (end === 3) line.send([1, log.length + 9, handled.length, 0]);
    else line.say("nonsense");
    await line.closed;
    await listening;
  }
  const line = await server.hello();
  line.welcome({ seq: handled.length });
  line.send([1, (line.hello.offset as number) + 1, handled.length, ...log.slice(line.hello.offset as number), 0]);
  await told(connection, "message", 0);
  if (connection.unacknowledged > 0) {
    const [, first, , ...rest] = (await line.frame()) as number[];
    handled.push(...rest.slice(handled.length + 1 - first!));
  }
  assert.deepEqual(received.slice(0, -1), log);
  assert.deepEqual(
    handled,
    Array.from({ length: sent }, (_, i) => i + 1),
  );
});

// ----

const QUICK = { backoffMinMs: 1, backoffMaxMs: 5 };

async function started(t: TestContext): Promise<ScriptedServer> {
  const server = await ScriptedServer.start();
  t.after(() => server.close());
  return server;
}

/** A server, a connection to it, and what the connection tells, `retry` included. */
async function setup<M extends { toClient: unknown; toServer: unknown } = Numbers>(
  t: TestContext,
  options: ConnectOptions = {},
): Promise<{ server: ScriptedServer; connection: Connection<M>; events: string[] }> {
  const server = await started(t);
  const connection = connect<M>(server.url, { ...QUICK, ...options });
  t.after(() => void connection.close());
  const events: string[] = [];
  for (const event of ["message", "open", "resumed", "gap", "retry", "state", "closed"] as const)
    connection.on(event, (value) =>
      events.push(`${event} ${typeof value === "string" ? value : JSON.stringify(value)}`),
    );
  return { server, connection, events };
}

/** The same in a page. */
async function setupPage(t: TestContext, options: ConnectOptions = {}) {
  const page = new EventTarget();
  const view = { visibilityState: "visible" };
  t.after(stub("addEventListener", page.addEventListener.bind(page)));
  t.after(stub("removeEventListener", page.removeEventListener.bind(page)));
  t.after(stub("document", view));
  const show = (state: string) => {
    view.visibilityState = state;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  return { ...(await setup(t, options)), page, show };
}

/** Counts attempts, also those that reach no server. */
function countedWebSocket() {
  let made = 0;
  class Counted extends WebSocket {
    constructor(url: string) {
      super(url);
      made++;
    }
  }
  return { Counted, made: () => made };
}

function stub(name: string, value: unknown): () => void {
  Object.defineProperty(globalThis, name, { value, configurable: true });
  return () => {
    Reflect.deleteProperty(globalThis, name);
  };
}

/** The next such event. */
function next<M extends { toClient: unknown; toServer: unknown }, E extends keyof ConnectionEvents<M>>(
  connection: Connection<M>,
  event: E,
): Promise<ConnectionEvents<M>[E]> {
  return new Promise((resolve) => {
    const off = connection.on(event, (value) => {
      off();
      resolve(value);
    });
  });
}

/** Resolves when the event has come with that value; at once from a state it is in already. */
function told<M extends { toClient: unknown; toServer: unknown }, E extends "message" | "state">(
  connection: Connection<M>,
  event: E,
  expected: ConnectionEvents<M>[E],
): Promise<void> {
  return new Promise((resolve) => {
    if (event === "state" && connection.state === expected) resolve();
    connection.on(event, (value) => value === expected && resolve());
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(1);
}

function messagesIn(events: string[]): number[] {
  return events.filter((event) => event.startsWith("message ")).map((event) => Number(event.slice(8)));
}

/** Runs a program that has `connect`, after what has to come before the import. */
function run(program: string, before = ""): Promise<{ stdout: string; stderr: string }> {
  const source = `${before} const { connect } = await import("@holdfast/client"); ${program}`;
  const options = { cwd: new URL(".", import.meta.url), timeout: 20_000 };
  return promisify(execFile)(
    process.execPath,
    ["--conditions=holdfast-source", "--input-type=module", "-e", source],
    options,
  );
}
