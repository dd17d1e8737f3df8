import { randomUUID } from "node:crypto";
import { ErrorReply } from "redis";
import type { RedisLink, Reply } from "./redis-link.ts";
import { readNotices } from "./redis-notice.ts";
import { LOG_OPERATIONS, LOG_SCRIPT, WHOLE_SCRIPT } from "./redis-script.ts";
import { SessionError } from "./session-error.ts";
import type { StoreEvents, StoreLimits } from "./store.ts";

/** Results that are no result: as in record.lua. */
export const UNKNOWN = -1;
export const UNVERIFIED = -2;
export const TOO_MANY = -3;

export interface ShardOptions {
  /** What the server is called. */
  name: string;
  /** Tells it from all others that have joined: 12 characters. */
  instance: string;
  /** `{prefix:NN}:`, what all keys of the shard begin with. */
  tag: string;
  /** How many shards there are. */
  shards: number;
  limits: StoreLimits;
  timing: ShardTiming;
  bounds: ShardBounds;
}

export interface ShardTiming {
  /** Between heartbeats, ms. */
  beatMs: number;
  /** A server whose heartbeats have stopped for so long, ms, is dead. */
  deadMs: number;
  /** How long after a restart of Redis owners have to restore their sessions, ms. */
  settleMs: number;
  /** Between two tries of what waits for an owner to restore, ms; also how exact all limits of waiting are. */
  tickMs: number;
  /** Redis has not answered for so long, ms: it counts as unavailable. */
  silentMs: number;
  /** Redis has not answered for so long, ms: the connection is given up. */
  frozenMs: number;
}

export interface ShardBounds {
  /** Calls that wait for Redis; more are refused. */
  queueCallsMax: number;
  /** Characters of messages that wait for Redis; more are refused. */
  queueSizeMax: number;
  /** Operations in one call of the script: while it runs, Redis does nothing else. */
  scriptOperationsMax: number;
  /** Characters of messages in one call of the script. */
  scriptSizeMax: number;
  /** Messages that are kept as one entry. */
  entryMessagesMax: number;
  /** Characters of messages that are kept as one entry. */
  entrySizeMax: number;
  /** Calls of the script under way at once. */
  scriptsMax: number;
}

export interface ShardHooks {
  events: StoreEvents;
  /** Something of this shard may have been missed. */
  missed(): void;
  /** Redis does not answer, or does again. */
  silent(isSilent: boolean): void;
  /** There are calls now that may have to be given up. */
  busy(): void;
}

export interface CallOptions {
  /** How long the caller waits, ms. */
  waitMs: number;
  /** Done twice it is the same as once: when the line breaks, it is sent again. */
  isRepeatable: boolean;
  /** Waits for an owner to restore the session, with all later calls about it. */
  isOrdered: boolean;
  /** To be done even when nobody waits any more. Must be repeatable. */
  isOwed: boolean;
}

interface Call extends CallOptions {
  readonly name: string;
  /** The session or room that it is about. */
  readonly key: string;
  readonly args: (string | Buffer)[];
  /** Messages as JSON with commas between. Appends and publishes have nothing else, and are joined with others. */
  readonly json: string;
  readonly size: number;
  readonly until: number;
  /** The caller has its answer. */
  isAnswered: boolean;
  /** `shift` is what to add to the reply, when it is about several calls; `run` is of the Redis that gave it. */
  resolve(reply: Reply, shift: number, run: string): void;
  reject(error: SessionError): void;
}

/** One operation of a script: one call, or several that were joined. */
interface Operation {
  name: string;
  key: string;
  calls: Call[];
  json: string;
}

/** One call of the script. */
interface Flush {
  number: number;
  link: RedisLink;
  operations: Operation[];
  sentAt: number;
}

/** What is known of another server. */
interface Peer {
  beats: string;
  /** When it was first seen to have so many. */
  since: number;
  /** Heartbeats of one's own since. */
  seen: number;
}

/**
 * The part of all sessions that lives under one tag, so in one slot of a cluster. Calls wait in one queue and go out
 * together: what is called in one turn of the event loop, or while Redis works on the calls before, is one call of the
 * script. So an idle store adds no delay, and a busy one batches the more the busier it is.
 */
