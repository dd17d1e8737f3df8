import { type Cursor, encodeAck, encodeMessages, PROTOCOL_VERSION, step, type Welcome } from "@holdfast/protocol";
import { Backoff } from "./backoff.ts";
import { ClientError } from "./client-error.ts";
import { type Lane, LatestLane } from "./lane.ts";
import { Line, type LineOwner, type LineSettings, type WebSocketConstructor } from "./line.ts";
import { Listeners } from "./listeners.ts";
import { Outbox } from "./outbox.ts";
import { after, now, type Timer } from "./timer.ts";
import { ACK, DRAINING, ENDED, GAP, MESSAGES, OPEN, PING, RESYNC, SILENT } from "./wire.ts";

const DEFAULTS = {
  /** Messages that wait for an acknowledgement, sent or not. */
  queueMax: 1000,
  /** The largest message, as JSON in UTF-8: what the server takes. */
  messageBytesMax: 65_536,
  /** The first attempt after a loss is made within so long, or as long as the lost server's many clients need. */
  backoffMinMs: 100,
  /** The longest wait between attempts; a line that was open for so long counts as good. */
  backoffMaxMs: 2000,
  /** From the attempt to the server's welcome, at first; longer when attempts fail, or the lost server had many clients. Also how long `close` waits. */
  connectTimeoutMs: 3000,
  /** Lanes wait while the socket holds back more than this. */
  laneBufferedBytesMax: 65_536,
};

/** Acknowledged are so many messages at a time, */
const ACK_MESSAGES = 64;
/** or what has come in so long. */
const ACK_MS = 200;
/** How often lanes look for room. A WebSocket does not tell. */
const LANE_RETRY_MS = 15;

/** What travels each way, as JSON. */
export interface Messages {
  toClient: unknown;
  toServer: unknown;
}

export interface ConnectOptions extends Partial<typeof DEFAULTS> {
  /** For the server's authenticate hook. A function is asked at every attempt; when it throws, the attempt has failed. */
  token?: string | (() => string | Promise<string>);
  /** Instead of the global one: for Node before 22, or with headers of your own. */
  WebSocket?: WebSocketConstructor;
}

export type ConnectionState = "connecting" | "open" | "reconnecting" | "closed";

export interface ConnectionEvents<M extends Messages> {
  /** The next message: in order, each once. It counts as read when the handlers have returned. */
  message: M["toClient"];
  /** A new session. Not the first of this connection if a `gap` follows. */
  open: { id: string; resumed: false };
  /** The same session on a new socket, `afterMs` after the old one was lost. What was missed follows, in order. */
  resumed: { afterMs: number };
  /**
   * Messages to this client are lost, or may be: fetch again what they built up. If the session itself is new, `unconfirmed`
   * has the messages that were sent and may or may not have been handled.
   */
  gap: { unconfirmed: M["toServer"][] };
  /** The line is lost; the next attempt is in `inMs`. */
  retry: { inMs: number; code: number; reason: string };
  state: ConnectionState;
  /** For good: after `close()`, or a close code that says so. `unconfirmed` has the messages without an acknowledgement. */
  closed: { code: number; reason: string; unconfirmed: M["toServer"][] };
}

/**
 * Opens a session and keeps it through lost lines and dying servers. Attach handlers at once: what has no handler is not kept.
 *
 * @param url `ws:`, `wss:`, `http:` or `https:`; in a page also relative to it.
 * @throws ClientError `option_invalid`, `websocket_missing`
 */
export function connect<M extends Messages = Messages>(url: string | URL, options: ConnectOptions = {}): Connection<M> {
  return new Connection(url, options);
}

