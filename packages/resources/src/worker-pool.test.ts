import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { PoolWorker } from "./pool-worker.ts";
import type { ResourceError, ResourceErrorCode } from "./resource-error.ts";
import { Resources } from "./resources.ts";
import type { Lease } from "./scope.ts";
import type { Seat, SeatRequest } from "./seat.ts";
import type { Order } from "./worker-pool.fixture.ts";
import { WorkerPool, type WorkerPoolOptions } from "./worker-pool.ts";

const FIXTURE = new URL("./worker-pool.fixture.ts", import.meta.url);

type Without<O, K extends PropertyKey> = O extends unknown ? Omit<O, K> : never;

/** A pool of fixtures, and what they have answered. */
function setup(t: TestContext, options: Partial<WorkerPoolOptions> = {}) {
  const resources = new Resources();
  const answers: { worker: PoolWorker; lease: unknown }[] = [];
  const pool = new WorkerPool(resources, "turn", FIXTURE, {
    size: 1,
    message: (worker, lease) => answers.push({ worker, lease }),
    ...options,
    worker: { execArgv: ["--conditions=holdfast-source"], ...options.worker },
  });
  t.after(() => pool.close());
  const scope = resources.scope("test");
  return { resources, pool, scope, answers };
}

function tell(seat: Seat, order: Without<Order, "lease">): void {
  seat.worker.postMessage({ ...order, lease: seat.id });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

const refusal = (code: ResourceErrorCode) => (error: unknown) =>
  error instanceof Error && "code" in error && error.code === code;

/** A lease, what becomes of it, and whether it does what it is told where it is. */
class Holder {
  readonly moves: { to: PoolWorker; from: PoolWorker | undefined }[] = [];
  lost: ResourceError | undefined;
  lease!: Lease<Seat>;
  readonly request: SeatRequest;

  constructor(request: SeatRequest = {}) {
    this.request = {
      moved: (to, from) => void this.moves.push({ to, from }),
      lost: (error) => {
        this.lost = error;
      },
      ...request,
    };
  }

  get seat(): Seat {
    return this.lease.value;
  }
}

async function hold(
  { pool, scope }: Pick<ReturnType<typeof setup>, "pool" | "scope">,
  request?: SeatRequest,
): Promise<Holder> {
  const holder = new Holder(request);
  holder.lease = await pool.acquire(scope, holder.request);
  return holder;
}

test("leases share workers, go where most time is left, and end with their scope", async (t) => {
  const world = setup(t, { size: 2 });
  await until(() => world.pool.snapshot().workers.every(({ state }) => state === "ready"));
  const heavy = await hold(world, { load: 0.5 });
  const light = await Promise.all([1, 2, 3].map(() => hold(world, { load: 0.1 })));
  for (const { seat } of light) assert.notEqual(seat.worker, heavy.seat.worker);
  tell(heavy.seat, { do: "echo" });
  await until(() => world.answers.length === 1);
  assert.deepEqual(world.answers, [{ worker: heavy.seat.worker, lease: heavy.seat.id }]);
  assert.deepEqual(
    world.pool.snapshot().workers.map(({ leases }) => leases),
    [1, 3],
  );
  await world.scope.close();
  assert.deepEqual(
    world.pool.snapshot().workers.map(({ leases, load }) => [leases, load]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});

test("a worker takes leases up to its number, its load and its bytes; more are refused, or wait their turn", async (t) => {
  for (const [options, request] of [
    [{ leasesPerWorkerMax: 2 }, {}],
    [{ loadPerWorkerMax: 0.9 }, { load: 0.4 }],
    [{ bytesPerWorkerMax: 1000 }, { bytes: 500 }],
  ] as const) {
    const world = setup(t, { ...options, queueMsMax: 0 });
    const [first] = [await hold(world, request), await hold(world, request)];
    await assert.rejects(hold(world, request), refusal("budget_full"));
    await first.lease.release();
    await hold(world, request);
  }
  const world = setup(t, { leasesPerWorkerMax: 1, queueMax: 2 });
  const first = await hold(world);
  const order: number[] = [];
  const waiting = [1, 2].map(async (number) => {
    const holder = await hold(world);
    order.push(number);
    return holder;
  });
  await assert.rejects(hold(world), refusal("budget_full"));
  assert.equal(world.pool.snapshot().queued, 2);
  await first.lease.release();
  await (await waiting[0])?.lease.release();
  await waiting[1];
  assert.deepEqual(order, [1, 2]);
});

test("whoever waits may give up, and does when it takes too long", async (t) => {
  const world = setup(t, { leasesPerWorkerMax: 1, queueMsMax: 50, startMsMax: 5000 });
  await hold(world);
  const given = new AbortController();
  const waiting = world.pool.acquire(world.scope, {}, given.signal);
  given.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await assert.rejects(hold(world), refusal("acquire_timeout"));
  assert.equal(world.pool.snapshot().queued, 0);
  const { news, kinds } = world.resources.snapshot();
  assert.deepEqual([news[0]?.what, news[0]?.owner], ["refused", "test"]);
  assert.equal(kinds.find(({ kind }) => kind === "turn")?.refused, 1);
});

test("a worker that was ended from outside is replaced at once, and all its leases go on (R4)", async (t) => {
  const world = setup(t);
  const holders = await Promise.all(Array.from({ length: 20 }, () => hold(world)));
  const [first] = holders;
  assert.ok(first);
  const dead = first.seat.worker;
  tell(first.seat, { do: "busy", ms: 60_000 });
  await dead.end();
  await until(() => holders.every(({ moves }) => moves.length === 1));
  for (const { moves, seat, lost } of holders) {
    assert.deepEqual(moves, [{ to: seat.worker, from: undefined }]);
    assert.notEqual(seat.worker, dead);
    assert.equal(lost, undefined);
  }
  tell(first.seat, { do: "echo" });
  await until(() => world.answers.length === 1);
  const { kinds, news } = world.resources.snapshot();
  assert.equal(kinds.find(({ kind }) => kind === "turn worker")?.recycled, 1);
  assert.equal(news[0]?.what, "died");
});

test("a worker that hangs in a step is ended; only the lease whose step it was is lost (R4)", async (t) => {
  const world = setup(t, { hangMsMax: 300 });
  const [culprit, neighbour] = [await hold(world), await hold(world)];
  tell(culprit.seat, { do: "spin" });
  await until(() => culprit.lost !== undefined && neighbour.moves.length === 1);
  assert.equal(culprit.lost?.code, "worker_hung");
  assert.equal(neighbour.lost, undefined);
  tell(neighbour.seat, { do: "echo" });
  await until(() => world.answers.length === 1);
  assert.equal(world.pool.snapshot().workers[0]?.leases, 1);
});

test("a worker that is busy, but goes from one lease's work to the next, does not hang", async (t) => {
  const world = setup(t, { hangMsMax: 300 });
  const { seat, moves, lost } = await hold(world);
  for (let i = 0; i < 15; i++) tell(seat, { do: "busy", ms: 60 });
  await until(() => world.answers.length === 15);
  assert.deepEqual([moves, lost], [[], undefined]);
});

for (const order of ["throw", "out of memory"] as const)
  test(`a worker that dies of one lease's work takes only that lease down: ${order}`, async (t) => {
    const world = setup(t, { worker: { resourceLimits: { maxOldGenerationSizeMb: 64 } } });
    const [culprit, neighbour] = [await hold(world), await hold(world)];
    tell(culprit.seat, { do: order });
    await until(() => culprit.lost !== undefined && neighbour.moves.length === 1);
    assert.equal(culprit.lost?.code, "worker_died");
    tell(neighbour.seat, { do: "echo" });
    await until(() => world.answers.length === 1);
  });

test("WASM memory counts: past one limit a worker is replaced, past the other it is ended (R4)", async (t) => {
  const soft = setup(t, { memoryBytesMax: 150e6 });
  const mover = await hold(soft);
  const old = mover.seat.worker;
  tell(mover.seat, { do: "grow", bytes: 200e6 });
  await until(() => mover.moves.length === 1);
  assert.equal(mover.moves[0]?.from, old, "the old one still lives");
  await until(() => old.isGone);
  const { news } = soft.resources.snapshot();
  assert.equal(news[0]?.what, "recycled");
  assert.match(news[0]?.why ?? "", /bytes of memory/);

  const hard = setup(t, { memoryBytesLimit: 150e6 });
  const [eater, neighbour] = [await hold(hard), await hold(hard)];
  // In one order: between two, no lease's work is in hand, and nobody would be to blame.
  tell(eater.seat, { do: "grow and spin", bytes: 200e6 });
  await until(() => eater.lost !== undefined && neighbour.moves.length === 1);
  assert.equal(eater.lost?.code, "worker_died");
  assert.match(eater.lost?.message ?? "", /bytes of memory/);
});

test("a worker is replaced for its age and its uses, the new one first; leases that cannot move are told", async (t) => {
  for (const options of [{ usesMax: 3 }, { ageMsMax: 300 }]) {
    const world = setup(t, options);
    const mover = await hold(world);
    const fixed = new Holder();
    delete fixed.request.moved;
    fixed.lease = await world.pool.acquire(world.scope, fixed.request);
    const old = mover.seat.worker;
    (await hold(world)).lease.release();
    let most = 0;
    await until(() => {
      most = Math.max(most, world.pool.snapshot().workers.length);
      return mover.moves.length > 0 && fixed.lost !== undefined;
    });
    assert.equal(most, 2);
    assert.equal(mover.moves[0]?.from, old);
    assert.equal(fixed.lost?.code, "worker_recycled");
    await until(() => old.isGone);
    assert.equal(mover.seat.worker.isGone, false);
  }
});

test("when the old worker dies while it is being left, its leases go on without it", async (t) => {
  const world = setup(t, { usesMax: 1 });
  const holder: Holder = new Holder({
    async moved(to, from) {
      holder.moves.push({ to, from });
      if (!from) return;
      void from.end();
      await new Promise(() => {});
    },
  });
  holder.lease = await world.pool.acquire(world.scope, holder.request);
  await until(() => holder.moves.length >= 2);
  assert.deepEqual(
    holder.moves.slice(0, 2).map(({ from }) => from === undefined),
    [false, true],
  );
  assert.equal(holder.lost, undefined);
});

test("when the old worker dies before the new one is ready, its leases go on in the new one", async (t) => {
  const world = setup(t, { usesMax: 1 });
  const holder = await hold(world);
  await until(() => world.pool.snapshot().workers.some(({ state }) => state === "starting"));
  await holder.seat.worker.end();
  await until(() => holder.moves.length === 1);
  assert.equal(holder.moves[0]?.from, undefined);
  assert.equal(holder.lost, undefined);
});

test("a lease that is released while it moves holds up nothing", async (t) => {
  const world = setup(t, { usesMax: 1, moveMsMax: 600_000 });
  const moving = Promise.withResolvers<void>();
  const holder = await hold(world, {
    moved() {
      moving.resolve();
      return new Promise(() => {});
    },
  });
  const old = holder.seat.worker;
  await moving.promise;
  await holder.lease.release();
  await old.gone;
});

test("a lease whose move fails, or takes too long, is told; the others move", async (t) => {
  const world = setup(t, { moveMsMax: 200 });
  const failing = await hold(world, { moved: () => Promise.reject(new Error("no state")) });
  const hanging = await hold(world, { moved: () => new Promise(() => {}) });
  const throwing = await hold(world, {
    moved() {
      throw new Error("not even begun");
    },
  });
  const fine = await hold(world);
  await fine.seat.worker.end();
  // The one that throws at once has no time left that could run out: by the end of the hanging one's, that would show.
  await until(() => failing.lost !== undefined && hanging.lost !== undefined && fine.moves.length === 1);
  assert.match(throwing.lost?.message ?? "", /not even begun/);
  assert.match(failing.lost?.message ?? "", /no state/);
  assert.match(hanging.lost?.message ?? "", /within 200 ms/);
  assert.deepEqual([failing.lost?.code, hanging.lost?.code], ["worker_recycled", "worker_recycled"]);
});

test("workers that do not start are tried again later and later; callers are told at once, and nothing spins", async (t) => {
  for (const workerData of ["does not start", "is never ready"]) {
    const world = setup(t, { worker: { workerData }, restartMs: 100, startMsMax: 400 });
    const begunMs = performance.now();
    await assert.rejects(hold(world), refusal("worker_unavailable"));
    assert.ok(performance.now() - begunMs < 8000);
    const deaths = () => world.resources.snapshot().kinds.find(({ kind }) => kind === "turn worker")?.recycled ?? 0;
    await until(() => deaths() >= 4);
    // The second at once, the third after 100 ms, the fourth after 200 ms more, at least nine tenths of that.
    assert.ok(performance.now() - begunMs > 270);
    assert.ok(world.pool.snapshot().restartInMs > 0);
    await assert.rejects(hold(world), refusal("worker_unavailable"));
    await world.pool.close();
  }
});

test("a spare takes the place of one that dies, at once, and is replaced in its turn", async (t) => {
  const world = setup(t, { spares: 1 });
  const workersEver = () => world.resources.snapshot().kinds.find(({ kind }) => kind === "turn worker")?.acquired;
  const holder = await hold(world);
  await until(() => workersEver() === 2);
  // It has to be ready, too.
  await sleep(500);
  await holder.seat.worker.end();
  await until(() => holder.moves.length === 1);
  assert.equal(workersEver(), 2, "nothing had to be started");
  await until(() => workersEver() === 3);
  assert.equal(world.pool.snapshot().workers.length, 1);
});

test("leases of workers that die one after another wait for the next one, or go where there is room", async (t) => {
  const world = setup(t, { size: 2, restartMs: 60_000, restartMsMax: 60_000 });
  await until(() => world.pool.snapshot().workers.every(({ state }) => state === "ready"));
  const holders = await Promise.all([1, 2, 3, 4].map(() => hold(world)));
  const [first, second] = [...new Set(holders.map(({ seat }) => seat.worker))];
  assert.ok(first && second);
  await first.end();
  await until(() => world.pool.snapshot().workers.filter(({ state }) => state === "ready").length === 2);
  await second.end();
  await until(() => holders.every(({ moves }) => moves.length === 1));
  assert.equal(world.pool.snapshot().workers.length, 1, "the second is not replaced for a minute");
  assert.deepEqual(
    holders.map(({ lost }) => lost),
    [undefined, undefined, undefined, undefined],
  );
});

test("when the pool closes, holders and waiters are told, and its threads end", async (t) => {
  const world = setup(t, { leasesPerWorkerMax: 1 });
  const holder = await hold(world);
  const { worker } = holder.seat;
  tell(holder.seat, { do: "spin" });
  const waiting = hold(world);
  waiting.catch(() => {});
  await world.pool.close();
  assert.equal(holder.lost?.code, "scope_closed");
  await assert.rejects(waiting, refusal("scope_closed"));
  await assert.rejects(hold(world), refusal("scope_closed"));
  assert.equal(worker.isGone, true);
  const { kinds } = world.resources.snapshot();
  assert.equal(kinds.find(({ kind }) => kind === "turn worker")?.inUse, 0);
});

test("a process that was stopped for longer than a worker may hang does not take it for hung", async (t) => {
  const world = setup(t, { hangMsMax: 400 });
  const { seat, lost } = await hold(world);
  // This thread stands still, as if the whole process did; the worker's beats are not seen meanwhile.
  const untilMs = performance.now() + 1500;
  while (performance.now() < untilMs);
  await sleep(300);
  assert.equal(lost, undefined);
  assert.equal(seat.worker.isGone, false);
});

test("options out of bounds are refused by name", () => {
  const cases: [object, RegExp][] = [
    [{ sizes: 2 }, /turn: sizes: expected one of size, /],
    [{ size: 0 }, /turn: size: expected a number from 1 on, got 0/],
    [{ hangMsMax: Number.NaN }, /turn: hangMsMax: expected a number from 1 on, got NaN/],
  ];
  for (const [options, message] of cases)
    assert.throws(() => new WorkerPool(new Resources(), "turn", FIXTURE, options), message);
});
