import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { access, mkdir, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import {
  managedChild,
  managedFolder,
  managedInterval,
  managedListener,
  managedSocket,
  managedTimeout,
  managedWorker,
} from "./managed.ts";
import type { KindOptions } from "./options.ts";
import { ResourceError } from "./resource-error.ts";
import { Resources } from "./resources.ts";
import type { Scope } from "./scope.ts";

// ---- sockets ----

test("a WebSocket is closed with 1001, and its lease ends when the peer has agreed", async (t) => {
  const { resources, scope, inUse } = world();
  const [socket, peer] = await webSockets(t);
  assert.equal(managedSocket(scope, socket).value, socket);
  assert.equal(inUse("socket"), 1);
  const closed = once(peer, "close");
  await resources.close();
  assert.equal(socket.readyState, WebSocket.CLOSED);
  assert.equal(inUse("socket"), 0);
  const [code] = await closed;
  assert.equal(code, 1001);
});

test("a WebSocket whose peer does not agree is terminated", async (t) => {
  const { scope, inUse } = world();
  const server = await webSocketServer(t);
  const connected = once(server, "connection");
  const peer = connect(port(server), "127.0.0.1");
  t.after(() => peer.destroy());
  peer.write(
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [socket] = await connected;
  managedSocket(scope, socket);
  // ws by itself waits for 30 s, a release may take 5 s.
  await scope.close();
  assert.equal(socket.readyState, WebSocket.CLOSED);
  assert.equal(inUse("socket"), 0);
});

test("a WebSocket that is still connecting can be released, and nobody has to listen to its error", async (t) => {
  const { scope, inUse } = world();
  const silent = await netServer(t);
  const socket = new WebSocket(`ws://127.0.0.1:${port(silent)}/`);
  managedSocket(scope, socket);
  await once(silent, "connection");
  await scope.close();
  assert.equal(socket.readyState, WebSocket.CLOSED);
  assert.equal(inUse("socket"), 0);
});

test("the lease of a socket ends when the socket closes by itself", async (t) => {
  const { scope, inUse } = world();
  const [socket, peer] = await webSockets(t);
  const lease = managedSocket(scope, socket);
  peer.close();
  await once(socket, "close");
  assert.ok(lease.isReleased);
  const [netSocket, netPeer] = await netSockets(t);
  const netLease = managedSocket(scope, netSocket);
  netSocket.resume();
  netPeer.end();
  await once(netSocket, "close");
  assert.ok(netLease.isReleased);
  assert.equal(inUse("socket"), 0);
  await scope.close();
});

test("the lease of a socket that is closed already is released at once", async (t) => {
  const { scope, inUse } = world();
  const [socket] = await webSockets(t);
  const [netSocket] = await netSockets(t);
  socket.terminate();
  await once(socket, "close");
  netSocket.destroy();
  for (const closed of [socket, netSocket]) assert.ok(managedSocket(scope, closed).isReleased);
  assert.equal(inUse("socket"), 0);
});

test("a net.Socket is ended: what was written arrives", async (t) => {
  const { scope, inUse } = world();
  const [socket, peer] = await netSockets(t);
  const lease = managedSocket(scope, socket);
  socket.write("last words");
  let heard = "";
  peer.on("data", (data) => {
    heard += data;
  });
  const ended = once(peer, "end");
  peer.on("end", () => peer.end());
  await lease.release();
  await ended;
  assert.equal(heard, "last words");
  assert.ok(socket.destroyed);
  assert.equal(inUse("socket"), 0);
});

test("a net.Socket whose peer does not end is destroyed", async (t) => {
  const { scope, inUse } = world();
  const [socket, peer] = await netSockets(t);
  managedSocket(scope, socket);
  peer.pause();
  await scope.close();
  assert.ok(socket.destroyed);
  assert.equal(inUse("socket"), 0);
});

test("a net.Socket that is reset while it is released harms nothing", async (t) => {
  const { scope } = world();
  const [socket, peer] = await netSockets(t);
  managedSocket(scope, socket);
  peer.on("end", () => peer.resetAndDestroy()).resume();
  await scope.close();
  assert.ok(socket.destroyed);
});

test("a socket for which there is no room is still the caller's", async (t) => {
  const { scope } = world({ socket: { countMax: 1 } });
  const [socket, peer] = await netSockets(t);
  managedSocket(scope, socket);
  assert.throws(() => managedSocket(scope, peer), isRefusal);
  assert.ok(!peer.destroyed);
});

// ---- timers ----

test("a timeout's lease ends before its work begins; timeouts do not pile up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { scope, inUse } = world();
  let fired = 0;
  for (let i = 0; i < 3; i++) {
    const lease = managedTimeout(scope, 100, () => {
      assert.ok(lease.isReleased);
      fired++;
    });
  }
  assert.equal(inUse("timer"), 3);
  t.mock.timers.tick(100);
  assert.equal(fired, 3);
  assert.equal(inUse("timer"), 0);
});

test("when the scope ends, so do its timers", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { scope, inUse } = world();
  let ticks = 0;
  managedInterval(scope, 100, () => ticks++);
  managedTimeout(scope, 250, () => assert.fail("the scope has ended"));
  t.mock.timers.tick(200);
  assert.equal(ticks, 2);
  assert.equal(inUse("timer"), 2);
  await scope.close();
  t.mock.timers.tick(1000);
  assert.equal(ticks, 2);
  assert.equal(inUse("timer"), 0);
});

