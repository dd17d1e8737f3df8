/**
 * The argument of docs/decisions/004 as an experiment: the real server and the real client in a simulated world, with
 * sends, crashes, cuts, freezes, lost notices and stores that come back older, against an oracle. Every run follows from
 * its seed. sessions.model.test.ts runs some; by hand, as many as one likes:
 *
 *   node --conditions=holdfast-source packages/sessions/src/model.fixture.ts --seed 17 --runs 1000000
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type Connection, connect } from "@holdfast/client";
import type { WebSocket } from "ws";
import { FaultyStore, SETTLE_MS } from "./faulty-store.fixture.ts";
import { limitsFrom } from "./limits.ts";
import { SessionError } from "./session-error.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { Actor, ClientSocket, Wire, World } from "./world.fixture.ts";

const ACTIVE_MS = 6000;
const CALM_MS = 20_000;

interface ToClient {
  from: string;
  n: number;
  echo?: boolean;
}
interface ToServer {
  n: number;
}
type M = { toClient: ToClient; toServer: ToServer };

/** What a client saw, in order. */
type Seen = ToClient | "gap";

class Client {
  readonly name: string;
  readonly actor: Actor;
  readonly seen: Seen[] = [];
  readonly connection: Connection<M>;
  wire: Wire | undefined;
  isOffline = false;
  sent = 0;
  readonly unconfirmed: ToServer[] = [];
  closed: unknown;

  constructor(model: Model, name: string) {
    this.name = name;
    this.actor = new Actor(name);
    const { world } = model;
    const Socket = class extends ClientSocket {
      constructor() {
        super();
        model.dial(client, this);
      }
    };
    const client = this;
    this.connection = world.as(this.actor, () =>
      connect<M>("ws://world/ws", { WebSocket: Socket as never, connectTimeoutMs: 1000, backoffMaxMs: 500 }),
    );
    this.connection.on("message", (message) => void this.seen.push(message));
    this.connection.on("gap", ({ unconfirmed }) => {
      this.seen.push("gap");
      this.unconfirmed.push(...unconfirmed);
    });
    this.connection.on("closed", (why) => {
      this.closed = why;
    });
  }
}

class Server {
  readonly actor: Actor;
  readonly sessions: Sessions<M>;
  isDraining = false;
  diedAtMs = Number.POSITIVE_INFINITY;

  constructor(actor: Actor, sessions: Sessions<M>) {
    this.actor = actor;
    this.sessions = sessions;
  }
}

/** One message to a client, and what came of it. */
interface Sending extends ToClient {
  to: Client;
  atMs: number;
  outcome: "pending" | "sent" | string;
}

class Model {
  readonly world: World;
  readonly store: FaultyStore;
  readonly servers: Server[] = [];
  readonly clients: Client[] = [];
  readonly sendings: Sending[] = [];
  /** Messages of clients in the order in which handlers began, by client. */
  readonly handled = new Map<string, number[]>();
  /** Something happened after which a message may be handled twice. */
  mayRepeat = false;
  /** Messages that are missing without a gap, as the decision admits: their sender died with the store. */
  admitted = 0;
  readonly log: string[] = [];
  readonly #limits;
  #names = 0;
  #senders = new Map<string, number>();

