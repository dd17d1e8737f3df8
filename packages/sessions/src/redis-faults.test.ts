import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, TestRedis } from "./redis.fixture.ts";
import { type RedisStoreOptions, redisStore } from "./redis-store.ts";
import { Relay } from "./relay.fixture.ts";
import type { SessionError } from "./session-error.ts";
import {
  aSession,
  attached,
  created,
  follow,
  held,
  rejects,
  rest,
  type Server,
  serve,
  until,
} from "./store.contract.ts";
import type { NewSession, Reading, Restorable } from "./store.ts";

/** What a wait of 250 ms may take on a machine that has other things to do. */
const SOON_MS = 1000;
/** Time for owners to restore, long enough for a busy machine. */
const TIMING = { settleMs: 2000 };

const servers: Server[] = [];
const redises: TestRedis[] = [];
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(servers.map(({ store }) => store.close()));
  await Promise.all(redises.map((redis) => redis.stop()));
});

let prefixes = 0;

describe("a Redis that fails", { concurrency: 4 }, () => {
  test("while it is gone calls are refused soon, and all goes on by itself when it is back, empty (S5, S6)", async () => {
    const redis = await aRedis();
    const [one, two] = [await join({ url: redis.url }, "one"), await join({ url: redis.url }, "two")];
    const session = aSession(one.store);
    const { run } = await one.store.create(session);
    await one.store.join(session.id, "room");
    await two.store.append(session.id, "1");
    await two.store.append(session.id, "2");
    await redis.kill();
    await until(() => !one.ears.isAvailable && !two.ears.isAvailable);
    for (const call of [
      () => two.store.append(session.id, "3"),
      () => two.store.publish("room", "3"),
      () => two.store.find(session.id),
    ])
      assert.ok((await timed(rejects(call(), "unavailable"))) < SOON_MS);

    await redis.restartEmpty();
    await until(() => one.ears.resyncs > 0 && two.ears.isAvailable);
    assert.deepEqual(await one.store.check(held(session, { run }, 1, 2)), { kind: "lost" });
    // Nobody may believe that the session is gone, or that nobody is in the room, while its owner is on its way.
    await rejects(two.store.append(session.id, "3"), "unavailable");
    await rejects(two.store.publish("room", "3"), "unavailable");
    const resuming = attached(two.store, session, 2, 1);
    const known: Restorable = {
      ...{
        ...held(session, { run }, 1, 2),
        clientId: "ann",
        secretHash: session.secretHash,
        rooms: ["room"],
        acked: 1,
      },
      entries: [{ first: 2, count: 1, json: "2" }],
    };
    assert.equal((await one.store.restore(known)).kind, "current");
    const resumed = await resuming;
    assert.equal(resumed.epoch, session.epoch);
    assert.deepEqual(rest(resumed, 1), [2]);
    assert.deepEqual(resumed.rooms, ["room"]);
    assert.equal(await one.store.append(session.id, "3"), 3);
    await until(() => two.ears.messages(session.id, 3).length === 1);
    await until(() =>
      one.store.publish("room", "4").then(
        (count) => count === 1,
        () => false,
      ),
    );
  });

  test("rolled back, it gives no offset twice: an owner puts it right, and what has none is started over (S5)", async () => {
    const redis = await aRedis();
    const [one, two] = [await join({ url: redis.url }, "one"), await join({ url: redis.url }, "two")];
    const [session, away] = [aSession(one.store), aSession(one.store)];
    const { run } = await one.store.create(session);
    await one.store.create(away);
    await one.store.detach(away.id, 1);
    const send = async (message: number) => {
      await two.store.append(session.id, String(message));
      await two.store.append(away.id, String(message));
    };
    for (const message of [1, 2, 3]) await send(message);
    await redis.save();
    for (const message of [4, 5, 6]) await send(message);
    await until(() => one.ears.messages(session.id).length === 6);
    await redis.rollBack();
    await until(() => one.ears.resyncs > 0 && two.ears.isAvailable);
    await rejects(two.store.append(session.id, "7"), "unavailable");
    assert.deepEqual(await one.store.check(held(session, { run }, 1, 6)), { kind: "lost" });
    const restored = await one.store.restore({
      ...{ ...held(session, { run }, 1, 6), clientId: "ann", secretHash: session.secretHash, rooms: [], acked: 4 },
      entries: [
        { first: 5, count: 1, json: "5" },
        { first: 6, count: 1, json: "6" },
      ],
    });
    assert.deepEqual(rest(restored as Reading, 6), []);
    assert.equal(await two.store.append(session.id, "7"), 7);
    assert.deepEqual(rest(await attached(two.store, session, 2, 5), 5), [6, 7]);
    // Its client had read up to 6; Redis knows of 3, and nobody of the rest.
    const started = performance.now();
    const gap = await attached(two.store, away, 2, 6);
    assert.ok(performance.now() - started > 200, "an owner might have come");
    assert.notEqual(gap.epoch, away.epoch);
    assert.ok(gap.offset > 6);
    assert.deepEqual(gap.entries, []);
  });

  test("a message that was in the log and reached nobody when it died is appended anew, once, before newer ones (S5)", async () => {
    const redis = await aRedis();
    const relay = await Relay.to(redis.port);
    // A busy machine must not come too late with what it restores.
    const timing = { settleMs: 8000 };
    const [owner, sender] = [
      await join({ url: `redis://127.0.0.1:${relay.port}`, timing }, "owner"),
      await join({ url: redis.url, timing }, "sender"),
    ];
    const session = aSession(owner.store);
    const { run } = await owner.store.create(session);
    await owner.store.join(session.id, "room");
    await sender.store.append(session.id, "1");
    await until(() => owner.ears.messages(session.id).length === 1);
    relay.isDeaf = true;
    assert.equal(await sender.store.append(session.id, "2"), 2);
    await sender.store.commit(session.id, 1, [{ seq: 1, json: "3" }]);
    assert.equal(await sender.store.publish("room", "4"), 1);
    await redis.restartEmpty();
    relay.isDeaf = false;
    await until(() => owner.ears.resyncs > 0 && sender.ears.isAvailable);
    const newer = sender.store.commit(session.id, 2, [{ seq: 2, json: "5" }]);
    await owner.store.restore({
      ...{
        ...held(session, { run }, 1, 1),
        clientId: "ann",
        secretHash: session.secretHash,
        rooms: ["room"],
        acked: 0,
      },
      entries: [{ first: 1, count: 1, json: "1" }],
    });
    await newer;
    await until(() => owner.ears.messages(session.id).length === 5);
    assert.deepEqual(owner.ears.messages(session.id), [1, 2, 3, 4, 5]);
    relay.close();
  });

  test("what a first restart left open is appended anew after the second, if its owner comes back in time for that (S5)", async () => {
    const redis = await aRedis();
    const relay = await Relay.to(redis.port);
    const timing = { settleMs: 1500 };
    const [owner, sender] = [
      await join({ url: `redis://127.0.0.1:${relay.port}`, timing }, "owner"),
      await join({ url: redis.url, timing }, "sender"),
    ];
    const session = aSession(owner.store);
    const { run } = await owner.store.create(session);
    await sender.store.append(session.id, "1");
    await until(() => owner.ears.messages(session.id).length === 1);
    relay.isDeaf = true;
    assert.equal(await sender.store.append(session.id, "2"), 2);
    await redis.restartEmpty();
    relay.isDeaf = false;
    await until(() => owner.ears.resyncs > 0 && sender.ears.isAvailable);
    // Nobody restores it: for this run it is no more.
    const isUnknown = () =>
      sender.store.append(session.id, "0").then(
        () => false,
        (error) => error.code === "session_unknown",
      );
    await until(isUnknown, 10_000);
    const { resyncs } = owner.ears;
    await redis.restartEmpty();
    await until(() => owner.ears.resyncs > resyncs && sender.ears.isAvailable);
    await owner.store.restore({
      ...{ ...held(session, { run }, 1, 1), clientId: "ann", secretHash: session.secretHash, rooms: [], acked: 0 },
      entries: [{ first: 1, count: 1, json: "1" }],
    });
    await until(() => owner.ears.messages(session.id).length === 2);
    assert.deepEqual(owner.ears.messages(session.id), [1, 2]);
    relay.close();
  });

  test("frozen, it costs a call 250 ms; nothing is done late once something newer is done (S6)", async () => {
    const redis = await aRedis();
    const timing = { ...TIMING, silentMs: 300, frozenMs: 1000 };
    const [one, two] = [await join({ url: redis.url, timing }, "one"), await join({ url: redis.url, timing }, "two")];
    const session = await created(one.store);
    await two.store.append(session.id, '"before"');
    redis.freeze();
    const inFlight = two.store.append(session.id, '"in flight"');
    const took = timed(rejects(inFlight, "outcome_unknown"));
    await sleep(50);
    assert.ok((await timed(rejects(two.store.append(session.id, '"waiting"'), "unavailable"))) < SOON_MS);
    assert.ok((await took) < SOON_MS);
    await until(() => !two.ears.isAvailable);
    await sleep(1500);
    redis.thaw();
    await until(() => two.ears.isAvailable && one.ears.isAvailable);
    await two.store.append(session.id, '"after"');
    const { entries } = await attached(one.store, session, 2);
    const messages = follow(entries, 1);
    assert.deepEqual(
      messages.filter((message) => message !== "in flight"),
      ["before", "after"],
    );
    assert.notEqual(messages.at(-1), "in flight");
  });

  test("a connection that is cut under load: every append is in the log once, or was rejected (S3)", async () => {
    const redis = await aRedis();
    const [one, two] = [await join({ url: redis.url }, "one"), await join({ url: redis.url }, "two")];
    const session = await created(one.store);
    const resolved = new Map<number, number>();
    const unknown = new Set<number>();
    const sends: Promise<void>[] = [];
    for (let n = 0; n < 4000; n++) {
      sends.push(
        two.store.append(session.id, String(n)).then(
          (offset) => void resolved.set(n, offset),
          (error) => {
            if ((error as SessionError).code === "outcome_unknown") unknown.add(n);
          },
        ),
      );
      if (n % 40 === 39) await sleep(1);
      if (n % 700 === 650) await redis.command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes");
    }
    await Promise.all(sends);
    await until(() => two.ears.isAvailable && one.ears.isAvailable);
    assert.ok(resolved.size > 1000, `${resolved.size} of 4000 got through`);
    const log = rest(await attached(two.store, session, 2), (await attached(one.store, session, 3)).offset) as number[];
    const base = Math.max(...resolved.values(), log.length) - log.length;
    for (const [n, offset] of resolved) if (offset > base) assert.equal(log[offset - base - 1], n);
    assert.equal(new Set(resolved.values()).size, resolved.size);
    assert.equal(new Set(log).size, log.length, "none is there twice");
    for (const n of log) assert.ok(resolved.has(n) || unknown.has(n), `${n} was rejected, and is there`);
    assert.deepEqual(
      log,
      [...log].sort((a, b) => a - b),
      "in the order in which they were sent",
    );
  });

  test("an owner whose connection is cut is told to ask again, and misses nothing", async () => {
    const redis = await aRedis();
    const relay = await Relay.to(redis.port);
    const [owner, sender] = [
      await join({ url: `redis://127.0.0.1:${relay.port}` }, "owner"),
      await join({ url: redis.url }, "sender"),
    ];
    const session = aSession(owner.store);
    const at = await owner.store.create(session);
    relay.isDeaf = true;
    await sender.store.append(session.id, "1");
    const resyncs = owner.ears.resyncs;
    await redis.command("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes");
    relay.isDeaf = false;
    await until(() => owner.ears.resyncs > resyncs && sender.ears.isAvailable && owner.ears.isAvailable);
    const checked = await owner.store.check(held(session, at, 1, 0));
    assert.deepEqual(rest(checked as Reading, 0), [1]);
    relay.close();
  });

  test("a publish that did not come is missed at the next one, or at the next heartbeat", async () => {
    const redis = await aRedis();
    const prefix = `test-${++prefixes}`;
    const [one, two] = [await join({ url: redis.url, prefix }, "one"), await join({ url: redis.url, prefix }, "two")];
    const session = await created(one.store);
    const sent = `{${prefix}:00}:sent`;
    await two.store.append(session.id, "1");
    await until(() => one.ears.entries.length === 1);
    const [owner] = (await redis.command("HKEYS", sent)) as string[];
    for (const provoke of [() => two.store.append(session.id, "2"), () => Promise.resolve()]) {
      const { resyncs } = one.ears;
      await redis.command("HINCRBY", sent, owner ?? "", "1");
      await provoke();
      await until(() => one.ears.resyncs === resyncs + 1);
    }
    assert.deepEqual(one.ears.messages(session.id), [1, 2]);
  });

  test("full, it refuses what it has no room for, and still sweeps, detaches and beats", async () => {
    const redis = await aRedis();
    const limits = { detachedMs: 1500 };
    const one = await join({ url: redis.url }, "one", limits);
    const session = await created(one.store);
    const [goes, stays] = [await created(one.store), await created(one.store)];
    const fill = JSON.stringify("x".repeat(50_000));
    await one.store.append(goes.id, fill);
    await redis.command("CONFIG", "SET", "maxmemory", "1000000");
    await rejects(one.store.append(session.id, fill), "overloaded");
    await one.store.detach(goes.id, 1);
    await until(() => one.ears.expirations.length > 0);
    assert.deepEqual(one.ears.expirations, [{ id: goes.id, clientId: "ann" }]);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    assert.equal(await one.store.append(session.id, fill), 1);
    assert.equal((await one.store.find(stays.id))?.server, "one");
  });

  test("one that has forgotten its scripts gets them again, unnoticed", async () => {
    const redis = await aRedis();
    const one = await join({ url: redis.url }, "one");
    const session = await created(one.store);
    await redis.command("SCRIPT", "FLUSH");
    const offsets = await Promise.all(["1", "2"].map((message) => one.store.append(session.id, message)));
    assert.deepEqual(offsets, [1, 2]);
  });

  test("one that is not there, or is no store, is refused at once, with the reason", async () => {
    const redis = await aRedis();
    await assert.rejects(serve(redisStore({ url: "redis://127.0.0.1:1" })), { code: "unavailable", message: /Redis/ });
    await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "100mb");
    await assert.rejects(serve(redisStore({ url: redis.url })), { code: "unavailable", message: /noeviction/ });
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    const prefix = `test-${++prefixes}`;
    await join({ url: redis.url, prefix, shards: 2 }, "one");
    await assert.rejects(serve(redisStore({ url: redis.url, prefix, shards: 4 })), {
      ...{ code: "option_invalid", message: /shards: expected 2/ },
    });
    for (const options of [{}, { url: "http://x" }, { url: redis.url, prefix: "{a}" }, { url: redis.url, shards: 0 }])
      assert.throws(() => redisStore(options), { code: "option_invalid" });
  });

  test("leaving takes no longer than it must when it is gone", async () => {
    const redis = await aRedis();
    const one = await serve(redisStore({ url: redis.url, waitMs: 500 }), "one");
    await created(one.store);
    await redis.kill();
    assert.ok((await timed(one.store.close())) < 2000);
    await rejects(one.store.append(one.store.newId("ann"), "1"), "unavailable");
  });
});

