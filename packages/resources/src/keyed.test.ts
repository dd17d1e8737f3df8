import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Keyed } from "./keyed.ts";
import type { KindOptions } from "./options.ts";
import { assertEmpty, counted, Pending, refusal, turn, until } from "./resources.fixture.ts";
import { Resources } from "./resources.ts";
import type { Making } from "./scope.ts";

const down = new Error("down");

// ---- shared ----

test("those who ask for the same key share one instance, those who ask for another do not", async () => {
  const { resources, keyed, made, scope } = setup();
  const [one, two] = await Promise.all([keyed.acquire(scope("1"), "x"), keyed.acquire(scope("2"), "x")]);
  const other = await keyed.acquire(scope("3"), "y");
  assert.equal(one.value, two.value);
  assert.equal(await keyed.acquire(scope("4"), "x").then(({ value }) => value), one.value);
  assert.notEqual(other.value, one.value);
  assert.deepEqual([made, keyed.size], [["x", "y"], 2]);
  assert.equal(counted(resources, "client").inUse, 2);
  assert.equal(counted(resources, "client use").inUse, 4);
});

test("get gives what is there and made, and makes nothing", async () => {
  const making = new Pending<string>();
  const { keyed, made, scope } = setup({}, {}, (_, each) => making.create(each));
  assert.equal(keyed.get("x"), undefined);
  const acquiring = keyed.acquire(scope("a"), "x");
  assert.equal(keyed.get("x"), undefined);
  making.resolve("client x");
  await acquiring;
  assert.equal(keyed.get("x"), "client x");
  assert.deepEqual(made, ["x"]);
});

test("it is kept as long as somebody uses it, and for a while after", async () => {
  const { resources, keyed, released, scope } = setup({}, { idleMs: 30 });
  const one = await keyed.acquire(scope("1"), "x");
  const second = scope("2");
  await keyed.acquire(second, "x");
  await Promise.all([one.release(), one.release()]);
  await sleep(60);
  assert.deepEqual(released, [], "the second uses it");
  const sinceMs = performance.now();
  await second.close();
  await until(() => released.length > 0);
  assert.ok(performance.now() - sinceMs >= 29);
  assert.deepEqual([released, keyed.size], [["client x"], 0]);
  const { inUse, reclaimed } = counted(resources, "client");
  assert.deepEqual({ inUse, reclaimed }, { inUse: 0, reclaimed: 1 });
  const [news] = resources.snapshot().news;
  assert.deepEqual([news?.what, news?.kind, news?.owner, news?.why], ["reclaimed", "client", "x", "nobody used it"]);
});

test("each has its own time", async () => {
  const { keyed, released, scope } = setup({}, { idleMs: 40 });
  await (await keyed.acquire(scope("a"), "x")).release();
  await sleep(15);
  await (await keyed.acquire(scope("a"), "y")).release();
  const sinceMs = performance.now();
  await until(() => released.length === 2);
  assert.ok(performance.now() - sinceMs >= 39);
  assert.deepEqual(released, ["client x", "client y"]);
});

test("a new use in time keeps it, and its time begins anew", async () => {
  const { keyed, made, released, scope } = setup({}, { idleMs: 60 });
  await (await keyed.acquire(scope("1"), "x")).release();
  await turn();
  const again = await keyed.acquire(scope("2"), "x");
  await sleep(100);
  assert.deepEqual([made, released], [["x"], []]);
  await again.release();
  await until(() => released.length > 0);
  await keyed.acquire(scope("3"), "x");
  assert.deepEqual(made, ["x", "x"]);
});

for (const idleMs of [Number.POSITIVE_INFINITY, 1e12])
  test(`kept for ${idleMs} ms it is neither reclaimed nor looked at all the time`, async (t) => {
    const { keyed, released, scope } = setup({}, { idleMs });
    const set = t.mock.method(globalThis, "setTimeout");
    await (await keyed.acquire(scope("a"), "x")).release();
    await sleep(30);
    assert.deepEqual([released, set.mock.callCount()], [[], 1]);
    await keyed.close();
  });

test("with idleMs 0 it ends right after its last use", async () => {
  const { keyed, released, scope } = setup({}, { idleMs: 0 });
  await (await keyed.acquire(scope("a"), "x")).release();
  await until(() => released.length === 1);
});