test("a timer for which there is no room does not run", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const { scope } = world({ timer: { countMax: 1 } });
  let ticks = 0;
  managedInterval(scope, 100, () => ticks++);
  assert.throws(() => managedInterval(scope, 100, () => assert.fail("refused")), isRefusal);
  assert.throws(() => managedTimeout(scope, 100, () => assert.fail("refused")), isRefusal);
  t.mock.timers.tick(200);
  assert.equal(ticks, 2);
});

// ---- listeners ----

test("a listener of an EventEmitter listens until its scope ends", async () => {
  const { scope, inUse } = world();
  const emitter = new EventEmitter();
  const heard: string[] = [];
  managedListener(scope, emitter, "word", (word: string) => heard.push(word));
  emitter.emit("word", "one");
  assert.equal(inUse("listener"), 1);
  await scope.close();
  emitter.emit("word", "two");
  assert.deepEqual(heard, ["one"]);
  assert.equal(emitter.listenerCount("word"), 0);
  assert.equal(inUse("listener"), 0);
});

test("sockets, signals and the process can be listened to", async (t) => {
  const { scope } = world();
  const [socket] = await webSockets(t);
  const [netSocket] = await netSockets(t);
  const before = process.listenerCount("warning");
  managedListener(scope, socket, "message", (data: Buffer) => assert.fail(`${data}`));
  managedListener(scope, netSocket, "data", (data: Buffer) => assert.fail(`${data}`));
  managedListener(scope, process, "warning", (warning: Error) => assert.fail(warning));
  managedListener(scope, new AbortController().signal, "abort", () => {});
  await scope.close();
  assert.equal(process.listenerCount("warning"), before);
  assert.equal(socket.listenerCount("message"), 0);
  assert.equal(netSocket.listenerCount("data"), 0);
});

test("a listener of an EventTarget listens until it is released", async () => {
  const { scope } = world();
  const target = new EventTarget();
  const heard: unknown[] = [];
  const lease = managedListener(scope, target, "word", (event: Event) => heard.push(event.type));
  target.dispatchEvent(new Event("word"));
  await lease.release();
  target.dispatchEvent(new Event("word"));
  assert.deepEqual(heard, ["word"]);
});

test("a listener for which there is no room does not listen", () => {
  const { scope } = world({ listener: { countMax: 1 } });
  const emitter = new EventEmitter();
  managedListener(scope, emitter, "word", () => {});
  assert.throws(() => managedListener(scope, emitter, "word", () => {}), isRefusal);
  assert.equal(emitter.listenerCount("word"), 1);
});

// ---- folders ----

test("a folder goes with all that is in it, and may be gone already", async () => {
  const { scope, inUse } = world();
  const { value: folder } = await managedFolder(scope, "managed-test-");
  assert.match(folder, /managed-test-\w+$/);
  await mkdir(join(folder, "a/b"), { recursive: true });
  await writeFile(join(folder, "a/b/c"), "d");
  assert.equal(inUse("folder"), 1);
  await scope.close();
  await assert.rejects(access(folder), { code: "ENOENT" });
  assert.equal(inUse("folder"), 0);
});

// ---- child processes ----

const STAYS = "process.stdout.write('up'); setInterval(() => {}, 1000);";
const STUBBORN = `process.on("SIGTERM", () => {}); ${STAYS}`;

