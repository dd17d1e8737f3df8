import { Keyed, type KindOptions, Resources } from "@holdfast/resources";
import { createPool } from "generic-pool";
import { Pool } from "tarn";
import type { Subject, Subjects } from "./question.ts";

const KIND = "thing";
const LEAK_MS = 60_000;
const MIN = 1;
const MAX = 10;

const make = () => ({});
const create = async () => make();
const release = () => {};

/** A scope that stays, and one lease after another in it. */
function leases(
  kind: Partial<KindOptions>,
  traceOneIn = 100,
  created: () => object | Promise<object> = create,
): Subject {
  const scope = new Resources({ kinds: { [KIND]: kind }, traceOneIn }).scope("bench");
  return {
    async call() {
      const lease = await scope.acquire(KIND, created, release);
      return lease.release();
    },
  };
}

/** Peers hand out an object that they have made before, Holdfast makes one each time: the names tell. */
export const ALONE: Subjects = {
  "bare await, a new one": () => ({ call: create }),
  "holdfast, a new one": () => leases({}),
  "holdfast, a new one, countMax": () => leases({ countMax: MAX }),
  "holdfast, a new one, leakMs": () => leases({ leakMs: LEAK_MS }),
  "holdfast, a new one, made at once": () => leases({}, 100, make),
  "holdfast, a new one, a scope each": () => {
    const resources = new Resources();
    return {
      async call() {
        const scope = resources.scope("bench");
        await scope.acquire(KIND, create, release);
        return scope.close();
      },
    };
  },
  "holdfast Keyed, reused": () => {
    const resources = new Resources();
    const scope = resources.scope("bench");
    const keyed = new Keyed(resources, KIND, create, release);
    return {
      async call() {
        const lease = await keyed.acquire(scope, "key");
        return lease.release();
      },
    };
  },
  "generic-pool, reused": () => {
    const pool = createPool({ create, destroy: async () => {} }, { min: MIN, max: MAX });
    return {
      async call() {
        const thing = await pool.acquire();
        return pool.release(thing);
      },
    };
  },
  "tarn, reused": () => {
    const pool = new Pool({ create, destroy: release, min: MIN, max: MAX });
    return {
      async call() {
        const thing = await pool.acquire().promise;
        pool.release(thing);
      },
    };
  },
};

export const WATCHED: Subjects = {
  "holdfast, not watched": () => leases({}),
  "holdfast, traced one in 100": () => leases({ leakMs: LEAK_MS }),
  "holdfast, traced every one": () => leases({ leakMs: LEAK_MS }, 1),
};
