import { hashSlot } from "./hash-slot.ts";
import { oneConnection, type RedisAddress } from "./redis-client.ts";
import type { Reply } from "./redis-link.ts";

/** Says which Redis serves each shard. */
export interface RedisTopology {
  /** By shard; undefined for a shard that nobody serves just now. Rejects when nobody can be asked. */
  locate(): Promise<(RedisAddress | undefined)[]>;
}

export function singleTopology(address: RedisAddress, shards: number): RedisTopology {
  const addresses = Array.from({ length: shards }, () => address);
  return { locate: () => Promise.resolve(addresses) };
}

/** A range of slots, and the address of its master. */
interface Range {
  from: number;
  to: number;
  host: string;
  port: number;
}

/** Asks the nodes of a cluster, in turn: one that is cut off from the others answers with what was true once. */
export class ClusterTopology implements RedisTopology {
  readonly #slots: number[];
  readonly #askTimeoutMs: number;
  #known: RedisAddress[];
  #next = 0;

  /** `tags` are the shards'. */
  constructor(seeds: RedisAddress[], tags: string[], askTimeoutMs: number) {
    this.#known = seeds;
    this.#slots = tags.map(hashSlot);
    this.#askTimeoutMs = askTimeoutMs;
  }

  async locate(): Promise<(RedisAddress | undefined)[]> {
    let failure: unknown;
    for (let asked = 0; asked < this.#known.length; asked++) {
      const node = this.#known[this.#next++ % this.#known.length] as RedisAddress;
      try {
        const ranges = await this.#ask(node);
        const masters = new Map(ranges.map(({ host, port }) => [`${host}:${port}`, another(node, host, port)]));
        if (masters.size > 0) this.#remember([...masters.values()]);
        return this.#slots.map((slot) => {
          const range = ranges.find(({ from, to }) => slot >= from && slot <= to);
          return range && masters.get(`${range.host}:${range.port}`);
        });
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Those just named first, then those known before: one of them may be all that is left. */
  #remember(named: RedisAddress[]): void {
    const all = new Map([...named, ...this.#known].map((address) => [JSON.stringify(address.socket), address]));
    this.#known = [...all.values()].slice(0, 32);
  }

  async #ask(node: RedisAddress): Promise<Range[]> {
    const client = oneConnection(node);
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    failed.catch(() => {});
    client.on("error", fail);
    const timer = setTimeout(() => fail(new Error("a node of the cluster did not answer")), this.#askTimeoutMs);
    try {
      await Promise.race([client.connect(), failed]);
      const reply = await Promise.race([client.sendCommand<Reply>(["CLUSTER", "SLOTS"]), failed]);
      // A node that does not know its own address names none: it is the one that was asked.
      const own = node.socket as { host?: string } | undefined;
      return (reply as [number, number, [string | null, number]][]).map(([from, to, [host, port]]) => ({
        ...{ from, to, port },
        host: host || own?.host || "127.0.0.1",
      }));
    } finally {
      clearTimeout(timer);
      client.destroy();
    }
  }
}

/** Another node of the same cluster is let in with the same credentials, over TLS or not alike. */
function another(like: RedisAddress, host: string, port: number): RedisAddress {
  return { ...like, socket: { ...like.socket, host, port } as NonNullable<RedisAddress["socket"]> };
}
