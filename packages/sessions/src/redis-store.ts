import { crc16 } from "./hash-slot.ts";
import { assertFits } from "./message-size.ts";
import { randomText } from "./random-text.ts";
import type { CallOptions } from "./redis-call.ts";
import type { RedisAddress } from "./redis-client.ts";
import type { Reply as RedisReply } from "./redis-link.ts";
import { RedisNodes } from "./redis-nodes.ts";
import { entryBytes } from "./redis-notice.ts";
import { type RedisSettings, type RedisStoreOptions, validated } from "./redis-options.ts";
import {
  attachedOf,
  checkedOf,
  infos,
  isOne,
  membersOf,
  nothing,
  offsetOf,
  TOO_MANY,
  texts,
  UNKNOWN,
} from "./redis-reply.ts";
import { RedisShard } from "./redis-shard.ts";
import { ClusterTopology, singleTopology } from "./redis-topology.ts";
import { SessionError } from "./session-error.ts";
import type {
  Attach,
  Attached,
  Checked,
  Held,
  NewSession,
  Refused,
  Reply,
  Restorable,
  SessionInfo,
  SessionStore,
  StoreConnection,
  StoreEvents,
  StoreLimits,
} from "./store.ts";

/**
 * Sessions in Redis 7 or later, or in a Redis Cluster: every server that joins can send to every session.
 * Throws `SessionError` "option_invalid".
 */
export function redisStore(options: RedisStoreOptions): SessionStore {
  return new RedisStore(validated(options));
}

class RedisStore implements SessionStore {
  readonly #settings: RedisSettings;

  constructor(settings: RedisSettings) {
    this.#settings = settings;
  }

  async join(server: string, limits: StoreLimits, events: StoreEvents): Promise<StoreConnection> {
    const connection = new RedisConnection(this.#settings, server, limits, events);
    await connection.open();
    return connection;
  }
}

export type { RedisStoreOptions };

/** An id: the shard in two hex digits, then 132 random bits. */
const ID = /^[0-9a-f]{2}[A-Za-z0-9_-]{22}$/;

class RedisConnection implements StoreConnection {
  readonly #settings: RedisSettings;
  readonly #limits: StoreLimits;
  readonly #events: StoreEvents;
  readonly #shards: RedisShard[] = [];
  readonly #nodes: RedisNodes;
  readonly #silent = new Set<RedisShard>();
  #isOpen = false;
  #isClosed = false;
  #isAvailable = true;
  #beat: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  readonly #appending: CallOptions;
  readonly #sending: CallOptions;
  readonly #changing: CallOptions;
  readonly #asking: CallOptions;

  constructor(settings: RedisSettings, server: string, limits: StoreLimits, events: StoreEvents) {
    this.#settings = settings;
    this.#limits = limits;
    this.#events = events;
    const { sendWaitMs, waitMs, shards, prefix, timing, bounds } = settings;
    this.#appending = { waitMs: sendWaitMs, isRepeatable: false, isOrdered: true, isOwed: false };
    this.#sending = { waitMs: sendWaitMs, isRepeatable: false, isOrdered: false, isOwed: false };
    this.#asking = { waitMs: sendWaitMs, isRepeatable: true, isOrdered: false, isOwed: false };
    this.#changing = { waitMs, isRepeatable: true, isOrdered: false, isOwed: false };
    // A name may come twice, after a restart say; what the first one owned is not the second's.
    const instance = randomText(9);
    const tags = Array.from({ length: shards }, (_, index) => `{${prefix}:${String(index).padStart(2, "0")}}:`);
    for (const tag of tags) {
      const shard = new RedisShard(
        { name: server, instance, tag, shards, limits, timing, bounds },
        {
          events,
          missed: () => this.#isOpen && events.resync(),
          silent: (isSilent) => this.#setSilent(shard, isSilent),
          busy: () => this.#startTicking(),
        },
      );
      this.#shards.push(shard);
    }
    const { addresses, isCluster } = settings;
    const topology = isCluster
      ? new ClusterTopology(addresses, tags, timing.connectTimeoutMs)
      : singleTopology(addresses[0] as RedisAddress, shards);
    this.#nodes = new RedisNodes(topology, this.#shards, timing, {
      up: () => {
        this.#report();
        if (this.#isOpen) events.resync();
      },
      down: () => this.#report(),
    });
  }

  async open(): Promise<void> {
    const settledInMs = await this.#nodes.open();
    this.#beat = setInterval(() => {
      for (const shard of this.#shards) void shard.beat();
    }, this.#settings.timing.beatMs);
    // A client that comes back meanwhile could not be told from one whose session is gone.
    if (settledInMs > 0) await new Promise((resolve) => setTimeout(resolve, settledInMs));
    this.#isOpen = true;
    this.#report();
  }

