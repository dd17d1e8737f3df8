import { randomUUID } from "node:crypto";
import { ErrorReply } from "redis";
import { Call, type CallOptions, type Read } from "./redis-call.ts";
import type { RedisLink, Reply } from "./redis-link.ts";
import { readNotices } from "./redis-notice.ts";
import { RedisPeers } from "./redis-peers.ts";
import { type Operation, type QueueBounds, RedisQueue } from "./redis-queue.ts";
import { UNVERIFIED } from "./redis-reply.ts";
import { RedisRetained, type RetainedBounds } from "./redis-retained.ts";
import { LOG_OPERATIONS, LOG_SCRIPT, WHOLE_SCRIPT } from "./redis-script.ts";
import { SessionError } from "./session-error.ts";
import type { StoreEvents, StoreLimits } from "./store.ts";

/** As in server.lua: sessions that one sweep takes. */
const SWEEP_MAX = 200;

/** How much longer than other calls an offer of what was appended before a restart waits for an owner, ms. */
const OFFERS_LATER_MS = 500;

/** This node does not serve the shard, or not now: nothing has happened, and it may elsewhere or later. */
const MISPLACED = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN|NOSCRIPT)\b/;
/** Other errors with which Redis refuses a script before it has done anything. */
const REFUSED = /^(BUSY|MISCONF|NOREPLICAS|NOPERM|NOAUTH)\b/;
const FULL = /^OOM\b/;

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

export interface ShardBounds extends QueueBounds, RetainedBounds {
  /** Calls of a script under way at once. */
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

/** One call of a script. */
interface Flight {
  number: number;
  link: RedisLink;
  operations: Operation[];
  sentAt: number;
}

/**
 * The part of all sessions that lives under one tag, so in one slot of a cluster. Calls wait in one queue and go out
 * together: what is called in one turn of the event loop, or while Redis works on the calls before, is one call of a
 * script. So an idle store adds no delay, and a busy one batches the more the busier it is.
 */
export class RedisShard {
  readonly #options: ShardOptions;
  readonly #hooks: ShardHooks;
  readonly #key: string;
  readonly #channel: string;
  readonly #limits: string[];
  readonly #queue: RedisQueue;
  readonly #peers: RedisPeers;
  readonly #retained: RedisRetained;
  #flights: Flight[] = [];
  /** Was sent, has not happened or may happen twice, and is to be sent again. */
  #returned: Call[] = [];
  #flightNumber = 0;
  #isScheduled = false;
  #link: RedisLink | undefined;
  #isClosed = false;
  /** When owners have had their time to restore. */
  #settledAt = 0;
  /** The number of the last publish that was read. */
  #received = 0;
  /** Publishes that have come and are not read yet. */
  #unread: Buffer[] = [];
  #beats = 0;
  #isBeating = false;
  #auditAt: number | undefined;

  constructor(options: ShardOptions, hooks: ShardHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#key = `${options.tag}servers`;
    this.#channel = `${options.tag}to:${options.instance}`;
    const { windowMessages, windowBytes, detachedMs, sessionsPerClientMax } = options.limits;
    this.#limits = [windowMessages, windowBytes, detachedMs, sessionsPerClientMax].map(String);
    this.#queue = new RedisQueue(options.bounds);
    this.#peers = new RedisPeers(options.timing.beatMs, options.timing.deadMs);
    this.#retained = new RedisRetained(options.bounds);
  }

  /** What it is bound to, when all calls can be sent. */
  get link(): RedisLink | undefined {
    return this.#link;
  }

