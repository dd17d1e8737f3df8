import { randomUUID } from "node:crypto";
import { SessionError } from "./session-error.ts";
import type {
  Attach,
  Attached,
  Checked,
  Entry,
  Held,
  NewSession,
  Reading,
  Refused,
  Reply,
  Restorable,
  SessionInfo,
  StoreLimits,
} from "./store.ts";

/** What a shelf tells the server that owns a session: the data of `StoreEvents`. */
export type Notice =
  | { kind: "entry"; id: string; entry: Entry }
  | { kind: "fenced"; id: string; fence: number; by: string }
  | { kind: "released"; id: string; handled: number }
  | { kind: "ended"; id: string }
  | { kind: "lane"; id: string; lane: string; bytes: Uint8Array }
  | { kind: "room"; id: string; room: string; isIn: boolean };

/** Messages that a call has appended: what a sender remembers, to offer it again after a restart. */
export interface Appended {
  id: string;
  run: string;
  epoch: string;
  first: number;
  messages: string[];
}

export interface ShelfOptions {
  limits: StoreLimits;
  nowMs(): number;
  /** Hands a notice to a server; false when there is no such server. */
  notify(server: string, notice: Notice): boolean;
}

/** Thrown for a session whose owner may still confirm or restore it after the shelf's restart. Nothing happened. */
export class Unverified extends Error {}

// There is nothing to learn from where it was thrown, and looking is dear.
const UNVERIFIED = new Unverified();

interface Record {
  id: string;
  clientId: string;
  secretHash: string;
  epoch: string;
  fence: number;
  owner: string | undefined;
  /** The last message appended. */
  last: number;
  /** The last message that has left the log. */
  base: number;
  bytes: number;
  handled: number;
  log: Entry[];
  rooms: Set<string>;
  expiresAtMs: number | undefined;
  /** The run of the shelf that this record is known to be right in. */
  run: string;
  /** It was restored from this run, in which nobody has seen messages after `last`. */
  restored: { run: string; last: number; again: Set<number> } | undefined;
}

interface State {
  records: Map<string, Record>;
  rooms: Map<string, Set<string>>;
  clients: Map<string, Set<string>>;
}

/**
 * What a store keeps, and what each call does to it, in memory and in one step: the embedded store, and the model of
 * what the Redis scripts do. A shelf can be put back to an older state, as a Redis can: see `restart`.
 */
