/** Size of a message as JSON. */
export const MESSAGE_BYTES = 256;
/** A little less than ten boxes in motion, as SimGen's frames go. */
export const FRAME_BYTES = 142;

/** What is sent on the reliable side. */
export interface Message {
  /** 1, 2, … for each receiver. */
  n: number;
  /** When it was handed to the library, by `microseconds()`. */
  at: number;
  /** Makes it MESSAGE_BYTES long. */
  text: string;
}

const EMPTY_LENGTH = JSON.stringify({ n: 1, at: 1, text: "" }).length;
const TEXTS = Array.from({ length: MESSAGE_BYTES }, (_, length) => "x".repeat(length));

export function makeMessage(n: number): Message {
  const at = microseconds();
  return { n, at, text: TEXTS[MESSAGE_BYTES - EMPTY_LENGTH + 2 - digits(n) - digits(at)] ?? "" };
}

/** A frame of a simulation: its number, then bytes that stand for positions. */
export function makeFrame(n: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_BYTES);
  frame.fill(n & 0xff);
  frame.writeUInt32LE(n);
  return frame;
}

/** The system's monotonic clock, which all processes of a machine share. */
export function microseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1000);
}

function digits(whole: number): number {
  return String(whole).length;
}
