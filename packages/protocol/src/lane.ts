import { ProtocolError } from "./protocol-error.ts";

/** Longest lane name, in bytes of UTF-8. */
export const LANE_NAME_BYTES_MAX = 32;

/** A value of a lossy lane: a binary WebSocket message with u8 length of the name, the name as UTF-8, the value. */
export interface LaneValue {
  lane: string;
  /** A view into the message, not a copy. */
  bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What stands before every value of the lane. Throws `ProtocolError` for a name that is empty or too long. */
export function laneHeader(lane: string): Uint8Array<ArrayBuffer> {
  const name = encoder.encode(lane);
  if (name.length === 0 || name.length > LANE_NAME_BYTES_MAX)
    throw new ProtocolError(
      "lane_invalid",
      `lane name: expected 1 to ${LANE_NAME_BYTES_MAX} bytes, got ${name.length}`,
    );
  const header = new Uint8Array(1 + name.length);
  header[0] = name.length;
  header.set(name, 1);
  return header;
}

export function encodeLaneValue(lane: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = laneHeader(lane);
  const message = new Uint8Array(header.length + bytes.length);
  message.set(header);
  message.set(bytes, header.length);
  return message;
}

/** Throws `ProtocolError` for anything else than a lane's value. */
export function decodeLaneValue(message: Uint8Array): LaneValue {
  const length = message[0] ?? 0;
  if (length === 0 || length > LANE_NAME_BYTES_MAX || message.length <= length)
    throw new ProtocolError(
      "lane_invalid",
      `binary message of ${message.length} bytes: expected a name of 1 to ${LANE_NAME_BYTES_MAX} bytes, got ${length}`,
    );
  try {
    return { lane: decoder.decode(message.subarray(1, 1 + length)), bytes: message.subarray(1 + length) };
  } catch {
    throw new ProtocolError("lane_invalid", "lane name: expected UTF-8");
  }
}
