import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { assertEmpty, counted, errorsOf, Log, Pending, refusal, turn, until } from "./resources.fixture.ts";
import { Resources } from "./resources.ts";
import type { Lease, Scope } from "./scope.ts";

const gone = () => {};
const down = new Error("down");

// ---- however it ends ----

const ENDINGS: Record<string, (resources: Resources, fill: (scope: Scope) => Promise<void>) => Promise<void>> = {
  "its close": async (resources, fill) => {
    const scope = resources.scope("a");
    await fill(scope);
    await scope.close();
  },
  "await using": async (resources, fill) => {
    await using scope = resources.scope("a");
    await fill(scope);
  },
  "await using, with an error": async (resources, fill) => {
    const work = async () => {
      await using scope = resources.scope("a");
      await fill(scope);
      throw down;
    };
    await assert.rejects(work, down);
  },
  use: async (resources, fill) => {
    const result = await resources.scope("a").use(async (scope) => {
      await fill(scope);
      return 42;
    });
    assert.equal(result, 42);
  },
  "use, with an error": async (resources, fill) => {
    const work = async (scope: Scope) => {
      await fill(scope);
      throw down;
    };
    await assert.rejects(resources.scope("a").use(work), (error) => error === down);
  },
  "its signal": async (resources, fill) => {
    const { signal, abort } = new Abort();
    const scope = resources.scope("a", { signal });
    await fill(scope);
    abort(down);
    assert.equal(scope.isClosed, true);
    await scope.close();
    assert.equal(scope.signal.reason, down);
  },
  "its parent's end": async (resources, fill) => {
    const parent = resources.scope("parent");
    await fill(parent.scope("a"));
    await parent.close();
  },
  "the end of all": async (resources, fill) => {
    await fill(resources.scope("a"));
    await resources.close();
  },
  "await using of all": async (resources, fill) => {
    await using all = resources;
    await fill(all.scope("a"));
  },
};

for (const [ending, run] of Object.entries(ENDINGS))
  test(`what a scope owns is released, the last first: ${ending}`, async () => {
    const resources = new Resources();
    const { acquire, ...log } = fill();
    await run(resources, async (scope) => {
      await acquire(scope);
      assert.deepEqual(log.released, []);
      assert.equal(scope.isClosed, false);
    });
    assert.deepEqual(log.released, ["7 adopted", "6", "5 inner", "4 innermost", "3 inner", "2 made slowly", "1"]);
    assertEmpty(resources);
  });

test("what takes time to be released is waited for before the next one's turn", async () => {
  const scope = new Resources().scope("a");
  const events: string[] = [];
  for (const name of ["first", "second"])
    await scope.acquire("db", gone, async () => {
      events.push(`${name} begins`);
      await turn();
      events.push(`${name} ends`);
    });
  await scope.close();
  assert.deepEqual(events, ["second begins", "second ends", "first begins", "first ends"]);
});

test("the end of all ends scopes side by side: a slow one does not hold up another", async () => {
  const resources = new Resources();
  const slow = new Pending<void>();
  const log = new Log();
  await resources.scope("slow").acquire("db", gone, slow.start);
  await log.acquire(resources.scope("quick"), "quick");
  const closing = resources.close();
  await until(() => log.released.length === 1);
  slow.resolve();
  await closing;
  assertEmpty(resources);
});

test("the scope's signal is aborted when it begins to end, before anything is released", async () => {
  const scope = new Resources().scope("a");
  const { signal } = scope;
  let isAborted = false;
  await scope.acquire("db", gone, () => {
    isAborted = signal.aborted;
  });
  assert.equal(signal.aborted, false);
  await scope.close();
  assert.equal(isAborted, true);
  refusal("scope_closed", "a has ended")(signal.reason);
  assert.equal(scope.signal, signal);
});

test("a signal that is asked for after the end is aborted, too", async () => {
  const scope = new Resources().scope("a");
  await scope.close();
  refusal("scope_closed")(scope.signal.reason);
});

test("a scope with a signal that is aborted already is not opened", () => {
  const resources = new Resources();
  assert.throws(
    () => resources.scope("a", { signal: AbortSignal.abort(down) }),
    (error) => error === down,
  );
  assertEmpty(resources);
});

