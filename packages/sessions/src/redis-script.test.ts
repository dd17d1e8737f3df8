import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { TestRedis } from "./redis.fixture.ts";
import { addressOf, type Client, oneConnection } from "./redis-client.ts";
import type { Reply } from "./redis-link.ts";
import { entryBytes, readNotices } from "./redis-notice.ts";
import { attachedOf, checkedOf, infos, texts, UNKNOWN, UNVERIFIED } from "./redis-reply.ts";
import { WHOLE_SCRIPT } from "./redis-script.ts";
import { SessionError } from "./session-error.ts";
import { type Appended, type Notice, Shelf, Unverified } from "./shelf.ts";
import type { Attach, Held, NewSession, Restorable, Reply as StoreReply } from "./store.ts";

/** The scripts against the shelf, which says what they should do: the same calls at random, and the same answers. */

const LIMITS = { windowMessages: 12, windowBytes: 400, detachedMs: 3_600_000, sessionsPerClientMax: 2 };
const SERVERS = ["server-one-1", "server-two-2", "server-three"] as const;
const TAG = "{model:00}:";
const STEPS = 1500;

const redis = await TestRedis.start();
after(() => redis.stop());

for (const seed of process.env.SEED ? [Number(process.env.SEED)] : [1, 2, 3]) {
  test(`the scripts do what the shelf does (SEED=${seed})`, async () => {
    const scripts = await Scripts.open();
    const shelf = new ModelShelf();
    const random = randomFrom(seed);
    const calls = new Calls(random);
    try {
      for (let step = 0; step < STEPS; step++) {
        const call = calls.next();
        // An id is never given twice. Of several detached sessions either may be the one that has been so longest.
        if (call.name === "create" && (shelf.has(call.session.id) || shelf.detached(call.session.clientId) > 1))
          continue;
        if (call.name === "resubmit" && shelf.hasForked(call.appended)) continue;
        // What a sender offers it may offer twice, when the line breaks in between.
        for (const each of call.name === "resubmit" ? [call, call] : [call]) {
          const expected = await shelf.run(each);
          const actual = await scripts.run(each);
          assert.deepEqual(actual, expected, `step ${step}: ${JSON.stringify(each)}`);
          calls.learn(each, expected.answer);
        }
      }
    } finally {
      await scripts.close();
    }
  });
}

/** A call of either, with the numbers of runs and epochs in place of their names. */
type ModelCall =
  | { name: "create"; server: string; session: NewSession }
  | { name: "attach"; server: string; attach: Attach }
  | { name: "detach"; server: string; id: string; fence: number }
  | { name: "end" | "find"; server: string; id: string }
  | { name: "append"; server: string; id: string; json: string }
  | { name: "publish"; server: string; room: string; json: string }
  | { name: "commit"; server: string; id: string; seq: number; replies: StoreReply[] }
  | { name: "resubmit"; server: string; appended: Appended }
  | { name: "trim"; server: string; id: string; fence: number; acked: number }
  | { name: "check"; server: string; held: Held }
  | { name: "restore"; server: string; held: Restorable }
  | { name: "release"; server: string; id: string; handled: number }
  | { name: "lane"; server: string; id: string; lane: string; bytes: Uint8Array }
  | { name: "join" | "leave"; server: string; id: string; room: string }
  | { name: "members"; server: string; room: string }
  | { name: "ofClient"; server: string; client: string }
  | { name: "save" | "restart" | "rollBack" | "settle"; server: string };

/** The answer, as plain data; and what each server was told. */
interface Outcome {
  answer: unknown;
  told: Record<string, Notice[]>;
}

/** Makes up calls: likely ones, and unlikely ones now and then. */
class Calls {
  readonly #random: () => number;
  readonly #ids = Array.from({ length: 8 }, (_, index) => `00${String(index).repeat(22)}`);
  readonly #sessions = new Map<string, { epoch: string; fence: number; last: number; handled: number; run: string }>();
  #appended: Appended[] = [];
  #isSettled = true;
  #isSaved = false;
  #run = "run 1";

