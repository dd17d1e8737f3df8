import { ProtocolError } from "./protocol-error.ts";

export const PROTOCOL_VERSION = 1;

/** The first element of every frame, a JSON array sent as one text message. */
export const KIND = { open: 0, messages: 1, ack: 2, ping: 3, gap: 4, bye: 5 } as const;

const TEXT_MAX = 256;

/** The client's first frame: `[0, {…}]`. */
export interface Hello {
  v: number;
  /** Which connection of this session it is: 1, 2, … A higher number fences a lower one, wherever they arrive first. */
  n: number;
  /** To come back: what `Welcome` gave. Absent for a new session. */
  id?: string;
  secret?: string;
  /** To come back: the cursor. */
  epoch?: string;
  offset?: number;
  /** To come back: the number of the last connection that was welcomed. A store that knows of none so high has gone back. */
  welcomed?: number;
  /** For the authenticate hook, where cookies and headers cannot carry it. */
  token?: string;
}

/** The server's first frame: `[0, {…}]`. */
export interface Welcome {
  id: string;
  /** Proves, at the next hello, that the session is one's own. Only in the first welcome of a session. */
  secret?: string;
  epoch: string;
  /** Messages to the client go on from here; the cursor of the hello, unless a gap follows or the session is new. */
  offset: number;
  resumed: boolean;
  /** The last of the client's messages that was handled, 0 if none. The client sends those after it again. */
  seq: number;
  /** The server is heard at least this often, ms; after two and a half times as long the line is dead. */
  heartbeat: number;
  /** How long this server's clients need to come back elsewhere, all together, ms: the first attempt is at a random time in it. */
  spread: number;
}

export type ToServerFrame =
  | { kind: "hello"; hello: Hello }
  /** `[1, first, ack, m1, m2, …]`: messages numbered from `first`; all up to offset `ack` have been read. */
  | { kind: "messages"; first: number; ack: number; messages: unknown[] }
  /** `[2, ack]`: also the answer to a ping. */
  | { kind: "ack"; ack: number }
  /** `[5]`: the client leaves for good, the session ends. */
  | { kind: "bye" };

export type ToClientFrame =
  | { kind: "welcome"; welcome: Welcome }
  /** `[1, first, ack, m1, m2, …]`: messages numbered from `first`; all up to the client's message `ack` are handled. */
  | { kind: "messages"; first: number; ack: number; messages: unknown[] }
  /** `[2, ack]` */
  | { kind: "ack"; ack: number }
  /** `[3]`: answered at once by an ack. */
  | { kind: "ping" }
  /** `[4, epoch, offset]`: messages before `offset + 1` are lost or may be; the stream goes on from there. */
  | { kind: "gap"; epoch: string; offset: number };

export function encodeHello(hello: Hello): string {
  return `[0,${JSON.stringify(hello)}]`;
}

export function encodeWelcome(welcome: Welcome): string {
  return `[0,${JSON.stringify(welcome)}]`;
}

/** `json` is the messages, each as JSON, with commas between: what a log keeps goes out as it is. */
export function encodeMessages(first: number, ack: number, json: string): string {
  return `[1,${first},${ack},${json}]`;
}

export function encodeAck(ack: number): string {
  return `[2,${ack}]`;
}

export const PING = "[3]";
export const BYE = "[5]";

export function encodeGap(epoch: string, offset: number): string {
  return `[4,${JSON.stringify(epoch)},${offset}]`;
}

/** Reads what a client sent. Throws `ProtocolError`, and nothing else, for anything that is no frame. */
export function decodeToServer(text: string): ToServerFrame {
  const frame = parse(text);
  switch (frame[0]) {
    case KIND.open:
      return { kind: "hello", hello: hello(frame[1]) };
    case KIND.messages:
      return messages(frame);
    case KIND.ack:
      return { kind: "ack", ack: count(frame[1], "ack") };
    case KIND.bye:
      return { kind: "bye" };
    default:
      throw invalid("kind", "0, 1, 2 or 5", frame[0]);
  }
}

/** Reads what a server sent. Throws `ProtocolError`, and nothing else, for anything that is no frame. */
export function decodeToClient(text: string): ToClientFrame {
  const frame = parse(text);
  switch (frame[0]) {
    case KIND.open:
      return { kind: "welcome", welcome: welcome(frame[1]) };
    case KIND.messages:
      return messages(frame);
    case KIND.ack:
      return { kind: "ack", ack: count(frame[1], "ack") };
    case KIND.ping:
      return { kind: "ping" };
    case KIND.gap:
      return { kind: "gap", epoch: string(frame[1], "epoch"), offset: count(frame[2], "offset") };
    default:
      throw invalid("kind", "0, 1, 2, 3 or 4", frame[0]);
  }
}

function parse(text: string): unknown[] {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    throw invalid("frame", "JSON", text);
  }
  if (!Array.isArray(frame)) throw invalid("frame", "an array", frame);
  return frame;
}

function messages(frame: unknown[]): { kind: "messages"; first: number; ack: number; messages: unknown[] } {
  const first = count(frame[1], "first");
  if (first < 1) throw invalid("first", "at least 1", first);
  if (frame.length < 4) throw invalid("messages", "at least one", "none");
  return { kind: "messages", first, ack: count(frame[2], "ack"), messages: frame.slice(3) };
}

function hello(value: unknown): Hello {
  const { v, n, id, secret, epoch, offset, welcomed, token } = record(value, "hello");
  if (v !== PROTOCOL_VERSION)
    throw new ProtocolError("version_unsupported", `v: expected ${PROTOCOL_VERSION}, got ${shown(v)}`);
  const read: Hello = { v, n: count(n, "n") };
  if (read.n < 1) throw invalid("n", "at least 1", n);
  if (id !== undefined) {
    read.id = string(id, "id");
    read.secret = string(secret, "secret");
    read.epoch = string(epoch, "epoch");
    read.offset = count(offset, "offset");
    read.welcomed = count(welcomed, "welcomed");
  }
  if (token !== undefined) read.token = string(token, "token", 8192);
  return read;
}

function welcome(value: unknown): Welcome {
  const { id, secret, epoch, offset, resumed, seq, heartbeat, spread } = record(value, "welcome");
  if (typeof resumed !== "boolean") throw invalid("resumed", "true or false", resumed);
  return {
    id: string(id, "id"),
    epoch: string(epoch, "epoch"),
    offset: count(offset, "offset"),
    resumed,
    seq: count(seq, "seq"),
    heartbeat: count(heartbeat, "heartbeat"),
    spread: count(spread, "spread"),
    ...(secret === undefined ? {} : { secret: string(secret, "secret") }),
  };
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(field, "an object", value);
  return value as Record<string, unknown>;
}

function count(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalid(field, "a whole number from 0 on", value);
  return value as number;
}

function string(value: unknown, field: string, max = TEXT_MAX): string {
  if (typeof value !== "string" || value.length === 0 || value.length > max)
    throw invalid(field, `1 to ${max} characters`, value);
  return value;
}

function invalid(field: string, expected: string, got: unknown): ProtocolError {
  return new ProtocolError("frame_invalid", `${field}: expected ${expected}, got ${shown(got)}`);
}

/** Never JSON again: a value that is nested deeply enough would overflow the stack. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
