import assert from "node:assert/strict";
import { test } from "node:test";
import { httpError, open, Pending, type World, world } from "./breaker.fixture.ts";
import { circuitBreaker } from "./breaker.ts";
import { type FakeClock, turn } from "./clock.fixture.ts";
import type { Clock } from "./clock.ts";
import type { TripStore } from "./shared-trip.ts";

const down = new Error("down");

test("of an outage that one server has met, the others learn within a second (B6)", async (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const { store, a, b, pass } = twoServers();
  await b.breaker.call(async () => {});
  await open(a.breaker);
  assert.deepEqual(store.writes, ["llm 9000"]);
  await pass(1000);
  const work = new Pending<void>();
  await assert.rejects(b.breaker.call(work.start), { code: "circuit_open" });
  assert.equal(work.starts, 0);
  assert.deepEqual(b.changes, [{ name: "llm", from: "closed", to: "open", reason: "shared", openMs: 8800 }]);
  assert.ok(b.breaker.openMs >= a.breaker.openMs, "the first to probe is who has met it");
});

test("who has learnt of a trip from the store does not write it again", async () => {
  const { store, a, b, pass } = twoServers();
  await open(a.breaker);
  await pass(1000);
  await b.breaker.attempt(async () => {});
  assert.equal(b.breaker.state, "open");
  await turn();
  assert.equal(store.writes.length, 1);
});

test("its own trip is no news to a server that reads it", async () => {
  const { a, store, pass } = twoServers();
  await open(a.breaker);
  store.latencyMs = 50;
  await pass(1500);
  await a.breaker.attempt(async () => {});
  assert.equal(a.changes.length, 1);
  assert.equal(a.breaker.counters.opened, 1);
});

test("a probe that fails keeps the others from probing", async (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const { a, b, pass } = twoServers();
  await open(a.breaker);
  await pass(1000);
  await b.breaker.attempt(async () => {});
  await pass(8000);
  await a.breaker.attempt(() => Promise.reject(down));
  assert.equal(a.breaker.openMs, 18_000);
  await pass(1000);
  const work = new Pending<void>();
  await assert.rejects(b.breaker.call(work.start), { code: "circuit_open" });
  assert.equal(work.starts, 0);
});

test("when the time is over, everybody probes for himself and goes on", async () => {
  const { a, b, pass } = twoServers();
  await open(a.breaker);
  await pass(1000);
  await b.breaker.attempt(async () => {});
  await pass(12_000);
  for (const { breaker } of [a, b]) {
    assert.equal(await breaker.call(async () => "well"), "well");
    assert.equal(breaker.state, "closed");
  }
});

test("the counters are nobody else's: what does not trip is not told", async () => {
  const { store, a, b, pass } = twoServers();
  for (let i = 0; i < 4; i++) await a.breaker.attempt(() => Promise.reject(down));
  await pass(1000);
  await b.breaker.attempt(() => Promise.reject(down));
  assert.deepEqual([store.writes, b.breaker.state, b.breaker.snapshot().recent.failures], [[], "closed", 1]);
});

test("a Retry-After that one server got holds for all", async () => {
  const { a, b, pass } = twoServers();
  await a.breaker.attempt(() => Promise.reject(httpError(429, { "retry-after": "60" })));
  await pass(1000);
  await b.breaker.attempt(async () => {});
  assert.ok(b.breaker.openMs >= 59_000);
});

test("the store is read once a second at most, however many calls there are", async () => {
  const { store, a, pass } = twoServers();
  await Promise.all(Array.from({ length: 100 }, () => a.breaker.call(async () => {})));
  assert.equal(store.reads, 1);
  await pass(999);
  await a.breaker.call(async () => {});
  assert.equal(store.reads, 1);
  await pass(1);
  await a.breaker.call(async () => {});
  assert.equal(store.reads, 2);
});

test("while the circuit is open there is nothing to ask the store", async () => {
  const { store, a, pass } = twoServers();
  await open(a.breaker);
  const { reads } = store;
  await pass(2000);
  await a.breaker.call(async () => {}).catch(() => {});
  await a.breaker.attempt(async () => {});
  assert.equal(store.reads, reads);
});