  constructor(random: () => number) {
    this.#random = random;
  }

  next(): ModelCall {
    const server = this.#of([...SERVERS]);
    const id = this.#of(this.#ids);
    const known = this.#sessions.get(id) ?? { epoch: "epoch 1", fence: 1, last: 0, handled: 0, run: "run 1" };
    const near = (value: number) => Math.max(0, value + this.#of([0, 0, 0, 0, -1, 1, -5, 3, -20]));
    const json = () =>
      JSON.stringify(`${"ä".repeat(Math.floor(this.#random() * 30))}${Math.floor(this.#random() * 1e9)}`);
    const room = this.#of(["a", "b", "ц"]);
    const client = `client ${Number(id[2]) % 3}`;
    const secretHash = this.#random() < 0.97 ? "5".repeat(64) : "6".repeat(64);
    const epoch = this.#random() < 0.9 ? known.epoch : "epoch 1";
    const held = {
      id,
      fence: near(known.fence),
      epoch,
      last: near(known.last),
      handled: near(known.handled),
      run: known.run,
    };
    const first = Math.max(1, held.last - 5);
    const replies = Array.from({ length: Math.floor(this.#random() * 4) }, (_, index) => ({
      seq: known.handled + index,
      json: json(),
    }));
    const calls: [number, () => ModelCall][] = [
      [
        4,
        () => ({
          name: "create",
          server,
          session: { id, clientId: client, secretHash, epoch: randomUUID(), fence: 1 },
        }),
      ],
      [
        6,
        () => ({
          ...{ name: "attach", server },
          attach: {
            ...{
              id,
              clientId: this.#of([client, client, undefined, "else"]),
              secretHash,
              epoch,
              offset: near(known.last),
            },
            fence: known.fence + this.#of([1, 1, 1, 0, 2]),
            welcomed: known.fence + this.#of([0, 0, 0, 0, -1, 1]),
          },
        }),
      ],
      [3, () => ({ name: "detach", server, id, fence: near(known.fence) })],
      [1, () => ({ name: "end", server, id })],
      [30, () => ({ name: "append", server, id, json: json() })],
      [4, () => ({ name: "publish", server, room, json: json() })],
      [8, () => ({ name: "commit", server, id, seq: near(known.handled + 1), replies })],
      [
        this.#isSettled ? 1 : 6,
        () => ({
          name: "resubmit",
          server,
          appended: this.#of(this.#offers()) ?? { ...known, id, run: "run 0", first: known.last + 1, messages: ["0"] },
        }),
      ],
      [6, () => ({ name: "trim", server, id, fence: known.fence, acked: near(known.last) })],
      [5, () => ({ name: "check", server, held })],
      [
        this.#isSettled ? 2 : 20,
        () => ({
          ...{ name: "restore", server },
          held: {
            ...{ ...held, clientId: client, secretHash: "5".repeat(64), rooms: this.#random() < 0.5 ? [room] : [] },
            acked: near(first - 1),
            entries: Array.from({ length: held.last + 1 - first }, (_, index) => ({
              ...{ first: first + index, count: 1, json: json() },
            })),
          },
        }),
      ],
      [2, () => ({ name: "release", server, id, handled: 3 })],
      [2, () => ({ name: "lane", server, id, lane: "ü", bytes: new Uint8Array([0, 200, 13, 10]) })],
      [3, () => ({ name: "join", server, id, room })],
      [2, () => ({ name: "leave", server, id, room })],
      [2, () => ({ name: "find", server, id })],
      [1, () => ({ name: "members", server, room })],
      [1, () => ({ name: "ofClient", server, client })],
      [1, () => ({ name: "save", server })],
      [
        this.#isSettled ? 0.5 : 0,
        () => ({ name: this.#isSaved ? this.#of(["restart", "rollBack"]) : "restart", server }),
      ],
      [this.#isSettled ? 0 : 2, () => ({ name: "settle", server })],
    ];
    let at = this.#random() * calls.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of calls) {
      at -= weight;
      if (at < 0) return make();
    }
    return { name: "settle", server };
  }

  learn(call: ModelCall, answer: unknown): void {
    if (call.name === "restart" || call.name === "rollBack") {
      this.#isSettled = false;
      this.#run = (answer as { run: string }).run;
    }
    if (call.name === "settle") this.#isSettled = true;
    if (call.name === "save") this.#isSaved = true;
    if (typeof answer !== "object" || answer === null) return;
    const { id, epoch, first, messages, run } = answer as Appended;
    if (messages) {
      this.#appended = [...this.#appended.slice(-40), { id, epoch, first, messages, run }];
      const known = this.#sessions.get(id);
      if (known) Object.assign(known, { last: first + messages.length - 1, epoch, run });
      return;
    }
    if (call.name === "create")
      this.#sessions.set(call.session.id, {
        fence: 1,
        last: 0,
        handled: 0,
        ...(answer as { run: string; epoch: string }),
      });
    if (call.name !== "attach" && call.name !== "check" && call.name !== "restore") return;
    const about = call.name === "attach" ? call.attach : call.held;
    const reading = answer as {
      kind: string;
      epoch: string;
      offset: number;
      entries: [number, number][];
      handled: number;
      run: string;
    };
    if (reading.kind !== "attached" && reading.kind !== "current") return;
    const [from, count] = reading.entries.at(-1) ?? [reading.offset + 1, 0];
    const { epoch: now, handled, run: of } = reading;
    this.#sessions.set(about.id, { epoch: now, handled, run: of, fence: about.fence, last: from + count - 1 });
  }

  /** Nobody offers what the same run has told it. */
  #offers(): Appended[] {
    return this.#appended.filter(({ run }) => run !== this.#run);
  }

  #of<T>(values: T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }
}

/** Gives names that are random, such as epochs, numbers in the order in which they appear; and back. */
class Names {
  readonly #kind: string;
  readonly #plain = new Map<string, string>();
  readonly #real = new Map<string, string>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  plain(real: string): string {
    const known = this.#plain.get(real);
    if (known) return known;
    const plain = `${this.#kind} ${this.#plain.size + 1}`;
    this.#plain.set(real, plain);
    this.#real.set(plain, real);
    return plain;
  }

