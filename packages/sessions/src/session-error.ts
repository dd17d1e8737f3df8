import type { CloseReason } from "@holdfast/protocol";

export type SessionErrorCode =
  /** The store cannot be reached: nothing happened. */
  | "unavailable"
  /** The store did not answer in time, or the line broke before it did: it may have happened. */
  | "outcome_unknown"
  /** More waits for the store than may. Nothing happened. */
  | "overloaded"
  /** No such session: it never was, has ended, or has expired. */
  | "session_unknown"
  /** The message alone is larger than a session's log may be. */
  | "message_too_large"
  /** This client has as many sessions as it may. */
  | "sessions_too_many"
  /** A message that JSON cannot carry, such as undefined or a circle. */
  | "message_not_json"
  /** An option out of bounds. */
  | "option_invalid"
  /** A connection that was not let in; `closeReason` says why. */
  | "connection_refused";

/** What the parts of this package throw and reject with. */
export class SessionError extends Error {
  readonly code: SessionErrorCode;
  /** For "connection_refused": what the socket was closed with. */
  readonly closeReason: CloseReason | undefined;

  constructor(code: SessionErrorCode, message: string, closeReason?: CloseReason) {
    super(message);
    this.name = "SessionError";
    this.code = code;
    this.closeReason = closeReason;
  }
}