test("who only observes tells nobody, so that nobody's calls are refused", async () => {
  const store = new MemoryStore();
  const a = world({ share: store, observeOnly: true });
  store.clock = a.clock;
  await open(a.breaker);
  assert.deepEqual([a.breaker.state, store.writes], ["open", []]);
});

const BROKEN: Record<string, TripStore> = {
  down: { read: () => Promise.reject(down), write: () => Promise.reject(down) },
  "throwing at once": {
    read() {
      throw down;
    },
    write() {
      throw down;
    },
  },
};

for (const [how, share] of Object.entries(BROKEN))
  test(`with a store that is ${how}, each server goes by what it sees itself, and at once`, async () => {
    const { breaker, clock } = world({ share });
    assert.equal(await breaker.call(async () => 1), 1);
    await open(breaker);
    await turn();
    assert.deepEqual([breaker.state, breaker.snapshot().shareFailures, clock.timers], ["open", 2, 0]);
  });

test("with a store that hangs, no call waits for it for more than 100 ms, and not each", async () => {
  const { breaker, clock } = world({
    share: { read: () => new Promise(() => {}), write: () => new Promise(() => {}) },
  });
  const work = new Pending<number>();
  const calls = [breaker.call(work.start), breaker.call(work.start)];
  await clock.pass(99);
  assert.equal(work.starts, 0);
  await clock.pass(1);
  assert.equal(work.starts, 2);
  const next = breaker.call(work.start);
  await turn();
  assert.equal(work.starts, 3, "for a second, it is not asked again");
  work.resolve(1);
  assert.deepEqual(await Promise.all([...calls, next]), [1, 1, 1]);
  await open(breaker);
  assert.deepEqual([breaker.state, breaker.snapshot().shareFailures], ["open", 1]);
});

test("in real time too", async () => {
  const breaker = circuitBreaker("llm", { share: { read: () => new Promise(() => {}), write: async () => {} } });
  const startedMs = performance.now();
  await breaker.call(async () => {});
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 99 && tookMs < 1000, `${tookMs} ms`);
});

test("a store that answers late, wrongly, or fails late does no harm", async (t) => {
  const unhandled = t.mock.fn();
  process.on("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  for (const end of ["resolve", "reject"] as const) {
    const answer = Promise.withResolvers<number>();
    const { breaker, clock } = world({ share: { read: () => answer.promise, write: async () => {} } });
    const call = breaker.call(async () => 1);
    await clock.pass(100);
    await call;
    answer[end](end === "resolve" ? 5000 : 0);
    await turn();
    assert.equal(breaker.state, "closed");
  }
  for (const wrong of [Number.NaN, -2, 0, undefined, null, "soon"]) {
    const { breaker } = world({ share: { read: async () => wrong as number, write: async () => {} } });
    assert.equal(await breaker.call(async () => 1), 1);
  }
  assert.equal(unhandled.mock.callCount(), 0);
});

test("a stream asks as well", async () => {
  const { a, b, pass } = twoServers();
  await open(a.breaker);
  await pass(1000);
  await assert.rejects(b.breaker.stream(async function* () {}).next(), { code: "circuit_open" });
});

// ----

/** As Redis would do it: a key that goes when its time is over. */
class MemoryStore implements TripStore {
  clock: Clock | undefined;
  latencyMs = 0;
  reads = 0;
  readonly writes: string[] = [];
  readonly #untilMs = new Map<string, number>();

  async read(name: string): Promise<number> {
    this.reads++;
    return Math.max(0, (this.#untilMs.get(name) ?? 0) - this.#nowMs + this.latencyMs);
  }

  async write(name: string, openMs: number): Promise<void> {
    this.writes.push(`${name} ${openMs}`);
    this.#untilMs.set(name, this.#nowMs + openMs);
  }

  get #nowMs(): number {
    return this.clock?.now() ?? 0;
  }
}

function twoServers(): { store: MemoryStore; a: World; b: World; pass: FakeClock["pass"] } {
  const store = new MemoryStore();
  const [a, b] = [world({ share: store }), world({ share: store })];
  store.clock = a.clock;
  const pass = async (ms: number) => {
    await a.clock.pass(ms);
    await b.clock.pass(ms);
  };
  return { store, a, b, pass };
}
