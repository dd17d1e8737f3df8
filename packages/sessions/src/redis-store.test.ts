import { after } from "node:test";
import { startCluster, TestRedis } from "./redis.fixture.ts";
import { redisStore } from "./redis-store.ts";
import { storeContract } from "./store.contract.ts";

const redis = await TestRedis.start();
after(() => redis.stop());

let prefixes = 0;

storeContract("Redis store", () =>
  redisStore({ url: redis.url, prefix: `test-${++prefixes}`, sendWaitMs: 5000, timing: { settleMs: 0 } }),
);

const cluster = await startCluster();
after(() => Promise.all(cluster.map((node) => node.stop())));

storeContract("Redis store on a cluster of three masters", () =>
  redisStore({
    urls: cluster.map(({ url }) => url),
    prefix: `test-${++prefixes}`,
    sendWaitMs: 5000,
    timing: { settleMs: 0 },
  }),
);