describe("servers that fail", { concurrency: 4 }, () => {
  test("one that is killed is found out within 5 s, and its sessions wait, each expiring once (S12)", async () => {
    const redis = await aRedis();
    const prefix = `test-${++prefixes}`;
    const limits = { detachedMs: 600 };
    const [one, two] = [
      await join({ url: redis.url, prefix }, "one", limits),
      await join({ url: redis.url, prefix }, "two", limits),
    ];
    const { child, sessions } = await aServer(redis, prefix, 450);
    assert.deepEqual(await one.store.count(), { attached: 450, detached: 0 });
    const [back, other] = sessions as [NewSession, NewSession];
    const detachedAt = until(async () => (await one.store.count()).attached === 0, 8000);
    const took = await timed(Promise.all([detachedAt, child.kill("SIGKILL")]));
    assert.ok(took < 6500, `took ${took} ms`);
    await attached(two.store, back, 2);
    await until(() => one.ears.expirations.length + two.ears.expirations.length === 449);
    await sleep(1200);
    const expired = [...one.ears.expirations, ...two.ears.expirations].map(({ id }) => id);
    assert.equal(expired.length, 449);
    assert.equal(new Set(expired).size, 449);
    assert.ok(expired.includes(other.id) && !expired.includes(back.id));
    const left = ((await redis.command("KEYS", `{${prefix}:00}:*`)) as string[]).filter((key) =>
      /:(s|l|r|c):/.test(key),
    );
    assert.equal(left.length, 2, `a record and its client's index: ${left}`);
  });

  test("one that was only frozen is told to ask again, and gets its sessions back", async () => {
    const redis = await aRedis();
    const prefix = `test-${++prefixes}`;
    const one = await join({ url: redis.url, prefix }, "one");
    const { child, sessions } = await aServer(redis, prefix, 3);
    const [session] = sessions as [NewSession];
    child.kill("SIGSTOP");
    await until(async () => (await one.store.count()).detached === 3, 8000);
    child.kill("SIGCONT");
    const [message] = (await once(child, "message")) as [{ resyncs: number }];
    let { resyncs } = message;
    child.on("message", (each: { resyncs: number }) => {
      resyncs = each.resyncs;
    });
    await until(() => resyncs > 0);
    assert.equal((await one.store.find(session.id))?.server, undefined);
  });

  test("one that has left keeps no process alive", async () => {
    const redis = await aRedis();
    const { child } = await aServer(redis, `test-${++prefixes}`, 1);
    child.send("close");
    const [code] = await once(child, "exit", { signal: AbortSignal.timeout(5000) });
    assert.equal(code, 0);
  });
});