test("idle instances do not hold the process up", async () => {
  const code = `
    import { Keyed, Resources } from "./index.ts";
    const resources = new Resources();
    const keyed = new Keyed(resources, "client", String, () => {});
    await resources.scope("a").use((scope) => keyed.acquire(scope, "x"));
    console.log("kept", keyed.size);`;
  const args = ["--conditions=holdfast-source", "--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
    timeout: 20_000,
  });
  assert.equal(stdout, "kept 1\n");
});

// ---- capacity ----

test("when there are as many as may be, the one that has been idle for the longest goes for a new one", async () => {
  const { resources, keyed, released, scope } = setup({ countMax: 3 });
  for (const key of ["x", "y", "z"]) await keyed.acquire(scope(key), key);
  for (const key of ["y", "x", "z"]) await scope(key).close();
  // Idle anew: now the last of them.
  await (await keyed.acquire(scope("again"), "y")).release();
  await keyed.acquire(scope("a"), "w");
  assert.deepEqual(released, ["client x"]);
  await keyed.acquire(scope("a"), "v");
  assert.deepEqual([released, keyed.size], [["client x", "client z"], 3]);
  const { inUse, reclaimed } = counted(resources, "client");
  assert.deepEqual({ inUse, reclaimed }, { inUse: 3, reclaimed: 2 });
  const [news] = resources.snapshot().news;
  assert.deepEqual([news?.what, news?.owner, news?.why], ["reclaimed", "z", "others needed its place"]);
});

test("when none is idle, who asks waits, and gets its turn when one becomes idle", async () => {
  const { resources, keyed, released, scope } = setup({ countMax: 1 });
  await keyed.acquire(scope("1"), "x");
  const waiting = [keyed.acquire(scope("2"), "y"), keyed.acquire(scope("3"), "y")];
  await turn();
  const { queued } = counted(resources, "client");
  assert.deepEqual([queued, released], [1, []]);
  await scope("1").close();
  const values = await Promise.all(waiting);
  assert.deepEqual(
    values.map(({ value }) => value),
    ["client y", "client y"],
  );
  assert.deepEqual(released, ["client x"]);
  assert.equal(resources.snapshot().news[0]?.why, "others waited for its place");
});

test("a crowd with many keys and little room is served, all of it", async () => {
  const { resources, keyed, scope } = setup({ countMax: 3 }, { idleMs: 5 });
  let most = 0;
  const uses = Array.from({ length: 200 }, async (_, i) => {
    const lease = await keyed.acquire(scope(`${i % 9}`), `${i % 17}`);
    most = Math.max(most, counted(resources, "client").inUse);
    await turn();
    await lease.release();
  });
  await Promise.all(uses);
  assert.equal(most, 3);
  await until(() => keyed.size === 0);
  await turn();
  await resources.close();
  assertEmpty(resources);
});

test("who waits for a place is refused as anybody who waits too long, and all who wait for that key", async () => {
  const { keyed, scope } = setup({ countMax: 1, queueMsMax: 20 });
  await keyed.acquire(scope("1"), "x");
  const waiting = [keyed.acquire(scope("2"), "y"), keyed.acquire(scope("3"), "y")];
  for (const each of waiting) await assert.rejects(each, refusal("acquire_timeout"));
  assert.equal(keyed.size, 1);
});

test("that an idle one's release fails is nothing to whoever needs its place", async () => {
  const { resources, keyed, scope } = setup({ countMax: 1, releaseMsMax: 20 }, {}, undefined, (value) => {
    if (value === "client x") throw down;
    return value === "client y" ? sleep(60) : undefined;
  });
  await (await keyed.acquire(scope("a"), "x")).release();
  const next = await keyed.acquire(scope("a"), "y");
  assert.equal(next.value, "client y");
  assert.equal(counted(resources, "client").releaseFailed, 1);
  await next.release();
  const last = await keyed.acquire(scope("a"), "z");
  assert.equal(last.value, "client z", "it has waited for the one that hung");
});

// ---- failures ----

test("that one cannot be made is told to all who wait for it; the next who asks tries anew", async () => {
  let tries = 0;
  const { resources, keyed, scope } = setup({}, {}, async () => {
    tries++;
    if (tries === 1) throw down;
    return "fine";
  });
  const waiting = Array.from({ length: 10 }, (_, i) => keyed.acquire(scope(`${i}`), "x"));
  const told = await Promise.allSettled(waiting);
  for (const each of told) assert.ok(each.status === "rejected" && each.reason === down);
  assert.deepEqual([tries, keyed.size, counted(resources, "client").inUse], [1, 0, 0]);
  assert.equal((await keyed.acquire(scope("a"), "x")).value, "fine");
  assert.equal(tries, 2);
});

