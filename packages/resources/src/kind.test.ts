import assert from "node:assert/strict";
import { test } from "node:test";
import type { KindOptions } from "./options.ts";
import { type BudgetUse, ResourceError } from "./resource-error.ts";
import { assertEmpty, counted, refusal, turn } from "./resources.fixture.ts";
import { Resources } from "./resources.ts";
import type { Lease, Scope } from "./scope.ts";

const gone = () => {};

// ---- room ----

test("no more are held at once than may be, those being made among them", async () => {
  const { resources, scope } = setup({ countMax: 2, queueMsMax: 0 });
  const making = Promise.withResolvers<number>();
  const first = scope.acquire("db", () => making.promise, gone);
  await take(scope);
  await assert.rejects(take(scope), refusal("budget_full", "db: no room: 2 of 2 in use"));
  making.resolve(1);
  await (await first).release();
  await take(scope);
  assert.equal(counted(resources, "db").inUse, 2);
});

test("no more bytes are held at once than may be", async () => {
  const { resources, scope } = setup({ bytesMax: 100, queueMsMax: 0 });
  const big = await take(scope, 70);
  await take(scope, 30);
  await take(scope, 0);
  await assert.rejects(
    take(scope, 1),
    refusal("budget_full", "db: no room: 100 of 100 bytes in use, 1 bytes more are asked for"),
  );
  await big.release();
  assert.equal(counted(resources, "db").bytes, 30);
  await take(scope, 70);
});

test("a refusal says of which budget there was too little, and how much is taken", async () => {
  const { scope } = setup({ countMax: 1, bytesMax: 10, queueMax: 1 });
  await take(scope, 4);
  void take(scope, 0).catch(() => {});
  assert.deepEqual(await useOf(take(scope)), { kind: "db", budget: "count", inUse: 1, limit: 1, queued: 1 });
  assert.deepEqual(await useOf(take(scope, 11)), { kind: "db", budget: "bytes", inUse: 4, limit: 10, queued: 1 });
});

test("what asks for more than there is in all is refused at once, though there is a queue", async () => {
  const { resources, scope } = setup({ bytesMax: 100 });
  const message = "db: no room: 0 of 100 bytes in use, 101 bytes more are asked for";
  await assert.rejects(take(scope, 101), refusal("budget_exceeded", message));
  assert.throws(() => scope.adopt("db", 1, gone, { bytes: 101 }), refusal("budget_exceeded", message));
  assert.equal(counted(resources, "db").refused, 2);
});

test("adopt does not wait, and does not overtake those who do", async () => {
  const { resources, scope } = setup({ countMax: 1 });
  const adopted = scope.adopt("db", 1, gone);
  assert.throws(() => scope.adopt("db", 2, gone), refusal("budget_full", "db: no room: 1 of 1 in use"));
  const waiting = take(scope);
  await adopted.release();
  assert.throws(() => scope.adopt("db", 3, gone), refusal("budget_full"));
  await (await waiting).release();
  await scope.adopt("db", 4, gone).release();
  const { acquired, released, refused, inUse } = counted(resources, "db");
  assert.deepEqual({ acquired, released, refused, inUse }, { acquired: 3, released: 3, refused: 2, inUse: 0 });
});

// ---- the queue ----

test("the queue is bounded", async () => {
  const { resources, scope } = setup({ countMax: 1, queueMax: 2 });
  const first = await take(scope);
  const waiting = [take(scope), take(scope)];
  await assert.rejects(take(scope), refusal("budget_full", "db: no room: 1 of 1 in use, 2 wait"));
  assert.equal(counted(resources, "db").queued, 2);
  await first.release();
  await (await waiting[0]!).release();
  await (await waiting[1]!).release();
  assertEmptyOfDb(resources);
});

test("who waits for too long is refused, and is no longer in the queue", async () => {
  const { resources, scope } = setup({ countMax: 1, queueMsMax: 20 });
  const first = await take(scope);
  const message = "db: no room after 20 ms: 1 of 1 in use, 1 wait";
  await assert.rejects(take(scope), refusal("acquire_timeout", message));
  assert.equal(counted(resources, "db").queued, 0);
  assert.equal(resources.snapshot().news[0]?.why, message);
  await first.release();
  assertEmptyOfDb(resources);
});

for (const queueMsMax of [Number.POSITIVE_INFINITY, 1e12])
  test(`who may wait for ${queueMsMax} ms is not refused at once`, async () => {
    const { scope } = setup({ countMax: 1, queueMsMax });
    const first = await take(scope);
    const waiting = take(scope);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await first.release();
    await waiting;
  });