  /** From now on over this link. Resolves with how long owners still have to restore, ms; rejects when it cannot serve. */
  async bind(link: RedisLink): Promise<number> {
    // Subscribed before anybody knows of this server, so before anything can be published to it.
    await link.subscribe(this.#channel, (message) => this.#notified(link, message));
    const { name, shards, timing } = this.#options;
    const args = [...this.#header(0, link, -1), "enter", name, String(shards), String(link.upMs)];
    const reply = await link.evaluate(WHOLE_SCRIPT, this.#key, args);
    const [, [entered], sent] = reply as [Reply, [[number, number, number]], number];
    const [beats, sinceMs, shardsOfOthers] = entered;
    if (shardsOfOthers !== shards)
      throw new SessionError("option_invalid", `shards: expected ${shardsOfOthers}, as others have it, got ${shards}`);
    const settledInMs = Math.max(0, timing.settleMs - sinceMs);
    this.#settledAt = performance.now() + settledInMs;
    // Late enough that no owner is still at it.
    this.#auditAt = this.#settledAt + timing.settleMs;
    this.#received = sent;
    this.#unread = [];
    this.#beats = beats;
    this.#peers.forget();
    this.#link = link;
    this.#queue.holdFirst(this.#retained.questions(link.run, this.#offersWaitMs));
    this.#hooks.busy();
    this.#schedule();
    return settledInMs;
  }

  unbind(link: RedisLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#hooks.silent(false);
  }

  /** An operation, and what its reply means. `json` is what it appends. */
  call<T>(
    name: string,
    key: string,
    args: readonly (string | Buffer)[],
    options: CallOptions,
    read: (...given: Parameters<Read>) => T,
    json = "",
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = new Call(name, key, args, json, options, read, resolve as (value: unknown) => void, reject);
      if (this.#isClosed) {
        call.refuse("unavailable", "the store was closed");
        return;
      }
      this.#queue.push(call);
      this.#hooks.busy();
      this.#schedule();
    });
  }

  /** Gives up what has waited too long. Gives whether there is anything left that may have to be. */
  tick(now: number): boolean {
    this.#queue.giveUp(now);
    this.#giveUpFlights(now);
    this.#queue.retryHeld();
    this.#schedule();
    return !this.#queue.isEmpty || this.#flights.length > 0;
  }

  /** To be called every `beatMs`. */
  async beat(): Promise<void> {
    const link = this.#link;
    if (this.#isBeating || !link) return;
    this.#isBeating = true;
    try {
      const [beat] = await Promise.all([this.#ask("beat", [this.#options.name]), this.#sweep()]);
      if (link === this.#link) this.#judge(beat as [number, Buffer[], Buffer[]]);
      await this.#audit();
    } catch {
      // The line broke, or the store closes. There will be another heartbeat.
    } finally {
      this.#isBeating = false;
    }
  }

  /** Leaves: what this server owns becomes detached. Rejects when Redis does not answer. */
  async exit(waitMs: number): Promise<void> {
    const until = performance.now() + waitMs;
    while (Number(await this.#ask("exit", [], until - performance.now())) > 0);
  }

  /** Whatever waits is given up. */
  close(): void {
    this.#isClosed = true;
    this.#link = undefined;
    for (const flight of this.#flights) for (const call of callsOf(flight)) call.leaveUnknown("the store was closed");
    for (const call of [...this.#returned, ...this.#queue.empty()]) call.refuse("unavailable", "the store was closed");
    this.#flights = [];
    this.#returned = [];
  }

  // ---- out ----

  #schedule(): void {
    if (this.#isScheduled || !this.#link || this.#queue.length === 0) return;
    // Before owners have restored, a call may have to be repeated, and what is under way behind it would overtake it.
    const scriptsMax = performance.now() < this.#settledAt ? 1 : this.#options.bounds.scriptsMax;
    if (this.#flights.length >= scriptsMax || this.#returned.length > 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const link = this.#link;
    const operations = link ? this.#queue.take() : [];
    if (!link || operations.length === 0) return;
    const flight = { number: ++this.#flightNumber, link, operations, sentAt: performance.now() };
    const args = this.#header(flight.number, link, flight.sentAt - this.#settledAt);
    let isLog = true;
    for (const { name, key, calls, json } of operations) {
      isLog &&= LOG_OPERATIONS.has(name);
      if (name === "append" || name === "publish") args.push(name, key, String(calls.length), json);
      else args.push(name, ...(calls[0]?.args ?? []));
    }
    this.#flights.push(flight);
    link.evaluate(isLog ? LOG_SCRIPT : WHOLE_SCRIPT, this.#key, args).then(
      (reply) => this.#answered(flight, reply),
      (error: Error) => this.#failed(flight, error),
    );
    this.#schedule();
  }

  #header(number: number, link: RedisLink, settledForMs: number): (string | Buffer)[] {
    const settled = settledForMs < 0 ? "0" : settledForMs < OFFERS_LATER_MS ? "1" : "2";
    return [String(number), this.#options.instance, link.run, settled, randomUUID(), ...this.#limits];
  }

  // ---- back ----

  #answered(flight: Flight, reply: Reply): void {
    const [number, results, sent, notices] = reply as [Buffer, Reply[], number, Buffer];
    if (!this.#flights.includes(flight)) return;
    const { link, operations } = flight;
    if (number.toString() !== String(flight.number)) {
      // Replies no longer belong to their calls: nothing that comes over this connection can be believed.
      const error = new Error("Redis answered out of order");
      this.#lose(link, error);
      link.close(error);
      return;
    }
    this.#land(flight);
    this.#hooks.silent(false);
    this.#readUnread(sent);
    if (link === this.#link && this.#received < sent) {
      this.#received = sent;
      this.#hooks.missed();
    }
    if (notices.length > 0) this.#tell(notices, 0, (index) => operations[index]?.json ?? "");
    operations.forEach((operation, index) => {
      this.#settle(operation, results[index] as Reply, link.run);
    });
    this.#schedule();
  }

  #settle(operation: Operation, result: Reply, run: string): void {
    const { calls } = operation;
    if (result === UNVERIFIED) {
      this.#queue.hold(calls);
      return;
    }
    const last = calls.length - 1;
    for (let i = 0; i <= last; i++) calls[i]?.answer(result, i - last, run);
    this.#retained.keep(operation, result, run);
    this.#queue.release(operation, this.#retained.offers(operation, result, this.#offersWaitMs));
  }

  /** Until no owner restores any more, and then some. */
  get #offersWaitMs(): number {
    return this.#options.timing.settleMs + this.#options.timing.frozenMs;
  }

  #failed(flight: Flight, error: Error): void {
    if (!this.#flights.includes(flight)) return;
    const { link } = flight;
    if (!(error instanceof ErrorReply)) {
      this.#lose(link, error);
      return;
    }
    this.#land(flight);
    const { message } = error;
    if (MISPLACED.test(message)) {
      this.#returned.push(...callsOf(flight));
      link.close(error);
    } else {
      for (const call of callsOf(flight)) {
        if (FULL.test(message)) call.refuse("overloaded", message);
        else if (REFUSED.test(message)) call.refuse("unavailable", message);
        else call.leaveUnknown(message);
      }
    }
    this.#putBackReturned();
  }

  /** The line broke: nobody knows what of all that was under way has happened. */
  #lose(link: RedisLink, reason: Error): void {
    for (const flight of this.#flights.filter((flight) => flight.link === link)) {
      this.#land(flight);
      for (const call of callsOf(flight)) {
        if (call.isRepeatable && !call.isOver) this.#returned.push(call);
        else call.leaveUnknown(reason.message);
      }
    }
    this.#putBackReturned();
  }

  #land(flight: Flight): void {
    this.#flights = this.#flights.filter((each) => each !== flight);
  }

  /** What comes back waits for all that was sent behind it, or it would change places with it. */
  #putBackReturned(): void {
    if (this.#flights.length > 0) return;
    this.#queue.putBack(this.#returned);
    this.#returned = [];
    this.#hooks.busy();
    this.#schedule();
  }

  // ---- notices ----

  /**
   * A publish comes in the order of all that comes, but at once, while a reply comes by way of a promise: those before
   * it may not have been seen yet. So it is read when they have, or when a reply says that it was before.
   */
  #notified(link: RedisLink, message: Buffer): void {
    if (link !== this.#link) return; // While it is being bound; then all sessions are checked anyway.
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

  #giveUpFlights(now: number): void {
    const { silentMs, frozenMs, tickMs } = this.#options.timing;
    for (const flight of this.#flights) {
      if (now - flight.sentAt < tickMs) continue;
      for (const call of callsOf(flight)) if (now >= call.until) call.leaveUnknown("Redis did not answer in time");
    }
    const [oldest] = this.#flights;
    if (!oldest) return;
    if (now - oldest.sentAt > silentMs) this.#hooks.silent(true);
    if (now - oldest.sentAt > frozenMs) oldest.link.close(new Error(`Redis did not answer for ${frozenMs} ms`));
  }

  // ---- heartbeats ----

  #ask(name: string, args: string[] = [], waitMs = this.#options.timing.frozenMs): Promise<Reply> {
    const options = { waitMs, isRepeatable: false, isOrdered: false, isOwed: false };
    return this.call(name, "", args, options, (reply) => reply);
  }

  #judge([beats, servers, dead]: [number, Buffer[], Buffer[]]): void {
    // Counting from one again: others thought this server dead, and have detached its sessions or are about to.
    const isForgotten = beats !== this.#beats + 1;
    this.#beats = beats;
    if (isForgotten) this.#hooks.missed();
    const others: [string, string][] = [];
    for (let i = 0; i + 1 < servers.length; i += 2)
      if (String(servers[i]) !== this.#options.instance) others.push([String(servers[i]), String(servers[i + 1])]);
    for (const [server, count] of this.#peers.look(others, performance.now())) this.#reap(server, count);
    for (const server of dead) this.#reap(String(server), "");
  }

  #reap(server: string, beats: string): void {
    this.#ask("reap", [server, beats]).then(
      (left) => Number(left) > 0 && !this.#isClosed && this.#reap(server, ""),
      () => {},
    );
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const expired = (await this.#ask("sweep")) as Buffer[];
      for (let i = 0; i + 1 < expired.length; i += 2)
        this.#hooks.events.expired({ id: String(expired[i]), clientId: String(expired[i + 1]) });
      if (expired.length < 2 * SWEEP_MAX) return;
    }
  }

  /** Once after each restart of Redis. */
  async #audit(): Promise<void> {
    if (this.#auditAt === undefined || performance.now() < this.#auditAt) return;
    let cursor = "0";
    do cursor = String(await this.#ask("audit", [cursor]));
    while (cursor !== "0");
    this.#auditAt = undefined;
  }
}

function callsOf({ operations }: Flight): Call[] {
  return operations.flatMap(({ calls }) => calls);
}