test("a child is told to end, and waited for", async (t) => {
  const { scope, inUse } = world();
  const child = await childThatIsUp(t, scope, STAYS);
  assert.equal(inUse("child process"), 1);
  await scope.close();
  assert.equal(child.signalCode, "SIGTERM");
  assert.equal(inUse("child process"), 0);
});

test("a child that does not heed SIGTERM is killed after its time of grace", async (t) => {
  const { scope } = world();
  const child = await childThatIsUp(t, scope, STUBBORN, 50);
  await scope.close();
  assert.equal(child.signalCode, "SIGKILL");
});

test("the lease of a child ends when the child exits by itself", async () => {
  const { scope, inUse } = world();
  const lease = await managedChild(scope, process.execPath, ["-e", "process.exit(3)"]);
  const [code] = await once(lease.value, "exit");
  assert.equal(code, 3);
  assert.ok(lease.isReleased);
  assert.equal(inUse("child process"), 0);
  await scope.close();
});

test("a command that is not there is told of, and takes no room", async () => {
  const { resources, scope, inUse } = world();
  await assert.rejects(managedChild(scope, "/no/such/command", []), { code: "ENOENT" });
  assert.equal(inUse("child process"), 0);
  assert.equal(resources.snapshot().kinds.find(({ kind }) => kind === "child process")?.failed, 1);
});

// ---- workers ----

const ECHOES =
  'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (x) => parentPort.postMessage(x));';

test("a worker is terminated when its scope ends", async () => {
  const { scope, inUse } = world();
  const { value: worker } = await managedWorker(scope, ECHOES, { eval: true });
  worker.postMessage("hello");
  assert.deepEqual(await once(worker, "message"), ["hello"]);
  assert.equal(inUse("worker"), 1);
  await scope.close();
  assert.equal(worker.threadId, -1);
  assert.equal(inUse("worker"), 0);
});

test("the lease of a worker ends when the worker does, nothing of which is missed", async () => {
  const { scope, inUse } = world();
  const said = 'require("node:worker_threads").parentPort.postMessage("hello"); process.exit(3)';
  const lease = await managedWorker(scope, said, { eval: true });
  const heard = once(lease.value, "message");
  const [code] = await once(lease.value, "exit");
  assert.equal(code, 3);
  assert.deepEqual(await heard, ["hello"]);
  assert.ok(lease.isReleased);
  const failing = await managedWorker(scope, 'throw new Error("no")', { eval: true });
  const exited = once(failing.value, "exit").catch(() => {});
  const [error] = await once(failing.value, "error");
  assert.equal(error.message, "no");
  await exited;
  await failing.release();
  assert.equal(inUse("worker"), 0);
});

function world(kinds: Record<string, Partial<KindOptions>> = {}) {
  const resources = new Resources({ kinds });
  const inUse = (kind: string) => resources.snapshot().kinds.find((each) => each.kind === kind)?.inUse;
  return { resources, scope: resources.scope("test"), inUse };
}

function isRefusal(error: unknown): boolean {
  return error instanceof ResourceError && error.code === "budget_full";
}

async function childThatIsUp(t: TestContext, scope: Scope, code: string, graceMs?: number) {
  const options = graceMs === undefined ? {} : { graceMs };
  const { value: child } = await managedChild(scope, process.execPath, ["-e", code], options);
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.stdout);
  await once(child.stdout, "data");
  return child;
}

async function webSocketServer(t: TestContext): Promise<WebSocketServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.after(() => server.close());
  await once(server, "listening");
  return server;
}

/** Both ends of a connection. */
async function webSockets(t: TestContext): Promise<[WebSocket, WebSocket]> {
  const server = await webSocketServer(t);
  const connected = once(server, "connection");
  const peer = new WebSocket(`ws://127.0.0.1:${port(server)}/`);
  t.after(() => peer.terminate());
  await once(peer, "open");
  const [socket] = await connected;
  return [socket, peer];
}

async function netServer(t: TestContext) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  t.after(() => server.close());
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await once(server, "listening");
  return server;
}

/** Both ends of a connection, the second one of which stays half open. */
async function netSockets(t: TestContext): Promise<[Socket, Socket]> {
  const server = await netServer(t);
  const connected = once(server, "connection");
  const socket = connect(port(server), "127.0.0.1");
  t.after(() => socket.destroy());
  await once(socket, "connect");
  const [peer] = await connected;
  return [socket, peer];
}

function port(server: { address(): unknown }): number {
  const address = server.address();
  assert.ok(typeof address === "object" && address && "port" in address && typeof address.port === "number");
  return address.port;
}