export class RedisShard {
  readonly #options: ShardOptions;
  readonly #hooks: ShardHooks;
  readonly #key: string;
  readonly #channel: string;
  readonly #limits: string[];
  #queue: Call[] = [];
  #queueSize = 0;
  /** By session or room: calls that wait until it has been restored, in order. */
  #held = new Map<string, Call[]>();
  #flights: Flush[] = [];
  /** Was sent, has not happened, and is to be sent again. */
  #returned: Call[] = [];
  #flushes = 0;
  #isFlushing = false;
  #link: RedisLink | undefined;
  #isClosed = false;
  #settledAt = 0;
  #auditCursor: string | undefined;
  #auditAt = 0;
  /** The number of the last publish that was read. */
  #received = 0;
  /** Publishes that have come and are not read yet. */
  #unread: Buffer[] = [];
  #beats = 0;
  #isBeating = false;
  #beatAt = 0;
  #peers = new Map<string, Peer>();

  constructor(options: ShardOptions, hooks: ShardHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#key = `${options.tag}servers`;
    this.#channel = `${options.tag}to:${options.instance}`;
    const { windowMessages, windowBytes, detachedMs, sessionsPerClientMax } = options.limits;
    this.#limits = [windowMessages, windowBytes, detachedMs, sessionsPerClientMax].map(String);
  }

  get link(): RedisLink | undefined {
    return this.#link;
  }

  /** From now on over this link. Rejects when it does not serve this shard. */
  async bind(link: RedisLink): Promise<{ settledInMs: number }> {
    await link.subscribe(this.#channel, (message) => this.#notified(link, message));
    const { name, shards, timing } = this.#options;
    const [, results, sent] = (await link.evaluate(WHOLE_SCRIPT, this.#key, [
      ...this.#header(0, link, false),
      "enter",
      name,
      String(shards),
      String(link.upMs),
    ])) as [Reply, [[number, number, number]], number];
    const [beats, sinceMs, shardsOfOthers] = results[0];
    if (shardsOfOthers !== shards)
      throw new SessionError(
        "option_invalid",
        `shards: expected ${shardsOfOthers}, as other servers have it, got ${shards}`,
      );
    const settledInMs = Math.max(0, timing.settleMs - sinceMs);
    const now = performance.now();
    this.#settledAt = now + settledInMs;
    this.#auditAt = this.#settledAt + timing.settleMs;
    this.#auditCursor = "0";
    this.#received = sent;
    this.#beats = beats;
    this.#beatAt = now;
    this.#peers.clear();
    this.#unread = [];
    this.#link = link;
    this.#schedule();
    return { settledInMs };
  }

  unbind(link: RedisLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#hooks.silent(false);
  }

