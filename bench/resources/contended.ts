import { Resources } from "@holdfast/resources";
import { createPool } from "generic-pool";
import { Pool } from "tarn";
import type { Subject, Subjects } from "./question.ts";

export const CALLERS = 100;
const SLOTS = 10;
const WAIT_MS_MAX = 10_000;
const KIND = "thing";

const create = async () => ({});
const release = () => {};
const work = () => null;

function leases(owners: number, queueMsMax: number): Subject {
  const resources = new Resources({ kinds: { [KIND]: { countMax: SLOTS, queueMsMax } } });
  const scopes = Array.from({ length: owners }, (_, i) => resources.scope(`owner ${i}`));
  return {
    async call(caller) {
      const scope = scopes[caller % owners];
      const lease = await scope?.acquire(KIND, create, release);
      await work();
      return lease?.release();
    },
  };
}

function genericPool(options: { acquireTimeoutMillis?: number }): Subject {
  const pool = createPool({ create, destroy: async () => {} }, { min: 1, max: SLOTS, ...options });
  return {
    async call() {
      const thing = await pool.acquire();
      await work();
      return pool.release(thing);
    },
  };
}

/** Peers hand out an object that they have made before, Holdfast makes one each time. tarn has no waits without a limit. */
export const CONTENDED: Subjects = {
  "holdfast, a new one, a scope a caller": () => leases(CALLERS, WAIT_MS_MAX),
  "holdfast, a new one, one scope": () => leases(1, WAIT_MS_MAX),
  "holdfast, a new one, one scope, waits for ever": () => leases(1, Number.POSITIVE_INFINITY),
  "generic-pool, reused": () => genericPool({ acquireTimeoutMillis: WAIT_MS_MAX }),
  "generic-pool, reused, waits for ever": () => genericPool({}),
  "tarn, reused": () => {
    const pool = new Pool({ create, destroy: release, min: 1, max: SLOTS, acquireTimeoutMillis: WAIT_MS_MAX });
    return {
      async call() {
        const thing = await pool.acquire().promise;
        await work();
        pool.release(thing);
      },
    };
  },
};
