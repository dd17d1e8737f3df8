import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { LeakReport } from "./leak-watch.ts";
import type { KindOptions } from "./options.ts";
import { assertEmpty, collectGarbage, counted, turn, until } from "./resources.fixture.ts";
import { Resources } from "./resources.ts";
import type { Lease, Scope } from "./scope.ts";

const gone = () => {};
const LEAKY = { db: { leakMs: 20 } };

// ---- held for too long ----

test("what is held for too long is reported, with what it is and whose, and no earlier", async () => {
  const { scope, leaks } = setup(LEAKY);
  const lease = await scope.scope("job 17").acquire("db", gone, gone);
  await until(() => leaks.length > 0);
  const { kind, owner, heldMs, isCollected } = leaks[0]!;
  assert.deepEqual({ kind, owner, isCollected }, { kind: "db", owner: "a > job 17", isCollected: false });
  assert.ok(heldMs >= 20, `${heldMs}`);
  await lease.release();
});

test("a leak is reported once, counted, and told as news; when it comes back, that is told, too", async () => {
  const { resources, scope, leaks, returned } = setup(LEAKY);
  const lease = await scope.acquire("db", gone, gone);
  await until(() => leaks.length > 0);
  await sleep(50);
  assert.deepEqual([leaks.length, returned.length], [1, 0]);
  const { leaked, leakedEver } = counted(resources, "db");
  assert.deepEqual({ leaked, leakedEver }, { leaked: 1, leakedEver: 1 });
  await lease.release();
  assert.deepEqual([leaks.length, returned.length], [1, 1]);
  assert.ok(returned[0]!.heldMs >= leaks[0]!.heldMs + 40);
  assert.equal(returned[0]!.stack, leaks[0]!.stack);
  const [back, leak] = resources.snapshot().news;
  assert.deepEqual([back?.what, back?.kind, back?.owner], ["came back late", "db", "a"]);
  assert.match(back?.why ?? "", /^after \d+ ms$/);
  assert.deepEqual([leak?.what, leak?.kind, leak?.owner], ["leaked", "db", "a"]);
  assert.match(leak?.why ?? "", /^held for \d+ ms\n {4}at .*leak-watch\.test\.ts:/);
  const after = counted(resources, "db");
  assert.deepEqual([after.leaked, after.leakedEver], [0, 1]);
  await scope.close();
  assert.equal(returned.length, 1);
  assertEmpty(resources);
});

test("what is given back in time is no leak, nor what is of a kind that is not watched", async () => {
  const { scope, leaks } = setup(LEAKY);
  await scope.acquire("cache", gone, gone);
  const early = await scope.acquire("db", gone, gone);
  await early.release();
  const late = await scope.acquire("db", gone, gone);
  await until(() => leaks.length > 0);
  await sleep(40);
  assert.deepEqual([leaks.length, late.isReleased], [1, false]);
});

test("each is reported in its time, however many are held", async () => {
  const { resources, scope, leaks } = setup(LEAKY);
  const leases: Lease<void>[] = [];
  for (let i = 0; i < 100; i++) {
    leases.push(await scope.scope(`${i}`).acquire("db", gone, gone));
    if (i % 10 === 0) await sleep(2);
  }
  await until(() => leaks.length === 100);
  assert.deepEqual(
    leaks.map(({ owner }) => owner),
    Array.from({ length: 100 }, (_, i) => `a > ${i}`),
  );
  for (const { heldMs } of leaks) assert.ok(heldMs >= 20, `${heldMs}`);
  assert.equal(counted(resources, "db").leaked, 100);
  await scope.close();
  assertEmpty(resources);
});

test("one kind's long limit does not make the reports of another kind late", async () => {
  const { scope, leaks } = setup({ session: { leakMs: 60_000 }, db: { leakMs: 20 }, forever: { leakMs: 1e12 } });
  await scope.acquire("forever", gone, gone);
  await scope.acquire("session", gone, gone);
  for (let i = 1; i <= 2; i++) {
    await scope.acquire("db", gone, gone);
    await until(() => leaks.length === i);
  }
  assert.deepEqual(
    leaks.map(({ kind }) => kind),
    ["db", "db"],
  );
});

test("a scope that stays open for too long is a leak like any other", async () => {
  const { resources, leaks } = setup({ scope: { leakMs: 20 } }, 1);
  await until(() => leaks.length > 0);
  const { kind, owner, stack, isCollected } = leaks[0]!;
  assert.deepEqual({ kind, owner, isCollected }, { kind: "scope", owner: "a", isCollected: false });
  assert.match(stack ?? "", /^ {4}at setup .*leak-watch\.test\.ts:/);
  await resources.close();
  assertEmpty(resources);
});

test("what is held is listed, longest first", async () => {
  const { resources, scope, leaks } = setup({ db: { leakMs: 20 }, cache: { leakMs: 1000 }, file: { leakMs: 1000 } });
  for (const kind of ["file", "db", "cache"]) {
    await scope.acquire(kind, gone, gone);
    await sleep(1);
  }
  await until(() => leaks.length > 0);
  await scope.acquire("db", gone, gone);
  await scope.acquire("not watched", gone, gone);
  assert.deepEqual(
    resources.held().map(({ kind }) => kind),
    ["file", "db", "cache", "db"],
  );
  await scope.close();
  assert.deepEqual(resources.held(), []);
});

