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
  | "sessions_too_many";

export class SessionError extends Error {
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string) {
    super(message);
    this.name = "SessionError";
    this.code = code;
  }
}
