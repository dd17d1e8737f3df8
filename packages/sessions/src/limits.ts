import { SessionError } from "./session-error.ts";

/** What bounds the sessions of a service. The first four hold for the store: set them alike on all servers. */
export interface Limits {
  /** Messages to the client that a session's log keeps, acknowledged ones apart. */
  windowMessages: number;
  /** Bytes of JSON that it keeps, likewise. */
  windowBytes: number;
  /** How long a session without a connection waits for its client, ms. */
  detachedMs: number;
  sessionsPerClientMax: number;
  /** Connections of this server. */
  connectionsMax: number;
  /** One message, as JSON, either way. */
  messageBytesMax: number;
  /** From one client, averaged; twice as many may come at once. A client that sends more is read more slowly. */
  messagesPerSecondMax: number;
  /** Messages of one client that wait for their turn. Beyond, it is not read. */
  messagesWaitingMax: number;
  /** What a client has not read: beyond, it is cut and may come back for it (S9). More than a log, or none is read to its end at once. */
  bufferedBytesMax: number;
  /** As above, for lossy lanes: beyond, the latest value of each lane waits. */
  laneBufferedBytesMax: number;
  /** Silence after which the server says a word; two and a half times as long, and the other side is taken for gone. */
  heartbeatMs: number;
  /** From the open socket to its hello. */
  helloTimeoutMs: number;
  /** How long a message that is being handled may hold up the client's next server. */
  handoverMs: number;
}

export const LIMITS: Limits = {
  windowMessages: 1000,
  windowBytes: 1024 * 1024,
  detachedMs: 5 * 60_000,
  sessionsPerClientMax: 32,
  connectionsMax: 20_000,
  messageBytesMax: 64 * 1024,
  messagesPerSecondMax: 200,
  messagesWaitingMax: 256,
  bufferedBytesMax: 2 * 1024 * 1024,
  laneBufferedBytesMax: 64 * 1024,
  heartbeatMs: 5000,
  helloTimeoutMs: 10_000,
  handoverMs: 1000,
};

/** The given limits over the defaults. Throws `SessionError` "option_invalid". */
export function limitsFrom(given: Partial<Limits>): Limits {
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof Limits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1)
      throw new SessionError("option_invalid", `${name}: expected a whole number from 1 on, got ${value}`);
    limits[name] = value;
  }
  return limits;
}