  newId(clientId: string): string {
    const shard = crc16(Buffer.from(clientId)) % this.#settings.shards;
    return shard.toString(16).padStart(2, "0") + randomText(17).slice(0, 22);
  }

  async create({ id, clientId, secretHash, epoch, fence }: NewSession): Promise<{ run: string }> {
    const shard = this.#ofClient(clientId);
    const args = [id, clientId, secretHash, epoch, String(fence)];
    try {
      const once = { ...this.#changing, isRepeatable: false };
      const run = await shard.call("create", id, args, once, (reply, _, run) => (reply === TOO_MANY ? undefined : run));
      if (run !== undefined) return { run };
    } catch (error) {
      // Should it be there, nobody will ever ask for it, and this server would own it for as long as it lives.
      if (isUnknown(error)) this.#owe(shard, "end", id, [id]);
      throw error;
    }
    const { sessionsPerClientMax } = this.#limits;
    throw new SessionError("sessions_too_many", `expected at most ${sessionsPerClientMax} sessions of one client`);
  }

  async attach({ id, clientId, secretHash, fence, epoch, offset, welcomed }: Attach): Promise<Attached | Refused> {
    const shard = this.#shardOf(id);
    if (!shard) return { kind: "unknown" };
    const who = clientId === undefined ? "" : `=${clientId}`;
    const args = [id, who, secretHash, String(fence), epoch, String(offset), String(welcomed)];
    try {
      // Repeated, it would find itself, and be stale.
      const once = { ...this.#changing, isRepeatable: false, isOrdered: true };
      return await shard.call("attach", id, args, once, attachedOf);
    } catch (error) {
      if (isUnknown(error)) this.#owe(shard, "detach", id, [id, String(fence)]);
      throw error;
    }
  }

  async detach(id: string, fence: number): Promise<void> {
    const shard = this.#shardOf(id);
    // A session that nobody holds but that counts as owned would never expire: this is done however long it takes.
    await shard?.call("detach", id, [id, String(fence)], { ...this.#changing, isOwed: true }, nothing);
  }

  async end(id: string): Promise<boolean> {
    const shard = this.#shardOf(id);
    return shard ? shard.call("end", id, [id], { ...this.#changing, isOrdered: true }, isOne) : false;
  }

  append(id: string, json: string): Promise<number> {
    // Not async: this is called most, and a promise more for each is felt.
    const shard = this.#shardOf(id);
    if (!shard) return Promise.reject(new SessionError("session_unknown", `no session ${id}`));
    try {
      assertFits(json, this.#limits.windowBytes);
    } catch (error) {
      return Promise.reject(error);
    }
    return shard.call("append", id, NO_ARGS, this.#appending, offsetOf, json);
  }

  async publish(room: string, json: string): Promise<number> {
    assertFits(json, this.#limits.windowBytes);
    const counts = await Promise.all(
      this.#shards.map((shard) => shard.call("publish", room, NO_ARGS, this.#appending, membersOf, json)),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async commit(id: string, seq: number, replies: Reply[]): Promise<void> {
    const json = replies.map((reply) => reply.json).join(",");
    assertFits(json, this.#limits.windowBytes);
    const args = [
      id,
      String(seq),
      String(replies.length),
      ...replies.flatMap((reply) => [String(reply.seq), reply.json]),
    ];
    const ordered = { ...this.#changing, isOrdered: true };
    const isThere = await this.#shardOf(id)?.call("commit", id, args, ordered, (reply) => reply !== UNKNOWN, json);
    if (!isThere) throw new SessionError("session_unknown", `no session ${id}`);
  }

  async trim(id: string, fence: number, acked: number): Promise<void> {
    await this.#shardOf(id)?.call("trim", id, [id, String(fence), String(acked)], this.#changing, nothing);
  }

  async check(held: Held): Promise<Checked> {
    const shard = this.#shardOf(held.id);
    if (!shard) return { kind: "ended" };
    return shard.call("check", held.id, heldArgs(held), this.#changing, checkedOf);
  }

  async restore(session: Restorable): Promise<Checked> {
    const shard = this.#shardOf(session.id);
    if (!shard) return { kind: "ended" };
    const { clientId, secretHash, acked, rooms, entries } = session;
    const args = [
      ...heldArgs(session),
      ...[clientId, secretHash, String(acked), String(rooms.length), ...rooms],
      ...[String(entries.length), ...entries.map(entryBytes)],
    ];
    return shard.call("restore", session.id, args, this.#changing, checkedOf);
  }

  async release(id: string, handled: number): Promise<void> {
    await this.#shardOf(id)?.call("release", id, [id, String(handled)], this.#changing, nothing);
  }

  async lane(id: string, lane: string, bytes: Uint8Array): Promise<boolean> {
    const shard = this.#shardOf(id);
    return shard ? shard.call("lane", id, [id, lane, Buffer.from(bytes)], this.#sending, isOne) : false;
  }

  async join(id: string, room: string): Promise<boolean> {
    const shard = this.#shardOf(id);
    return shard ? shard.call("join", id, [id, room], { ...this.#asking, isOrdered: true }, isOne) : false;
  }

  async leave(id: string, room: string): Promise<boolean> {
    const shard = this.#shardOf(id);
    return shard ? shard.call("leave", id, [id, room], { ...this.#asking, isOrdered: true }, isOne) : false;
  }

  async find(id: string): Promise<SessionInfo | undefined> {
    const [found] = (await this.#shardOf(id)?.call("find", id, [id], this.#asking, infos)) ?? [];
    return found;
  }

  async ofClient(clientId: string): Promise<SessionInfo[]> {
    return this.#ofClient(clientId).call("ofClient", "", [clientId], this.#asking, infos);
  }

  async count(): Promise<{ attached: number; detached: number }> {
    const counts = await this.#ask("count", [], (reply) => reply as [number, number]);
    return {
      attached: counts.reduce((sum, [attached]) => sum + attached, 0),
      detached: counts.reduce((sum, [, detached]) => sum + detached, 0),
    };
  }

  /** A session that changes its owner between two pages may come twice or not at all. */
  async list(cursor?: string): Promise<{ sessions: SessionInfo[]; next: string | undefined }> {
    const [index, set, at] = cursor === undefined ? [0, "", ""] : (JSON.parse(cursor) as [number, string, string]);
    const shard = this.#shards[index];
    if (!shard) return { sessions: [], next: undefined };
    const page = await shard.call("list", "", [set, at], this.#asking, (reply) => {
      const [rows = [], nextSet, nextAt] = reply as RedisReply[];
      return { sessions: infos(rows), set: String(nextSet), at: String(nextAt) };
    });
    const next = page.at === "" ? [index + 1, "", ""] : [index, page.set, page.at];
    const isLast = page.at === "" && index + 1 === this.#shards.length;
    return { sessions: page.sessions, next: isLast ? undefined : JSON.stringify(next) };
  }

  async members(room: string): Promise<string[]> {
    return (await this.#ask("members", [room], texts)).flat();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    clearInterval(this.#beat);
    await Promise.allSettled(this.#shards.map((shard) => shard.link && shard.exit(this.#settings.waitMs)));
    this.#nodes.close();
    for (const shard of this.#shards) shard.close();
    clearInterval(this.#tick);
  }

  // ---- shards ----

  #shardOf(id: string): RedisShard | undefined {
    return ID.test(id) ? this.#shards[Number.parseInt(id.slice(0, 2), 16)] : undefined;
  }

  #ofClient(clientId: string): RedisShard {
    return this.#shards[crc16(Buffer.from(clientId)) % this.#shards.length] as RedisShard;
  }

  /** Asks all shards. */
  #ask<T>(name: string, args: string[], read: (reply: RedisReply) => T): Promise<T[]> {
    return Promise.all(this.#shards.map((shard) => shard.call(name, "", args, this.#asking, read)));
  }

  #owe(shard: RedisShard, name: string, id: string, args: string[]): void {
    shard.call(name, id, args, { ...this.#changing, isOwed: true }, nothing).catch(() => {});
  }

  // ---- whether Redis is there ----

  #setSilent(shard: RedisShard, isSilent: boolean): void {
    if (this.#silent.has(shard) === isSilent) return;
    if (isSilent) this.#silent.add(shard);
    else this.#silent.delete(shard);
    this.#report();
  }

  #report(): void {
    if (!this.#isOpen) return;
    const isAvailable = this.#silent.size === 0 && this.#shards.every((shard) => shard.link);
    if (isAvailable === this.#isAvailable) return;
    this.#isAvailable = isAvailable;
    this.#events.available(isAvailable);
  }

  /** Runs while calls are under way, and stops by itself. */
  #startTicking(): void {
    if (this.#tick || this.#isClosed) return;
    // After a pause of this process, timers come before the answers that have arrived meanwhile: those go first.
    this.#tick = setInterval(() => setImmediate(() => this.#runTick()), this.#settings.timing.tickMs);
  }

  #runTick(): void {
    const now = performance.now();
    let isBusy = false;
    for (const shard of this.#shards) isBusy = shard.tick(now) || isBusy;
    if (isBusy) return;
    clearInterval(this.#tick);
    this.#tick = undefined;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof SessionError && error.code === "outcome_unknown";
}

function heldArgs({ id, fence, epoch, last, handled, run }: Held): string[] {
  return [id, String(fence), epoch, String(last), String(handled), run];
}

const NO_ARGS: readonly string[] = [];
