import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SessionError, type SessionErrorCode } from "./session-error.ts";
import type {
  Attached,
  Entry,
  Held,
  NewSession,
  Reading,
  SessionInfo,
  SessionStore,
  StoreConnection,
  StoreEvents,
  StoreLimits,
} from "./store.ts";

export const LIMITS: StoreLimits = {
  windowMessages: 1000,
  windowBytes: 1024 * 1024,
  detachedMs: 300_000,
  sessionsPerClientMax: 1000,
};

/** Writes down what a store tells its server. */
export class Ears implements StoreEvents {
  readonly entries: { id: string; entry: Entry }[] = [];
  /** All else, as one line each. */
  readonly heard: string[] = [];
  readonly lanes: { id: string; lane: string; bytes: Uint8Array }[] = [];
  readonly expirations: { id: string; clientId: string }[] = [];
  resyncs = 0;
  isAvailable = true;

  entry(id: string, entry: Entry): void {
    this.entries.push({ id, entry });
  }

  fenced(id: string, fence: number, by: string): void {
    this.heard.push(`fenced ${id} ${fence} ${by}`);
  }

  released(id: string, handled: number): void {
    this.heard.push(`released ${id} ${handled}`);
  }

  ended(id: string): void {
    this.heard.push(`ended ${id}`);
  }

  lane(id: string, lane: string, bytes: Uint8Array): void {
    this.lanes.push({ id, lane, bytes });
  }

  room(id: string, room: string, isIn: boolean): void {
    this.heard.push(`${isIn ? "joined" : "left"} ${id} ${room}`);
  }

  resync(): void {
    this.resyncs++;
  }

  available(isAvailable: boolean): void {
    this.isAvailable = isAvailable;
  }

  expired(session: { id: string; clientId: string }): void {
    this.expirations.push(session);
  }

  /** The messages of a session's entries, which must follow one another without a hole from `first` on. */
  messages(id: string, first = 1): unknown[] {
    return follow(
      this.entries.filter((each) => each.id === id).map(({ entry }) => entry),
      first,
    );
  }
}

export interface Server {
  store: StoreConnection;
  ears: Ears;
}

export async function serve(store: SessionStore, name = "one", limits: Partial<StoreLimits> = {}): Promise<Server> {
  const ears = new Ears();
  return { store: await store.join(name, { ...LIMITS, ...limits }, ears), ears };
}

/** Messages of entries that begin at `first` and have no hole. */
export function follow(entries: Entry[], first: number): unknown[] {
  const messages: unknown[] = [];
  for (const entry of entries) {
    assert.equal(entry.first, first + messages.length, "offsets follow one another");
    const parsed: unknown[] = JSON.parse(`[${entry.json}]`);
    assert.equal(parsed.length, entry.count, "an entry has as many messages as it says");
    messages.push(...parsed);
  }
  return messages;
}

export function aSession(store: StoreConnection, clientId = "ann"): NewSession & { secret: string } {
  const secret = randomBytes(16).toString("hex");
  return { id: store.newId(clientId), clientId, secretHash: sha256(secret), epoch: randomUUID(), fence: 1, secret };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export async function created(store: StoreConnection, clientId?: string): Promise<NewSession> {
  const session = aSession(store, clientId);
  await store.create(session);
  return session;
}

/** Attaches a session, from offset 0 unless said otherwise. */
export async function attached(
  store: StoreConnection,
  { id, clientId, secretHash, epoch }: NewSession,
  fence: number,
  offset = 0,
): Promise<Attached> {
  const result = await store.attach({ id, clientId, secretHash, fence, epoch, offset, welcomed: 0 });
  assert.equal(result.kind, "attached");
  return result as Attached;
}

export async function rejects(promise: Promise<unknown>, code: SessionErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof SessionError && error.code === code);
}

export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const start = performance.now();
  while (!(await isSo())) {
    assert.ok(performance.now() - start < limitMs, `expected within ${limitMs} ms: ${isSo}`);
    await sleep(5);
  }
}