test("a scope that has ended while one is made for it uses none, and the instance is there for others", async () => {
  const making = new Pending<string>();
  const { resources, keyed, released, scope } = setup({}, { idleMs: 20 }, (_, each) => making.create(each));
  const acquiring = keyed.acquire(scope("a"), "x");
  await scope("a").close();
  making.resolve("client x");
  await assert.rejects(acquiring, refusal("scope_closed"));
  assert.equal(keyed.get("x"), "client x");
  await until(() => released.length > 0);
  await resources.close();
  assertEmpty(resources);
});

test("who may not use one leaves it to others", async () => {
  const resources = new Resources({ kinds: { "client use": { countMax: 1 } } });
  const released: string[] = [];
  const keyed = new Keyed(resources, "client", String, (value) => released.push(value), { idleMs: 10 });
  const scope = resources.scope("a");
  const one = await keyed.acquire(scope, "x");
  await assert.rejects(keyed.acquire(scope, "x"), refusal("budget_full"));
  await one.release();
  await until(() => released.length > 0);
});

// ---- drop and close ----

test("one that is dropped ends at once, whoever uses it, and the next who asks gets another", async () => {
  const { resources, keyed, made, released, scope } = setup({}, { idleMs: 20 });
  const one = await keyed.acquire(scope("1"), "x");
  await keyed.drop("x");
  await keyed.drop("unknown");
  assert.deepEqual([released, keyed.size], [["client x"], 0]);
  await keyed.acquire(scope("2"), "x");
  assert.deepEqual(made, ["x", "x"]);
  await one.release();
  await sleep(50);
  assert.deepEqual([released, keyed.size], [["client x"], 1], "the one that came after is still used");
  assert.equal(counted(resources, "client").reclaimed, 0);
});

test("an idle one that is dropped is released once", async () => {
  const { keyed, released, scope } = setup({}, { idleMs: 10 });
  await (await keyed.acquire(scope("a"), "x")).release();
  await keyed.drop("x");
  await sleep(30);
  assert.deepEqual(released, ["client x"]);
  assert.equal(await keyed.reclaim("nothing is there"), false);
});

test("close ends all of them, those being made and those in use among them, and no more are made", async () => {
  const making = new Pending<string>();
  const { resources, keyed, made, released, scope } = setup({}, { idleMs: 10 }, (key, each) =>
    key === "slow" ? making.create(each) : `client ${key}`,
  );
  await keyed.acquire(scope("a"), "used");
  await (await keyed.acquire(scope("a"), "idle")).release();
  const slow = keyed.acquire(scope("a"), "slow");
  const closing = keyed.close();
  await assert.rejects(slow, refusal("scope_closed"));
  assert.equal(making.signal?.aborted, true);
  making.resolve("client slow");
  await closing;
  assert.deepEqual([released.toSorted(), keyed.size], [["client idle", "client slow", "client used"], 0]);
  await assert.rejects(keyed.acquire(scope("a"), "used"), refusal("scope_closed"));
  assert.deepEqual([made.length, keyed.size], [3, 0]);
  await resources.close();
  await sleep(20);
  assert.equal(released.length, 3);
  assertEmpty(resources);
});

function setup(
  limits: Partial<KindOptions> = {},
  options: { idleMs?: number } = {},
  create: (key: string, making: Making) => string | Promise<string> = (key) => `client ${key}`,
  release: (value: string) => unknown = () => {},
) {
  const resources = new Resources({ kinds: { client: limits } });
  const made: string[] = [];
  const released: string[] = [];
  const keyed = new Keyed<string, string>(
    resources,
    "client",
    (key, making) => {
      made.push(key);
      return create(key, making);
    },
    (value) => {
      released.push(value);
      return release(value);
    },
    options,
  );
  const scopes = new Map<string, ReturnType<Resources["scope"]>>();
  /** The scope of that name, always the same. */
  const scope = (name: string) => {
    const known = scopes.get(name) ?? resources.scope(name);
    scopes.set(name, known);
    return known;
  };
  return { resources, keyed, made, released, scope };
}