  constructor(seed: number) {
    this.world = new World(seed);
    this.#limits = {
      windowMessages: this.world.random() < 0.3 ? 8 : 200,
      detachedMs: this.world.random() < 0.2 ? 1500 : 60_000,
      heartbeatMs: 400,
      handoverMs: 300,
      helloTimeoutMs: 1000,
    };
    const lossRate = this.world.random() < 0.3 ? 0.1 : 0;
    this.store = new FaultyStore(limitsFrom(this.#limits), { world: this.world, lossRate });
  }

  note(what: string): void {
    this.log.push(`${this.world.nowMs.toFixed(1)} ${what}`);
  }

  async addServer(): Promise<void> {
    const actor = new Actor(`server${++this.#names}`);
    const sessions = await this.world.as(actor, () =>
      createSessions<M>(this.store.storeOf(actor), {
        ...this.#limits,
        server: actor.name,
        message: async (session, { n }, { reply }) => {
          const handled = this.handled.get(session.clientId) ?? [];
          this.handled.set(session.clientId, [...handled, n]);
          if (this.world.random() < 0.3)
            await new Promise((resolve) => void setTimeout(resolve, this.world.between(0, 60)));
          reply({ from: session.clientId, n, echo: true });
        },
        onError: (error) => assert.ok(error instanceof SessionError, String(error)),
      }),
    );
    this.servers.push(new Server(actor, sessions));
  }

  /** A client's new WebSocket finds a server, as through a load balancer. */
  dial(client: Client, socket: ClientSocket): void {
    const { world } = this;
    const server = world.pick(this.servers.filter(({ actor, isDraining }) => !actor.isDead && !isDraining));
    if (client.isOffline || !server) {
      world.after(world.between(1, 50), client.actor, () => socket.closed(1006, "unreachable"));
      return;
    }
    const wire = new Wire(world, client.actor, server.actor, socket);
    client.wire = wire;
    wire.toServer(() => {
      server.sessions.connect(wire.server as unknown as WebSocket, client.name).catch(() => {});
      wire.toClient(() => socket.tell("open", {}));
    });
  }

  /** A server sends to a client's session, wherever that is. */
  send(from: Server, to: Client): void {
    const { id } = to.connection;
    if (id === undefined || from.actor.isDead || from.actor.isFrozen) return;
    const key = `${from.actor.name}>${to.name}`;
    const n = (this.#senders.get(key) ?? 0) + 1;
    this.#senders.set(key, n);
    const sending: Sending = { from: key, n, to, atMs: this.world.nowMs, outcome: "pending" };
    this.sendings.push(sending);
    this.world.after(0, from.actor, () => {
      from.sessions.send(id, { from: key, n }).then(
        () => {
          sending.outcome = "sent";
        },
        (error) => {
          sending.outcome = (error as SessionError).code ?? String(error);
        },
      );
    });
  }

  sendToServer(client: Client): void {
    this.world.after(0, client.actor, () => {
      if (client.connection.state !== "closed" && client.connection.unacknowledged < 500)
        client.connection.send({ n: ++client.sent });
    });
  }
}

/** A fault, as something that happens and ends. */
function fault(model: Model): void {
  const { world, store } = model;
  const alive = model.servers.filter(({ actor }) => !actor.isDead && !actor.isFrozen);
  const server = world.pick(alive);
  const client = world.pick(model.clients);
  if (!server || !client) return;
  const forMs = world.between(50, 3000);
  const kinds = [
    "cut",
    "half-open",
    "offline",
    "crash",
    "freeze",
    "drain",
    "link",
    "redis-empty",
    "redis-old",
    "redis-frozen",
    "redis-down",
    "race",
  ];
  const kind = world.pick(kinds) ?? "cut";
  model.note(`${kind} ${server.actor.name} ${client.name} ${forMs.toFixed(0)}`);
  if (!["cut", "half-open", "offline"].includes(kind)) model.mayRepeat = true;
  switch (kind) {
    case "cut":
      client.wire?.cut();
      break;
    case "half-open":
      if (client.wire) client.wire.isBlackHole = true;
      break;
    case "offline":
      client.isOffline = true;
      client.wire?.cut();
      world.after(forMs, undefined, () => {
        client.isOffline = false;
      });
      break;
    case "crash":
      server.actor.isDead = true;
      server.diedAtMs = world.nowMs;
      for (const { wire } of model.clients) if (wire?.serverActor === server.actor) wire.cut();
      world.after(world.between(0, 500), undefined, () => void model.addServer());
      break;
    case "freeze":
      server.actor.isFrozen = true;
      world.after(forMs * 2, undefined, () => world.thaw(server.actor));
      break;
    case "drain":
      server.isDraining = true;
      world.after(0, server.actor, () => {
        server.sessions
          .drain({ graceMs: 1000 })
          .then(() => server.sessions.close())
          .then(() => {
            server.actor.isDead = true;
            server.diedAtMs = world.nowMs;
          });
      });
      world.after(0, undefined, () => void model.addServer());
      break;
    case "link":
      store.link(server.actor)?.lose();
      break;
    case "redis-empty":
      store.crash(world.between(0, 1000));
      break;
    case "redis-old": {
      const snapshot = store.shelf.snapshot();
      world.after(forMs / 2, undefined, () => store.crash(world.between(0, 1000), snapshot));
      break;
    }
    case "redis-frozen":
      store.actor.isFrozen = true;
      world.after(forMs, undefined, () => world.thaw(store.actor));
      break;
    case "redis-down":
      store.crash(forMs, store.shelf.snapshot());
      break;
    case "race": {
      // The client gives the line up and comes back at once, while the old server knows nothing.
      const { wire } = client;
      if (wire) {
        wire.isBlackHole = true;
        world.after(1, client.actor, () => wire.client.closed(1006, "race"));
      }
      break;
    }
  }
}

async function run(seed: number): Promise<Model> {
  const model = new Model(seed);
  const { world } = model;
  world.enter();
  try {
    for (let i = 0; i < 2 + Math.floor(world.random() * 2); i++) await model.addServer();
    for (let i = 0; i < 2; i++) model.clients.push(new Client(model, `client${i}`));
    await world.runUntil(200);
    for (let atMs = 0; atMs < ACTIVE_MS; atMs += world.between(10, 80)) {
      world.after(atMs, undefined, () => {
        const client = world.pick(model.clients);
        const server = world.pick(model.servers);
        if (!client || !server) return;
        if (world.random() < 0.5) model.sendToServer(client);
        else for (let burst = world.random() < 0.05 ? 20 : 1; burst > 0; burst--) model.send(server, client);
      });
    }
    const faults = 1 + Math.floor(world.random() * 5);
    for (let i = 0; i < faults; i++) world.after(world.between(0, ACTIVE_MS), undefined, () => fault(model));
    await world.runUntil(ACTIVE_MS + CALM_MS);
    for (const client of model.clients)
      for (const server of model.servers) if (!server.isDraining) model.send(server, client);
    await world.runUntil(ACTIVE_MS + CALM_MS + 3000);
    verify(model);
    return model;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${model.log.join("\n")}`, { cause: error });
  } finally {
    world.leave();
  }
}

function verify(model: Model): void {
  for (const client of model.clients) {
    assert.equal(client.closed, undefined, `${client.name} was turned away: ${JSON.stringify(client.closed)}`);
    assert.equal(client.connection.state, "open", `${client.name} is back`);
    assert.equal(client.connection.unacknowledged, 0, `all of ${client.name} is acknowledged`);
    verifyToClient(model, client);
    verifyToServer(model, client);
  }
  const last = new Map(model.sendings.map((sending) => [sending.from, sending]));
  const here = [...last.values()].filter(({ from }) => isAlive(model, from));
  for (const { from, n, to, outcome } of here) {
    assert.equal(outcome, "sent", `the calm's send ${from} ${n} is in the log`);
    assert.ok(
      to.seen.some((seen) => seen !== "gap" && !seen.echo && seen.from === from && seen.n === n),
      `${from} ${n} arrived`,
    );
  }
}

function isAlive(model: Model, from: string): boolean {
  return model.servers.some(
    ({ actor, isDraining }) => from.startsWith(`${actor.name}>`) && !actor.isDead && !isDraining,
  );
}

/** S1: what was sent arrives once, in order, or a gap stands in its place; what was refused does not arrive. */
function verifyToClient(model: Model, client: Client): void {
  const ours = model.sendings.filter(({ to }) => to === client);
  for (const from of new Set(ours.map((sending) => sending.from))) {
    const sendings = ours.filter((sending) => sending.from === from);
    let n = 0;
    let gap = false;
    const expect = (until: number) => {
      for (n++; n < until; n++) {
        const sending = sendings[n - 1] as Sending;
        if (gap || sending.outcome !== "sent") continue;
        assert.ok(diedWithStore(model, sending), `${from}: message ${n} is missing without a gap`);
        model.admitted++;
      }
    };
    for (const seen of client.seen) {
      if (seen === "gap") gap = true;
      else if (seen.from === from && !seen.echo) {
        assert.ok(seen.n > n, `${from}: message ${seen.n} after ${n}`);
        expect(seen.n);
        const { outcome } = sendings[n - 1] as Sending;
        assert.ok(
          ["sent", "outcome_unknown", "pending"].includes(outcome),
          `${from}: ${n} arrived, and was refused: ${outcome}`,
        );
        gap = false;
      }
    }
    expect(sendings.length + 1);
  }
}

/** The store forgot the message before its owner had it, and nobody was left to offer it again. */
function diedWithStore(model: Model, { from, atMs }: Sending): boolean {
  const sender = model.servers.find(({ actor }) => from.startsWith(`${actor.name}>`));
  const lost = model.store.restartedAtMs.find((restartedAtMs) => restartedAtMs >= atMs);
  return sender !== undefined && lost !== undefined && sender.diedAtMs < lost + SETTLE_MS && sender.diedAtMs >= atMs;
}

/** S7: each message is handled in order, once unless something broke, and its reply arrives once. */
function verifyToServer(model: Model, client: Client): void {
  const handled = model.handled.get(client.name) ?? [];
  const gaps = client.seen.filter((seen) => seen === "gap").length;
  const first = [...new Set(handled)];
  const missing = Array.from({ length: client.sent }, (_, i) => i + 1).filter((n) => !first.includes(n));
  const unconfirmed = new Set(client.unconfirmed.map(({ n }) => n));
  assert.deepEqual(
    missing.filter((n) => !unconfirmed.has(n)),
    [],
    `all of ${client.name} is handled, or reported`,
  );
  assert.deepEqual(
    first,
    [...first].sort((a, b) => a - b),
    `${client.name} is handled in order`,
  );
  if (!model.mayRepeat) assert.deepEqual(handled, first, `${client.name}: each is handled once`);
  // A gap also says that the store has forgotten: what was not acknowledged may have been handled before.
  const stretches: number[][] = [[]];
  for (const seen of client.seen)
    if (seen === "gap") stretches.push([]);
    else if (seen.echo) stretches.at(-1)?.push(seen.n);
  for (const echoes of stretches)
    assert.deepEqual(
      echoes,
      [...new Set(echoes)].sort((a, b) => a - b),
      `${client.name}: replies come once, in order`,
    );
  if (gaps === 0) assert.deepEqual(stretches[0], first, `${client.name}: every reply arrives`);
}

/** How many there were of everything. */
export interface Totals {
  runs: number;
  messages: number;
  gaps: number;
  /** Messages of clients that were handled once more. */
  repeated: number;
  /** Messages missing without a gap, in the one way that the decision admits. */
  admitted: number;
}

/** Runs a range of seeds. Rejects at the first that fails, with the seed and what happened. */
export async function runMany(seed: number, runs: number, progress?: (totals: Totals) => void): Promise<Totals> {
  const totals: Totals = { runs: 0, messages: 0, gaps: 0, repeated: 0, admitted: 0 };
  for (let each = seed; each < seed + runs; each++) {
    const model = await run(each).catch((error) => {
      throw new Error(`seed ${each}: ${error.message}`, { cause: error });
    });
    totals.runs++;
    totals.messages += model.sendings.length;
    totals.admitted += model.admitted;
    for (const client of model.clients) {
      totals.gaps += client.seen.filter((seen) => seen === "gap").length;
      const handled = model.handled.get(client.name) ?? [];
      totals.repeated += handled.length - new Set(handled).size;
    }
    if (totals.runs % 1000 === 0) progress?.(totals);
  }
  return totals;
}

if (!isMainThread) {
  parentPort?.postMessage(await runMany(workerData.seed, workerData.runs));
} else if (import.meta.main) {
  const { values } = parseArgs({
    options: { seed: { type: "string", default: "1" }, runs: { type: "string", default: "1000" } },
  });
  const totals = await runMany(Number(values.seed), Number(values.runs), (sofar) =>
    process.stderr.write(`${JSON.stringify(sofar)}\n`),
  );
  process.stdout.write(`${JSON.stringify(totals)}\n`);
}
