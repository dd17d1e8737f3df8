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

export interface ShelfOptions {
  limits: StoreLimits;
  nowMs(): number;
  /** Hands a notice to a server; false when there is no such server. */
  notify(server: string, notice: Notice): boolean;
}

/** Thrown for a session that a shelf remembers from an earlier run, before its owner has confirmed it. Nothing happened. */
export class Unverified extends Error {}

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
    if ((this.#state.clients.get(session.clientId)?.size ?? 0) >= sessionsPerClientMax)
      throw new SessionError("sessions_too_many", `expected at most ${sessionsPerClientMax} sessions of one client`);
    this.#put({ ...session, ...EMPTY, log: [], rooms: new Set(), owner: server, run: this.#run });
    return { run: this.#run };
  }

  attach(attach: Attach, server: string): Attached | Refused {
    const record = this.#state.records.get(attach.id);
    if (!record) return { kind: "unknown" };
    const isTheirs = attach.clientId === undefined || attach.clientId === record.clientId;
    if (record.secretHash !== attach.secretHash || !isTheirs) return { kind: "forbidden" };
    if (attach.fence <= record.fence) return { kind: "stale" };
    this.#verify(record);
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
    const record = this.#state.records.get(id);
    if (!record) return false;
    this.#remove(record);
    if (record.owner !== undefined) this.#options.notify(record.owner, { kind: "ended", id });
    return true;
  }

  append(id: string, json: string): number {
    const record = this.#known(id);
    this.#append(record, [json]);
    return record.last;
  }

  publish(room: string, json: string): number {
    const members = [...(this.#state.rooms.get(room) ?? [])].map((id) => this.#known(id));
    for (const record of members) this.#append(record, [json]);
    return members.length;
  }

  commit(id: string, seq: number, replies: Reply[]): void {
    const record = this.#known(id);
    const fresh = replies.filter((reply) => reply.seq > record.handled).map((reply) => reply.json);
    record.handled = Math.max(record.handled, seq);
    if (fresh.length > 0) this.#append(record, fresh);
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
    };
    this.#put(record);
    drop(record, acked);
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

  #known(id: string): Record {
    const record = this.#state.records.get(id);
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
    if (!this.#isSettled) throw new Unverified();
    this.#startOver(record);
    record.owner = undefined;
    record.expiresAtMs = this.#options.nowMs() + this.#options.limits.detachedMs;
  }

  #startOver(record: Record): void {
    record.epoch = randomUUID();
    record.run = this.#run;
    record.log = [];
    record.bytes = 0;
    record.base = record.last;
  }

  #append(record: Record, messages: string[]): void {
    const { windowMessages, windowBytes } = this.#options.limits;
    const entry = { first: record.last + 1, count: messages.length, json: messages.join(",") };
    record.log.push(entry);
    record.last += messages.length;
    record.bytes += Buffer.byteLength(entry.json);
    while (record.log.length > 1 && (record.last - record.base > windowMessages || record.bytes > windowBytes))
      shift(record);
    if (record.owner !== undefined) this.#options.notify(record.owner, { kind: "entry", id: record.id, entry });
  }

  #read(record: Record, epoch: string, offset: number): Reading {
    // Nobody can have read what was never appended: this log is not the one that was read.
    if (epoch === record.epoch && offset > record.last) this.#startOver(record);
    const isWhole = epoch === record.epoch && offset >= record.base;
    const from = isWhole ? offset : record.base;
    const entries = record.log.filter((entry) => lastOf(entry) > from);
    return { epoch: record.epoch, offset: from, entries, handled: record.handled, run: this.#run };
  }

  #room(id: string, room: string, isIn: boolean): boolean {
    const record = this.#state.records.get(id);
    if (!record) return false;
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

const EMPTY = { last: 0, base: 0, bytes: 0, handled: 0, expiresAtMs: undefined };

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