test("an ended scope leaves nothing on the signal that would have ended it", async () => {
  const { signal, abort } = new Abort();
  const listeners: unknown[] = [];
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.push(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners.splice(listeners.indexOf(args[1]), 1);
    removeEventListener.apply(signal, args);
  };
  const scope = new Resources().scope("a", { signal });
  assert.equal(listeners.length, 1);
  await scope.close();
  assert.equal(listeners.length, 0);
  abort(down);
  refusal("scope_closed")(scope.signal.reason);
});

test("owners are told outermost first", () => {
  const scope = new Resources().scope("session 4").scope("job 17").scope("step");
  assert.equal(scope.owner, "session 4 > job 17 > step");
});

// ---- a lease ----

test("a lease is released once, however often and by whomever", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const log = new Log();
  const lease = await scope.acquire("thing", () => "value", log.release);
  assert.deepEqual([lease.value, lease.isReleased], ["value", false]);
  await Promise.all([lease.release(), lease.release(), lease[Symbol.asyncDispose](), scope.close(), scope.close()]);
  await scope.close();
  await lease.release();
  assert.equal(lease.isReleased, true);
  assert.deepEqual(log.released, ["value"]);
  assertEmpty(resources);
});

test("await using gives a lease back at the end of its block", async () => {
  const scope = new Resources().scope("a");
  const log = new Log();
  {
    await using lease = await scope.acquire("thing", () => "value", log.release);
    assert.equal(lease.value, "value");
  }
  assert.deepEqual(log.released, ["value"]);
});

test("a release that fails rejects for everybody who asks, with the same error, and gives its room back", async () => {
  for (const release of [throws, () => Promise.reject(down)]) {
    const resources = new Resources({ kinds: { db: { countMax: 1 } } });
    const scope = resources.scope("a");
    const lease = await scope.acquire("db", gone, release);
    await assert.rejects(lease.release(), (error) => error === down);
    await assert.rejects(lease.release(), (error) => error === down);
    assert.equal(counted(resources, "db").inUse, 0);
    assert.equal(counted(resources, "db").releaseFailed, 1);
    const told = resources.snapshot().news.map(({ at, ...news }) => news);
    assert.deepEqual(told, [{ what: "release failed", kind: "db", owner: "a", why: "down" }]);
    await scope.close();
  }
});

test("a lease that is released early is no longer its scope's", async () => {
  const scope = new Resources().scope("a");
  const log = new Log();
  await log.acquire(scope, "1");
  const early = await scope.acquire("thing", () => "2", log.release);
  await log.acquire(scope, "3");
  await early.release();
  await scope.close();
  assert.deepEqual(log.released, ["2", "3", "1"]);
});

// ---- releases that fail or hang ----

test("releases that throw do not keep the rest from being released, and all errors are told at once", async () => {
  const resources = new Resources();
  const parent = resources.scope("parent");
  const log = new Log();
  const fails = (name: string) => () => {
    log.release(name);
    throw new Error(name);
  };
  await log.acquire(parent, "1");
  await parent.acquire("db", gone, fails("2"));
  const inner = parent.scope("inner");
  await inner.acquire("db", gone, fails("3"));
  await inner.scope("innermost").acquire("db", gone, async () => fails("4")());
  await log.acquire(inner, "5");
  await log.acquire(parent, "6");
  const errors = await errorsOf(parent.close());
  assert.deepEqual(log.released, ["6", "5", "4", "3", "2", "1"]);
  assert.deepEqual(errors, [new Error("4"), new Error("3"), new Error("2")], "flat");
  await assert.rejects(parent.close(), { message: "parent: 3 releases failed: 4" });
  assert.equal(counted(resources, "db").releaseFailed, 3);
  assertEmpty(resources);
});

test("the end of all tells all errors of all scopes at once", async () => {
  const resources = new Resources();
  await resources.scope("a").scope("inner").acquire("db", gone, throws);
  await resources.scope("b").acquire("db", gone, throws);
  await assert.rejects(resources.close(), (error) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual([error.errors, error.message], [[down, down], "2 releases failed"]);
    return true;
  });
  await resources.close();
  assertEmpty(resources);
});

