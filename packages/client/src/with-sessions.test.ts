import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { test } from "node:test";
import { createSessions, memoryStore } from "@holdfast/sessions";
import { connect } from "./index.ts";

type Numbers = { toClient: number; toServer: number };

test("with the real server, behind a network that breaks now and then, both sides get every message once, in order", async (t) => {
  const handled: number[] = [];
  const sessions = await createSessions<Numbers>(memoryStore(), {
    message: (_session, message) => {
      handled.push(message);
    },
  });
  const http = createServer();
  sessions.attach(http, { path: "/ws" });
  const network = await breakableNetwork(http);
  const connection = connect<Numbers>(`ws://localhost:${network.port}/ws`, { backoffMinMs: 2, backoffMaxMs: 20 });
  t.after(async () => {
    await connection.close();
    await sessions.close();
    network.close();
    http.close();
  });

  const received: number[] = [];
  connection.on("message", (message) => received.push(message));
  const [resumed, gaps] = [
    count(connection.on.bind(connection, "resumed")),
    count(connection.on.bind(connection, "gap")),
  ];
  await new Promise((resolve) => connection.on("open", resolve));
  const id = connection.id!;
  let breaks = 0;
  const numbers = Array.from({ length: 400 }, (_, i) => i + 1);
  for (const number of numbers) {
    connection.send(number);
    await sessions.send(id, number);
    if (number % 40 > 0) continue;
    while (resumed() < breaks) await new Promise((resolve) => connection.on("resumed", resolve));
    network.break();
    breaks++;
  }
  await connection.whenAcknowledged();
  await new Promise<void>((resolve) => {
    if (received.at(-1) === 400) resolve();
    connection.on("message", (message) => message === 400 && resolve());
  });
  assert.deepEqual(handled, numbers);
  assert.deepEqual(received, numbers);
  assert.equal(resumed(), breaks);
  assert.equal(gaps(), 0);
});

function count(on: (handler: () => void) => void): () => number {
  let times = 0;
  on(() => times++);
  return () => times;
}

/** A way to the server that can be broken under everybody on it, without a word. */
async function breakableNetwork(http: ReturnType<typeof createServer>) {
  http.listen(0);
  await once(http, "listening");
  const sockets = new Set<Socket>();
  const proxy = createTcpServer((client) => {
    const server = connectTcp((http.address() as AddressInfo).port);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
    client.pipe(server).pipe(client);
  });
  proxy.listen(0);
  await once(proxy, "listening");
  const breakAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    break: breakAll,
    close: () => {
      breakAll();
      proxy.close();
    },
  };
}
