import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectTcp } from "node:net";
import { describe, test } from "node:test";
import { CLOSE, decodeLaneValue, encodeAck, encodeLaneValue } from "@holdfast/protocol";
import NodeWebSocket, { type WebSocket, WebSocketServer } from "ws";
import type { Session } from "./line.ts";
import { memoryStore } from "./memory-store.ts";
import { SessionError } from "./session-error.ts";
import { RawClient, startServer, TestClient } from "./sessions.fixture.ts";
import { createSessions } from "./sessions.ts";
import { UpgradeRefusal } from "./upgrade.ts";

const QUICK = { heartbeatMs: 200, handoverMs: 300 };

function terminate(sessions: { local(): Iterable<Session> }, id: string): void {
  for (const session of sessions.local())
    if (session.id === id) (session as unknown as { socket: WebSocket }).socket.terminate();
}

const refusedWith = (code: string) => (error: unknown) => error instanceof SessionError && error.code === code;

describe("messages to clients", () => {
  test("S1: a message sent from another server arrives, in order with others", async (t) => {
    const store = memoryStore();
    const here = await startServer(t, { store });
    const there = await startServer(t, { store });
    const client = new TestClient(t, here.url);
    await client.event("open");
    for (let n = 0; n < 50; n++) await (n % 2 ? here : there).sessions.send(client.id, { n, text: "Grüße 👋" });
    assert.deepEqual(
      await client.got(50),
      Array.from({ length: 50 }, (_, n) => ({ n, text: "Grüße 👋" })),
    );
  });

  test("S1 S2: what is sent while the client is away arrives when it is back, on another server", async (t) => {
    const store = memoryStore();
    const first = await startServer(t, { store });
    const second = await startServer(t, { store });
    let { url } = first;
    const client = new TestClient(t, "ws://127.0.0.1/ws", { WebSocket: pointing(() => url) });
    await client.event("open");
    await first.sessions.send(client.id, 1);
    await client.got(1);
    url = second.url;
    terminate(first.sessions, client.id);
    for (const n of [2, 3]) await first.sessions.send(client.id, n);
    await client.event("resumed");
    await first.sessions.send(client.id, 4);
    assert.deepEqual(await client.got(4), [1, 2, 3, 4]);
    assert.equal((await first.sessions.find(client.id))?.server, (await second.sessions.list()).sessions[0]?.server);
  });

  test("S1: past the window the client is told of a gap, and gets what is left", async (t) => {
    t.mock.method(Math, "random", () => 1);
    const { sessions, url } = await startServer(t, { windowMessages: 10 });
    const client = new TestClient(t, url, { backoffMinMs: 400 });
    await client.event("open");
    terminate(sessions, client.id);
    for (let n = 1; n <= 25; n++) await sessions.send(client.id, n);
    await client.event("gap");
    assert.deepEqual(await client.got(10), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  });

  test("S5: a welcome says where messages go on, gap or not: nothing of an older numbering is acknowledged after it", async (t) => {
    const { sessions, url } = await startServer(t);
    const { welcome } = await RawClient.hello(t, url);
    await sessions.send(welcome.id, 1);
    const { id, secret = "" } = welcome;
    const again = await RawClient.hello(t, url, { n: 2, id, secret, epoch: "older", offset: 99 });
    const gap = await again.frame("gap");
    assert.deepEqual([again.welcome.epoch, again.welcome.offset], [gap.epoch, gap.offset]);
    again.socket.send(encodeAck(again.welcome.offset));
    await sessions.send(id, 2);
    assert.deepEqual((await again.frame("messages", ({ messages }) => messages.at(-1) === 2)).messages.at(-1), 2);
  });

  test("a welcome says how long all the server's clients together need to come back", async (t) => {
    const { url } = await startServer(t);
    const spreads: number[] = [];
    for (let n = 0; n < 10; n++) spreads.push((await RawClient.hello(t, url)).welcome.spread);
    assert.deepEqual(spreads, [1, 1, 2, 2, 2, 3, 3, 4, 4, 4]);
  });

  test("all that one turn brings goes out in one frame", async (t) => {
    const { sessions, url } = await startServer(t);
    const client = await RawClient.hello(t, url);
    await Promise.all(Array.from({ length: 20 }, (_, n) => sessions.send(client.welcome.id, n)));
    const frame = await client.frame("messages");
    assert.equal(frame.messages.length, 20);
  });

  test("S9: a client that does not read is cut at the limit, and gets all when it is back", async (t) => {
    const { sessions, url } = await startServer(t, { bufferedBytesMax: 256 * 1024, windowBytes: 64 * 1024 * 1024 });
    const sockets: WebSocket[] = [];
    const WebSocket = class extends NodeWebSocket {
      constructor(address: string) {
        super(address);
        sockets.push(this);
      }
    };
    const slow = new TestClient(t, url, { WebSocket: WebSocket as never, backoffMinMs: 1 });
    const other = new TestClient(t, url);
    await Promise.all([slow.event("open"), other.event("open")]);
    sockets[0]?.pause();
    const text = "x".repeat(60_000);
    const count = 300;
    for (let n = 0; n < count; n++) {
      await sessions.send(slow.id, { n, text });
      await sessions.send(other.id, n);
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => (sessions.counters.closed.tooSlow ?? 0) > 0);
    assert.deepEqual((await other.got(count)).length, count);
    sockets[0]?.resume();
    const got = await slow.got(count);
    assert.deepEqual(
      got.map((message) => (message as { n: number }).n),
      Array.from({ length: count }, (_, n) => n),
    );
    assert.ok(slow.events.every(({ name }) => name !== "gap"));
  });

  test("what JSON cannot carry, and what is too large, is refused with a code", async (t) => {
    const { sessions, url } = await startServer(t, { messageBytesMax: 100 });
    const client = new TestClient(t, url);
    await client.event("open");
    await assert.rejects(sessions.send(client.id, undefined), refusedWith("message_not_json"));
    await assert.rejects(sessions.send(client.id, 1n), refusedWith("message_not_json"));
    await assert.rejects(sessions.send(client.id, "ü".repeat(60)), refusedWith("message_too_large"));
    await assert.rejects(sessions.send("nobody", 1), refusedWith("session_unknown"));
    await sessions.send(client.id, "ok");
    assert.deepEqual(await client.got(1), ["ok"]);
  });
});

describe("messages from clients", () => {
  test("S7: they are handled one at a time, in order, with a key each; replies come with the acknowledgement", async (t) => {
    const log: string[] = [];
    let running = 0;
    const { url } = await startServer(t, {
      message: async (session, message, { seq, key, reply }) => {
        assert.equal(++running, 1);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        log.push(`${message}`);
        assert.equal(key, `${session.id}:${seq}`);
        reply({ echo: message });
      },
    });
    const client = new TestClient(t, url);
    for (let n = 1; n <= 20; n++) client.connection.send(n);
    await client.connection.whenAcknowledged();
    assert.deepEqual(
      log,
      Array.from({ length: 20 }, (_, n) => `${n + 1}`),
    );
    assert.deepEqual(
      await client.got(20),
      Array.from({ length: 20 }, (_, n) => ({ echo: n + 1 })),
    );
  });

  test("S7: a message that comes again, on another server too, is not handled again", async (t) => {
    const store = memoryStore();
    const handled: unknown[] = [];
    const message = (_session: Session, message: unknown) => void handled.push(message);
    const first = await startServer(t, { store, message });
    const second = await startServer(t, { store, message });
    const raw = await RawClient.hello(t, first.url);
    raw.socket.send('[1,1,0,"a","b"]');
    await raw.frame("ack", ({ ack }) => ack === 2);
    raw.socket.send('[1,1,0,"a","b","c"]');
    await raw.frame("ack", ({ ack }) => ack === 3);
    const { id, secret, epoch } = raw.welcome;
    const back = await RawClient.hello(t, second.url, { id, secret: secret ?? "", epoch, offset: 0, n: 2 });
    assert.equal(back.welcome.seq, 3);
    back.socket.send('[1,1,0,"a","b","c","d"]');
    await back.frame("ack", ({ ack }) => ack === 4);
    assert.deepEqual(handled, ["a", "b", "c", "d"]);
  });

  test("S7: a server takes over a client's messages only when the one before is out of them", async (t) => {
    const store = memoryStore();
    const log: string[] = [];
    const finish = Promise.withResolvers<void>();
    const first = await startServer(t, {
      store,
      message: async (_session, message, { reply }) => {
        log.push(`first ${message}`);
        await finish.promise;
        reply(`first ${message}`);
      },
    });
    const second = await startServer(t, {
      store,
      message: (_session, message, { reply }) => {
        log.push(`second ${message}`);
        reply(`second ${message}`);
      },
    });
    const raw = await RawClient.hello(t, first.url);
    raw.socket.send('[1,1,0,"a","b"]');
    await until(() => log.length === 1);
    const { id, secret, epoch } = raw.welcome;
    const back = await RawClient.hello(t, second.url, { id, secret: secret ?? "", epoch, offset: 0, n: 2 });
    assert.equal((await raw.closed).code, CLOSE.replaced);
    back.socket.send('[1,1,0,"a","b"]');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(log, ["first a"]);
    finish.resolve();
    await back.frame("messages", ({ messages }) => messages.includes("second b"));
    assert.deepEqual(log, ["first a", "second b"]);
    const replies = back.frames.flatMap((frame) => (frame.kind === "messages" ? frame.messages : []));
    assert.deepEqual(replies, ["first a", "second b"]);
  });

  test("S7: a handler that hangs holds up the next server only so long; then its message is handled again", async (t) => {
    const store = memoryStore();
    const log: string[] = [];
    const hanging = await startServer(t, { ...QUICK, store, message: () => new Promise(() => log.push("hangs")) });
    const other = await startServer(t, { ...QUICK, store, message: () => void log.push("other") });
    const raw = await RawClient.hello(t, hanging.url);
    raw.socket.send('[1,1,0,"a"]');
    await until(() => log.length === 1);
    const { id, secret, epoch } = raw.welcome;
    const back = await RawClient.hello(t, other.url, { id, secret: secret ?? "", epoch, offset: 0, n: 2 });
    back.socket.send('[1,1,0,"a"]');
    await back.frame("ack", ({ ack }) => ack === 1);
    assert.deepEqual(log, ["hangs", "other"]);
  });

  test("a handler that throws is reported, and its message counts as handled", async (t) => {
    const errors: unknown[] = [];
    const { sessions, url } = await startServer(t, {
      message: (_session, message) => {
        if (message === 1) throw new Error("one");
        if (message === 2) return Promise.reject(new Error("two"));
      },
      onError: (error) => void errors.push((error as Error).message),
    });
    const client = new TestClient(t, url);
    for (const n of [1, 2, 3]) client.connection.send(n);
    await client.connection.whenAcknowledged();
    assert.deepEqual(errors, ["one", "two"]);
    assert.equal(sessions.counters.handlerFailures, 2);
  });

  test("what `parse` refuses is told by `invalid`, may be answered, and harms nothing else", async (t) => {
    const handled: unknown[] = [];
    const { sessions, url } = await startServer(t, {
      parse: (raw) => {
        if (typeof raw !== "number") throw new TypeError(`expected a number, got ${typeof raw}`);
        return raw;
      },
      message: (_session, message) => void handled.push(message),
    });
    sessions.on("invalid", (_session, error, { reply }) => reply((error as Error).message));
    const client = new TestClient(t, url);
    for (const message of [1, "two", 3]) client.connection.send(message);
    await client.connection.whenAcknowledged();
    assert.deepEqual(handled, [1, 3]);
    assert.deepEqual(await client.got(1), ["expected a number, got string"]);
  });

  test("S13: a client that sends too much is read more slowly, and loses nothing", async (t) => {
    let handled = 0;
    const { sessions, url } = await startServer(t, { messagesPerSecondMax: 200, message: () => void handled++ });
    const client = new TestClient(t, url);
    await client.event("open");
    const began = performance.now();
    for (let n = 0; n < 40; n++) {
      for (let i = 0; i < 15; i++) client.connection.send(n);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.connection.whenAcknowledged();
    assert.equal(handled, 600);
    assert.ok(sessions.counters.throttled > 0);
    // 400 at once, 200 in a second: with half of that to spare.
    assert.ok(performance.now() - began > 500);
  });
});

describe("lossy lanes", () => {
  test("S8: a client that does not read gets the latest value of each lane, the first held first", async (t) => {
    const { sessions, url } = await startServer(t, { laneBufferedBytesMax: 16 * 1024 });
    const raw = await RawClient.hello(t, url);
    const [session] = sessions.local();
    raw.socket.pause();
    const value = (n: number) => Buffer.alloc(8 * 1024, n % 256);
    const count = 4000;
    for (let n = 0; n < count; n++) {
      session?.sendLane("keyframe", value(n));
      session?.sendLane("frame", value(n));
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { socket } = session as unknown as { socket: WebSocket };
    assert.ok(socket.bufferedAmount < 16 * 1024 + 3 * 8 * 1024, `${socket.bufferedAmount} bytes are held`);
    raw.socket.resume();
    await until(
      () => raw.binary.length > 2 && decodeLaneValue(raw.binary.at(-1) as Buffer).bytes[0] === (count - 1) % 256,
    );
    const values = raw.binary.map((message) => decodeLaneValue(message));
    assert.ok(values.length < count, `${values.length} of ${count * 2} came`);
    assert.deepEqual(
      values.slice(-2).map(({ lane, bytes }) => [lane, bytes[0]]),
      [
        ["keyframe", (count - 1) % 256],
        ["frame", (count - 1) % 256],
      ],
    );
    assert.ok(sessions.counters.laneValuesDropped > 0);
  });

  test("values go both ways, and from another server", async (t) => {
    const store = memoryStore();
    const got: [string, string][] = [];
    const here = await startServer(t, {
      store,
      lane: (_session, lane, bytes) => void got.push([lane, `${Buffer.from(bytes)}`]),
    });
    const there = await startServer(t, { store });
    const raw = await RawClient.hello(t, here.url);
    raw.socket.send(encodeLaneValue("pointer", Buffer.from("1,2")));
    await until(() => got.length === 1);
    assert.deepEqual(got, [["pointer", "1,2"]]);
    assert.equal(await there.sessions.sendLane(raw.welcome.id, "frame", Buffer.from("x")), true);
    await until(() => raw.binary.length === 1);
    assert.equal(await there.sessions.sendLane("nobody", "frame", Buffer.from("x")), false);
  });
});

describe("connections", () => {
  test("S4: a newer connection takes the session; the older is told to stop and gets nothing more", async (t) => {
    const store = memoryStore();
    const first = await startServer(t, { store });
    const second = await startServer(t, { store });
    const old = await RawClient.hello(t, first.url);
    const { id, secret = "", epoch } = old.welcome;
    const next = await RawClient.hello(t, second.url, { id, secret, epoch, offset: 0, n: 2 });
    await first.sessions.send(id, "for the newer");
    await next.frame("messages");
    assert.equal((await old.closed).code, CLOSE.replaced);
    assert.equal(old.frames.filter(({ kind }) => kind === "messages").length, 0);
    const late = new RawClient(t, first.url);
    await once(late.socket, "open");
    late.socket.send(JSON.stringify([0, { v: 1, n: 2, id, secret, epoch, offset: 0, welcomed: 1 }]));
    assert.equal((await late.closed).code, CLOSE.replaced);
    await first.sessions.send(id, "still there");
    await next.frame("messages", ({ messages }) => messages.includes("still there"));
  });

  test("S4: the same on one server", async (t) => {
    const { sessions, url } = await startServer(t);
    const old = await RawClient.hello(t, url);
    const { id, secret = "", epoch } = old.welcome;
    await sessions.send(id, 1);
    const next = await RawClient.hello(t, url, { id, secret, epoch, offset: 0, n: 2 });
    assert.equal((await old.closed).code, CLOSE.replaced);
    await next.frame("messages");
    assert.deepEqual(await sessions.count(), { attached: 1, detached: 0 });
  });

  test("S13: a wrong secret, or another client's session, opens nothing and disturbs nobody", async (t) => {
    const { sessions, url } = await startServer(t, {
      authenticate: (_request, { token }) => {
        if (!token) throw new Error("who are you?");
        return { clientId: token };
      },
    });
    const owner = await RawClient.hello(t, url, { token: "ann" });
    const { id, secret = "", epoch } = owner.welcome;
    for (const hello of [{ token: "ann", secret: "guessed" }, { token: "bob", secret }, { secret }]) {
      const intruder = new RawClient(t, url);
      await once(intruder.socket, "open");
      intruder.socket.send(JSON.stringify([0, { v: 1, n: 5, id, epoch, offset: 0, welcomed: 1, ...hello }]));
      const { code } = await intruder.closed;
      assert.equal(code, CLOSE.unauthorized);
    }
    await sessions.send(id, "hello");
    await owner.frame("messages");
    assert.deepEqual(
      (await sessions.ofClient("ann")).map((session) => session.id),
      [id],
    );
  });

  test("S13: a client has so many sessions and no more", async (t) => {
    const { url } = await startServer(t, { sessionsPerClientMax: 2, authenticate: () => ({ clientId: "ann" }) });
    for (let n = 0; n < 2; n++) await RawClient.hello(t, url);
    const third = new RawClient(t, url);
    await once(third.socket, "open");
    third.socket.send('[0,{"v":1,"n":1}]');
    assert.equal((await third.closed).code, CLOSE.sessionsTooMany);
  });

  for (const [what, send, code] of [
    ["no JSON", "hello", CLOSE.frameInvalid],
    ["another version", '[0,{"v":9,"n":1}]', CLOSE.versionUnsupported],
    ["a message before the hello", '[1,1,0,"x"]', CLOSE.frameInvalid],
    ["a binary message", Buffer.from([1, 2]), CLOSE.frameInvalid],
  ] as const)
    test(`S13: ${what} instead of a hello ends the connection`, async (t) => {
      const { url } = await startServer(t);
      const raw = new RawClient(t, url);
      await once(raw.socket, "open");
      raw.socket.send(send);
      assert.equal((await raw.closed).code, code);
    });

  for (const [what, send] of [
    ["a second hello", '[0,{"v":1,"n":1}]'],
    ["an acknowledgement of what was never sent", "[2,7]"],
    ["a lane without a name", Buffer.from([0, 1])],
    ["garbage", "[[[["],
  ] as const)
    test(`S13: ${what} ends the connection, and the session waits`, async (t) => {
      const { sessions, url } = await startServer(t);
      const raw = await RawClient.hello(t, url);
      raw.socket.send('[1,1,0,"first"]');
      await raw.frame("ack");
      raw.socket.send(send);
      const { code, reason } = await raw.closed;
      assert.equal(code, CLOSE.frameInvalid);
      assert.match(reason, /expected|missing|second|nobody/);
      await until(async () => (await sessions.count()).detached === 1);
    });

  test("a hole in a client's numbering makes it come back and send again", async (t) => {
    const { url } = await startServer(t);
    const raw = await RawClient.hello(t, url);
    raw.socket.send('[1,1,0,"first"]');
    raw.socket.send('[1,3,0,"third"]');
    const { code, reason } = await raw.closed;
    assert.deepEqual([code, reason], [CLOSE.resync, "messages before 3 are missing"]);
  });

  test("S13: a message above the limit ends the connection with 1009", async (t) => {
    const { url } = await startServer(t, { messageBytesMax: 1000 });
    const raw = await RawClient.hello(t, url);
    raw.socket.send(`[1,1,0,"${"x".repeat(2000)}"]`);
    assert.equal((await raw.closed).code, 1009);
  });

  test("a socket that says nothing is cut", async (t) => {
    const { url } = await startServer(t, { helloTimeoutMs: 50 });
    const raw = new RawClient(t, url);
    assert.equal((await raw.closed).code, 1006);
  });

  test("S3: a client that is silent is pinged, then taken for gone; one that answers stays", async (t) => {
    const { sessions, url } = await startServer(t, QUICK);
    const answering = new TestClient(t, url);
    await answering.event("open");
    const silent = await RawClient.hello(t, url);
    await silent.frame("ping");
    assert.equal((await silent.closed).code, 1006);
    await until(async () => (await sessions.count()).detached === 1);
    assert.equal(answering.events.length, 1);
  });

  test("the limit of connections answers 503, and `upgrade` decides before anything else", async (t) => {
    const { url } = await startServer(t, {
      connectionsMax: 1,
      upgrade: (request) => {
        if (request.headers.origin === "https://evil.example")
          throw new UpgradeRefusal(403, '{"code":"origin_forbidden"}', "application/problem+json");
        return { clientId: "ann", headers: ["Set-Cookie: visitor=1"] };
      },
    });
    const answer = async (headers: string) => {
      const { hostname, port } = new URL(url);
      const socket = connectTcp(Number(port), hostname);
      socket.write(
        `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
      );
      const [data] = await once(socket, "data");
      t.after(() => socket.destroy());
      return String(data);
    };
    assert.match(await answer("Origin: https://evil.example\r\n"), /^HTTP\/1.1 403 .*problem\+json.*origin_forbidden/s);
    assert.match(await answer(""), /^HTTP\/1.1 101 .*Set-Cookie: visitor=1/s);
    assert.match(await answer(""), /^HTTP\/1.1 503 /);
  });

  test("the seed's two calls: connect(socket, clientId), then send(id, message)", async (t) => {
    const sessions = await createSessions(memoryStore());
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on("connection", async (socket) => {
      const session = await sessions.connect(socket, "ann");
      await sessions.send(session.id, `hello ${session.clientId}`);
    });
    http.listen(0);
    await once(http, "listening");
    t.after(() => sessions.close().then(() => http.close()));
    const client = new TestClient(t, `ws://127.0.0.1:${(http.address() as { port: number }).port}`);
    assert.deepEqual(await client.got(1), ["hello ann"]);
  });

  test("connect() keeps to the limit of connections, and says come back", async (t) => {
    const sessions = await createSessions(memoryStore(), { connectionsMax: 1 });
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on("connection", (socket) => sessions.connect(socket).catch(() => {}));
    http.listen(0);
    await once(http, "listening");
    t.after(() => sessions.close().then(() => http.close()));
    const url = `ws://127.0.0.1:${(http.address() as { port: number }).port}`;
    await RawClient.hello(t, url);
    assert.equal((await new RawClient(t, url).closed).code, CLOSE.overloaded);
  });

  test("options out of bounds are refused by name", async () => {
    await assert.rejects(
      createSessions(memoryStore(), { heartbeatMs: 0 }),
      /heartbeatMs: expected a whole number from 1 on, got 0/,
    );
  });
});

describe("rooms and presence", () => {
  test("S11: a room's messages reach each member, wherever it is, also one that is away", async (t) => {
    const store = memoryStore();
    const first = await startServer(t, { store });
    const second = await startServer(t, { store });
    const clients = [
      new TestClient(t, first.url),
      new TestClient(t, second.url),
      new TestClient(t, second.url, { backoffMinMs: 100 }),
    ];
    for (const client of clients) await client.event("open");
    const [ann, bob, cid] = clients as [TestClient, TestClient, TestClient];
    for (const { id } of [ann, bob, cid]) assert.equal(await first.sessions.join(id, "lobby"), true);
    assert.equal(await first.sessions.join("nobody", "lobby"), false);
    for (const session of second.sessions.local()) assert.deepEqual([...session.rooms], ["lobby"]);
    terminate(second.sessions, cid.id);
    assert.equal(await second.sessions.publish("lobby", "hi"), 3);
    for (const client of [ann, bob, cid]) assert.deepEqual(await client.got(1), ["hi"]);
    await cid.event("resumed");
    for (const session of second.sessions.local()) assert.deepEqual([...session.rooms], ["lobby"]);
    await second.sessions.leave(bob.id, "lobby");
    assert.deepEqual((await first.sessions.members("lobby")).sort(), [ann.id, cid.id].sort());
    assert.equal(await second.sessions.publish("lobby", "again"), 2);
    await ann.got(2);
    assert.deepEqual(bob.messages, ["hi"]);
  });

  test("S12: presence is counted, listed and found; who does not come back expires, once", async (t) => {
    const store = memoryStore();
    const servers = [
      await startServer(t, { store, detachedMs: 100, server: "one" }),
      await startServer(t, { store, detachedMs: 100, server: "two" }),
    ];
    const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]];
    const expired: string[] = [];
    for (const { sessions } of servers) sessions.on("expired", ({ id }) => void expired.push(id));
    const ann = await RawClient.hello(t, first.url);
    const bob = new TestClient(t, second.url);
    await bob.event("open");
    assert.deepEqual(await first.sessions.count(), { attached: 2, detached: 0 });
    assert.deepEqual((await first.sessions.list()).sessions.map(({ server }) => server).sort(), ["one", "two"]);
    ann.socket.terminate();
    await until(() => expired.length > 0);
    assert.equal(await second.sessions.find(ann.welcome.id), undefined);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.deepEqual(expired, [ann.welcome.id]);
    const { id, secret = "", epoch } = ann.welcome;
    const back = await RawClient.hello(t, first.url, { id, secret, epoch, offset: 0, n: 2 });
    assert.equal(back.welcome.resumed, false);
    assert.notEqual(back.welcome.id, id);
  });

  test("ending a session, from any server or by its client, tells the other side", async (t) => {
    const store = memoryStore();
    const here = await startServer(t, { store });
    const there = await startServer(t, { store });
    const detached: string[] = [];
    here.sessions.on("detached", (_session, why) => void detached.push(why));
    const client = new TestClient(t, here.url);
    await client.event("open");
    assert.equal(await there.sessions.end(client.id), true);
    assert.equal(((await client.event("closed")) as { code: number }).code, CLOSE.ended);
    assert.equal(await there.sessions.end(client.id), false);
    const other = new TestClient(t, here.url);
    await other.event("open");
    await other.connection.close();
    await until(() => detached.length === 2);
    assert.deepEqual(detached, ["ended", "ended"]);
    assert.deepEqual(await here.sessions.count(), { attached: 0, detached: 0 });
  });
});

describe("the end of a server", () => {
  test("S10: draining finishes what is in hand, sends clients elsewhere, and takes no more", async (t) => {
    const store = memoryStore();
    const handled: unknown[] = [];
    const message = async (_session: Session, message: unknown) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      handled.push(message);
    };
    const old = await startServer(t, { store, message });
    const next = await startServer(t, { store, message });
    let { url } = old;
    const clients = Array.from(
      { length: 120 },
      () => new TestClient(t, "ws://127.0.0.1/ws", { WebSocket: pointing(() => url) }),
    );
    await Promise.all(clients.map((client) => client.event("open")));
    clients[0]?.connection.send("in hand");
    await new Promise((resolve) => setTimeout(resolve, 20));
    url = next.url;
    const leftAtMs: number[] = [];
    for (const { connection } of clients) connection.on("retry", () => leftAtMs.push(performance.now()));
    const draining = old.sessions.drain({ graceMs: 5000 });
    assert.equal(old.sessions.isReady, false);
    await draining;
    assert.deepEqual(handled, ["in hand"]);
    // In half of the grace, not all at once.
    assert.ok((leftAtMs.at(-1) ?? 0) - (leftAtMs[0] ?? 0) > 1_000);
    assert.equal(old.sessions.counters.closed.draining, 120);
    await Promise.all(clients.map((client) => client.event("resumed")));
    for (const client of clients) await old.sessions.send(client.id, "after");
    for (const client of clients) assert.deepEqual(await client.got(1), ["after"]);
    await clients[0]?.connection.whenAcknowledged();
    assert.deepEqual(handled, ["in hand"]);
    const refused = new RawClient(t, old.url);
    assert.equal((await refused.closed).code, 1006);
  });

  test("after close nothing keeps the process, and sessions wait", async (t) => {
    const store = memoryStore();
    const first = await startServer(t, { store });
    const second = await startServer(t, { store });
    const client = await RawClient.hello(t, first.url);
    await first.sessions.close();
    assert.equal((await client.closed).code, CLOSE.draining);
    assert.deepEqual(await second.sessions.count(), { attached: 0, detached: 1 });
  });
});

/** A WebSocket that goes where it is pointed at that moment, as through a load balancer. */
function pointing(url: () => string): typeof globalThis.WebSocket {
  return class extends WebSocket_ {
    constructor() {
      super(url());
    }
  };
}
const WebSocket_ = globalThis.WebSocket;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("not within 10 s");
}