  real(plain: string): string {
    return this.#real.get(plain) ?? plain;
  }
}

/** What both have in common: names in place of what is random, and answers as plain data. */
abstract class Subject {
  /** By session: a script that starts several over gives them the same one. */
  readonly #epochs = new Map<string, Names>();
  protected readonly runs = new Names("run");
  protected told: Record<string, Notice[]> = {};

  async run(call: ModelCall): Promise<Outcome> {
    this.told = {};
    let answer: unknown;
    try {
      answer = await this.answer(this.#real(call));
    } catch (error) {
      if (error instanceof Unverified) answer = "unverified";
      else if (error instanceof SessionError) answer = error.code;
      else throw error;
    }
    // A publish tells of its members in no order.
    for (const notices of Object.values(this.told)) notices.sort(byId);
    return { answer: this.#plain(call, answer), told: this.told };
  }

  protected abstract answer(call: ModelCall): unknown;

  protected tell(server: string, notice: Notice): true {
    this.told[server] = [...(this.told[server] ?? []), structuredClone(notice)];
    return true;
  }

  protected epochsOf(id: string): Names {
    const names = this.#epochs.get(id) ?? new Names("epoch");
    this.#epochs.set(id, names);
    return names;
  }

  #real(call: ModelCall): ModelCall {
    return JSON.parse(JSON.stringify(call), (key, value) => {
      if (key === "epoch") return this.epochsOf(idOf(call)).real(value as string);
      if (key === "run") return this.runs.real(value as string);
      if (key === "bytes") return Uint8Array.from(Object.values(value as object));
      return value;
    });
  }

  #plain(call: ModelCall, answer: unknown): unknown {
    return JSON.parse(JSON.stringify(answer ?? null), (key, value) => {
      if (key === "epoch") return this.epochsOf(idOf(call)).plain(value as string);
      if (key === "run") return this.runs.plain(value as string);
      if (key === "rooms") return (value as string[]).sort();
      if (key === "entries")
        return (value as { first: number; count: number; json: string }[]).map((entry) => [
          entry.first,
          entry.count,
          entry.json,
        ]);
      return value;
    });
  }
}