test("a release that hangs has its time, then the rest is released; it keeps its room until it settles", async () => {
  for (const late of ["succeeds", "fails"]) {
    const resources = new Resources({ kinds: { socket: { countMax: 1, releaseMsMax: 30, queueMsMax: 0 } } });
    const scope = resources.scope("a");
    const log = new Log();
    const hung = new Pending<void>();
    await log.acquire(scope, "1");
    await scope.acquire("socket", gone, hung.start);
    await log.acquire(scope, "2");
    const [error, ...others] = await errorsOf(scope.close());
    refusal("release_timeout", "socket of a was not released within 30 ms")(error);
    assert.equal(resources.snapshot().news.at(-1)?.what, "release failed");
    assert.deepEqual([others, log.released], [[], ["2", "1"]]);
    const { inUse, stuck, released } = counted(resources, "socket");
    assert.deepEqual({ inUse, stuck, released }, { inUse: 1, stuck: 1, released: 0 });
    const next = resources.scope("b");
    assert.throws(() => next.adopt("socket", 1, gone), refusal("budget_full"));
    if (late === "succeeds") hung.resolve();
    else hung.reject(down);
    await turn();
    assert.equal(counted(resources, "socket").stuck, 0);
    next.adopt("socket", 1, gone);
    await next.close();
    assertEmpty(resources);
    const { acquired, releaseFailed } = counted(resources, "socket");
    assert.deepEqual(
      { acquired, releaseFailed, starts: hung.starts },
      { acquired: 2, releaseFailed: late === "fails" ? 1 : 0, starts: 1 },
    );
  }
});

test("a release that takes longer than a timer can wait is not given up at once", async () => {
  const resources = new Resources({ kinds: { db: { releaseMsMax: 1e12 }, cache: { releaseMsMax: Infinity } } });
  const scope = resources.scope("a");
  await scope.acquire("db", gone, () => sleep(20));
  await scope.acquire("cache", gone, () => sleep(20));
  await scope.close();
});

test("an error of the work and those of releases are one; the work's comes first", async () => {
  const resources = new Resources();
  const work = async (scope: Scope) => {
    await scope.acquire("db", gone, () => Promise.reject(new Error("first")));
    await scope.scope("inner").acquire("db", gone, () => Promise.reject(new Error("second")));
    throw down;
  };
  await assert.rejects(resources.scope("a").use(work), (error) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors, [down, new Error("second"), new Error("first")]);
    assert.equal(error.message, "down");
    return true;
  });
  assertEmpty(resources);
});

test("work that throws at once ends its scope like any other", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  await assert.rejects(scope.use(throws), (error) => error === down);
  assert.equal(scope.isClosed, true);
  assertEmpty(resources);
});

test("when only a release fails, use tells that, though the work went well", async () => {
  const work = (scope: Scope) => void scope.adopt("db", 1, throws);
  assert.deepEqual(await errorsOf(new Resources().scope("a").use(work)), [down]);
});

test("what fails when a signal ends a scope is told to whoever closes it, and to nobody else", async () => {
  const { signal, abort } = new Abort();
  const scope = new Resources().scope("a", { signal });
  scope.adopt("db", 1, throws);
  abort(down);
  await turn();
  assert.deepEqual(await errorsOf(scope.close()), [down]);
});

// ---- acquiring as a scope ends ----

test("nothing is acquired, adopted or opened in a scope that has ended", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const closing = scope.close();
  const refused = refusal("scope_closed", "a has ended");
  const never = () => assert.fail("made");
  for (let i = 0; i < 2; i++) {
    await assert.rejects(scope.acquire("db", never, never), refused);
    await assert.rejects(scope.acquire("db", never, never, { signal: new AbortController().signal }), refused);
    assert.throws(() => scope.adopt("db", 1, never), refused);
    assert.throws(() => scope.scope("inner"), refused);
    await closing;
  }
  assertEmpty(resources);
});

test("in a scope that a signal has ended, everything is refused with the signal's reason", async () => {
  const { signal, abort } = new Abort();
  const scope = new Resources().scope("a", { signal });
  abort(down);
  await assert.rejects(scope.acquire("db", gone, gone), (error) => error === down);
  assert.throws(
    () => scope.scope("inner"),
    (error) => error === down,
  );
});

test("when the scope ends, who waits in a queue is told at once", async () => {
  const resources = new Resources({ kinds: { db: { countMax: 1 } } });
  const scope = resources.scope("a");
  const other = resources.scope("other");
  await other.acquire("db", gone, gone);
  const waiting = scope.acquire("db", () => assert.fail("made"), gone);
  const closing = scope.close();
  await assert.rejects(waiting, refusal("scope_closed"));
  await closing;
  assert.equal(counted(resources, "db").queued, 0);
});

