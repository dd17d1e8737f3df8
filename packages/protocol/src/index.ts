export { CLOSE, type CloseReason, mayReconnect } from "./close-code.ts";
export { type Cursor, type Step, step } from "./cursor.ts";
export {
  BYE,
  decodeToClient,
  decodeToServer,
  encodeAck,
  encodeGap,
  encodeHello,
  encodeMessages,
  encodeWelcome,
  type Hello,
  KIND,
  PING,
  PROTOCOL_VERSION,
  type ToClientFrame,
  type ToServerFrame,
  type Welcome,
} from "./frame.ts";
export { decodeLaneValue, encodeLaneValue, LANE_NAME_BYTES_MAX, type LaneValue, laneHeader } from "./lane.ts";
export { ProtocolError, type ProtocolErrorCode } from "./protocol-error.ts";
