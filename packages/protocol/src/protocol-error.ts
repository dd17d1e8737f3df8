export type ProtocolErrorCode =
  /** A text message that is no frame. */
  | "frame_invalid"
  /** A hello of another protocol version. */
  | "version_unsupported"
  /** A binary message that is no lane's value, or a lane name out of bounds. */
  | "lane_invalid";

/** What came is not of this protocol. The message says which field, what was expected and what came. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }
}
