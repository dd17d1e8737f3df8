/**
 * Why a WebSocket of a session was closed. 4000 to 4499 mean "come back": the session is still there. 4500 to 4999 mean
 * "stop": the same attempt would end the same way.
 */
export const CLOSE = {
  /** The server is going away. Come back at once, to another. */
  draining: 4000,
  /** The client read too slowly; what it has not seen is still in its log. */
  tooSlow: 4001,
  /** Nothing was heard of the client for too long. */
  silent: 4002,
  /** The server cannot reach its store. */
  unavailable: 4003,
  /** The server has no room for another connection. */
  overloaded: 4004,
  /** The client met a hole in the numbering, and wants the log read again. */
  resync: 4005,
  /** A newer connection has the session. */
  replaced: 4500,
  /** The authenticate hook said no. */
  unauthorized: 4501,
  /** A frame that is not one, or that came at the wrong time. */
  frameInvalid: 4502,
  /** A protocol version that this server does not speak. */
  versionUnsupported: 4503,
  /** This client has as many sessions as it may. */
  sessionsTooMany: 4504,
  /** The application or the client ended the session. */
  ended: 4506,
} as const;

export type CloseReason = keyof typeof CLOSE;

/** Standard codes (RFC 6455, section 7.4) after which the same attempt would end the same way. */
const STANDARD_STOPS = [1002, 1003, 1007, 1008, 1009, 1010];

/** Whether a client should come back after this code. Codes that nobody has defined mean a broken line: come back. */
export function mayReconnect(code: number): boolean {
  return !(code >= 4500 && code <= 4999) && !STANDARD_STOPS.includes(code);
}