for (const hasSignal of [false, true])
  test(`when the scope ends, who waits for a create is told at once, and what comes late is released, ${hasSignal ? "with" : "without"} a signal of its own`, async () => {
    const resources = new Resources();
    const scope = resources.scope("a");
    const log = new Log();
    const making = new Pending<string>();
    const options = hasSignal ? { signal: new AbortController().signal } : {};
    const acquiring = scope.acquire("db", making.create, log.release, options);
    await turn();
    assert.equal(making.signal?.aborted, false);
    const closing = scope.close();
    await assert.rejects(acquiring, refusal("scope_closed", "a has ended"));
    assert.equal(making.signal?.aborted, true);
    assert.equal(counted(resources, "db").inUse, 1, "it is still being made");
    making.resolve("late");
    await closing;
    assert.deepEqual(log.released, ["late"]);
    assertEmpty(resources);
  });

test("when the caller gives up, it is told at once, and what comes late is released", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const log = new Log();
  const making = new Pending<string>();
  const { signal, abort } = new Abort();
  const acquiring = scope.acquire("db", making.create, log.release, { signal });
  await turn();
  abort(down);
  await assert.rejects(acquiring, (error) => error === down);
  assert.equal(making.signal?.reason, down);
  assert.equal(scope.signal.aborted, false);
  making.resolve("late");
  await turn();
  assert.deepEqual(log.released, ["late"]);
  assert.equal(counted(resources, "db").inUse, 0);
  await scope.close();
  assert.deepEqual(log.released, ["late"]);
  assertEmpty(resources);
});

test("a signal that is aborted after all was made changes nothing", async () => {
  const scope = new Resources().scope("a");
  const log = new Log();
  const { signal, abort } = new Abort();
  const lease = await scope.acquire("db", () => "value", log.release, { signal });
  abort(down);
  await turn();
  assert.equal(lease.isReleased, false);
  await scope.close();
  assert.deepEqual(log.released, ["value"]);
});

test("a create that heeds its signal is over at once; one that fails late is counted, and told nobody twice", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const heeds = ({ signal }: { signal: AbortSignal }) =>
    new Promise<string>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const acquiring = scope.acquire("db", heeds, gone);
  await Promise.all([scope.close(), assert.rejects(acquiring, refusal("scope_closed"))]);
  assert.equal(counted(resources, "db").failed, 1);
  assertEmpty(resources);
});

test("a create that hangs is waited for no longer than a release; it is stuck, and released when it comes", async () => {
  const resources = new Resources({ kinds: { db: { releaseMsMax: 30 } } });
  const scope = resources.scope("a");
  const log = new Log();
  const making = new Pending<string>();
  await log.acquire(scope, "1");
  const acquiring = scope.acquire("db", making.create, log.release);
  const closing = errorsOf(scope.close());
  await assert.rejects(acquiring, refusal("scope_closed"));
  const errors = await closing;
  assert.equal(errors.length, 1);
  refusal("release_timeout", "a db that is being made was not released within 30 ms")(errors[0]);
  assert.deepEqual(log.released, ["1"]);
  const { inUse, stuck } = counted(resources, "db");
  assert.deepEqual({ inUse, stuck }, { inUse: 1, stuck: 1 });
  making.resolve("late");
  await turn();
  assert.deepEqual(log.released, ["1", "late"]);
  assertEmpty(resources);
});

test("a late one whose release fails is told by the end of the scope that waits for it, once", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const making = new Pending<string>();
  const acquiring = scope.acquire("db", making.create, throws);
  const closing = errorsOf(scope.close());
  await assert.rejects(acquiring, refusal("scope_closed"));
  making.resolve("late");
  assert.deepEqual(await closing, [down]);
  assert.equal(counted(resources, "db").releaseFailed, 1);
  assertEmpty(resources);
});

test("a create that ends its own scope gets what it made released", async () => {
  const resources = new Resources();
  const scope = resources.scope("a");
  const log = new Log();
  const create = () => {
    void scope.close();
    return Promise.resolve("value");
  };
  await Promise.allSettled([scope.acquire("thing", create, log.release), scope.close()]);
  assert.deepEqual(log.released, ["value"]);
  assertEmpty(resources);
});

// ---- creates that fail ----