export class Shelf {
  readonly #options: ShelfOptions;
  #state: State = { records: new Map(), rooms: new Map(), clients: new Map() };
  #run = randomUUID();
  #isSettled = true;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  get run(): string {
    return this.#run;
  }

  snapshot(): unknown {
    return structuredClone(this.#state);
  }

  /** Begins a new run with an older state, or empty. */
  restart(snapshot?: unknown): void {
    this.#state = (structuredClone(snapshot) as State) ?? { records: new Map(), rooms: new Map(), clients: new Map() };
    this.#run = randomUUID();
    this.#isSettled = false;
  }

  /** Owners have had their time to restore: what is unverified now has lost its owner, and is started over. */
  settle(): void {
    this.#isSettled = true;
    for (const record of this.#state.records.values()) this.#verify(record);
  }

  create(session: NewSession, server: string): { run: string } {
    const { sessionsPerClientMax } = this.#options.limits;
    const isFull = (this.#state.clients.get(session.clientId)?.size ?? 0) >= sessionsPerClientMax;
    if (isFull && !this.#makeRoom(session.clientId))
      throw new SessionError("sessions_too_many", `expected at most ${sessionsPerClientMax} sessions of one client`);
    this.#put({ ...session, ...EMPTY, log: [], rooms: new Set(), owner: server, run: this.#run });
    return { run: this.#run };
  }

  attach(attach: Attach, server: string): Attached | Refused {
    const record = this.#find(attach.id);
    if (!record) return { kind: "unknown" };
    const isTheirs = attach.clientId === undefined || attach.clientId === record.clientId;
    if (record.secretHash !== attach.secretHash || !isTheirs) return { kind: "forbidden" };
    if (attach.fence <= record.fence) return { kind: "stale" };
    this.#verify(record);
    if (attach.welcomed > record.fence) this.#startOver(record);
    const previous = record.owner;
    record.owner = server;
    record.fence = attach.fence;
    record.expiresAtMs = undefined;
    const reading = this.#read(record, attach.epoch, attach.offset);
    if (reading.epoch === attach.epoch) drop(record, attach.offset);
    const previousOwner =
      previous !== undefined &&
      previous !== server &&
      this.#options.notify(previous, { kind: "fenced", id: record.id, fence: record.fence, by: server });
    return { kind: "attached", ...reading, clientId: record.clientId, rooms: [...record.rooms], previousOwner };
  }

  detach(id: string, fence: number): void {
    const record = this.#state.records.get(id);
    if (record?.fence !== fence) return;
    record.owner = undefined;
    record.expiresAtMs = this.#options.nowMs() + this.#options.limits.detachedMs;
  }

  end(id: string): boolean {
    const record = this.#find(id);
    if (!record) return false;
    // Ended before its owner has restored it, it would be restored.
    this.#verify(record);
    this.#remove(record);
    if (record.owner !== undefined) this.#options.notify(record.owner, { kind: "ended", id });
    return true;
  }

  append(id: string, json: string): Appended {
    return this.#append(this.#known(id), [json]);
  }

  publish(room: string, json: string): number {
    // Members that are not restored yet would be left out.
    if (!this.#isSettled) throw UNVERIFIED;
    const members = [...(this.#state.rooms.get(room) ?? [])].map((id) => this.#known(id));
    for (const record of members) this.#append(record, [json]);
    return members.length;
  }

  commit(id: string, seq: number, replies: Reply[]): Appended | undefined {
    const record = this.#known(id);
    const messages = replies.filter((reply) => reply.seq > record.handled).map((reply) => reply.json);
    record.handled = Math.max(record.handled, seq);
    return messages.length === 0 ? undefined : this.#append(record, messages);
  }

  /**
   * A sender's offer, after a restart, of what it had appended in the run before: what nobody has seen is appended anew.
   * Senders offer before they send anything else to the session, and may offer twice. "told": its client hears of a gap,
   * unless the shelf loses that too: it is to be offered to the next run again.
   */
  resubmit({ id, run, epoch, first, messages }: Appended): Appended | "seen" | "told" {
    const record = this.#known(id);
    const { restored } = record;
    if (record.epoch !== epoch) {
      // Of an older epoch, its client has been told, or will be. Of a newer one, the store has lost even the start over.
      if (Math.floor(first / LEAP) >= Math.floor(record.last / LEAP)) this.#startOver(record, first);
      return "told";
    }
    if (restored?.run !== run) {
      // Two restarts in a row: whether its owner has seen it, nobody knows.
      this.#startOver(record);
      return "told";
    }
    if (first <= restored.last || restored.again.has(first)) return "seen";
    restored.again.add(first);
    return this.#append(record, messages);
  }

  trim(id: string, fence: number, acked: number): void {
    const record = this.#state.records.get(id);
    if (record?.fence === fence && record.run === this.#run) drop(record, acked);
  }

  check(held: Held, server: string): Checked {
    const record = this.#state.records.get(held.id);
    if (!record) return { kind: held.run === this.#run ? "ended" : "lost" };
    if (record.run !== this.#run) return { kind: "lost" };
    if (record.fence > held.fence) return { kind: "fenced" };
    // Restored by an owner that had been fenced, which the store has forgotten.
    if (record.fence < held.fence) this.#startOver(record);
    // A leap may have been rolled back: acknowledgements of that numbering, on their way yet, could pass for some of this.
    if (held.epoch !== record.epoch && held.last > record.base) this.#startOver(record, held.last);
    record.fence = held.fence;
    record.owner = server;
    record.expiresAtMs = undefined;
    record.handled = Math.max(record.handled, held.handled);
    return { kind: "current", ...this.#read(record, held.epoch, held.last) };
  }

  restore(session: Restorable, server: string): Checked {
    const found = this.#state.records.get(session.id);
    if (found?.run === this.#run) return this.check(session, server);
    if (found && found.fence > session.fence) return { kind: "fenced" };
    const { id, clientId, secretHash, epoch, fence, acked, last } = session;
    // An older state of the same numbering may be ahead of its owner, if what it published was lost on the way.
    const isAhead = found?.epoch === epoch && found.last >= last;
    const log = isAhead ? found.log : session.entries.map((entry) => ({ ...entry }));
    if (found) this.#remove(found);
    const record: Record = {
      ...{ id, clientId, secretHash, epoch, fence, owner: server, run: this.#run, log },
      last: isAhead ? found.last : last,
      base: isAhead ? found.base : (log[0]?.first ?? last + 1) - 1,
      bytes: log.reduce((sum, entry) => sum + Buffer.byteLength(entry.json), 0),
      handled: Math.max(session.handled, found?.handled ?? 0),
      rooms: new Set(session.rooms),
      expiresAtMs: undefined,
      restored: { run: session.run, last: isAhead ? found.last : last, again: new Set() },
    };
    this.#put(record);
    drop(record, acked);
    // Too late: senders have given up to offer what only they knew of. Or the log had been started over without its owner's
    // knowledge, and may have had messages since.
    const isPast = found !== undefined && found.epoch !== epoch && found.last > last;
    if (this.#isSettled || isPast) this.#startOver(record, found?.last);
    return { kind: "current", ...this.#read(record, session.epoch, session.last) };
  }

  release(id: string, handled: number): void {
    const owner = this.#state.records.get(id)?.owner;
    if (owner !== undefined) this.#options.notify(owner, { kind: "released", id, handled });
  }

  lane(id: string, lane: string, bytes: Uint8Array): boolean {
    const owner = this.#state.records.get(id)?.owner;
    return owner !== undefined && this.#options.notify(owner, { kind: "lane", id, lane, bytes });
  }

  join(id: string, room: string): boolean {
    return this.#room(id, room, true);
  }

  leave(id: string, room: string): boolean {
    return this.#room(id, room, false);
  }

  find(id: string): SessionInfo | undefined {
    const record = this.#state.records.get(id);
    return record && info(record);
  }

  ofClient(clientId: string): SessionInfo[] {
    return [...(this.#state.clients.get(clientId) ?? [])].flatMap((id) => this.find(id) ?? []);
  }

  all(): SessionInfo[] {
    return [...this.#state.records.values()].map(info);
  }

  members(room: string): string[] {
    return [...(this.#state.rooms.get(room) ?? [])];
  }

  /** A server is gone: its sessions wait. */
  reap(server: string): void {
    for (const record of this.#state.records.values())
      if (record.owner === server) this.detach(record.id, record.fence);
  }

  /** Removes those that have waited for too long, and gives them. */
  sweep(): { id: string; clientId: string }[] {
    const now = this.#options.nowMs();
    const expired = [...this.#state.records.values()].filter(
      ({ owner, expiresAtMs }) => owner === undefined && expiresAtMs !== undefined && expiresAtMs <= now,
    );
    for (const record of expired) this.#remove(record);
    return expired.map(({ id, clientId }) => ({ id, clientId }));
  }

  // ---- one record ----

  #find(id: string): Record | undefined {
    const record = this.#state.records.get(id);
    if (!record && !this.#isSettled) throw UNVERIFIED;
    return record;
  }

  #known(id: string): Record {
    const record = this.#find(id);
    if (!record) throw new SessionError("session_unknown", `no session ${id}`);
    this.#verify(record);
    return record;
  }

  /**
   * A record of an earlier run may lack what was appended since, and nobody can tell. Its owner can, from memory, and
   * is waited for. Without an owner the log is given up: under a new epoch whoever reads it is told of a gap.
   */
  #verify(record: Record): void {
    if (record.run === this.#run) return;
    if (!this.#isSettled) throw UNVERIFIED;
    this.#startOver(record);
    record.owner = undefined;
    record.expiresAtMs = this.#options.nowMs() + this.#options.limits.detachedMs;
  }

  /** `beyond`: how far a numbering has come that this one must not be mistaken for. */
  #startOver(record: Record, beyond = 0): void {
    record.epoch = randomUUID();
    record.run = this.#run;
    record.restored = undefined;
    record.log = [];
    record.bytes = 0;
    record.last = Math.max(record.last, beyond) + LEAP;
    record.base = record.last;
  }

  #append(record: Record, messages: string[]): Appended {
    const { windowMessages, windowBytes } = this.#options.limits;
    const entry = { first: record.last + 1, count: messages.length, json: messages.join(",") };
    record.log.push(entry);
    record.last += messages.length;
    record.bytes += Buffer.byteLength(entry.json);
    while (record.log.length > 1 && (record.last - record.base > windowMessages || record.bytes > windowBytes))
      shift(record);
    if (record.owner !== undefined) this.#options.notify(record.owner, { kind: "entry", id: record.id, entry });
    return { id: record.id, run: this.#run, epoch: record.epoch, first: entry.first, messages };
  }

  #read(record: Record, epoch: string, offset: number): Reading {
    // Nobody can have read what was never appended: this log is not the one that was read.
    if (epoch === record.epoch && offset > record.last) this.#startOver(record);
    const isWhole = epoch === record.epoch && offset >= record.base;
    const from = isWhole ? offset : record.base;
    const entries = record.log.filter((entry) => lastOf(entry) > from);
    return { epoch: record.epoch, offset: from, entries, handled: record.handled, run: this.#run };
  }

  /** The longest detached session of a client expires now. False if all are attached. */
  #makeRoom(clientId: string): boolean {
    const [oldest] = [...(this.#state.clients.get(clientId) ?? [])]
      .flatMap((id) => this.#state.records.get(id) ?? [])
      .filter(({ owner, expiresAtMs }) => owner === undefined && expiresAtMs !== undefined)
      .sort((a, b) => (a.expiresAtMs ?? 0) - (b.expiresAtMs ?? 0));
    if (!oldest) return false;
    oldest.expiresAtMs = this.#options.nowMs();
    forget(this.#state.clients, clientId, oldest.id);
    return true;
  }

  #room(id: string, room: string, isIn: boolean): boolean {
    const record = this.#find(id);
    if (!record) return false;
    // Its owner would restore it with the rooms that it knows of.
    this.#verify(record);
    if (isIn) {
      record.rooms.add(room);
      member(this.#state.rooms, room).add(id);
    } else {
      record.rooms.delete(room);
      forget(this.#state.rooms, room, id);
    }
    if (record.owner !== undefined) this.#options.notify(record.owner, { kind: "room", id, room, isIn });
    return true;
  }

  #put(record: Record): void {
    this.#state.records.set(record.id, record);
    member(this.#state.clients, record.clientId).add(record.id);
    for (const room of record.rooms) member(this.#state.rooms, room).add(record.id);
  }

  #remove(record: Record): void {
    this.#state.records.delete(record.id);
    forget(this.#state.clients, record.clientId, record.id);
    for (const room of record.rooms) forget(this.#state.rooms, room, record.id);
  }
}

/**
 * How far the numbering leaps when a log is started over: past anything that may have been appended and forgotten. So
 * an acknowledgement that is still on its way can never be taken for one of a new message.
 */
const LEAP = 2 ** 32;

const EMPTY = { last: 0, base: 0, bytes: 0, handled: 0, expiresAtMs: undefined, restored: undefined };

function lastOf(entry: Entry): number {
  return entry.first + entry.count - 1;
}

function drop(record: Record, acked: number): void {
  while (record.log[0] && lastOf(record.log[0]) <= acked) shift(record);
}

function shift(record: Record): void {
  const entry = record.log.shift();
  if (!entry) return;
  record.base = lastOf(entry);
  record.bytes -= Buffer.byteLength(entry.json);
}

function member(index: Map<string, Set<string>>, name: string): Set<string> {
  const found = index.get(name) ?? new Set();
  index.set(name, found);
  return found;
}

function forget(index: Map<string, Set<string>>, name: string, id: string): void {
  const found = index.get(name);
  found?.delete(id);
  if (found?.size === 0) index.delete(name);
}

function info({ id, clientId, owner }: Record): SessionInfo {
  return { id, clientId, server: owner };
}