// ---- traces ----

const WAYS: Record<string, (scope: Scope) => unknown> = {
  acquire: (scope) => scope.acquire("db", gone, gone),
  "acquire, made slowly": (scope) => scope.acquire("db", () => turn(), gone),
  "acquire, with a signal": (scope) => scope.acquire("db", () => turn(), gone, { signal: AbortSignal.timeout(60_000) }),
  adopt: (scope) => scope.adopt("db", 1, gone),
};

for (const [way, take] of Object.entries(WAYS))
  test(`a trace begins with the caller: ${way}`, async () => {
    const { resources, scope } = setup(LEAKY, 1);
    await take(scope);
    const stack = resources.held()[0]?.stack ?? "";
    assert.match(stack.split("\n")[0] ?? "", /^ {4}at .*leak-watch\.test\.ts:\d+:\d+\)?$/);
  });

test("a trace begins with the caller: acquire, after a wait in the queue", async () => {
  const { resources, scope } = setup({ db: { leakMs: 1000, countMax: 1 } }, 1);
  const first = await scope.acquire("db", gone, gone);
  const next = scope.acquire("db", () => turn(), gone);
  await first.release();
  await next;
  const [held, ...others] = resources.held();
  assert.deepEqual(others, []);
  assert.match(held?.stack?.split("\n")[0] ?? "", /leak-watch\.test\.ts:\d+:\d+\)?$/);
});

test("a trace begins with the caller: an inner scope", async () => {
  const { resources, scope } = setup({ scope: { leakMs: 1000 } }, 1);
  scope.scope("inner");
  const inner = resources.held().find(({ owner }) => owner === "a > inner");
  assert.match(inner?.stack?.split("\n")[0] ?? "", /leak-watch\.test\.ts:\d+:\d+\)?$/);
});

test("one in so many is traced", async () => {
  const { resources, scope } = setup(LEAKY, 10);
  for (let i = 0; i < 100; i++) scope.adopt("db", i, gone);
  const traced = resources.held().filter(({ stack }) => stack !== undefined);
  assert.equal(traced.length, 10);
});

test("once something of a kind has leaked, every further one of it is traced, but not of other kinds", async () => {
  const { resources, scope, leaks } = setup({ db: { leakMs: 20 }, cache: { leakMs: 1000 } }, 1e9);
  // The very first of all.
  await scope.adopt("cache", 0, gone).release();
  scope.adopt("db", 0, gone);
  await until(() => leaks.length > 0);
  assert.equal(leaks[0]!.stack, undefined);
  assert.doesNotMatch(resources.snapshot().news[0]?.why ?? "", /undefined/);
  await scope.close();
  const next = resources.scope("b");
  for (let i = 0; i < 3; i++) {
    next.adopt("db", i, gone);
    next.adopt("cache", i, gone);
  }
  const traced = resources.held().flatMap(({ kind, stack }) => (stack === undefined ? [] : [kind]));
  assert.deepEqual(traced, ["db", "db", "db"]);
});

// ---- garbage ----

test("a scope that is garbage-collected unclosed is reported", async () => {
  const resources = new Resources({ kinds: { scope: { leakMs: 1e9 } } });
  const leaks: LeakReport[] = [];
  resources.on("leak", (report) => leaks.push(report));
  const kept = resources.scope("kept");
  const forget = async () => {
    const forgotten = resources.scope("forgotten");
    await forgotten.acquire("db", gone, gone);
    await resources.scope("closed").close();
  };
  await forget();
  await until(() => {
    collectGarbage();
    return leaks.length > 0;
  });
  await sleep(20);
  assert.deepEqual(
    leaks.map(({ kind, owner, isCollected }) => ({ kind, owner, isCollected })),
    [{ kind: "scope", owner: "forgotten", isCollected: true }],
  );
  assert.match(resources.snapshot().news[0]?.why ?? "", /^nobody can close it any more/);
  assert.equal(counted(resources, "scope").leaked, 1);
  assert.equal(counted(resources, "db").inUse, 1);
  await resources.close();
  assert.equal(kept.isClosed, true);
  assertEmpty(resources);
});

// ---- cost ----

test("watching does not hold the process up", async () => {
  const code = `
    import { Resources } from "./resources.ts";
    const resources = new Resources({ kinds: { db: { leakMs: 60_000 }, scope: { leakMs: 60_000 } } });
    await resources.scope("a").acquire("db", () => 1, () => {});
    console.log("held", resources.held().length);`;
  const args = ["--conditions=holdfast-source", "--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
    timeout: 20_000,
  });
  assert.equal(stdout, "held 2\n");
});

function setup(kinds: Record<string, Partial<KindOptions>>, traceOneIn = 1) {
  const resources = new Resources({ kinds, traceOneIn });
  const leaks: LeakReport[] = [];
  const returned: LeakReport[] = [];
  resources.on("leak", (report) => leaks.push(report));
  resources.on("returned", (report) => returned.push(report));
  return { resources, scope: resources.scope("a"), leaks, returned };
}
