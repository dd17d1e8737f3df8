/**
 * The seam between sessions and what keeps them: a log and a record a session, an owner, rooms, presence. Implemented by
 * `memory-store.ts` and `redis-store.ts`; `store.contract.ts` holds both to what is written here.
 */

/** One or more messages as the log keeps them, numbered from `first`. */
export interface Entry {
  first: number;
  count: number;
  /** The messages, each as JSON, with commas between. */
  json: string;
}

/** Bounds that hold for every session of a store, whichever server it is on: set them alike on all. */
export interface StoreLimits {
  /** Messages a log keeps; beyond, the oldest go, and a client that had not read them is told of a gap. */
  windowMessages: number;
  /** Bytes a log keeps, likewise. */
  windowBytes: number;
  /** How long a session without a connection lives, ms. */
  detachedMs: number;
  /** Beyond, the client's longest detached session expires at once; if all are attached, there is no other. */
  sessionsPerClientMax: number;
}

export interface NewSession {
  id: string;
  clientId: string;
  /** Hex SHA-256 of the session's secret. */
  secretHash: string;
  /** Names the numbering of its log: see `Cursor` of the protocol. */
  epoch: string;
  /** The number of its connection: see `Hello.n` of the protocol. */
  fence: number;
}

export interface Attach {
  id: string;
  /** Undefined where clients have no name of their own: then the secret alone decides. */
  clientId: string | undefined;
  secretHash: string;
  fence: number;
  /** Where the client stands. */
  epoch: string;
  offset: number;
  /** The number of its last connection that was welcomed: a record that knows of none so high is older, and not believed. */
  welcomed: number;
}

/** A message to the client that belongs to the handling of its message `seq`. */
export interface Reply {
  seq: number;
  json: string;
}

/** A session's log from where its reader stands. */
export interface Reading {
  epoch: string;
  /** Entries follow from here. Not where the reader stood when messages between are missing, or the epoch is another: a gap. */
  offset: number;
  /** May begin with messages the reader has: whole entries are kept. */
  entries: Entry[];
  /** The last of the client's messages that was handled. */
  handled: number;
  /** Where the store itself is in its life: give it back with `check` and `restore`. */
  run: string;
}

export interface Attached extends Reading {
  kind: "attached";
  clientId: string;
  rooms: string[];
  /** Another server had it and is there: it may be in the middle of a message. `released` comes when it is not. */
  previousOwner: boolean;
}

export type Refused =
  /** No such session, or not any more. */
  | { kind: "unknown" }
  /** Wrong secret, or another client's. */
  | { kind: "forbidden" }
  /** A connection with this number or a higher one has been. */
  | { kind: "stale" };

/** What the owner of a session believes. */
export interface Held {
  id: string;
  fence: number;
  epoch: string;
  /** The last message it has without a hole. */
  last: number;
  handled: number;
  run: string;
}

/** All that the owner of a session knows: enough to make it again. */
export interface Restorable extends Held {
  clientId: string;
  secretHash: string;
  rooms: string[];
  /** The last message the client has acknowledged. */
  acked: number;
  /** All from `acked + 1` (or a little before) to `last`. */
  entries: Entry[];
}

export type Checked =
  | (Reading & { kind: "current" })
  /** A newer connection has it. */
  | { kind: "fenced" }
  /** It has ended or expired. */
  | { kind: "ended" }
  /** The store has forgotten it, or an older state of it came back: restore it. */
  | { kind: "lost" };

export interface SessionInfo {
  id: string;
  clientId: string;
  /** The name of the server that holds its connection; undefined when it is detached. */
  server: string | undefined;
}

/** What a store tells the server that joined it. Calls about sessions that the server does not own are ignored. */
export interface StoreEvents {
  /** Appended to a session owned here. In the order of offsets, unless one was lost on the way. */
  entry(id: string, entry: Entry): void;
  /** A newer connection took the session elsewhere; call `release` once nothing of it is being handled. */
  fenced(id: string, fence: number, by: string): void;
  /** The previous owner is done with it, having handled messages up to `handled`. */
  released(id: string, handled: number): void;
  ended(id: string): void;
  /** A value of a lossy lane, sent from another server. */
  lane(id: string, lane: string, bytes: Uint8Array): void;
  /** The session joined or left a room by another server's call. */
  room(id: string, room: string, isIn: boolean): void;
  /** Something may have been missed: `check` every session owned here. */
  resync(): void;
  /** Whether the store can be reached. Starts as true. */
  available(isAvailable: boolean): void;
  /** Detached for too long. Told to one server only, once. */
  expired(session: { id: string; clientId: string }): void;
}

export interface SessionStore {
  /** Joins as a server of this name. Rejects with `SessionError` "unavailable" when the store cannot be reached. */
  join(server: string, limits: StoreLimits, events: StoreEvents): Promise<StoreConnection>;
}

/**
 * One server's access to the store. Every call takes effect as a whole or not at all, and calls of one server take
 * effect in the order in which they were made. They reject with `SessionError`.
 */
export interface StoreConnection {
  /** A new id for a session of this client: at least 128 random bits, safe in URLs. */
  newId(clientId: string): string;
  /** Rejects with "sessions_too_many". */
  create(session: NewSession): Promise<{ run: string }>;
  /** Makes this server the owner, if the connection is newer than the last; the log up to the client's offset goes. */
  attach(attach: Attach): Promise<Attached | Refused>;
  /** The connection is gone; the session waits. Nothing happens if a newer connection has it. */
  detach(id: string, fence: number): Promise<void>;
  /** Ends a session for good, whoever owns it. Resolves with whether there was one. */
  end(id: string): Promise<boolean>;
  /** Appends one message, as JSON. Resolves with its offset, once it is in the log. */
  append(id: string, json: string): Promise<number>;
  /** Appends one message to the log of each member of a room. Resolves with how many there were. */
  publish(room: string, json: string): Promise<number>;
  /**
   * The session's messages up to `seq` are handled: appends the replies and remembers `seq`, both or nothing. Of what
   * has been committed before, by whatever server, nothing happens again: those replies are left out.
   */
  commit(id: string, seq: number, replies: Reply[]): Promise<void>;
  /** The client has read up to `acked`: the log before goes. */
  trim(id: string, fence: number, acked: number): Promise<void>;
  /** For the owner: is it so? Makes it the owner again if it was thought dead. */
  check(held: Held): Promise<Checked>;
  /** For the owner, after "lost". */
  restore(session: Restorable): Promise<Checked>;
  /** For an owner that was fenced. */
  release(id: string, handled: number): Promise<void>;
  /** Sends a value on a lossy lane to whatever server owns the session; resolves with whether one does. */
  lane(id: string, lane: string, bytes: Uint8Array): Promise<boolean>;
  /** Resolves with whether there is such a session. */
  join(id: string, room: string): Promise<boolean>;
  leave(id: string, room: string): Promise<boolean>;
  find(id: string): Promise<SessionInfo | undefined>;
  ofClient(clientId: string): Promise<SessionInfo[]>;
  count(): Promise<{ attached: number; detached: number }>;
  /** A page of all sessions in no order. Begin without `cursor`; a page may be empty and not the last. */
  list(cursor?: string): Promise<{ sessions: SessionInfo[]; next: string | undefined }>;
  members(room: string): Promise<string[]>;
  /** Leaves. Sessions owned here become detached. */
  close(): Promise<void>;
}