class ModelShelf extends Subject {
  readonly #shelf = new Shelf({
    limits: LIMITS,
    nowMs: () => 0,
    notify: (server, notice) => this.tell(server, notice),
  });
  #saved: unknown;

  detached(clientId: string): number {
    return this.#shelf.ofClient(clientId).filter(({ server }) => server === undefined).length;
  }

  has(id: string): boolean {
    return this.#shelf.find(id) !== undefined;
  }

  /**
   * Scripts tell epochs apart by how far they have leapt. Two that leapt equally far, in different runs, look the same to
   * them, and they start over once more than need be.
   */
  hasForked({ id, epoch, first }: Appended): boolean {
    const snapshot = this.#shelf.snapshot() as { records: Map<string, { epoch: string; last: number }> };
    const record = snapshot.records.get(id);
    if (!record) return false;
    const isAsFar = Math.floor(record.last / 2 ** 32) === Math.floor(first / 2 ** 32);
    return isAsFar && this.epochsOf(id).plain(record.epoch) !== epoch;
  }

  protected answer(call: ModelCall): unknown {
    const shelf = this.#shelf;
    const { server } = call;
    switch (call.name) {
      case "create":
        return { ...shelf.create(call.session, server), epoch: call.session.epoch };
      case "attach":
        return shelf.attach(call.attach, server);
      case "detach":
        return shelf.detach(call.id, call.fence);
      case "end":
        return shelf.end(call.id);
      case "find":
        return shelf.find(call.id);
      case "append":
        return shelf.append(call.id, call.json);
      case "publish":
        return shelf.publish(call.room, call.json);
      case "commit":
        return shelf.commit(call.id, call.seq, call.replies);
      case "resubmit":
        return appendedOf(shelf.resubmit(call.appended));
      case "trim":
        return shelf.trim(call.id, call.fence, call.acked);
      case "check":
        return shelf.check(call.held, server);
      case "restore":
        return shelf.restore(call.held, server);
      case "release":
        return shelf.release(call.id, call.handled);
      case "lane":
        return shelf.lane(call.id, call.lane, call.bytes);
      case "join":
        return shelf.join(call.id, call.room);
      case "leave":
        return shelf.leave(call.id, call.room);
      case "members":
        return shelf.members(call.room).sort();
      case "ofClient":
        return shelf.ofClient(call.client).sort(byId);
      case "save":
        this.#saved = shelf.snapshot();
        return undefined;
      case "restart":
      case "rollBack":
        shelf.restart(call.name === "rollBack" ? this.#saved : undefined);
        return { run: shelf.run };
      case "settle":
        return shelf.settle();
    }
  }
}

/** The scripts, in a Redis that is emptied or filled with an older state in place of a restart. */
class Scripts extends Subject {
  readonly #clients: Map<string, Client>;
  #run = "a".repeat(16);
  #isSettled = true;
  #saved: [Buffer, Buffer][] = [];

  private constructor(clients: Map<string, Client>) {
    super();
    this.#clients = clients;
  }

  static async open(): Promise<Scripts> {
    await redis.command("FLUSHALL");
    const clients = new Map<string, Client>();
    const scripts = new Scripts(clients);
    for (const server of SERVERS) {
      const client = oneConnection(addressOf(redis.url));
      clients.set(server, client);
      await client.connect();
      await client.sendCommand(["SCRIPT", "LOAD", WHOLE_SCRIPT.text]);
      const hear = (message: Buffer) => scripts.#hear(server, message, 8);
      await client.sSubscribe(`${TAG}to:${server}`, hear, true);
    }
    await scripts.#enter();
    return scripts;
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.destroy();
  }

