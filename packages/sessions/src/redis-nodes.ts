import type { RedisAddress } from "./redis-client.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisShard } from "./redis-shard.ts";
import type { RedisTopology } from "./redis-topology.ts";
import { SessionError } from "./session-error.ts";

export interface NodesTiming {
  connectTimeoutMs: number;
  /** Between two tries to get a lost link back, ms: from the first to the second, growing twofold. */
  reconnectMinMs: number;
  reconnectMaxMs: number;
}

export interface NodesHooks {
  /** Shards have a link again. */
  up(): void;
  /** Shards have lost theirs. */
  down(): void;
}

/** The links to all Redis processes that serve a shard: makes them, and makes them again. */
export class RedisNodes {
  readonly #topology: RedisTopology;
  readonly #shards: RedisShard[];
  readonly #timing: NodesTiming;
  readonly #hooks: NodesHooks;
  readonly #links = new Map<string, RedisLink>();
  readonly #opening = new Map<string, Promise<void>>();
  /** The last connection to each address. */
  readonly #previous = new Map<string, { run: string; connection: number }>();
  #timer: NodeJS.Timeout | undefined;
  #delayMs = 0;
  #isMending = false;
  #isClosed = false;

  constructor(topology: RedisTopology, shards: RedisShard[], timing: NodesTiming, hooks: NodesHooks) {
    this.#topology = topology;
    this.#shards = shards;
    this.#timing = timing;
    this.#hooks = hooks;
  }

  /** Resolves when every shard has a link, with how long owners still have to restore, ms. Rejects at the first failure. */
  async open(): Promise<number> {
    try {
      const addresses = await this.#topology.locate();
      if (addresses.includes(undefined)) throw new Error("expected a cluster whose slots are all served");
      const settled = await Promise.all(
        [...byAddress(addresses)].map(([key, { address, shards }]) => this.#connect(key, address, shards)),
      );
      return Math.max(...settled);
    } catch (error) {
      this.close();
      if (error instanceof SessionError) throw error;
      throw new SessionError("unavailable", `Redis: ${(error as Error).message}`);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #mendSoon(): void {
    if (this.#isClosed || this.#timer || this.#isMending) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#mend();
    }, this.#delayMs);
    const { reconnectMinMs, reconnectMaxMs } = this.#timing;
    this.#delayMs = Math.min(reconnectMaxMs, Math.max(reconnectMinMs, this.#delayMs * 2));
  }

  async #mend(): Promise<void> {
    this.#isMending = true;
    try {
      const addresses = await this.#topology.locate();
      if (this.#isClosed) return;
      for (const [key, { address, shards }] of byAddress(addresses)) {
        const lost = shards.filter((index) => {
          const link = this.#shards[index]?.link;
          return !link || link !== this.#links.get(key);
        });
        if (lost.length === 0 || this.#opening.has(key)) continue;
        const opening = this.#connect(key, address, lost).then(
          () => {
            this.#opening.delete(key);
            if (!this.#isClosed) this.#hooks.up();
          },
          () => {
            this.#opening.delete(key);
            this.#mendSoon();
          },
        );
        this.#opening.set(key, opening);
      }
    } catch {
      // Nobody can be asked where the shards are: again below.
    }
    this.#isMending = false;
    if (this.#shards.every(({ link }) => link)) this.#delayMs = 0;
    else if (this.#opening.size === 0) this.#mendSoon();
  }

  /** Opens a link, unless there is one, and binds shards to it. Resolves with how long owners still have to restore, ms. */
  async #connect(key: string, address: RedisAddress, shards: number[]): Promise<number> {
    const link = this.#links.get(key) ?? (await this.#open(key, address));
    try {
      const bound = await Promise.all(shards.map((index) => (this.#shards[index] as RedisShard).bind(link)));
      this.#delayMs = 0;
      return Math.max(...bound);
    } catch (error) {
      link.close(error as Error);
      throw error;
    }
  }

  async #open(key: string, address: RedisAddress): Promise<RedisLink> {
    const link = await RedisLink.open({
      address,
      connectTimeoutMs: this.#timing.connectTimeoutMs,
      replaces: this.#previous.get(key),
      lost: () => this.#lost(key, link),
      moved: () => link.close(new Error("a slot has moved to another node")),
    });
    if (this.#isClosed) {
      link.close();
      throw new SessionError("unavailable", "the store was closed");
    }
    this.#links.set(key, link);
    this.#previous.set(key, { run: link.run, connection: link.connection });
    return link;
  }

  #lost(key: string, link: RedisLink): void {
    if (this.#links.get(key) === link) this.#links.delete(key);
    for (const shard of this.#shards) shard.unbind(link);
    if (this.#isClosed) return;
    this.#hooks.down();
    this.#mendSoon();
  }
}

function byAddress(addresses: (RedisAddress | undefined)[]): Map<string, { address: RedisAddress; shards: number[] }> {
  const found = new Map<string, { address: RedisAddress; shards: number[] }>();
  addresses.forEach((address, shard) => {
    if (!address) return;
    const key = JSON.stringify(address.socket);
    const node = found.get(key) ?? { address, shards: [] };
    node.shards.push(shard);
    found.set(key, node);
  });
  return found;
}
