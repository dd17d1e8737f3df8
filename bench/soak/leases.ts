import { setImmediate as turn } from "node:timers/promises";
import { Keyed, type Lease, managedInterval, managedListener, managedTimeout, Resources } from "@holdfast/resources";
import type { Workload } from "./workload.ts";

const AT_ONCE = 50;
const DATABASES = 100;
const VALUE_NUMBERS = 500;

/** One way to hold things: how many leases it asks for, and all of them are over when it resolves. */
interface Way {
  leases: number;
  go(): Promise<void>;
}

/** Leases of a `Resources`, acquired and given back in all the ways there are. */
export class Leases implements Workload {
  readonly #resources = new Resources({
    traceOneIn: 10,
    kinds: {
      scarce: { countMax: 10, queueMax: AT_ONCE * 10, queueMsMax: Number.POSITIVE_INFINITY },
      heavy: { bytesMax: 1000, queueMax: AT_ONCE * 10, queueMsMax: Number.POSITIVE_INFINITY },
      taken: { countMax: 1, queueMsMax: 60_000 },
      watched: { leakMs: 600_000 },
      database: { countMax: 20 },
    },
  });
  /** Stay for as long as this does: what they keep of each use adds up. */
  readonly #long = this.#resources.scope("long");
  readonly #shutdown = new AbortController();
  readonly #emitter = new EventTarget();
  readonly #databases = new Keyed(this.#resources, "database", create, release);
  readonly #taken: Lease<number[]>;
  #ways = 0;
  #readers = 0;

  constructor() {
    this.#taken = this.#long.adopt("taken", make(), release);
  }

  async run(count: number): Promise<void> {
    const ways = this.#all();
    let left = count;
    const repeat = async () => {
      while (left > 0) {
        const way = ways[this.#ways++ % ways.length];
        if (!way) return;
        left -= way.leases;
        await way.go();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, repeat));
  }

  async left(): Promise<Record<string, number>> {
    // The one that is taken for good; its scope, and that of the databases.
    let leases = -1;
    let scopes = -2;
    for (const { kind, inUse, queued, leaked, stuck } of this.#resources.snapshot().kinds) {
      if (kind === "scope") scopes += inUse;
      // Those that are kept for the next who needs them are as many as there may be, soon.
      else if (kind !== "database") leases += inUse + queued + leaked + stuck;
    }
    return { "leases left": leases, "scopes left": scopes, "databases kept": this.#databases.size };
  }

  async close(): Promise<void> {
    await this.#taken.release();
    await this.#databases.close();
    await this.#resources.close();
  }

  #all(): Way[] {
    return [
      { leases: 6, go: () => this.#nested() },
      { leases: 4, go: () => this.#earlyInLongScope() },
      { leases: 4, go: () => this.#contended() },
      { leases: 3, go: () => this.#givenUp() },
      { leases: 5, go: () => this.#endedBySignal() },
      { leases: 2, go: () => this.#endedWhileMade() },
      { leases: 4, go: () => this.#failed() },
      { leases: 3, go: () => this.#keyed() },
      { leases: 4, go: () => this.#watched() },
      { leases: 4, go: () => this.#listening() },
    ];
  }

  async #nested(): Promise<void> {
    await this.#resources.scope("session").use(async (session) => {
      session.adopt("thing", make(), release);
      const job = session.scope("job");
      const part = job.scope("part");
      await part.acquire("thing", make, release);
      await part.acquire("thing", create, releaseLater);
      await job.acquire("thing", create, release);
      part.adopt("thing", make(), releaseLater);
      if (this.#ways % 2 === 0) await job.close();
      await session.acquire("thing", create, releaseLater);
    });
  }

  async #earlyInLongScope(): Promise<void> {
    const one = await this.#long.acquire("thing", create, release);
    const other = this.#long.adopt("thing", make(), releaseLater);
    const inner = this.#long.scope("inner");
    await inner.acquire("thing", create, release);
    await using third = await inner.acquire("thing", create, release);
    await one.release();
    await third.release();
    await inner.close();
    await other.release();
  }

  async #contended(): Promise<void> {
    await using scope = this.#resources.scope("contender");
    const scarce = await scope.acquire("scarce", create, release);
    await turn();
    await scarce.release();
    const heavy = await scope.acquire("heavy", create, release, { bytes: 300 });
    await turn();
    await heavy.release();
    await scope.acquire("heavy", create, release, { bytes: 10 });
    await scope.acquire("scarce", create, releaseLater);
  }

  /** While it waits, while it is made, and not at all: with signals that end at once and one that stays. */
  async #givenUp(): Promise<void> {
    await using scope = this.#resources.scope("impatient");
    const waits = new AbortController();
    const waiting = scope.acquire("taken", create, release, { signal: waits.signal });
    const makes = new AbortController();
    const making = scope.acquire("thing", createLate, release, { signal: makes.signal });
    await turn();
    waits.abort();
    makes.abort();
    await expectRejection(waiting);
    await expectRejection(making);
    await scope.acquire("thing", create, release, { signal: this.#shutdown.signal });
  }

  async #endedBySignal(): Promise<void> {
    const stop = new AbortController();
    const scope = this.#resources.scope("stopped", { signal: stop.signal });
    scope.signal.addEventListener("abort", () => {});
    await scope.acquire("thing", create, release);
    stop.abort();
    await scope.close();
    for (let i = 0; i < 4; i++) {
      await using other = this.#resources.scope("stopped with all", { signal: this.#shutdown.signal });
      await other.acquire("thing", create, releaseLater);
    }
  }

  async #endedWhileMade(): Promise<void> {
    const scope = this.#resources.scope("ended");
    const making = scope.acquire("thing", createLate, release);
    const waiting = scope.acquire("taken", create, release);
    const closing = scope.close();
    await expectRejection(making);
    await expectRejection(waiting);
    await closing;
  }

  async #failed(): Promise<void> {
    const scope = this.#resources.scope("failing");
    await expectRejection(scope.acquire("thing", fail, release));
    await expectRejection(scope.acquire("thing", failLater, release));
    scope.adopt("thing", make(), fail);
    scope.adopt("thing", make(), failLater);
    await expectRejection(scope.close());
  }

  /** One key at a time: those who hold one and wait for another would wait for each other. */
  async #keyed(): Promise<void> {
    await using scope = this.#resources.scope("reader");
    const key = this.#readers++ % DATABASES;
    const one = await this.#databases.acquire(scope, key);
    await this.#databases.acquire(scope, key);
    await one.release();
    if (key === 0) await this.#databases.drop(key);
  }

  async #watched(): Promise<void> {
    await using scope = this.#resources.scope("watched");
    const one = await scope.acquire("watched", create, release);
    scope.adopt("watched", make(), release);
    await one.release();
    await scope.acquire("watched", create, releaseLater);
    await scope.acquire("watched", make, release);
  }

  async #listening(): Promise<void> {
    await using scope = this.#resources.scope("listening");
    managedTimeout(scope, 60_000, () => {});
    managedInterval(scope, 60_000, () => {});
    managedListener(scope, this.#emitter, "news", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    managedTimeout(scope, 1, resolve);
    await promise;
  }
}

/** So large that each one that is kept shows. */
function make(): number[] {
  return new Array(VALUE_NUMBERS).fill(0);
}

async function create(): Promise<number[]> {
  return make();
}

async function createLate(): Promise<number[]> {
  await turn();
  await turn();
  return make();
}

function release(): void {}

async function releaseLater(): Promise<void> {
  await turn();
}

function fail(): never {
  throw new Error("fails");
}

async function failLater(): Promise<never> {
  await turn();
  throw new Error("fails later");
}

async function expectRejection(promise: Promise<unknown>): Promise<void> {
  const isRejected = await promise.then(
    () => false,
    () => true,
  );
  if (!isRejected) throw new Error("expected a rejection");
}
