import { addressOf, type RedisAddress } from "./redis-client.ts";
import type { NodesTiming } from "./redis-nodes.ts";
import type { ShardBounds, ShardTiming } from "./redis-shard.ts";
import { SessionError } from "./session-error.ts";

export interface RedisStoreOptions {
  /** A Redis of its own: `redis[s]://[[user]:password@]host[:port][/database]`. */
  url?: string;
  /** Some nodes of a Redis Cluster; the others are found. */
  urls?: string[];
  /** What all keys begin with, in braces and with a shard's number. */
  prefix?: string;
  /** Into how many parts sessions are divided, each in one slot of a cluster. The same on all servers, and for good. */
  shards?: number;
  /** How long `append`, `publish`, `lane` and questions wait for Redis, ms. */
  sendWaitMs?: number;
  /** How long the other calls wait for Redis, ms. */
  waitMs?: number;
  timing?: Partial<ShardTiming & NodesTiming>;
  bounds?: Partial<ShardBounds>;
}

export const REDIS_STORE_DEFAULTS = {
  prefix: "holdfast",
  shards: 1,
  shardsOfCluster: 16,
  // With the coarseness of a tick: within 250 ms.
  sendWaitMs: 220,
  waitMs: 5000,
  timing: {
    beatMs: 500,
    // With a heartbeat's coarseness on both sides, and the reaping: within 5 s.
    deadMs: 3500,
    settleMs: 3000,
    tickMs: 25,
    silentMs: 1000,
    frozenMs: 5000,
    connectTimeoutMs: 2000,
    reconnectMinMs: 50,
    reconnectMaxMs: 500,
  },
  bounds: {
    queueCallsMax: 20_000,
    queueSizeMax: 32 * 1024 * 1024,
    scriptOperationsMax: 500,
    scriptSizeMax: 1024 * 1024,
    entryMessagesMax: 100,
    entrySizeMax: 64 * 1024,
    scriptsMax: 1,
    retainedMs: 10_000,
    retainedSizeMax: 8 * 1024 * 1024,
  },
};

export type RedisSettings = ReturnType<typeof validated>;

/** Throws `SessionError` "option_invalid". */
export function validated(options: RedisStoreOptions) {
  const { url, urls, ...rest } = options;
  if ((url === undefined) === (urls === undefined)) throw invalid("url", "either url or urls", "both or neither");
  const shards = options.shards ?? (urls ? REDIS_STORE_DEFAULTS.shardsOfCluster : REDIS_STORE_DEFAULTS.shards);
  if (!Number.isInteger(shards) || shards < 1 || shards > 256)
    throw invalid("shards", "a whole number from 1 to 256", shards);
  const prefix = options.prefix ?? REDIS_STORE_DEFAULTS.prefix;
  if (!/^[^{}\s]{1,64}$/.test(prefix)) throw invalid("prefix", "1 to 64 characters, no braces or spaces", prefix);
  return {
    ...REDIS_STORE_DEFAULTS,
    ...rest,
    addresses: (urls ?? [url as string]).map(address),
    isCluster: urls !== undefined,
    prefix,
    shards,
    timing: { ...REDIS_STORE_DEFAULTS.timing, ...options.timing },
    bounds: { ...REDIS_STORE_DEFAULTS.bounds, ...options.bounds },
  };
}

function address(url: string): RedisAddress {
  try {
    return addressOf(url);
  } catch {
    throw invalid("url", "redis[s]://[[user]:password@]host[:port][/database]", url);
  }
}

function invalid(field: string, expected: string, got: unknown): SessionError {
  return new SessionError("option_invalid", `${field}: expected ${expected}, got ${String(got)}`);
}
