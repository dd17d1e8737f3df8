import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type after, test } from "node:test";
import { Balancer } from "./balancer.ts";
import { freePort } from "./port.ts";

const QUIET_MS = 100;

test("connections go to the servers in turn, and to the next when one is down", async (t) => {
  const rig = await started(t, 2);
  const first = rig.client(1);
  const second = rig.client(2);
  const names = [await first.said("\n"), await second.said("\n")].map((text) => text.split(" ")[0]);
  assert.deepEqual(names.sort(), ["server-0", "server-1"]);

  await rig.servers[0]?.end();
  for (const number of [3, 4, 5]) assert.match(await rig.client(number).said("\n"), /^server-1 /);
});

test("what was read to know the client reaches the server", async (t) => {
  const rig = await started(t, 1);
  const client = rig.client(7);
  assert.match(await client.said("\n"), /^server-0 GET \/ws\?client=7 HTTP\/1.1\r\n/);
  assert.deepEqual(rig.balancer.clientsOf(rig.ports[0] ?? 0), [7]);
});

test("a server that dies ends its clients' connections", async (t) => {
  const rig = await started(t, 1);
  const client = rig.client(1);
  await client.said("\n");
  await rig.servers[0]?.end();
  await client.closed;
  assert.deepEqual(rig.balancer.clientsOf(rig.ports[0] ?? 0), []);
});

test("cut resets both sides", async (t) => {
  const rig = await started(t, 1);
  const client = rig.client(1);
  await client.said("\n");
  rig.balancer.cut([1]);
  await client.closed;
  assert.equal(client.error(), "ECONNRESET");
  await rig.servers[0]?.clientGone;
});

test("held, nothing gets through in either direction, no end either; accepted again, all of it does", async (t) => {
  const rig = await started(t, 1);
  const client = rig.client(1);
  await client.said("\n");
  rig.balancer.hold([1], { newOnes: false });
  client.socket.write("ping\n");
  await quiet();
  assert.doesNotMatch(client.text(), /ping/);
  rig.balancer.accept([1]);
  await client.said("ping\n");

  rig.balancer.hold([1], { newOnes: false });
  client.socket.end("last\n");
  await quiet();
  assert.equal(rig.servers[0]?.gone(), 0);
  rig.balancer.accept([1]);
  await rig.servers[0]?.clientGone;
  assert.match(rig.servers[0]?.text() ?? "", /last/);
});

test("held clients' new connections are taken and lead nowhere, until accepted", async (t) => {
  const rig = await started(t, 1);
  rig.balancer.hold([1], { newOnes: true });
  const client = rig.client(1);
  await once(client.socket, "connect");
  await quiet();
  assert.equal(client.text(), "");
  rig.balancer.accept([1]);
  await client.said("\n");
});

test("with new ones let through, only the connections there are hang", async (t) => {
  const rig = await started(t, 1);
  await rig.client(1).said("\n");
  rig.balancer.hold([1], { newOnes: false });
  await rig.client(1).said("\n");
});

test("refused clients are reset at once, others are not", async (t) => {
  const rig = await started(t, 1);
  rig.balancer.refuse([1]);
  await rig.client(1).closed;
  await rig.client(2).said("\n");
  rig.balancer.accept([1]);
  await rig.client(1).said("\n");
});

test("without a server, a client is turned away", async (t) => {
  const rig = await started(t, 0);
  await rig.client(1).closed;
});

// ---- servers that echo, and clients that gather what they get ----

async function started(t: { after: typeof after }, count: number) {
  const servers = await Promise.all(Array.from({ length: count }, (_, index) => echoServer(`server-${index}`)));
  const port = await freePort();
  const balancer = await Balancer.listen(port);
  const ports = servers.map((server) => server.port);
  balancer.use(ports);
  const clients: Socket[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    balancer.close();
    await Promise.all(servers.map((server) => server.end()));
  });
  return {
    balancer,
    servers,
    ports,
    client: (number: number) => {
      const client = talker(port, number);
      clients.push(client.socket);
      return client;
    },
  };
}

function talker(port: number, number: number) {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  let error: string | undefined;
  socket.setEncoding("utf8").on("data", (data) => {
    text += data;
  });
  socket.on("error", (thrown) => {
    error = "code" in thrown ? String(thrown.code) : thrown.message;
  });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.write(`GET /ws?client=${number} HTTP/1.1\r\n\r\n`);
  return {
    socket,
    closed,
    text: () => text,
    error: () => error,
    /** All it got, once that is in it. */
    said: async (part: string) => {
      while (!text.includes(part)) await once(socket, "data");
      return text;
    },
  };
}

async function echoServer(name: string) {
  let text = "";
  let gone = 0;
  const clientGone = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.write(`${name} `);
    socket.on("data", (data) => {
      text += data;
      socket.write(data);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      gone++;
      clientGone.resolve();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    text: () => text,
    gone: () => gone,
    clientGone: clientGone.promise,
    end: () =>
      new Promise<void>((ended) => {
        server.close(() => ended());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function quiet(): Promise<void> {
  return new Promise((over) => setTimeout(over, QUIET_MS));
}