export function held({ id, epoch }: NewSession, { run }: { run: string }, fence: number, last: number): Held {
  return { id, fence, epoch, last, handled: 0, run };
}

/** Holds a store to what `store.ts` says. `make` gives a new and empty one, which several servers can join. */
export function storeContract(name: string, make: () => SessionStore): void {
  describe(name, () => {
    storeTest("an id has 128 random bits and needs no escape in a URL", async (store) => {
      const { store: one } = await store.serve();
      const ids = Array.from({ length: 100 }, (_, index) => one.newId(`client ${index}`));
      assert.equal(new Set(ids).size, 100);
      for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{22,64}$/);
    });

    storeTest("a session can be found by id and by client, with its server, and is counted (S12)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const ann = await created(one.store, "ann");
      const again = await created(two.store, "ann");
      const bob = await created(one.store, "böb");
      await one.store.detach(bob.id, 1);
      assert.deepEqual(await two.store.find(ann.id), { id: ann.id, clientId: "ann", server: "one" });
      assert.deepEqual(await two.store.find(bob.id), { id: bob.id, clientId: "böb", server: undefined });
      assert.equal(await two.store.find(two.store.newId("ann")), undefined);
      assert.deepEqual(
        byId(await one.store.ofClient("ann")),
        byId([
          { id: ann.id, clientId: "ann", server: "one" },
          { id: again.id, clientId: "ann", server: "two" },
        ]),
      );
      assert.deepEqual(await one.store.ofClient("nobody"), []);
      assert.deepEqual(await two.store.count(), { attached: 2, detached: 1 });
    });

    storeTest("all sessions can be listed, a page at a time (S12)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const sessions = await Promise.all(
        Array.from({ length: 2500 }, (_, index) => created(index % 3 ? one.store : two.store, `client ${index}`)),
      );
      await Promise.all(sessions.slice(0, 500).map(({ id }) => one.store.detach(id, 1)));
      const listed: SessionInfo[] = [];
      let next: string | undefined;
      do {
        const page = await two.store.list(next);
        listed.push(...page.sessions);
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(listed.map(({ id }) => id).sort(), sessions.map(({ id }) => id).sort());
      assert.equal(listed.filter(({ server }) => server === undefined).length, 500);
    });

    storeTest("a client has at most so many sessions; one that is detached makes room (S13)", async (store) => {
      const one = await store.serve("one", { sessionsPerClientMax: 2 });
      const first = await created(one.store, "ann");
      const second = await created(one.store, "ann");
      await rejects(created(one.store, "ann"), "sessions_too_many");
      await created(one.store, "bob");
      await one.store.end(first.id);
      const third = await created(one.store, "ann");
      await rejects(created(one.store, "ann"), "sessions_too_many");
      await one.store.detach(third.id, 1);
      await sleep(5);
      await one.store.detach(second.id, 1);
      const fourth = await created(one.store, "ann");
      assert.deepEqual(
        byId(await one.store.ofClient("ann")).map(({ id }) => id),
        [second.id, fourth.id].sort(),
      );
      await until(() => one.ears.expirations.length > 0);
      assert.deepEqual(one.ears.expirations, [{ id: third.id, clientId: "ann" }]);
    });

    storeTest("who has not the secret, or is another client, does not get in (S13)", async (store) => {
      const { store: one } = await store.serve();
      const session = await created(one, "ann");
      const attach = { ...session, fence: 2, offset: 0, welcomed: 0 };
      assert.deepEqual(await one.attach({ ...attach, secretHash: sha256("guess") }), { kind: "forbidden" });
      assert.deepEqual(await one.attach({ ...attach, secretHash: "" }), { kind: "forbidden" });
      assert.deepEqual(await one.attach({ ...attach, clientId: "bob" }), { kind: "forbidden" });
      assert.deepEqual(await one.attach({ ...attach, clientId: "" }), { kind: "forbidden" });
      assert.deepEqual(await one.attach({ ...attach, id: one.newId("ann") }), { kind: "unknown" });
      assert.deepEqual(await one.attach({ ...attach, id: "../../etc" }), { kind: "unknown" });
      assert.equal((await one.attach({ ...attach, clientId: undefined })).kind, "attached");
    });

    storeTest(
      "a record that knows less of connections than its client or its owner is started over (S5)",
      async (store) => {
        const { store: one } = await store.serve();
        const session = await created(one);
        await one.append(session.id, "1");
        const client = await one.attach({ ...session, fence: 5, offset: 0, welcomed: 4 });
        assert.ok(client.kind === "attached" && client.epoch !== session.epoch && client.offset > 1);
        const { run, epoch } = client;
        const owner = await one.check({ id: session.id, fence: 6, epoch, last: client.offset, handled: 0, run });
        assert.ok(owner.kind === "current" && owner.epoch !== epoch && owner.offset > client.offset);
      },
    );

    storeTest(
      "a connection that is not newer than the last is refused, whichever server it comes to (S4)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const session = await created(one.store);
        await attached(two.store, session, 3);
        for (const { store } of [one, two])
          for (const fence of [1, 2, 3])
            assert.deepEqual(await store.attach({ ...session, fence, offset: 0, welcomed: 0 }), { kind: "stale" });
        const results = await Promise.all(
          [one, two, one, two].map(({ store }) => store.attach({ ...session, fence: 4, offset: 0, welcomed: 0 })),
        );
        assert.deepEqual(results.map(({ kind }) => kind).sort(), ["attached", "stale", "stale", "stale"]);
      },
    );

    storeTest(
      "the old owner is told by whom it is fenced, and the new one when the old is done (S4)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const session = await created(one.store);
        assert.equal(
          (await attached(one.store, session, 2)).previousOwner,
          false,
          "a server is not its own predecessor",
        );
        assert.equal((await attached(two.store, session, 3)).previousOwner, true);
        await until(() => one.ears.heard.length > 0);
        assert.match(one.ears.heard[0] ?? "", new RegExp(`^fenced ${session.id} 3 two`));
        await one.store.release(session.id, 7);
        await until(() => two.ears.heard.length > 0);
        assert.deepEqual(two.ears.heard, [`released ${session.id} 7`]);
        assert.equal((await two.store.find(session.id))?.server, "two");
      },
    );

    storeTest("without an owner, or with one that has left, there is nobody to wait for", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const [left, gone] = [await created(one.store), await created(one.store)];
      await one.store.detach(left.id, 1);
      await one.store.close();
      assert.equal((await attached(two.store, left, 2)).previousOwner, false);
      assert.equal((await attached(two.store, gone, 2)).previousOwner, false);
    });

    storeTest("a late detach of an old connection changes nothing (S4)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      await attached(two.store, session, 2);
      await one.store.detach(session.id, 1);
      assert.equal((await one.store.find(session.id))?.server, "two");
      await two.store.detach(session.id, 2);
      assert.equal((await one.store.find(session.id))?.server, undefined);
    });

    storeTest("what is appended, on whatever server, reaches the owner in the order of offsets (S1)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      const offsets: number[] = [];
      for (let i = 1; i <= 10; i++) {
        const { store } = i % 2 ? two : one;
        offsets.push(await store.append(session.id, String(i)));
      }
      assert.deepEqual(offsets, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      await until(() => one.ears.messages(session.id).length === 10);
      assert.deepEqual(one.ears.messages(session.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      assert.deepEqual(two.ears.entries, []);
    });

    storeTest("an owner that appends has heard of the entry when the append resolves", async (store) => {
      const { store: one, ears } = await store.serve();
      const session = await created(one);
      await one.append(session.id, "1");
      assert.deepEqual(ears.messages(session.id), [1]);
    });

    storeTest("appends of one server take effect in the order in which they were made", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      await one.store.join(session.id, "room");
      const calls: Promise<unknown>[] = [];
      const expected: number[] = [];
      for (let i = 0; i < 300; i++) {
        expected.push(i);
        if (i % 7 === 3) calls.push(two.store.publish("room", String(i)));
        else if (i % 11 === 5) calls.push(two.store.commit(session.id, i, [{ seq: i, json: String(i) }]));
        else calls.push(two.store.append(session.id, String(i)));
      }
      await Promise.all(calls);
      await until(() => one.ears.messages(session.id).length === 300);
      assert.deepEqual(one.ears.messages(session.id), expected);
    });

    storeTest(
      "thousands of appends at once, from two servers: each once, in order, without a hole (S1, S14)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const sessions = await Promise.all(
          Array.from({ length: 20 }, (_, index) => created(one.store, `client ${index}`)),
        );
        const offsets = new Map<string, number[]>(sessions.map(({ id }) => [id, []]));
        const send = async ({ store }: Server, from: string) => {
          for (let round = 0; round < 5; round++)
            await Promise.all(
              Array.from({ length: 400 }, async (_, index) => {
                const { id } = sessions[index % 20] as NewSession;
                const offset = await store.append(id, JSON.stringify({ from, n: round * 20 + Math.floor(index / 20) }));
                offsets.get(id)?.push(offset);
              }),
            );
        };
        await Promise.all([send(one, "one"), send(two, "two")]);
        for (const { id } of sessions) {
          assert.deepEqual(
            offsets.get(id)?.sort((a, b) => a - b),
            Array.from({ length: 200 }, (_, index) => index + 1),
          );
          await until(() => one.ears.messages(id).length === 200);
          const messages = one.ears.messages(id) as { from: string; n: number }[];
          for (const from of ["one", "two"])
            assert.deepEqual(
              messages.filter((message) => message.from === from).map(({ n }) => n),
              Array.from({ length: 100 }, (_, index) => index),
            );
        }
      },
    );

    storeTest("a session's log can be read on from where its client stands, on any server (S2)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      await one.store.detach(session.id, 1);
      for (const message of ["1", '"zwei"', "{}", "[4]"]) await two.store.append(session.id, message);
      assert.deepEqual(one.ears.entries, [], "nobody owns it");
      const reading = await attached(two.store, session, 2, 1);
      assert.equal(reading.epoch, session.epoch);
      assert.equal(reading.clientId, "ann");
      assert.deepEqual(rest(reading, 1), ["zwei", {}, [4]]);
    });

    storeTest("what the client has is gone from the log after it has attached, and after a trim", async (store) => {
      const { store: one } = await store.serve();
      const session = await created(one);
      for (let i = 1; i <= 80; i++) await one.append(session.id, String(i));
      await attached(one, session, 2, 50);
      await attached(one, session, 3, 50);
      const early = await attached(one, session, 4, 10);
      assert.equal(early.offset, 50, "a gap: those up to 50 are gone");
      assert.equal(rest(early, 50).length, 30);
      await one.trim(session.id, 4, 70);
      assert.equal((await attached(one, session, 5, 60)).offset, 70);
      await one.trim(session.id, 4, 80);
      assert.equal(
        rest(await attached(one, session, 6, 70), 70).length,
        10,
        "a trim by an old connection does nothing",
      );
      await one.trim(session.id, 6, 80);
      assert.deepEqual((await attached(one, session, 7, 80)).entries, []);
      assert.equal(await one.append(session.id, "81"), 81);
    });

    storeTest("a log keeps so many messages, and who has missed the rest sees a gap (S1)", async (store) => {
      const { store: one } = await store.serve("one", { windowMessages: 10 });
      const session = await created(one);
      await one.detach(session.id, 1);
      for (let i = 1; i <= 25; i++) await one.append(session.id, String(i));
      const reading = await attached(one, session, 2, 3);
      assert.equal(reading.epoch, session.epoch);
      assert.equal(reading.offset, 15);
      assert.deepEqual(rest(reading, 15), [16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    });

    storeTest("a log keeps so many bytes, whatever the alphabet", async (store) => {
      const { store: one } = await store.serve("one", { windowBytes: 1000 });
      const session = await created(one);
      await one.detach(session.id, 1);
      const message = JSON.stringify("ü€😀".repeat(20));
      for (let i = 1; i <= 10; i++) await one.append(session.id, message);
      const reading = await attached(one, session, 2);
      assert.deepEqual(rest(reading, reading.offset), Array(5).fill("ü€😀".repeat(20)));
      assert.equal(reading.offset, 5);
    });

    storeTest("a message larger than a log is refused, and the log stays", async (store) => {
      const { store: one } = await store.serve("one", { windowBytes: 1000 });
      const session = await created(one);
      await one.join(session.id, "room");
      await one.append(session.id, "1");
      const large = JSON.stringify("ü".repeat(500));
      await rejects(one.append(session.id, large), "message_too_large");
      await rejects(one.publish("room", large), "message_too_large");
      await rejects(one.commit(session.id, 1, [{ seq: 1, json: large }]), "message_too_large");
      const reading = await attached(one, session, 2);
      assert.deepEqual(rest(reading, 0), [1]);
      assert.equal(reading.handled, 0);
    });

    storeTest("big messages arrive whole", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      const messages = [300_000, 1, 400_000].map((length) => randomBytes(length).toString("base64").slice(0, length));
      await Promise.all(messages.map((message) => two.store.append(session.id, JSON.stringify(message))));
      await until(() => one.ears.messages(session.id).length === 3);
      assert.deepEqual(one.ears.messages(session.id), messages);
      assert.deepEqual(rest(await attached(one.store, session, 2), 0), messages);
    });

    storeTest("any text comes back as it was", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store, "κλίεντ 😀\n");
      const messages = [
        "",
        "ä€😀",
        "\u0000\u001f",
        "\u2028",
        'quote " and \\',
        "line\r\nbreak",
        { ключ: [null, true, -0.5] },
      ];
      for (const message of messages) await two.store.append(session.id, JSON.stringify(message));
      await until(() => one.ears.messages(session.id).length === messages.length);
      assert.deepEqual(one.ears.messages(session.id), messages);
      assert.deepEqual(rest(await attached(two.store, session, 2), 0), messages);
      assert.equal((await one.store.find(session.id))?.clientId, "κλίεντ 😀\n");
    });

    storeTest("of another numbering nobody can read on: a gap", async (store) => {
      const { store: one } = await store.serve();
      const session = await created(one);
      for (let i = 1; i <= 5; i++) await one.append(session.id, String(i));
      const other = await attached(one, { ...session, epoch: randomUUID() }, 2, 3);
      assert.equal(other.epoch, session.epoch);
      assert.equal(other.offset, 0);
      assert.deepEqual(rest(other, 0), [1, 2, 3, 4, 5]);
    });

    storeTest("who has read what was never appended has read another log: a new epoch (S5)", async (store) => {
      const { store: one } = await store.serve();
      const session = await created(one);
      await one.append(session.id, "1");
      const reading = await attached(one, session, 2, 9);
      assert.notEqual(reading.epoch, session.epoch);
      assert.ok(reading.offset > 9, "a number that nobody has used");
      assert.deepEqual(reading.entries, []);
      assert.equal(await one.append(session.id, "2"), reading.offset + 1);
      const next = await attached(one, { ...session, epoch: reading.epoch }, 3, reading.offset);
      assert.deepEqual(rest(next, reading.offset), [2]);
    });

    storeTest(
      "a message counts as handled once, and its replies are in the log once, whoever commits (S7)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const session = await created(one.store);
        await one.store.commit(session.id, 1, [
          { seq: 1, json: '"a"' },
          { seq: 1, json: '"b"' },
        ]);
        await two.store.commit(session.id, 1, [{ seq: 1, json: '"again"' }]);
        await one.store.commit(session.id, 2, []);
        // Of what a server commits in one go, a part may have been committed by another.
        await two.store.commit(session.id, 4, [
          { seq: 2, json: '"again"' },
          { seq: 3, json: '"c"' },
          { seq: 4, json: '"d"' },
        ]);
        await one.store.commit(session.id, 3, [{ seq: 3, json: '"again"' }]);
        await until(() => one.ears.messages(session.id).length === 4);
        assert.deepEqual(one.ears.messages(session.id), ["a", "b", "c", "d"]);
        const reading = await attached(two.store, session, 2);
        assert.equal(reading.handled, 4);
        assert.deepEqual(rest(reading, 0), ["a", "b", "c", "d"]);
      },
    );

    storeTest("a publish reaches each member of the room, in the order of its log (S11)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const members = await Promise.all(
        Array.from({ length: 12 }, (_, index) => created(index % 2 ? one.store : two.store, `client ${index}`)),
      );
      const outsider = await created(one.store, "outsider");
      for (const { id } of members) assert.equal(await one.store.join(id, "raum 1"), true);
      const waiting = members[0] as NewSession;
      await two.store.detach(waiting.id, 1);
      await one.store.append((members[1] as NewSession).id, '"before"');
      assert.equal(await two.store.publish("raum 1", '"hello"'), 12);
      assert.equal(await two.store.publish("raum 2", '"nobody"'), 0);
      const [a, b] = await Promise.all([one.store.publish("raum 1", "1"), one.store.publish("raum 1", "2")]);
      assert.deepEqual([a, b], [12, 12]);
      for (const [index, { id }] of members.slice(1).entries()) {
        const { ears } = index % 2 ? two : one;
        const expected = index === 0 ? ["before", "hello", 1, 2] : ["hello", 1, 2];
        await until(() => ears.messages(id).length === expected.length);
        assert.deepEqual(ears.messages(id), expected);
      }
      assert.deepEqual(rest(await attached(one.store, waiting, 2), 0), ["hello", 1, 2]);
      assert.deepEqual(one.ears.messages(outsider.id), []);
    });

    storeTest(
      "who joins and leaves a room is in it and not; the owner is told; a session takes its rooms along (S11)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const [ann, bob] = [await created(one.store, "ann"), await created(one.store, "bob")];
        await two.store.join(ann.id, "a");
        await two.store.join(ann.id, "b");
        await two.store.join(bob.id, "a");
        await two.store.leave(ann.id, "b");
        await until(() => one.ears.heard.length === 4);
        assert.deepEqual(one.ears.heard, [
          `joined ${ann.id} a`,
          `joined ${ann.id} b`,
          `joined ${bob.id} a`,
          `left ${ann.id} b`,
        ]);
        assert.deepEqual((await two.store.members("a")).sort(), [ann.id, bob.id].sort());
        assert.deepEqual(await two.store.members("b"), []);
        assert.deepEqual((await attached(two.store, ann, 2)).rooms, ["a"]);
        await two.store.end(bob.id);
        assert.deepEqual(await two.store.members("a"), [ann.id]);
        assert.equal(await two.store.join(bob.id, "a"), false);
        assert.equal(await two.store.leave(bob.id, "a"), false);
        assert.equal(await one.store.publish("a", "1"), 1);
      },
    );

    storeTest("a value on a lossy lane reaches the owner, if there is one (S8)", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      const bytes = Uint8Array.of(0, 255, 10, 13, 128);
      assert.equal(await two.store.lane(session.id, "bilder", bytes), true);
      assert.equal(await one.store.lane(session.id, "bilder", new Uint8Array(0)), true);
      await until(() => one.ears.lanes.length === 2);
      assert.deepEqual(one.ears.lanes, [
        { id: session.id, lane: "bilder", bytes },
        { id: session.id, lane: "bilder", bytes: new Uint8Array(0) },
      ]);
      await one.store.detach(session.id, 1);
      assert.equal(await two.store.lane(session.id, "bilder", bytes), false);
      assert.equal(await two.store.lane(two.store.newId("x"), "bilder", bytes), false);
    });

    storeTest("an end is final, once, and the owner is told", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = await created(one.store);
      assert.equal(await two.store.end(session.id), true);
      assert.equal(await two.store.end(session.id), false);
      await until(() => one.ears.heard.length > 0);
      assert.deepEqual(one.ears.heard, [`ended ${session.id}`]);
      await rejects(two.store.append(session.id, "1"), "session_unknown");
      await rejects(two.store.append("no id at all", "1"), "session_unknown");
      await rejects(two.store.commit(session.id, 1, []), "session_unknown");
      assert.deepEqual(await one.store.attach({ ...session, fence: 2, offset: 0, welcomed: 0 }), { kind: "unknown" });
      assert.deepEqual(await one.store.ofClient(session.clientId), []);
      assert.deepEqual(await one.store.count(), { attached: 0, detached: 0 });
      // Calls that come late harm nobody.
      await one.store.detach(session.id, 1);
      await one.store.trim(session.id, 1, 5);
      await one.store.release(session.id, 1);
    });

    storeTest("a check says where the log is, and whether it is still the owner's", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = aSession(one.store);
      const at = await one.store.create(session);
      await two.store.append(session.id, "1");
      await two.store.append(session.id, "2");
      await one.store.commit(session.id, 3, []);
      const behind = await one.store.check(held(session, at, 1, 1));
      assert.equal(behind.kind, "current");
      assert.deepEqual(rest(behind as Reading, 1), [2]);
      assert.equal((behind as Reading).handled, 3);
      const even = await one.store.check({ ...held(session, at, 1, 2), handled: 5 });
      assert.deepEqual((even as Reading).entries, []);
      assert.equal((even as Reading).handled, 5, "the owner knows of more that is handled");
      await attached(two.store, session, 2, 2);
      assert.deepEqual(await one.store.check(held(session, at, 1, 2)), { kind: "fenced" });
      await two.store.end(session.id);
      assert.deepEqual(await two.store.check(held(session, at, 2, 2)), { kind: "ended" });
      assert.deepEqual(await two.store.check({ ...held(session, at, 2, 2), run: "another" }), { kind: "lost" });
    });

    storeTest(
      "a numbering that has been rolled back is not begun again: late acknowledgements fit none (S5)",
      async (store) => {
        const one = await store.serve("one");
        const session = aSession(one.store);
        const at = await one.store.create(session);
        await one.store.append(session.id, "1");
        const last = 2 ** 32 + 29;
        const checked = await one.store.check({ ...held(session, at, 1, last), epoch: "rolled back" });
        assert.equal(checked.kind, "current");
        const { epoch, offset } = checked as Reading;
        assert.ok(offset > last, `numbers go on from ${offset}`);
        assert.deepEqual(await one.store.check({ ...held(session, at, 1, offset), epoch }), checked);
      },
    );

    storeTest("a check makes an owner that was thought gone the owner again", async (store) => {
      const [one, two] = [await store.serve("one"), await store.serve("two")];
      const session = aSession(one.store);
      const at = await one.store.create(session);
      await two.store.detach(session.id, 1);
      await two.store.append(session.id, "1");
      assert.equal((await one.store.check(held(session, at, 1, 0))).kind, "current");
      assert.deepEqual(await two.store.find(session.id), { id: session.id, clientId: "ann", server: "one" });
      await two.store.append(session.id, "2");
      await until(() => one.ears.messages(session.id, 2).length === 1);
      assert.deepEqual(await one.store.count(), { attached: 1, detached: 0 });
    });

    storeTest(
      "a session that a store has long forgotten is restored from what its owner knows, with a gap (S5)",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const session = aSession(one.store);
        const restorable = {
          ...held(session, { run: "of a store that is no more" }, 4, 7),
          ...{ clientId: "ann", secretHash: session.secretHash, rooms: ["a", "b"], acked: 5, handled: 9 },
          entries: [
            { first: 4, count: 2, json: "4,5" },
            { first: 6, count: 2, json: '6,"sieben ☃"' },
          ],
        };
        // Long after the store's start: senders no longer offer what only they know of, so there may be a gap.
        const restored = (await one.store.restore(restorable)) as Reading;
        assert.notEqual(restored.epoch, session.epoch);
        assert.ok(restored.offset > 7);
        assert.deepEqual(restored.entries, []);
        assert.deepEqual(await two.store.members("b"), [session.id]);
        const offset = await one.store.append(session.id, "8");
        assert.equal(offset, restored.offset + 1);
        await until(() => one.ears.messages(session.id, offset).length === 1);
        const reading = await attached(two.store, session, 5, 5);
        assert.deepEqual([reading.epoch, reading.offset], [restored.epoch, restored.offset]);
        assert.deepEqual(rest(reading, reading.offset), [8]);
        assert.deepEqual([...reading.rooms].sort(), ["a", "b"]);
        assert.equal(reading.handled, 9);
        assert.deepEqual(
          await one.store.restore(restorable),
          { kind: "fenced" },
          "once known, it is checked like any other",
        );
      },
    );

    storeTest("a detached session expires after its time, told to one server, once (S12)", async (store) => {
      const limits = { detachedMs: 300 };
      const [one, two] = [await store.serve("one", limits), await store.serve("two", limits)];
      const [gone, back, kept] = await Promise.all([created(one.store), created(one.store), created(one.store)]);
      await one.store.join(gone.id, "room");
      await one.store.detach(gone.id, 1);
      await one.store.detach(back.id, 1);
      await attached(two.store, back, 2);
      const expirations = () => [...one.ears.expirations, ...two.ears.expirations];
      await until(() => expirations().length > 0);
      await sleep(1100);
      assert.deepEqual(expirations(), [{ id: gone.id, clientId: "ann" }]);
      assert.deepEqual(await one.store.attach({ ...gone, fence: 2, offset: 0, welcomed: 0 }), { kind: "unknown" });
      assert.deepEqual(
        byId(await one.store.ofClient("ann")).map(({ id }) => id),
        [back.id, kept.id].sort(),
      );
      assert.deepEqual(await one.store.members("room"), []);
      assert.deepEqual(await one.store.count(), { attached: 2, detached: 0 });
    });

    storeTest(
      "what a server owned waits when it has left, and a server of the same name owns nothing of it",
      async (store) => {
        const [one, two] = [await store.serve("one"), await store.serve("two")];
        const sessions = await Promise.all(Array.from({ length: 700 }, () => created(one.store)));
        const [session] = sessions as [NewSession];
        await one.store.close();
        const again = await store.serve("one");
        assert.deepEqual(await two.store.count(), { attached: 0, detached: 700 });
        await two.store.append(session.id, "1");
        assert.deepEqual(rest(await attached(again.store, session, 2), 0), [1]);
        assert.deepEqual(again.ears.entries, []);
      },
    );

    function storeTest(title: string, run: (store: Servers) => Promise<void>): void {
      test(title, async () => {
        const servers = new Servers(make());
        try {
          await run(servers);
        } finally {
          await servers.close();
        }
      });
    }
  });
}

/** The servers that have joined a store. */
class Servers {
  readonly #store: SessionStore;
  readonly #servers: Server[] = [];

  constructor(store: SessionStore) {
    this.#store = store;
  }

  async serve(name?: string, limits?: Partial<StoreLimits>): Promise<Server> {
    const server = await serve(this.#store, name, limits);
    this.#servers.push(server);
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map(({ store }) => store.close()));
  }
}

/** The messages of a reading that a reader at `offset` lacks. */
export function rest({ entries, offset: from }: Reading, offset: number): unknown[] {
  assert.equal(from, offset, "it goes on where the reader stands");
  const first = entries[0]?.first ?? offset + 1;
  return follow(entries, first).slice(offset + 1 - first);
}

function byId(sessions: SessionInfo[]): SessionInfo[] {
  return [...sessions].sort((a, b) => (a.id < b.id ? -1 : 1));
}