test("a master that dies and is replaced: its sessions are restored, others hardly notice (S5)", async () => {
  const nodes = await startCluster(3, 1);
  redises.push(...nodes);
  const urls = nodes.map(({ url }) => url);
  const timing = { settleMs: 6000 };
  const [one, two] = [await join({ urls, timing }, "one"), await join({ urls, timing }, "two")];
  const sessions = Array.from({ length: 60 }, (_, index) => aSession(one.store, `client ${index}`));
  const runs = await Promise.all(sessions.map((session) => one.store.create(session)));
  await Promise.all(sessions.map(({ id }) => two.store.append(id, "1")));
  await until(() => one.ears.entries.length === 60);
  const { resyncs } = one.ears;
  await nodes[0]?.kill();
  await until(() => !two.ears.isAvailable);
  const outcomes = await Promise.allSettled(sessions.map(({ id }) => two.store.append(id, "2")));
  const through = outcomes.filter(({ status }) => status === "fulfilled").length;
  assert.ok(through > 20 && through < 60, `${through} of 60 went to the other masters`);
  await until(() => one.ears.isAvailable && two.ears.isAvailable && one.ears.resyncs > resyncs, 15_000);
  await Promise.all(
    sessions.map(async (session, index) => {
      const entries = one.ears.entries.filter(({ id }) => id === session.id).map(({ entry }) => entry);
      const at = held(session, runs[index] as { run: string }, 1, entries.at(-1)?.first ?? 0);
      const checked = await one.store.check(at);
      if (checked.kind === "current") return;
      assert.deepEqual(checked, { kind: "lost" });
      const { clientId, secretHash } = session;
      const restored = await one.store.restore({ ...at, clientId, secretHash, rooms: [], acked: 0, entries });
      assert.equal(restored.kind, "current");
    }),
  );
  await Promise.all(sessions.map(({ id }) => until(() => two.store.append(id, "3").then(Boolean, () => false))));
  for (const { id } of sessions) await until(() => one.ears.messages(id).at(-1) === 3);
});

// ---- what the tests share ----

async function aRedis(): Promise<TestRedis> {
  const redis = await TestRedis.start();
  redises.push(redis);
  return redis;
}

async function join(options: RedisStoreOptions, name: string, limits = {}): Promise<Server> {
  const server = await serve(redisStore({ timing: TIMING, ...options }), name, limits);
  servers.push(server);
  return server;
}

async function aServer(redis: TestRedis, prefix: string, count: number) {
  const file = new URL("./redis-server.fixture.ts", import.meta.url);
  const child = fork(file, [redis.url, prefix, String(count)], { execArgv: ["--conditions=holdfast-source"] });
  children.push(child);
  const [message] = (await once(child, "message")) as [{ sessions: NewSession[] }];
  return { child, sessions: message.sessions };
}

async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await promise;
  return performance.now() - start;
}