/** A session's client end. `connect` makes one. */
export class Connection<M extends Messages = Messages> {
  readonly #settings: typeof DEFAULTS & LineSettings;
  readonly #listeners = new Map<string, unknown>();
  readonly #lanes = new Map<string, LatestLane>();
  readonly #outbox: Outbox;
  readonly #backoff: Backoff;
  readonly #owner: LineOwner = {
    frame: (text) => this.#take(JSON.parse(text)),
    value: (message) => this.#receive(message),
    lost: (code, reason, final) => this.#lose(code, reason, final),
  };
  #state: ConnectionState = "connecting";
  #line: Line | undefined;
  /** The number of the last attempt. A server that has seen a higher one turns a lower one away. */
  #n = 0;
  /** The number of the last one that was welcomed. */
  #welcomed = 0;
  #session: { id: string; secret: string } | undefined;
  #cursor: Cursor = { epoch: "", offset: 0 };
  /** Messages that came since the last acknowledgement. */
  #unread = 0;
  /** A gap was told on account of the welcome: the frame that follows it tells the same. */
  #gapTold = false;
  #lostAt = 0;
  #flushing = false;
  #left: Promise<void> = Promise.resolve();
  /** The next attempt. */
  #retryTimer: Timer | undefined;
  #ackTimer: Timer | undefined;
  #laneTimer: Timer | undefined;

  constructor(url: string | URL, options: ConnectOptions) {
    this.#settings = settingsFrom(url, options);
    this.#outbox = new Outbox(this.#settings.messageBytesMax);
    this.#backoff = new Backoff(this.#settings.backoffMinMs, this.#settings.backoffMaxMs);
    for (const type of WAKING) globalThis.addEventListener?.(type, this.#wake);
    this.#attempt();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session's id, once there is a session. */
  get id(): string | undefined {
    return this.#session?.id;
  }

  /** Messages that wait for an acknowledgement, sent or not. */
  get unacknowledged(): number {
    return this.#outbox.size;
  }

  /** Calls the handler at every such event. Returns what takes it away again. */
  on<E extends keyof ConnectionEvents<M>>(event: E, handler: (value: ConnectionEvents<M>[E]) => void): () => void {
    let listeners = this.#listeners.get(event) as Listeners<ConnectionEvents<M>[E]> | undefined;
    if (!listeners) {
      listeners = new Listeners();
      this.#listeners.set(event, listeners);
    }
    return listeners.add(handler);
  }

  /**
   * Sends the message as it is now, or once there is a line. The server handles each once, in order.
   *
   * @returns its number in the session; messages that no line has carried yet get new ones when the session is lost
   * @throws ClientError `queue_full`, `closed`, `message_not_json`, `message_too_large`
   */
  send(message: M["toServer"]): number {
    const { queueMax, messageBytesMax } = this.#settings;
    if (this.#state === "closed") throw new ClientError("closed", "the connection is closed");
    if (this.#outbox.size >= queueMax)
      throw new ClientError("queue_full", `${queueMax} messages wait for an acknowledgement`);
    const json = jsonOf(message);
    if (json.length * 3 > messageBytesMax && new TextEncoder().encode(json).length > messageBytesMax)
      throw new ClientError("message_too_large", `expected at most ${messageBytesMax} bytes of JSON`);
    const seq = this.#outbox.add(json);
    this.#flushSoon();
    return seq;
  }

  /**
   * Resolves when the server has handled all that was sent so far.
   *
   * Rejects with `ClientError` `unconfirmed` when the session was lost meanwhile, `closed` when the connection was.
   */
  whenAcknowledged(): Promise<void> {
    return this.#outbox.whenAcknowledged();
  }

  /** @throws ClientError `lane_invalid` for a name of 0, or more than 32, bytes of UTF-8 */
  lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = new LatestLane(name, () => this.#pump());
      if (this.#state === "closed") lane.end();
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /**
   * Ends the session: sends what waits and says good-bye, if there is a line; `whenAcknowledged()` first, where that matters.
   * No message arrives after this call. Resolves once the server has hung up, or has failed to for `connectTimeoutMs`.
   */
  close(): Promise<void> {
    this.#flush();
    if (this.#isOpen) this.#left = this.#line!.leave(this.#settings.connectTimeoutMs);
    else this.#line?.abandon();
    this.#finish(ENDED, "closed by this client");
    return this.#left;
  }

  // ---- the line ----

  get #isOpen(): boolean {
    return this.#line?.openedAt !== undefined;
  }

  #attempt(): void {
    clearTimeout(this.#retryTimer);
    this.#line?.abandon();
    const resume = this.#session && { ...this.#session, ...this.#cursor, welcomed: this.#welcomed };
    this.#line = new Line(
      this.#settings,
      this.#backoff.patienceMs(this.#settings.connectTimeoutMs),
      { v: PROTOCOL_VERSION, n: ++this.#n, ...resume },
      this.#owner,
    );
  }

  #lose(code: number, reason: string, final: boolean): void {
    const openedAt = this.#line?.openedAt;
    const openMs = openedAt === undefined ? 0 : now() - openedAt;
    this.#line = undefined;
    if (final) {
      this.#finish(code, reason);
      return;
    }
    this.#quiet();
    const inMs = this.#backoff.next(openMs, code === DRAINING);
    this.#retryTimer = after(inMs, () => this.#attempt());
    if (this.#state === "open") {
      this.#lostAt = now();
      this.#become("reconnecting");
    }
    this.#emit("retry", { inMs, code, reason });
  }

  #finish(code: number, reason: string): void {
    this.#line = undefined;
    this.#quiet();
    for (const type of WAKING) globalThis.removeEventListener?.(type, this.#wake);
    const unconfirmed = parsed(this.#outbox.end());
    for (const lane of this.#lanes.values()) lane.end();
    this.#become("closed");
    this.#emit("closed", { code, reason, unconfirmed });
    // Whatever was being told when a handler closed the connection: nothing comes after "closed".
    this.#listeners.clear();
  }

  #quiet(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#laneTimer);
    this.#ackTimer = this.#laneTimer = undefined;
  }

  /** What the browser knows sooner than any timer, which it may hold back in a hidden page. */
  #wake = ({ type }: { type: string }): void => {
    if (type === "offline") this.#line?.fail(SILENT, "offline");
    else if (type !== "online" && document.visibilityState === "hidden") return;
    else if (!this.#line || (type === "online" && !this.#isOpen)) this.#attempt();
    else this.#line.look();
  };

  // ---- what comes ----

  /** Checks no more than this client relies on: a wrong frame costs the line, and never the program. */
  #take(frame: unknown[]): void {
    const [kind, a, b] = frame;
    if (this.#isOpen === (kind === OPEN)) throw new Error(`frame of kind ${kind} at the wrong time`);
    const gapTold = this.#gapTold;
    this.#gapTold = false;
    switch (kind) {
      case OPEN:
        this.#welcome(a as Welcome);
        break;
      case MESSAGES:
        this.#outbox.acknowledge(whole(b));
        this.#deliver(whole(a), frame.slice(3));
        break;
      case ACK:
        this.#outbox.acknowledge(whole(a));
        break;
      case PING:
        this.#acknowledge();
        break;
      case GAP:
        if (this.#moveTo(cursorOf(a, b)) || !gapTold) this.#emit("gap", { unconfirmed: [] });
        break;
      default:
        throw new Error(`frame of kind ${kind}`);
    }
  }

  #welcome({ id, secret, epoch, offset, resumed, seq, heartbeat, spread }: Welcome): void {
    // All that can throw comes first: a wrong welcome changes nothing.
    const known = this.#session;
    if (resumed ? id !== known?.id : !secret) throw new Error("welcome to another session");
    const heartbeatMs = whole(heartbeat) || 1;
    const spreadMs = Math.min(whole(spread), this.#settings.backoffMaxMs);
    const cursor = cursorOf(epoch, offset);
    let unconfirmed: string[] = [];
    if (resumed) this.#outbox.resume(whole(seq));
    else {
      unconfirmed = this.#outbox.restart(whole(seq));
      this.#session = { id, secret: secret! };
    }
    this.#gapTold = this.#moveTo(cursor) && resumed;
    this.#backoff.spreadMs = spreadMs;
    this.#unread = 0;
    this.#welcomed = this.#n;
    this.#line!.welcomed(heartbeatMs);
    this.#become("open");
    if (resumed) this.#emit("resumed", { afterMs: now() - this.#lostAt });
    else this.#emit("open", { id, resumed });
    if (resumed ? this.#gapTold : known) this.#emit("gap", { unconfirmed: parsed(unconfirmed) });
    this.#flushSoon();
    this.#pump();
  }

  /** Returns whether the cursor was elsewhere. */
  #moveTo(cursor: Cursor): boolean {
    const { epoch, offset } = this.#cursor;
    this.#cursor = cursor;
    return cursor.epoch !== epoch || cursor.offset !== offset;
  }

  #deliver(first: number, messages: unknown[]): void {
    const next = step(this.#cursor.offset, first, messages.length);
    if (next.kind === "hole") {
      this.#line!.fail(RESYNC, `hole: expected message ${this.#cursor.offset + 1}, got ${first}`);
      return;
    }
    this.#unread += messages.length;
    if (next.kind === "next")
      for (const message of messages.slice(next.skip)) {
        this.#cursor.offset++;
        this.#emit("message", message);
      }
    if (this.#unread >= ACK_MESSAGES) this.#acknowledge();
    else this.#ackTimer ??= after(ACK_MS, () => this.#acknowledge());
  }

  #receive(message: Uint8Array): void {
    const start = 1 + (message[0] ?? 0);
    this.#lanes.get(decoder.decode(message.subarray(1, start)))?.receive(message.subarray(start));
  }

  // ---- what goes ----

  #acknowledge(): void {
    this.#line?.write(encodeAck(this.#cursor.offset));
    this.#acknowledged();
  }

  #acknowledged(): void {
    this.#unread = 0;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
  }

  /** All that is sent in one go leaves in one frame. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (!this.#isOpen) return;
    for (let batch = this.#outbox.next(); batch; batch = this.#outbox.next()) {
      this.#line!.write(encodeMessages(batch.first, this.#cursor.offset, batch.json));
      this.#acknowledged();
    }
  }

  #pump(): void {
    clearTimeout(this.#laneTimer);
    if (!this.#isOpen) return;
    const line = this.#line!;
    for (const lane of this.#lanes.values()) {
      if (!lane.waiting) continue;
      if (line.bufferedBytes > this.#settings.laneBufferedBytesMax) {
        this.#laneTimer = after(LANE_RETRY_MS, () => this.#pump());
        return;
      }
      line.write(lane.waiting);
      lane.waiting = undefined;
    }
  }

  // ---- events ----

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#emit("state", state);
  }

  #emit<E extends keyof ConnectionEvents<M>>(event: E, value: ConnectionEvents<M>[E]): void {
    (this.#listeners.get(event) as Listeners<ConnectionEvents<M>[E]> | undefined)?.tell(value);
  }
}

const decoder = new TextDecoder();
const WAKING = ["online", "offline", "pageshow", "visibilitychange"];

function settingsFrom(url: string | URL, options: ConnectOptions): typeof DEFAULTS & LineSettings {
  const settings = {
    ...DEFAULTS,
    token: undefined,
    WebSocket: globalThis.WebSocket as WebSocketConstructor,
    ...options,
    url: addressOf(url),
  };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])
    if (!(settings[name] > 0))
      throw new ClientError("option_invalid", `${name}: expected a number above 0, got ${settings[name]}`);
  if (!settings.WebSocket)
    throw new ClientError("websocket_missing", "expected a global WebSocket, or the option WebSocket");
  return settings;
}

function addressOf(url: string | URL): string {
  try {
    const address = new URL(url, globalThis.location?.href);
    address.protocol = address.protocol.replace("http", "ws");
    if (address.protocol.startsWith("ws")) return address.href;
  } catch {}
  throw new ClientError("option_invalid", `url: expected ws:, wss:, http: or https:, got ${url}`);
}

function jsonOf(message: unknown): string {
  let json: string | undefined;
  let got: unknown = typeof message;
  try {
    json = JSON.stringify(message);
  } catch (error) {
    got = error;
  }
  if (json === undefined) throw new ClientError("message_not_json", `expected what JSON can carry, got ${got}`);
  return json;
}

function cursorOf(epoch: unknown, offset: unknown): Cursor {
  if (typeof epoch !== "string") throw new Error(`expected an epoch, got ${epoch}`);
  return { epoch, offset: whole(offset) };
}

function whole(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Error(`expected a whole number, got ${value}`);
}

function parsed<T>(messages: string[]): T[] {
  return messages.map((json) => JSON.parse(json));
}
