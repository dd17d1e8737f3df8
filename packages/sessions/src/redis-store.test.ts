import { after } from "node:test";
import { TestRedis } from "./redis.fixture.ts";
import { redisStore } from "./redis-store.ts";
import { storeContract } from "./store.contract.ts";

const redis = await TestRedis.start();
after(() => redis.stop());

let prefixes = 0;

storeContract("Redis store", () =>
  redisStore({ url: redis.url, prefix: `test-${++prefixes}`, sendWaitMs: 5000, timing: { settleMs: 0 } }),
);
