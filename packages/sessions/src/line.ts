import { type CloseReason, type Cursor, encodeAck, encodeGap, laneHeader, PING } from "@holdfast/protocol";
import type { WebSocket } from "ws";
import type { Counters } from "./counters.ts";
import { Inbox, type InboxEvents } from "./inbox.ts";
import type { Limits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { Reading, Reply, Restorable } from "./store.ts";

/** What a line asks of the server it is on. */
export interface LineHost {
  readonly limits: Limits;
  readonly counters: Counters;
  /** Calls `flush` at the end of this turn of the event loop. */
  due(line: Line): void;
  /** Calls `writeAck` in a moment, unless a frame has carried it before. */
  ackDue(line: Line): void;
  /** Calls `writeHeld` until nothing waits for room in the socket. */
  roomDue(line: Line): void;
  /** What the line has handled could not be put on record. */
  uncommitted(line: Line, error: unknown): void;
  commit(id: string, seq: number, replies: Reply[]): Promise<void>;
  handle(line: Line, seq: number, message: unknown, replies: Reply[]): Promise<void> | void;
  failed(line: Line, error: unknown): void;
  /** Ends this connection; the session waits for its client. */
  hangUp(line: Line, reason: CloseReason): void;
  send(id: string, message: unknown): Promise<void>;
  join(id: string, room: string): Promise<boolean>;
  leave(id: string, room: string): Promise<boolean>;
  end(id: string): Promise<boolean>;
}

/** A session as the application sees it, on the server that holds its connection. */
export interface Session<ToClient = unknown> {
  readonly id: string;
  readonly clientId: string;
  /** It was there before this connection. */
  readonly isResumed: boolean;
  /** The connection is gone, or another has taken its place; `send` works all the same. */
  readonly isOver: boolean;
  readonly rooms: ReadonlySet<string>;
  /** Resolves once the message is in the session's log (S1). Rejects with `SessionError`. */
  send(message: ToClient): Promise<void>;
  /** Latest value only (S8). The bytes are not copied: do not change them afterwards. False if it has to wait. */
  sendLane(lane: string, bytes: Uint8Array): boolean;
  join(room: string): Promise<boolean>;
  leave(room: string): Promise<boolean>;
  /** Ends the session for good. */
  end(): Promise<boolean>;
}

export interface LineStart {
  id: string;
  clientId: string;
  secretHash: string;
  fence: number;
  rooms: string[];
  cursor: Cursor;
  handled: number;
  run: string;
  isResumed: boolean;
}

/** One connection of one session, on the server that holds it. */
export class Line implements InboxEvents, Session {
  readonly id: string;
  readonly clientId: string;
  readonly secretHash: string;
  readonly fence: number;
  readonly isResumed: boolean;
  readonly socket: WebSocket;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  run: string;
  lastHeardMs: number;
  lastSentMs: number;
  /** Left, or leaving: nothing more is delivered. */
  isOver = false;
  /** Among those whose turn ends with a flush. */
  isDue = false;
  isAckDue = false;
  isChecking = false;
  /** Another server may be in the middle of a message of this client. */
  isAwaitingRelease = false;
  /** Not 0 after this server was out of touch: the session may be another's by now. */
  doubts = 0;
  isFirstFrame = true;
  trimmed: number;
  /** Messages the client may send, at `allowedAtMs`. */
  allowance: number;
  allowedAtMs: number;
  readonly #host: LineHost;
  #ending: AbortController | undefined;
  #rooms: Set<string> | undefined;
  #ackSent: number;
  #lanes: Map<string, Uint8Array> | undefined;

  constructor(socket: WebSocket, start: LineStart, host: LineHost, nowMs: number) {
    this.id = start.id;
    this.clientId = start.clientId;
    this.secretHash = start.secretHash;
    this.fence = start.fence;
    this.isResumed = start.isResumed;
    this.run = start.run;
    this.socket = socket;
    this.#host = host;
    this.outbox = new Outbox(start.cursor, host.limits);
    this.inbox = new Inbox(start.handled, this);
    this.#ackSent = start.handled;
    this.trimmed = start.cursor.offset;
    this.lastHeardMs = nowMs;
    this.lastSentMs = nowMs;
    this.allowance = host.limits.messagesPerSecondMax * 2;
    this.allowedAtMs = nowMs;
    if (start.rooms.length > 0) this.#rooms = new Set(start.rooms);
  }

  get rooms(): ReadonlySet<string> {
    return this.#rooms ?? NO_ROOMS;
  }

  /** Aborted when this connection is over. */
  get signal(): AbortSignal {
    this.#ending ??= new AbortController();
    if (this.isOver) this.#ending.abort();
    return this.#ending.signal;
  }

  /** Nothing more is delivered, and no further message begun. */
  finish(): void {
    this.isOver = true;
    this.inbox.stop();
    this.#ending?.abort();
  }

  setRoom(room: string, isIn: boolean): void {
    if (isIn) {
      this.#rooms ??= new Set();
      this.#rooms.add(room);
    } else this.#rooms?.delete(room);
  }

  /** All that a store needs to have this session again. */
  restorable(): Restorable {
    const { id, clientId, secretHash, fence, run, outbox, inbox } = this;
    return {
      ...{ id, clientId, secretHash, fence, run, rooms: [...this.rooms] },
      ...{ epoch: outbox.epoch, last: outbox.last, acked: outbox.acked, entries: [...outbox.entries] },
      handled: inbox.committed,
    };
  }

  /** Goes on from the store's reading; tells the client if messages are missing. */
  apply(reading: Reading): void {
    // In another run of the store, the numbers of what waits for a hole may be given again.
    if (reading.run !== this.run) this.outbox.dropAhead();
    this.run = reading.run;
    const gap = this.outbox.apply(reading);
    if (gap) {
      this.#host.counters.gaps++;
      this.write(encodeGap(gap.epoch, gap.offset));
      this.trimmed = gap.offset;
    }
    this.inbox.learn(reading.handled);
    this.#host.due(this);
  }

  /** Writes and commits what this turn has brought. */
  flush(nowMs: number): void {
    this.#writeEntries(nowMs);
    this.inbox.flush();
  }

  write(frame: string): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(frame);
  }

  ping(nowMs: number): void {
    this.lastSentMs = nowMs;
    this.write(PING);
  }

  writeAck(nowMs: number): void {
    if (this.isOver || this.#ackSent >= this.inbox.committed) return;
    this.#ackSent = this.inbox.committed;
    this.lastSentMs = nowMs;
    this.write(encodeAck(this.#ackSent));
  }

  /**
   * Sends a value on a lossy lane, or keeps it, in place of an older one, until the socket has room (S8). The bytes are
   * not copied: do not change them afterwards. False if it has to wait.
   */
  sendLane(lane: string, bytes: Uint8Array): boolean {
    if (this.isOver) return false;
    if (!this.#lanes?.size && this.#hasLaneRoom()) {
      this.#writeLane(lane, bytes);
      return true;
    }
    this.#lanes ??= new Map();
    // To the end: values go out in the order in which they came.
    if (this.#lanes.delete(lane)) this.#host.counters.laneValuesDropped++;
    this.#lanes.set(lane, bytes);
    this.#host.roomDue(this);
    return false;
  }

  /** Writes what waits for room, while there is some. True when nothing waits any more. */
  writeHeld(nowMs: number): boolean {
    this.#writeEntries(nowMs);
    if (this.outbox.hasUnwritten && !this.isOver) return false;
    if (this.isOver || !this.#lanes) return true;
    for (const [lane, bytes] of this.#lanes) {
      if (!this.#hasLaneRoom()) return false;
      this.#lanes.delete(lane);
      this.#writeLane(lane, bytes);
    }
    return true;
  }

  send(message: unknown): Promise<void> {
    return this.#host.send(this.id, message);
  }

  join(room: string): Promise<boolean> {
    return this.#host.join(this.id, room);
  }

  leave(room: string): Promise<boolean> {
    return this.#host.leave(this.id, room);
  }

  end(): Promise<boolean> {
    return this.#host.end(this.id);
  }

  // ---- what the inbox asks ----

  handle(seq: number, message: unknown, replies: Reply[]): Promise<void> | void {
    return this.#host.handle(this, seq, message, replies);
  }

  commit(seq: number, replies: Reply[]): Promise<void> {
    return this.#host.commit(this.id, seq, replies);
  }

  committed(): void {
    this.#host.ackDue(this);
  }

  due(): void {
    this.#host.due(this);
  }

  failed(error: unknown): boolean {
    // The effect of some messages ends with the connection: whoever has the next one handles them again.
    if (this.isOver) return false;
    this.#host.failed(this, error);
    return true;
  }

  uncommitted(error: unknown): void {
    this.#host.uncommitted(this, error);
  }

  // ---- private ----

  #writeEntries(nowMs: number): void {
    const { socket, outbox } = this;
    const { bufferedBytesMax } = this.#host.limits;
    while (!this.isOver && outbox.hasUnwritten) {
      if (socket.bufferedAmount > bufferedBytesMax / 4) {
        if (socket.bufferedAmount + outbox.unwrittenChars > bufferedBytesMax) this.#host.hangUp(this, "tooSlow");
        else this.#host.roomDue(this);
        return;
      }
      this.#ackSent = this.inbox.committed;
      this.#host.counters.framesOut++;
      this.lastSentMs = nowMs;
      this.write(outbox.take(this.#ackSent));
    }
  }

  #hasLaneRoom(): boolean {
    const { socket } = this;
    return socket.readyState === socket.OPEN && socket.bufferedAmount < this.#host.limits.laneBufferedBytesMax;
  }

  #writeLane(lane: string, bytes: Uint8Array): void {
    const header = headerOf(lane);
    const message = Buffer.allocUnsafe(header.length + bytes.length);
    message.set(header);
    message.set(bytes, header.length);
    this.#host.counters.laneValues++;
    this.socket.send(message);
  }
}

const NO_ROOMS: ReadonlySet<string> = new Set();

const HEADERS_MAX = 256;
const headers = new Map<string, Uint8Array>();

function headerOf(lane: string): Uint8Array {
  const known = headers.get(lane);
  if (known) return known;
  if (headers.size >= HEADERS_MAX) headers.clear();
  const header = laneHeader(lane);
  headers.set(lane, header);
  return header;
}