for (const [how, fails] of [
  ["at once", throws],
  ["later", () => sleep(1).then(throws)],
  ["async", async () => throws()],
] satisfies [string, () => unknown][])
  for (const options of [{}, { signal: new AbortController().signal }])
    test(`a create that fails ${how} gives its room back, and its error is told as it is, ${options.signal ? "with" : "without"} a signal`, async () => {
      const resources = new Resources({ kinds: { db: { countMax: 1, bytesMax: 10 } } });
      const scope = resources.scope("a");
      const acquiring = scope.acquire("db", fails, () => assert.fail("released"), { bytes: 10, ...options });
      await assert.rejects(acquiring, (error) => error === down);
      const { failed, acquired, inUse, bytes } = counted(resources, "db");
      assert.deepEqual({ failed, acquired, inUse, bytes }, { failed: 1, acquired: 0, inUse: 0, bytes: 0 });
      await scope.close();
      assertEmpty(resources);
    });

for (const [how, fails] of [
  ["at once", throws],
  ["async", async () => throws()],
] satisfies [string, () => unknown][]) {
  test(`a factory that fails ${how} ten thousand times in a row is called as often, and every caller is told`, async () => {
    const { resources, scope, calls, acquire } = failing(fails, 5);
    for (let i = 0; i < 10_000; i++) await assert.rejects(acquire(), (error) => error === down);
    await assertQuiet(resources, scope, calls, 10_000);
  });

  test(`nor does one with a thousand callers in its queue spin, ${how}`, async () => {
    const { resources, scope, calls, acquire } = failing(fails, 1);
    for (let round = 0; round < 10; round++) {
      const holder = await scope.acquire("db", () => "fine", gone);
      const acquiring = Array.from({ length: 1000 }, acquire);
      assert.equal(counted(resources, "db").queued, 1000);
      await holder.release();
      const told = await Promise.allSettled(acquiring);
      for (const each of told) assert.ok(each.status === "rejected" && each.reason === down);
    }
    await assertQuiet(resources, scope, calls, 10_000);
  });
}

// ---- whatever happens ----

test("whatever happens in whatever order, everything is released once, and the last first", async () => {
  const step = fc.record({
    what: fc.constantFrom("acquire", "make", "finish", "fail", "release", "inner", "close", "abort", "giveUp"),
    at: fc.nat(30),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      const run = new Run();
      for (const { what, at } of steps) {
        run[what](at);
        // What is decided is decided before the next step.
        await turn();
      }
      await run.check();
    }),
    { numRuns: 300 },
  );
});

interface Thing {
  id: number;
  releases: number;
  byHand: boolean;
  isLate: boolean;
}

interface Owner {
  scope: Scope;
  controller: AbortController;
  /** In which order its end released them. */
  released: number[];
}

interface Making {
  owner: Owner;
  work: PromiseWithResolvers<Thing>;
  controller: AbortController;
  isGivenUp: boolean;
}

class Run {
  readonly #resources = new Resources({ kinds: { thing: { countMax: 4, queueMax: 3 } } });
  readonly #owners: Owner[] = [];
  readonly #things: Thing[] = [];
  readonly #leases: Lease<Thing>[] = [];
  readonly #making: Making[] = [];

  constructor() {
    for (const name of ["a", "b"])
      this.#own((controller) => this.#resources.scope(name, { signal: controller.signal }));
  }