  append(id: string, json: string, waitMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#enqueue({
        ...{ name: "append", key: id, args: [], json, size: json.length, until: performance.now() + waitMs, waitMs },
        ...{ isRepeatable: false, isOrdered: true, isOwed: false, isAnswered: false },
        resolve: (reply, shift) => {
          if (reply === UNKNOWN) reject(new SessionError("session_unknown", `no session ${id}`));
          else resolve(Number(reply) + shift);
        },
        reject,
      });
    });
  }

  publish(room: string, json: string, waitMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#enqueue({
        ...{ name: "publish", key: room, args: [], json, size: json.length, until: performance.now() + waitMs, waitMs },
        ...{ isRepeatable: false, isOrdered: true, isOwed: false, isAnswered: false },
        resolve: (reply) => resolve(Number(reply)),
        reject,
      });
    });
  }

  /** `json` is what the caller appends with it, should the reply say no more than where it stands. */
  call<T>(
    name: string,
    key: string,
    args: (string | Buffer)[],
    options: CallOptions,
    read: (reply: Reply, run: string) => T,
    json = "",
  ): Promise<T> {
    let size = json.length;
    for (const arg of args) size += arg.length;
    return new Promise((resolve, reject) => {
      this.#enqueue({
        ...{ name, key, args, json, size, until: performance.now() + options.waitMs, isAnswered: false },
        ...options,
        resolve: (reply, _, run) => resolve(read(reply, run)),
        reject,
      });
    });
  }

  /** For all that is coarse: gives up what has waited too long. Gives whether there is anything left. */
  tick(now: number): boolean {
    this.#giveUpWaiting(now);
    this.#giveUpFlights(now);
    this.#retryHeld();
    return this.#queue.length > 0 || this.#flights.length > 0;
  }

  /** To be called every `beatMs`. */
  async beat(): Promise<void> {
    if (this.#isBeating || !this.#link) return;
    this.#isBeating = true;
    try {
      const link = this.#link;
      const [beat] = await Promise.all([this.#internal("beat", [this.#options.name]), this.#sweep()]);
      if (link === this.#link) this.#judge(beat as [number, string[], string[]], performance.now());
      await this.#audit();
    } catch {
      // The line broke, or the store closes. There will be another beat.
    } finally {
      this.#isBeating = false;
    }
  }

  /** Leaves: what this server owns becomes detached. Rejects when Redis does not answer. */
  async exit(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs;
    while (Number(await this.#internal("exit", [], until - performance.now())) > 0);
  }

  /** Whatever waits is given up. */
  close(): void {
    this.#isClosed = true;
    this.#link = undefined;
    for (const flight of this.#flights)
      for (const call of callsOf(flight)) fail(call, unknownOutcome("the store was closed"));
    for (const call of [...this.#returned, ...this.#queue, ...[...this.#held.values()].flat()])
      fail(call, unavailable("the store was closed"));
    this.#flights = [];
    this.#queue = [];
    this.#returned = [];
    this.#held.clear();
  }

  // ---- out ----

  #enqueue(call: Call): void {
    const { queueCallsMax, queueSizeMax } = this.#options.bounds;
    if (this.#isClosed) return call.reject(unavailable("the store was closed"));
    if ((this.#queue.length >= queueCallsMax || this.#queueSize >= queueSizeMax) && !call.isOwed)
      return call.reject(new SessionError("overloaded", `${this.#queue.length} calls wait for Redis already`));
    this.#queue.push(call);
    this.#queueSize += call.size;
    this.#hooks.busy();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isFlushing || !this.#link || this.#queue.length === 0) return;
    // Before owners have restored, a call may have to be repeated, and what is under way behind it would overtake it.
    const scriptsMax = performance.now() < this.#settledAt ? 1 : this.#options.bounds.scriptsMax;
    if (this.#flights.length >= scriptsMax) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const link = this.#link;
    if (!link || this.#queue.length === 0) return;
    const operations = this.#take();
    if (operations.length === 0) return;
    const flush = { number: ++this.#flushes, link, operations, sentAt: performance.now() };
    const args: (string | Buffer)[] = this.#header(flush.number, link, flush.sentAt >= this.#settledAt);
    for (const { name, key, calls, json } of operations) {
      args.push(name);
      if (isJoinable(name)) args.push(key, String(calls.length), json);
      else for (const arg of calls[0]?.args ?? []) args.push(arg);
    }
    this.#flights.push(flush);
    const script = operations.every(({ name }) => LOG_OPERATIONS.has(name)) ? LOG_SCRIPT : WHOLE_SCRIPT;
    link.evaluate(script, this.#key, args).then(
      (reply) => this.#answered(flush, reply),
      (error: Error) => this.#failed(flush, error),
    );
    this.#schedule();
  }

  /** The next operations, as many as may go at once. */
  #take(): Operation[] {
    const { scriptOperationsMax, scriptSizeMax } = this.#options.bounds;
    const operations: Operation[] = [];
    /** By session: the append that one more message may still be joined to, without overtaking anything. */
    const open = new Map<string, Operation>();
    let size = 0;
    let taken = 0;
    for (const call of this.#queue) {
      if (operations.length >= scriptOperationsMax || size >= scriptSizeMax) break;
      taken++;
      this.#queueSize -= call.size;
      if (call.isAnswered && !call.isOwed) continue;
      if (call.isOrdered && this.#held.size > 0) {
        const held = this.#held.get(call.key);
        if (held) {
          held.push(call);
          continue;
        }
      }
      size += call.size;
      if (!this.#join(call, open, operations)) {
        const operation = { name: call.name, key: call.key, calls: [call], json: call.json };
        operations.push(operation);
        if (call.name === "append") open.set(call.key, operation);
        else if (call.name === "publish") open.clear();
        else open.delete(call.key);
      }
    }
    this.#queue.splice(0, taken);
    return operations;
  }

  #join(call: Call, open: Map<string, Operation>, operations: Operation[]): boolean {
    const { entryMessagesMax, entrySizeMax } = this.#options.bounds;
    let operation: Operation | undefined;
    if (call.name === "append") operation = open.get(call.key);
    // Rooms share members, so a publish must not overtake any other, nor an append.
    else if (call.name === "publish") operation = operations.at(-1);
    if (!operation || operation.name !== call.name || operation.key !== call.key) return false;
    if (operation.calls.length >= entryMessagesMax || operation.json.length + call.json.length >= entrySizeMax)
      return false;
    operation.calls.push(call);
    operation.json += `,${call.json}`;
    return true;
  }

  #header(number: number, link: RedisLink, isSettled: boolean): (string | Buffer)[] {
    return [String(number), this.#options.instance, link.run, isSettled ? "1" : "0", randomUUID(), ...this.#limits];
  }

  // ---- back ----

  #answered(flush: Flush, reply: Reply): void {
    const [number, results, sent, notices] = reply as [Buffer, Reply[], number, Buffer];
    if (!this.#land(flush)) return;
    this.#landedAll();
    if (number.toString() !== String(flush.number)) {
      // Replies no longer belong to their calls: nothing that comes over this connection can be believed.
      this.#lose(flush, new Error("Redis answered out of order"));
      return flush.link.close(new Error("Redis answered out of order"));
    }
    this.#hooks.silent(false);
    const { operations } = flush;
    this.#readUnread(sent);
    if (flush.link === this.#link && this.#received < sent) {
      this.#received = sent;
      this.#hooks.missed();
    }
    if (notices.length > 0) this.#tell(notices, 0, (operation) => operations[operation]?.json ?? "");
    const { run } = flush.link;
    for (let i = 0; i < operations.length; i++) this.#settle(operations[i] as Operation, results[i] as Reply, run);
    this.#schedule();
  }

  #settle({ calls, key }: Operation, result: Reply, run: string): void {
    const last = calls.length - 1;
    for (let i = 0; i <= last; i++) {
      const call = calls[i] as Call;
      if (result === UNVERIFIED && call.isOrdered) {
        const held = this.#held.get(key);
        if (held) held.push(call);
        else this.#held.set(key, [call]);
      } else if (!call.isAnswered) {
        call.isAnswered = true;
        call.resolve(result, i - last, run);
      }
    }
  }

  #failed(flush: Flush, error: Error): void {
    if (!(error instanceof ErrorReply)) return this.#lose(flush, error);
    if (!this.#land(flush)) return;
    if (MISPLACED.test(error.message)) {
      this.#returned.push(...callsOf(flush));
      flush.link.close(error);
    } else {
      const refusal = refusalOf(error);
      for (const call of callsOf(flush)) fail(call, refusal ?? unknownOutcome(error.message));
    }
    this.#landedAll();
    this.#schedule();
  }

  /** The line broke: nobody knows what of all that was under way has happened. */
  #lose({ link }: Flush, reason: Error): void {
    const again: Call[] = [];
    for (const flight of this.#flights.filter((flight) => flight.link === link))
      for (const call of callsOf(flight)) {
        if (call.isRepeatable && (call.isOwed || !call.isAnswered)) again.push(call);
        else fail(call, unknownOutcome(reason.message));
      }
    this.#flights = this.#flights.filter((flight) => flight.link !== link);
    this.#returned.push(...again);
    this.#landedAll();
  }

  #land(flush: Flush): boolean {
    const index = this.#flights.indexOf(flush);
    if (index >= 0) this.#flights.splice(index, 1);
    return index >= 0;
  }

  /** What Redis has refused goes back when all that was sent behind it has been answered, or it would change places. */
  #landedAll(): void {
    if (this.#flights.length > 0 || this.#returned.length === 0) return;
    const returned = this.#returned;
    this.#returned = [];
    this.#putBack(returned);
  }

  /** To the front, in this order. */
  #putBack(calls: Call[]): void {
    if (calls.length === 0) return;
    this.#queue = [...calls, ...this.#queue];
    for (const call of calls) this.#queueSize += call.size;
    this.#hooks.busy();
    this.#schedule();
  }

  /**
   * A publish comes in the order of all that comes, but at once, while a reply comes by way of a promise: those before
   * it may not have been seen yet. So it is read when they have, or when a reply says that it was before.
   */
  #notified(link: RedisLink, message: Buffer): void {
    if (link !== this.#link) return; // Being bound: whatever came before is asked for by `resync`.
    if (this.#unread.push(message) === 1) setImmediate(() => this.#readUnread(Number.POSITIVE_INFINITY));
  }

  /** Reads publishes up to this number. */
  #readUnread(upTo: number): void {
    let isHole = false;
    let message = this.#unread[0];
    while (message) {
      const number = message.readDoubleBE(0);
      if (number > upTo) break;
      this.#unread.shift();
      isHole ||= number !== this.#received + 1;
      this.#received = number;
      this.#tell(message, 8);
      message = this.#unread[0];
    }
    if (isHole) this.#hooks.missed();
  }

  #tell(notices: Buffer, at: number, own?: (operation: number) => string): void {
    try {
      readNotices(notices, at, this.#hooks.events, own);
    } catch (error) {
      // A fault of whoever listens must not take the answers of others with it, nor go unseen.
      setImmediate(() => {
        throw error;
      });
    }
  }

  // ---- what has waited too long ----

  #giveUpWaiting(now: number): void {
    let given = 0;
    for (const call of this.#queue) {
      if (now < call.until || call.isAnswered) continue;
      fail(call, unavailable("Redis cannot be reached"));
      given++;
    }
    for (const calls of this.#held.values())
      for (const call of calls)
        if (now >= call.until) fail(call, unavailable("Redis was restarted, and the session is not restored yet"));
    if (given === 0) return;
    this.#queue = this.#queue.filter((call) => call.isOwed || !call.isAnswered);
    this.#queueSize = this.#queue.reduce((sum, call) => sum + call.size, 0);
  }

  #giveUpFlights(now: number): void {
    const { silentMs, frozenMs } = this.#options.timing;
    for (const flight of this.#flights) {
      if (now - flight.sentAt < this.#options.timing.tickMs) continue;
      for (const call of callsOf(flight))
        if (now >= call.until) fail(call, unknownOutcome("Redis did not answer in time"));
    }
    const oldest = this.#flights[0];
    if (!oldest) return;
    if (now - oldest.sentAt > silentMs) this.#hooks.silent(true);
    if (now - oldest.sentAt > frozenMs) oldest.link.close(new Error(`Redis did not answer for ${frozenMs} ms`));
  }

  #retryHeld(): void {
    if (this.#held.size === 0) return;
    const calls = [...this.#held.values()].flat().filter((call) => call.isOwed || !call.isAnswered);
    this.#held.clear();
    this.#putBack(calls);
  }

  // ---- heartbeats ----

  #internal(name: string, args: string[] = [], waitMs = this.#options.timing.frozenMs): Promise<Reply> {
    const options = { waitMs, isRepeatable: false, isOrdered: false, isOwed: false };
    return this.call(name, "", args, options, (reply) => reply);
  }

  #judge([beats, servers, dead]: [number, (string | Buffer)[], (string | Buffer)[]], now: number): void {
    const { beatMs, deadMs } = this.#options.timing;
    // Counting from one again: others thought this server dead, and have detached its sessions or are about to.
    const isForgotten = beats !== this.#beats + 1;
    this.#beats = beats;
    if (isForgotten) this.#hooks.missed();
    // After a pause of one's own or of Redis, nobody can be blamed for silence: it begins to count anew.
    if (now - this.#beatAt > 3 * beatMs) this.#peers.clear();
    this.#beatAt = now;
    const present = new Map<string, Peer>();
    for (let i = 0; i + 1 < servers.length; i += 2) {
      const [server, count] = [String(servers[i]), String(servers[i + 1])];
      if (server === this.#options.instance) continue;
      const known = this.#peers.get(server);
      const peer = known?.beats === count ? { ...known, seen: known.seen + 1 } : { beats: count, since: now, seen: 0 };
      present.set(server, peer);
      if (peer.seen >= 3 && now - peer.since >= deadMs) this.#reap(server, count);
    }
    this.#peers = present;
    for (const server of dead) this.#reap(String(server), "");
  }

  #reap(server: string, beats: string): void {
    this.#internal("reap", [server, beats]).then(
      (left) => Number(left) > 0 && !this.#isClosed && this.#reap(server, ""),
      () => {},
    );
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const expired = (await this.#internal("sweep")) as (string | Buffer)[];
      for (let i = 0; i + 1 < expired.length; i += 2)
        this.#hooks.events.expired({ id: String(expired[i]), clientId: String(expired[i + 1]) });
      if (expired.length < 400) return;
    }
  }

  async #audit(): Promise<void> {
    if (this.#auditCursor === undefined || performance.now() < this.#auditAt) return;
    do this.#auditCursor = String(await this.#internal("audit", [this.#auditCursor]));
    while (this.#auditCursor !== "0");
    this.#auditCursor = undefined;
  }
}

function isJoinable(name: string): boolean {
  return name === "append" || name === "publish";
}

function callsOf({ operations }: Flush): Call[] {
  return operations.flatMap(({ calls }) => calls);
}

function fail(call: Call, error: SessionError): void {
  if (call.isAnswered) return;
  call.isAnswered = true;
  call.reject(error);
}

function unavailable(why: string): SessionError {
  return new SessionError("unavailable", why);
}

function unknownOutcome(why: string): SessionError {
  return new SessionError("outcome_unknown", why);
}

/** This node does not serve the shard, or not now: nothing has happened, and it may elsewhere or later. */
const MISPLACED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN|NOSCRIPT)\b/;

/** Other errors with which Redis refuses a script before it has done anything. */
function refusalOf({ message }: ErrorReply): SessionError | undefined {
  if (/^OOM\b/.test(message)) return new SessionError("overloaded", message);
  if (/^(BUSY|MISCONF|NOREPLICAS|NOPERM|NOAUTH)\b/.test(message)) return unavailable(message);
  return undefined;
}
