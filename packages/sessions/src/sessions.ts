import type { IncomingMessage, Server } from "node:http";
import type { CloseReason, Hello } from "@holdfast/protocol";
import type { WebSocket } from "ws";
import type { Counters } from "./counters.ts";
import { Hub } from "./hub.ts";
import type { Limits } from "./limits.ts";
import type { Session } from "./line.ts";
import type { SessionInfo, SessionStore } from "./store.ts";
import type { UpgradeOptions } from "./upgrade.ts";

/** The messages of a service, as types. */
export interface Messages {
  toClient: unknown;
  toServer: unknown;
}

/** What a message handler is told beside the message. */
export interface Handling<ToClient> {
  /** The message's number in its session: 1, 2, … */
  seq: number;
  /** Names this message and no other, on whatever server and however often it is handled: an idempotency key. */
  key: string;
  /** Sends a message to the client together with the acknowledgement: both or neither, exactly once. */
  reply(message: ToClient): void;
  /** Aborted when the connection is over. A handler that rejects after that leaves the message to the next server. */
  readonly signal: AbortSignal;
}

export interface SessionsOptions<M extends Messages> extends Partial<Limits> {
  /** This server's name, as presence shows it. Default: host name and process id. */
  server?: string;
  /**
   * Who is it? Called at every connection, also at one that resumes: the client id must be the session's. Throw to
   * refuse. Without it every session is a client of its own, and its secret alone opens it again.
   */
  authenticate?(
    request: IncomingMessage | undefined,
    hello: Hello,
  ): { clientId: string } | Promise<{ clientId: string }>;
  /**
   * Handles a message of a client: one at a time for a session, in order. It is acknowledged when this resolves; a
   * server that dies before leaves it to the next one, so it may run again (see `Handling.key`). What this throws is
   * reported, and the message counts as handled.
   */
  message?(
    session: Session<M["toClient"]>,
    message: M["toServer"],
    handling: Handling<M["toClient"]>,
  ): Promise<void> | void;
  /** Turns what came into a message, or throws: a schema's `parse`. The event `invalid` tells of what it refuses. */
  parse?(raw: unknown): M["toServer"];
  /** A value the client sent on a lossy lane. */
  lane?(session: Session<M["toClient"]>, lane: string, bytes: Uint8Array): void;
  /** What no caller waits for: handlers that threw, calls in the background that failed. Default: console.error. */
  onError?(error: unknown, session?: Session<M["toClient"]>): void;
}

export interface SessionsEvents<M extends Messages> {
  /** A session began here. */
  open: [Session<M["toClient"]>];
  /** A session came back, to this server or for the first time here. */
  resumed: [Session<M["toClient"]>];
  /** A connection of this server ended; the session waits, unless `why` is "ended" or "replaced". */
  detached: [Session<M["toClient"]>, CloseReason | "lost"];
  /** Its client did not come back in time. Emitted on one server, once. */
  expired: [{ id: string; clientId: string }];
  /** `parse` refused a message. */
  invalid: [Session<M["toClient"]>, unknown, Handling<M["toClient"]>];
}

/** Makes this process a server of sessions kept in `store`. Rejects with `SessionError` when the store is out of reach. */
export async function createSessions<M extends Messages>(
  store: SessionStore,
  options: SessionsOptions<M> = {},
): Promise<Sessions<M>> {
  const sessions = new Hub<M>(options);
  await sessions.start(store);
  return sessions;
}

/** The sessions of one server. Made by `createSessions`. */
export interface Sessions<M extends Messages> {
  /** Takes the WebSocket upgrades of an HTTP server. */
  attach(server: Server, options?: UpgradeOptions): void;
  /**
   * Serves a client on an open WebSocket of the `ws` package: waits for its hello and resolves with its session, new or
   * resumed. Rejects with `SessionError` "connection_refused" when there is none; the socket is closed then.
   */
  connect(socket: WebSocket, clientId?: string): Promise<Session<M["toClient"]>>;
  /** To a session on whatever server. Resolves once the message is in its log (S1). Rejects with `SessionError`. */
  send(id: string, message: M["toClient"]): Promise<void>;
  /** To each member of a room, with the promise of `send`. Resolves with how many there are. */
  publish(room: string, message: M["toClient"]): Promise<number>;
  /** The latest value of a lossy lane, to a session on whatever server. Resolves with whether a server holds it. */
  sendLane(id: string, lane: string, bytes: Uint8Array): Promise<boolean>;
  join(id: string, room: string): Promise<boolean>;
  leave(id: string, room: string): Promise<boolean>;
  members(room: string): Promise<string[]>;
  /** Ends a session for good. Resolves with whether there was one. */
  end(id: string): Promise<boolean>;
  find(id: string): Promise<SessionInfo | undefined>;
  ofClient(clientId: string): Promise<SessionInfo[]>;
  count(): Promise<{ attached: number; detached: number }>;
  list(cursor?: string): Promise<{ sessions: SessionInfo[]; next: string | undefined }>;
  /** Those whose connection is on this server. */
  local(): Iterable<Session<M["toClient"]>>;
  readonly counters: Readonly<Counters>;
  /** Takes new connections: the store is in reach, and this server is not draining. */
  readonly isReady: boolean;
  /** A listener that throws or rejects is reported to `onError`. */
  on<E extends keyof SessionsEvents<M>>(event: E, listener: (...args: SessionsEvents<M>[E]) => unknown): void;
  off<E extends keyof SessionsEvents<M>>(event: E, listener: (...args: SessionsEvents<M>[E]) => unknown): void;
  /**
   * For SIGTERM: takes no more connections and sends one client after another elsewhere, over half of `graceMs` when they
   * are many; resolves when all have gone and what was in hand is on record, or after `graceMs` at the latest. Call `close` next.
   */
  drain(options?: { graceMs?: number }): Promise<void>;
  /** Ends all connections at once, and leaves the store. */
  close(): Promise<void>;
}