test("who gives up in the queue is told its signal's reason at once, and the next one's turn comes", async () => {
  const { resources, scope } = setup({ countMax: 1 });
  const first = await take(scope);
  const giving = new AbortController();
  const given = scope.acquire("db", () => assert.fail("made"), gone, { signal: giving.signal });
  const next = take(scope);
  giving.abort(new Error("enough"));
  await assert.rejects(given, new Error("enough"));
  assert.equal(counted(resources, "db").queued, 1);
  await first.release();
  await next;
  const aborted = { signal: AbortSignal.abort(new Error("before")) };
  await assert.rejects(
    scope.acquire("db", () => assert.fail("made"), gone, aborted),
    new Error("before"),
  );
});

test("who gives up just as its turn comes gives its room to the next", async () => {
  const { resources, scope } = setup({ countMax: 1 });
  const first = await take(scope);
  const giving = new AbortController();
  const given = scope.acquire("db", () => assert.fail("made"), gone, { signal: giving.signal });
  const next = take(scope);
  await Promise.all([first.release(), assert.rejects(given, new Error("enough")), giving.abort(new Error("enough"))]);
  await (await next).release();
  assertEmptyOfDb(resources);
});

test("those of one owner are served in the order in which they came", async () => {
  const { scope } = setup({ countMax: 1 });
  const first = await take(scope);
  const served: number[] = [];
  const waiting = Array.from({ length: 20 }, (_, i) => serve(scope, () => served.push(i)));
  await first.release();
  await Promise.all(waiting);
  assert.deepEqual(
    served,
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test("owners take turns: one with a hundred waiters does not keep out one with a single one", async () => {
  const { resources, scope: a } = setup({ countMax: 1 });
  const b = resources.scope("b");
  const first = await take(a);
  const served: string[] = [];
  // The scopes within one are one owner.
  const waiting = Array.from({ length: 100 }, (_, i) => serve(a.scope(`inner ${i}`), () => served.push("a")));
  waiting.push(serve(b, () => served.push("b")));
  await first.release();
  await Promise.all(waiting);
  assert.deepEqual([served.length, served.indexOf("b")], [101, 1]);
});

test("a big one at the head is not overtaken by small ones, whoever they are", async () => {
  const { resources, scope } = setup({ bytesMax: 100 });
  const other = resources.scope("other");
  const half = await take(scope, 50);
  const rest = await take(scope, 20);
  const served: string[] = [];
  const waiting = [
    serve(scope, () => served.push("big"), 90),
    serve(scope, () => served.push("small"), 1),
    serve(other, () => served.push("small"), 1),
  ];
  await rest.release();
  await turn();
  assert.deepEqual(served, []);
  await half.release();
  await Promise.all(waiting);
  assert.deepEqual(served, ["big", "small", "small"]);
});

for (const how of ["abort", "timeout", "end of its scope"])
  test(`when a big one at the head gives up, those behind it are let in: ${how}`, async () => {
    const { resources, scope } = setup({ bytesMax: 100, queueMsMax: how === "timeout" ? 30 : 10_000 });
    const other = resources.scope("other");
    await take(other, 50);
    const giving = new AbortController();
    const options = how === "abort" ? { bytes: 90, signal: giving.signal } : { bytes: 90 };
    const big = assert.rejects(scope.acquire("db", () => assert.fail("made"), gone, options));
    // Late enough not to be refused for its own time.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const small = take(other, 10);
    if (how === "abort") giving.abort();
    if (how === "end of its scope") await scope.close();
    await Promise.all([big, small]);
    assert.equal(counted(resources, "db").bytes, 60);
  });

test("a thousand who wait are all served, and never more at once than may be", async () => {
  const { resources, scope } = setup({ countMax: 7 });
  let most = 0;
  const waiting = Array.from({ length: 1000 }, () =>
    serve(scope, () => {
      most = Math.max(most, counted(resources, "db").inUse);
    }),
  );
  await Promise.all(waiting);
  assert.equal(most, 7);
  assert.equal(counted(resources, "db").acquired, 1000);
  assertEmptyOfDb(resources);
});

// ---- counters and news ----

test("the snapshot counts what became of each", async () => {
  const resources = new Resources({ kinds: { db: { countMax: 2, bytesMax: 10, queueMsMax: 0 } } });
  const scope = resources.scope("a");
  await take(scope, 3);
  await (await take(scope)).release();
  await assert.rejects(scope.acquire("db", () => Promise.reject(new Error("down")), gone));
  const broken = await scope.acquire(
    "db",
    () => 1,
    () => Promise.reject(new Error("will not end")),
  );
  await assert.rejects(take(scope), refusal("budget_full"));
  await assert.rejects(broken.release());
  assert.deepEqual(counted(resources, "db"), {
    ...{ kind: "db", inUse: 1, countMax: 2, bytes: 3, bytesMax: 10, queued: 0, leaked: 0, leakedEver: 0, stuck: 0 },
    ...{ acquired: 3, released: 2, failed: 1, refused: 1, releaseFailed: 1, reclaimed: 0, recycled: 0 },
  });
  const { inUse, acquired, released } = counted(resources, "scope");
  assert.deepEqual({ inUse, acquired, released }, { inUse: 1, acquired: 1, released: 0 });
});

test("news are told as they come, with whose it is and why; the latest fifty are kept, newest first", async () => {
  const { resources, scope } = setup({ bytesMax: 10 });
  const inner = scope.scope("inner");
  const told: string[] = [];
  const off = resources.on("news", ({ what, kind, owner, why }) => told.push(`${what} ${kind} ${owner} ${why}`));
  for (let bytes = 11; bytes <= 70; bytes++) await assert.rejects(take(inner, bytes));
  assert.equal(told.length, 60);
  assert.equal(told[0], "refused db a > inner db: no room: 0 of 10 bytes in use, 11 bytes more are asked for");
  const { news } = resources.snapshot();
  assert.equal(news.length, 50);
  assert.deepEqual(
    news.map(({ why }) => Number(/, (\d+) bytes/.exec(why)?.[1])),
    Array.from({ length: 50 }, (_, i) => 70 - i),
  );
  assert.ok(news[0]!.at instanceof Date && news[0]!.at >= news[49]!.at);
  off();
  await assert.rejects(take(inner, 99));
  assert.equal(told.length, 60);
});

test("what pools note is counted and told", () => {
  const resources = new Resources();
  resources.note("reclaimed", "db", "a", "idle");
  resources.note("recycled", "db", "b", "old");
  resources.note("died", "db", "c", "signal");
  const { reclaimed, recycled } = counted(resources, "db");
  assert.deepEqual({ reclaimed, recycled }, { reclaimed: 1, recycled: 2 });
  assert.deepEqual(
    resources.snapshot().news.map(({ what, owner, why }) => [what, owner, why]),
    [
      ["died", "c", "signal"],
      ["recycled", "b", "old"],
      ["reclaimed", "a", "idle"],
    ],
  );
});

test("a listener that throws does not keep a refusal from whoever is refused", async (t) => {
  const uncaught: unknown[] = [];
  t.mock.method(globalThis, "queueMicrotask", (work: () => void) => {
    try {
      work();
    } catch (error) {
      uncaught.push(error);
    }
  });
  const { resources, scope } = setup({ bytesMax: 10 });
  const broken = new Error("listener");
  resources.on("news", () => {
    throw broken;
  });
  await assert.rejects(take(scope, 11), refusal("budget_exceeded"));
  assert.deepEqual(uncaught, [broken]);
});

test("scopes are a kind, too: no more of them at once than may be, inner ones among them", async () => {
  const resources = new Resources({ kinds: { scope: { countMax: 2 } } });
  const outer = resources.scope("outer");
  const inner = outer.scope("inner");
  assert.throws(() => resources.scope("third"), refusal("budget_full", "scope: no room: 2 of 2 in use"));
  assert.equal(resources.snapshot().news[0]?.owner, "third");
  await inner.close();
  await resources.scope("third").close();
  await outer.close();
  assertEmpty(resources);
});

function setup(limits: Partial<KindOptions>): { resources: Resources; scope: Scope } {
  const resources = new Resources({ kinds: { db: limits } });
  return { resources, scope: resources.scope("a") };
}

function take(scope: Scope, bytes = 0): Promise<Lease<string>> {
  return scope.acquire("db", () => "client", gone, { bytes });
}

async function serve(scope: Scope, served: () => unknown, bytes = 0): Promise<void> {
  const lease = await take(scope, bytes);
  served();
  await lease.release();
}

async function useOf(refused: Promise<unknown>): Promise<BudgetUse | undefined> {
  const error = await refused.catch((error: unknown) => error);
  assert.ok(error instanceof ResourceError);
  return error.use;
}

function assertEmptyOfDb(resources: Resources): void {
  const { inUse, bytes, queued } = counted(resources, "db");
  assert.deepEqual({ inUse, bytes, queued }, { inUse: 0, bytes: 0, queued: 0 });
}