  acquire(at: number): void {
    const owner = pick(this.#owners, at);
    const acquiring = owner.scope.acquire("thing", () => this.#thing(), this.#releaseFor(owner));
    acquiring.then(
      (lease) => this.#leases.push(lease),
      () => {},
    );
  }

  make(at: number): void {
    const owner = pick(this.#owners, at);
    const controller = new AbortController();
    const making: Making = { owner, work: Promise.withResolvers<Thing>(), controller, isGivenUp: false };
    const create = () => {
      this.#making.push(making);
      return making.work.promise;
    };
    owner.scope.acquire("thing", create, this.#releaseFor(owner), at % 2 ? { signal: controller.signal } : {}).then(
      (lease) => this.#leases.push(lease),
      () => {
        making.isGivenUp = true;
      },
    );
  }

  finish(at: number): void {
    const [making] = this.#making.splice(at % (this.#making.length || 1), 1);
    if (!making) return;
    const thing = this.#thing();
    thing.isLate = making.isGivenUp;
    making.work.resolve(thing);
  }

  fail(at: number): void {
    const [making] = this.#making.splice(at % (this.#making.length || 1), 1);
    making?.work.reject(down);
  }

  giveUp(at: number): void {
    this.#making[at % (this.#making.length || 1)]?.controller.abort();
  }

  release(at: number): void {
    const lease = this.#leases[at % (this.#leases.length || 1)];
    if (!lease) return;
    if (!lease.isReleased) lease.value.byHand = true;
    lease.release().catch(() => {});
  }

  inner(at: number): void {
    const { scope } = pick(this.#owners, at);
    if (!scope.isClosed && this.#owners.length < 8)
      this.#own((controller) => scope.scope("inner", { signal: controller.signal }));
  }

  close(at: number): void {
    if (at % 3 === 0)
      pick(this.#owners, at)
        .scope.close()
        .catch(() => {});
  }

  abort(at: number): void {
    if (at % 3 === 0) pick(this.#owners, at).controller.abort();
  }

  async check(): Promise<void> {
    const closing = this.#resources.close().catch(() => {});
    await turn();
    while (this.#making.length > 0) this.finish(0);
    await closing;
    await until(() => counted(this.#resources, "scope").inUse === 0);
    for (const { id, releases } of this.#things) assert.equal(releases, 1, `${id} was released ${releases} times`);
    for (const { released } of this.#owners)
      assert.deepEqual(
        released,
        released.toSorted((a, b) => b - a),
      );
    assertEmpty(this.#resources);
    if (this.#things.length === 0) return;
    const { acquired, released } = counted(this.#resources, "thing");
    assert.deepEqual([acquired, released], [this.#things.length, this.#things.length]);
  }

  #own(open: (controller: AbortController) => Scope): void {
    const controller = new AbortController();
    this.#owners.push({ scope: open(controller), controller, released: [] });
  }

  #thing(): Thing {
    const thing: Thing = { id: this.#things.length, releases: 0, byHand: false, isLate: false };
    this.#things.push(thing);
    return thing;
  }

  #releaseFor(owner: Owner): (thing: Thing) => unknown {
    return (thing) => {
      thing.releases++;
      if (!thing.byHand && !thing.isLate) owner.released.push(thing.id);
      if (thing.id % 5 === 1) throw down;
      return thing.id % 2 ? turn() : undefined;
    };
  }
}

function pick<E>(from: E[], at: number): E {
  const picked = from[at % from.length];
  assert.ok(picked !== undefined);
  return picked;
}

function throws(): never {
  throw down;
}

/** Its `abort` can be taken apart from it. */
class Abort {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly abort = (reason: unknown): void => this.#controller.abort(reason);
}

/** A bit of everything, and in which order it was released. */
function fill(): { acquire: (scope: Scope) => Promise<void>; released: string[] } {
  const log = new Log();
  const acquire = async (scope: Scope) => {
    await log.acquire(scope, "1");
    await scope.acquire("db", () => turn().then(() => "2 made slowly"), log.release);
    const inner = scope.scope("inner");
    await log.acquire(inner, "3 inner");
    await log.acquire(inner.scope("innermost"), "4 innermost");
    await log.acquire(inner, "5 inner");
    await log.acquire(scope, "6");
    scope.adopt("thing", "7 adopted", log.release);
  };
  return { acquire, released: log.released };
}

function failing(fails: () => unknown, countMax: number) {
  const resources = new Resources({ kinds: { db: { countMax } } });
  const scope = resources.scope("a");
  const calls = { made: 0 };
  const create = () => {
    calls.made++;
    return fails();
  };
  return { resources, scope, calls, acquire: () => scope.acquire("db", create, () => assert.fail("released")) };
}

async function assertQuiet(resources: Resources, scope: Scope, calls: { made: number }, made: number): Promise<void> {
  await sleep(20);
  const { failed, inUse, queued } = counted(resources, "db");
  assert.deepEqual({ made: calls.made, failed, inUse, queued }, { made, failed: made, inUse: 0, queued: 0 });
  await scope.close();
  assertEmpty(resources);
}

test("when a scope begins to end, its inner scopes take no more, and whoever waits in them is told at once", async () => {
  const resources = new Resources({ kinds: { never: { releaseMsMax: 30 } } });
  const outer = resources.scope("outer");
  const inner = outer.scope("inner");
  const slow = Promise.withResolvers<void>();
  outer.adopt("slow", 1, () => slow.promise);
  const making = inner.acquire(
    "never",
    () => new Promise(() => {}),
    () => {},
    {},
  );
  const end = outer.close();
  await assert.rejects(making, { code: "scope_closed" });
  assert.equal(inner.signal.aborted, true);
  await assert.rejects(
    inner.acquire(
      "more",
      () => 1,
      () => {},
    ),
    { code: "scope_closed" },
  );
  slow.resolve();
  await assert.rejects(end, AggregateError);
});
