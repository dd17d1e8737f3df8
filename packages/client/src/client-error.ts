export type ClientErrorCode =
  /** An option of `connect`, or its address, cannot be. */
  | "option_invalid"
  /** There is no global WebSocket, and none was given. */
  | "websocket_missing"
  /** As many messages wait for an acknowledgement as may. */
  | "queue_full"
  /** A message that JSON cannot carry. */
  | "message_not_json"
  /** A message of more bytes than the server takes. */
  | "message_too_large"
  /** The connection is closed for good. */
  | "closed"
  /** The session was lost: messages on their way may or may not have been handled. */
  | "unconfirmed"
  /** A lane name that is empty or too long. */
  | "lane_invalid";

/** What this client refuses or cannot promise. Trouble with the line is no error: it shows in the events. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string) {
    super(message);
    this.name = "ClientError";
    this.code = code;
  }
}