  protected async answer(call: ModelCall): Promise<unknown> {
    const reply = await this.#answer(call);
    // Whatever was published has come before these.
    for (const client of this.#clients.values()) await client.sendCommand(["PING"]);
    if (reply === UNVERIFIED) throw new Unverified();
    return reply;
  }

  async #answer(call: ModelCall): Promise<unknown> {
    const { server } = call;
    const run = this.#run;
    switch (call.name) {
      case "create": {
        const { id, clientId, secretHash, epoch, fence } = call.session;
        await this.#do(server, "create", [id, clientId, secretHash, epoch, String(fence)]);
        return { run, epoch };
      }
      case "attach": {
        const { id, clientId, secretHash, fence, epoch, offset, welcomed } = call.attach;
        const numbers = [fence, epoch, offset, welcomed].map(String);
        const claimed = clientId === undefined ? "" : `=${clientId}`;
        const reply = await this.#do(server, "attach", [id, claimed, secretHash, ...numbers]);
        return reply === UNVERIFIED ? reply : attachedOf(reply, 0, run);
      }
      case "detach":
        await this.#do(server, "detach", [call.id, String(call.fence)]);
        return undefined;
      case "end":
        return isDone(await this.#do(server, "end", [call.id]));
      case "find":
        return infos(await this.#do(server, "find", [call.id]))[0];
      case "append": {
        const last = await this.#do(server, "append", [call.id, "1", call.json], call.json);
        return this.#appended(call.id, last === UNVERIFIED ? last : Number(last), [call.json]);
      }
      case "publish": {
        const reply = await this.#do(server, "publish", [call.room, "1", call.json], call.json);
        return Array.isArray(reply) ? reply[0] : reply;
      }
      case "commit": {
        const { id, seq, replies } = call;
        const args = replies.flatMap((reply) => [String(reply.seq), reply.json]);
        const json = replies.map((reply) => reply.json);
        const reply = await this.#do(
          server,
          "commit",
          [id, String(seq), String(replies.length), ...args],
          json.join(","),
        );
        if (reply === 0) return undefined;
        const [first, count] = Array.isArray(reply) ? (reply as [number, number]) : [reply as number, 0];
        return this.#appended(id, first, count === 0 ? [] : json.slice(-count));
      }
      case "resubmit": {
        const { id, run: of, first, messages } = call.appended;
        const args = [id, of, String(first), String(messages.length), messages.join(",")];
        const reply = await this.#do(server, "resubmit", args);
        return reply === 0 ? undefined : this.#appended(id, reply as number, messages);
      }
      case "trim":
        await this.#do(server, "trim", [call.id, String(call.fence), String(call.acked)]);
        return undefined;
      case "check":
        return checkedOf(await this.#do(server, "check", heldArgs(call.held)), 0, run);
      case "restore": {
        const { clientId, secretHash, acked, rooms, entries } = call.held;
        const args = [...heldArgs(call.held), clientId, secretHash, String(acked), String(rooms.length), ...rooms];
        const all = [...args, String(entries.length), ...entries.map(entryBytes)];
        return checkedOf(await this.#do(server, "restore", all), 0, run);
      }
      case "release":
        await this.#do(server, "release", [call.id, String(call.handled)]);
        return undefined;
      case "lane":
        return (await this.#do(server, "lane", [call.id, call.lane, Buffer.from(call.bytes)])) === 1;
      case "join":
      case "leave":
        return isDone(await this.#do(server, call.name, [call.id, call.room]));
      case "members":
        return texts(await this.#do(server, "members", [call.room])).sort();
      case "ofClient":
        return infos(await this.#do(server, "ofClient", [call.client])).sort(byId);
      case "save":
        this.#saved = await this.#dump();
        return undefined;
      case "restart":
      case "rollBack":
        await this.#restart(call.name === "rollBack" ? this.#saved : []);
        return { run: this.#run };
      case "settle":
        return this.#settle();
    }
  }

  async #appended(id: string, first: number, messages: string[]): Promise<unknown> {
    if (first === UNVERIFIED) return first;
    if (first === UNKNOWN) throw new SessionError("session_unknown", id);
    const epoch = String(await this.#client().sendCommand(["HGET", `${TAG}s:${id}`, "e"]));
    return { id, run: this.#run, epoch, first, messages };
  }

  async #do(server: string, name: string, args: (string | Buffer)[], json = ""): Promise<Reply> {
    const limits = [LIMITS.windowMessages, LIMITS.windowBytes, LIMITS.detachedMs, LIMITS.sessionsPerClientMax].map(
      String,
    );
    const header = ["1", server, this.#run, this.#isSettled ? "2" : "0", randomUUID(), ...limits];
    const [, results, , notices] = (await this.#client(server).sendCommand(
      ["EVALSHA", WHOLE_SCRIPT.sha, "1", `${TAG}servers`, ...header, name, ...args],
      { typeMapping: { 36: Buffer } },
    )) as [Buffer, Reply[], number, Buffer];
    this.#hear(server, notices, 0, json);
    const [result] = results;
    if (result === -3) throw new SessionError("sessions_too_many", "");
    return result as Reply;
  }

  #hear(server: string, bytes: Buffer, at: number, json = ""): void {
    const tell = (notice: Notice) => void this.tell(server, notice);
    const ears = {
      entry: (id: string, entry: { first: number; count: number; json: string }) => tell({ kind: "entry", id, entry }),
      fenced: (id: string, fence: number, by: string) => tell({ kind: "fenced", id, fence, by }),
      released: (id: string, handled: number) => tell({ kind: "released", id, handled }),
      ended: (id: string) => tell({ kind: "ended", id }),
      lane: (id: string, lane: string, value: Uint8Array) => tell({ kind: "lane", id, lane, bytes: value }),
      room: (id: string, room: string, isIn: boolean) => tell({ kind: "room", id, room, isIn }),
      ...{ resync: () => {}, available: () => {}, expired: () => {} },
    };
    readNotices(bytes, at, ears, () => json);
  }

  async #enter(): Promise<void> {
    for (const server of SERVERS) await this.#do(server, "enter", [server, "1", "0"]);
  }

  async #dump(): Promise<[Buffer, Buffer][]> {
    const buffers = { typeMapping: { 36: Buffer } };
    const keys = await this.#client().sendCommand<Buffer[]>(["KEYS", "*"], buffers);
    const dump = (key: Buffer) => this.#client().sendCommand<Buffer>(["DUMP", key], buffers);
    return Promise.all(keys.map(async (key): Promise<[Buffer, Buffer]> => [key, await dump(key)]));
  }

  async #restart(state: [Buffer, Buffer][]): Promise<void> {
    await this.#client().sendCommand(["FLUSHALL"]);
    for (const [key, value] of state) await this.#client().sendCommand(["RESTORE", key, "0", value]);
    this.#run = randomBytes(8).toString("hex");
    this.#isSettled = false;
    await this.#enter();
  }

  /** The shelf gives up at once what the scripts give up when it is touched. */
  async #settle(): Promise<void> {
    this.#isSettled = true;
    for (const server of SERVERS) await this.#do(server, "audit", ["0"]);
    for (const key of await this.#client().sendCommand<string[]>(["KEYS", `${TAG}s:*`])) {
      const position = await this.#client().sendCommand<string>(["HGET", key, "p"]);
      if (!position.includes(this.#run)) await this.#do(SERVERS[0], "leave", [key.slice(`${TAG}s:`.length), "-"]);
    }
  }

  #client(server: string = SERVERS[0]): Client {
    return this.#clients.get(server) as Client;
  }
}

function idOf(call: ModelCall): string {
  return JSON.stringify(call).match(/"id":"(\w+)"/)?.[1] ?? "";
}

function heldArgs({ id, fence, epoch, last, handled, run }: Held): string[] {
  return [id, String(fence), epoch, String(last), String(handled), run];
}

/** The scripts do not tell "seen" from "told" here: senders ask for that before. */
function appendedOf(answer: Appended | "seen" | "told"): Appended | undefined {
  return typeof answer === "object" ? answer : undefined;
}

function isDone(reply: Reply): unknown {
  return reply === UNVERIFIED ? reply : reply === 1;
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
