import { EventEmitter } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import { hostname } from "node:os";
import {
  CLOSE,
  type CloseReason,
  decodeLaneValue,
  decodeToServer,
  encodeWelcome,
  ProtocolError,
} from "@holdfast/protocol";
import type { WebSocket } from "ws";
import { type Counters, newCounters } from "./counters.ts";
import { type Admission, Door } from "./door.ts";
import { readHello, refusalOf } from "./hello.ts";
import { type Limits, limitsFrom } from "./limits.ts";
import { Line, type LineHost, type Session } from "./line.ts";
import { SessionError } from "./session-error.ts";
import type { Handling, Messages, Sessions, SessionsEvents, SessionsOptions } from "./sessions.ts";
import type { Checked, Entry, Reply, SessionInfo, SessionStore, StoreConnection, StoreEvents } from "./store.ts";
import { Throttle } from "./throttle.ts";
import { Timers } from "./timers.ts";
import { Turn } from "./turn.ts";
import { acceptUpgrades, type UpgradeOptions, type Upgrades } from "./upgrade.ts";

const HOLE_PATIENCE_MS = 50;
const RETRY_MS = 250;
const CLOSE_TIMEOUT_MS = 2000;
/** So late is no pulse but of a process that was frozen, or starved. */
const STALL_MS = 1000;
/** Turns of the pulse in a heartbeat. */
const PULSES_PER_HEARTBEAT = 5;
/** Silence, in heartbeats, after which a client is taken for gone. */
const SILENCE_HEARTBEATS = 2.5;
/** How often a new owner looks how far the old one has got, while it waits for it. */
const HANDOVER_LOOKS = 4;
/** Sessions sent elsewhere in one go, and how long until the next are. */
/** From one client that is sent away to the next; less when they are so many that half of the grace would not do. */
const DRAIN_LINE_MS = 50;
/** Timers are no finer than that. */
const DRAIN_TURN_MS = 5;
/** What a client of a dead server costs the others, ms of a core: `npm run bench -- sessions connect` prints it. */
const SPREAD_MS_PER_CLIENT = 0.4;

/** The sessions of one server: lines by session id, between clients and the store. */
export class Hub<M extends Messages> implements Sessions<M>, LineHost, StoreEvents {
  readonly limits: Limits;
  readonly counters: Counters = newCounters();
  readonly #options: SessionsOptions<M>;
  readonly #lines = new Map<string, Line>();
  /** Lines that are over and not yet detached in the store, by session id. */
  readonly #leaving = new Map<string, Set<Line>>();
  readonly #closing = new Map<WebSocket, number>();
  /** A listener whose promise rejects ends up as "error". */
  readonly #emitter = new EventEmitter({ captureRejections: true });
  readonly #timers = new Timers();
  readonly #turn = new Turn(this.#timers);
  readonly #throttle: Throttle;
  readonly #upgrades: Upgrades[] = [];
  #pulse: NodeJS.Timeout | undefined;
  #joined: { store: StoreConnection; door: Door } | undefined;
  #isAvailable = true;
  #isResyncing = false;
  #doubts = 0;
  #pulsedMs = performance.now();
  #isDraining = false;
  #isClosed = false;

  constructor(options: SessionsOptions<M>) {
    this.#options = options;
    this.limits = limitsFrom(options);
    this.#emitter.on("error", (error) => this.#report(error));
    this.#throttle = new Throttle(this.limits, this.counters, this.#timers);
  }

  async start(store: SessionStore): Promise<void> {
    const { server = `${hostname()}-${process.pid}`, authenticate } = this.#options;
    const connection = await store.join(server, this.limits, this);
    this.#joined = { store: connection, door: new Door(connection, authenticate, this.limits.windowMessages) };
    this.#pulse = setInterval(() => this.#beat(), this.limits.heartbeatMs / PULSES_PER_HEARTBEAT);
    this.#pulse.unref();
  }

  get isReady(): boolean {
    return this.#isAvailable && !this.#isDraining && !this.#isClosed;
  }

  // ---- connections ----

  attach(server: Server, options: UpgradeOptions = {}): void {
    this.#upgrades.push(
      acceptUpgrades(server, options, {
        messageBytesMax: this.limits.messageBytesMax,
        hasRoom: () => this.isReady && this.counters.connections < this.limits.connectionsMax,
        open: (socket, request, clientId) =>
          void this.#serve(socket, request, clientId).catch((error) => this.#unlessRefused(error)),
      }),
    );
  }

  connect(socket: WebSocket, clientId?: string): Promise<Session<M["toClient"]>> {
    return this.#serve(socket, undefined, clientId);
  }

  async #serve(socket: WebSocket, request: IncomingMessage | undefined, clientId?: string): Promise<Line> {
    this.counters.connections++;
    socket.once("close", () => this.counters.connections--);
    // A protocol error closes the socket; "close" follows.
    socket.on("error", ignore);
    try {
      if (this.counters.connections > this.limits.connectionsMax)
        throw new SessionError("connection_refused", "no room for another connection", "overloaded");
      const hello = await readHello(socket, this.limits.helloTimeoutMs, this.#timers);
      const who = clientId ?? (await this.#door.identify(request, hello));
      // In a rush, many have given up before their turn came.
      if (socket.readyState !== socket.OPEN) throw new SessionError("connection_refused", "the client left", "silent");
      if (!this.isReady)
        throw new SessionError(
          "connection_refused",
          "this server takes no connections now",
          this.#isDraining ? "draining" : "unavailable",
        );
      return await this.#door.admit(hello, who, (admission) => this.#enter(socket, admission));
    } catch (error) {
      const refusal = refusalOf(error);
      this.#hangUpSocket(socket, refusal.closeReason ?? "unavailable", refusal.message);
      throw refusal;
    }
  }

  #enter(socket: WebSocket, { start, secret, reading, entries, hasPreviousOwner, isForgotten }: Admission): Line {
    const old = this.#lines.get(start.id);
    const line = new Line(socket, start, this, performance.now());
    this.#lines.set(line.id, line);
    this.#takeOver(line, old, hasPreviousOwner);
    const { isResumed } = start;
    this.counters[isResumed ? "resumed" : "opened"]++;
    if (isForgotten) this.counters.gaps++;
    // Where it goes on, gap or not: acknowledgements of an older numbering must not come over this connection.
    const { epoch, offset } = reading ?? start.cursor;
    line.write(
      encodeWelcome({
        ...{ id: line.id, epoch, offset, resumed: isResumed, seq: start.handled },
        ...{ heartbeat: this.limits.heartbeatMs, spread: Math.ceil(this.#lines.size * SPREAD_MS_PER_CLIENT) },
        ...(secret === undefined ? {} : { secret }),
      }),
    );
    if (reading) line.apply(reading);
    for (const entry of entries) line.outbox.receive(entry);
    if (line.outbox.hasHole) this.#checkLater(line);
    this.#tell(isResumed ? "resumed" : "open", line);
    this.#listen(line);
    this.due(line);
    if (this.#isDraining) this.#retire(line, "draining");
    return line;
  }

  /** Messages begin to be handled when nobody else is in the middle of one. */
  #takeOver(line: Line, old: Line | undefined, isElsewhere: boolean): void {
    line.isAwaitingRelease = old !== undefined || isElsewhere;
    this.#hold(line);
    if (!line.isAwaitingRelease) return;
    this.#awaitRelease(line, HANDOVER_LOOKS);
    if (!old) return;
    this.#retire(old, "replaced");
    void old.inbox.idle().then(() => {
      if (!isElsewhere) this.#release(line, old.inbox.committed);
    });
  }

  /** The old owner's word may get lost, or never come: how far it has got, the store knows. */
  #awaitRelease(line: Line, looks: number): void {
    this.#timers.later(this.limits.handoverMs / HANDOVER_LOOKS, () => {
      if (!line.isAwaitingRelease || line.isOver) return;
      if (looks > 1) this.#awaitRelease(line, looks - 1);
      else {
        line.isAwaitingRelease = false;
        line.doubts = ++this.#doubts;
      }
      void this.#check(line);
    });
  }

  #listen(line: Line): void {
    const { socket } = line;
    if (socket.readyState !== socket.OPEN) {
      this.#retire(line, "lost");
      return;
    }
    socket.on("message", (data: Buffer, isBinary) => this.#receive(line, data, isBinary));
    socket.on("close", () => this.#retire(line, "lost"));
  }

  // ---- what a client sends ----

  #receive(line: Line, data: Buffer, isBinary: boolean): void {
    if (line.isOver) return;
    const now = performance.now();
    this.#noticeStall(now);
    try {
      if (isBinary) this.#receiveLane(line, data);
      else this.#receiveFrame(line, data.toString(), now);
    } catch (error) {
      if (error instanceof ProtocolError) this.#retire(line, "frameInvalid", error.message);
      else this.failed(line, error);
    }
    line.lastHeardMs = now;
  }

  #receiveLane(line: Line, data: Buffer): void {
    const { lane, bytes } = decodeLaneValue(data);
    this.#options.lane?.(line, lane, bytes);
  }

  #receiveFrame(line: Line, text: string, now: number): void {
    const frame = decodeToServer(text);
    switch (frame.kind) {
      case "hello":
        throw new ProtocolError("frame_invalid", "a second hello");
      case "bye":
        void this.end(line.id).catch((error) => this.failed(line, error));
        return;
      case "ack":
        this.#ack(line, frame.ack);
        return;
      case "messages": {
        this.#ack(line, frame.ack);
        if (line.isFirstFrame) line.inbox.skipTo(frame.first);
        line.isFirstFrame = false;
        if (!line.inbox.receive(frame.first, frame.messages))
          this.#retire(line, "resync", `messages before ${frame.first} are missing`);
        else this.#throttle.spend(line, frame.messages.length, now);
      }
    }
  }

  #ack(line: Line, offset: number): void {
    if (!line.outbox.ack(offset)) throw new ProtocolError("frame_invalid", `ack: nobody has sent message ${offset}`);
    if (line.outbox.acked - line.trimmed >= this.limits.windowMessages / 4) this.#trim(line);
  }

  // ---- what lines ask ----

  due(line: Line): void {
    this.#turn.due(line);
  }

  ackDue(line: Line): void {
    this.#turn.ackDue(line);
  }

  roomDue(line: Line): void {
    this.#turn.roomDue(line);
  }

  commit(id: string, seq: number, replies: Reply[]): Promise<void> {
    return this.#store.commit(id, seq, replies);
  }

  uncommitted(line: Line, error: unknown): void {
    const isUnknown = error instanceof SessionError && error.code === "session_unknown";
    if (!isUnknown) this.#timers.later(RETRY_MS, () => this.due(line));
    // It has ended, or the store has lost it and shall have it back.
    else if (!line.isOver) void this.#check(line).then(() => this.due(line));
    else line.inbox.giveUp();
  }

  handle(line: Line, seq: number, raw: unknown, replies: Reply[]): Promise<void> | void {
    const { parse, message: handler } = this.#options;
    this.counters.handled++;
    const handling: Handling<M["toClient"]> = {
      seq,
      key: `${line.id}:${seq}`,
      reply: (message) => replies.push({ seq, json: this.#json(message) }),
      get signal() {
        return line.signal;
      },
    };
    let message: M["toServer"];
    try {
      message = parse ? parse(raw) : raw;
    } catch (error) {
      this.counters.handlerFailures++;
      this.#tell("invalid", line, error, handling);
      return;
    }
    return handler?.(line, message, handling);
  }

  failed(line: Line, error: unknown): void {
    this.counters.handlerFailures++;
    this.#report(error, line);
  }

  hangUp(line: Line, reason: CloseReason): void {
    this.#retire(line, reason);
  }

  // ---- the end of a line ----

  /** Nothing more comes in or goes out; the session is given back to the store when nothing is in hand. */
  #retire(line: Line, why: CloseReason | "lost", detail: string = why): void {
    if (line.isOver) return;
    this.counters.closed[why] = (this.counters.closed[why] ?? 0) + 1;
    if (why !== "lost") this.#hangUpSocket(line.socket, why, detail);
    line.finish();
    this.#tell("detached", line, why);
    const leaving = this.#leaving.get(line.id) ?? new Set();
    this.#leaving.set(line.id, leaving.add(line));
    const isOurs = why !== "replaced" && why !== "ended";
    void this.#untilIdle(line).then(async () => {
      line.inbox.giveUp();
      if (isOurs) await this.#detach(line);
      leaving.delete(line);
      if (leaving.size === 0) this.#leaving.delete(line.id);
      if (this.#lines.get(line.id) === line) this.#lines.delete(line.id);
    });
  }

  /** Until nothing of its client's messages is in hand, for as long as that may hold up the next server. */
  async #untilIdle(line: Line): Promise<void> {
    if (!line.inbox.isIdle) await Promise.race([line.inbox.idle(), this.#timers.sleep(this.limits.handoverMs)]);
  }

  async #detach(line: Line): Promise<void> {
    let wasAway = !this.#isAvailable;
    while (!this.#isClosed) {
      try {
        // A store that was away may have forgotten it: given back first, it waits for its client all the same.
        if (wasAway) await this.#reconcile(line);
        await this.#store.detach(line.id, line.fence);
        return;
      } catch {
        // Undone, the session would be taken for one of ours, and never expire.
        wasAway = true;
        await this.#timers.sleep(RETRY_MS);
      }
    }
  }

  #hangUpSocket(socket: WebSocket, reason: CloseReason, detail: string): void {
    if (reason === "silent") {
      socket.terminate();
      return;
    }
    // A close frame has room for 123 bytes.
    socket.close(CLOSE[reason], detail.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 123));
    this.#closing.set(socket, performance.now() + CLOSE_TIMEOUT_MS);
  }

  // ---- the pulse ----

  #beat(): void {
    const now = performance.now();
    this.#noticeStall(now);
    this.#pulsedMs = now;
    const { heartbeatMs } = this.limits;
    for (const line of this.#lines.values()) {
      if (line.isOver) continue;
      const isSilent = now - line.lastHeardMs > heartbeatMs * SILENCE_HEARTBEATS && !this.#throttle.isPaused(line);
      if (isSilent) this.#retire(line, "silent");
      else if (now - line.lastSentMs >= heartbeatMs) line.ping(now);
      if (line.outbox.acked > line.trimmed) this.#trim(line);
    }
    for (const [socket, untilMs] of this.#closing) {
      if (socket.readyState === socket.CLOSED) this.#closing.delete(socket);
      else if (now > untilMs) socket.terminate();
    }
  }

  #trim(line: Line): void {
    const { acked } = line.outbox;
    line.trimmed = acked;
    // Not trimmed now is trimmed with the next acknowledgement.
    this.#store.trim(line.id, line.fence, acked).catch(ignore);
  }

  // ---- what the store tells ----

  entry(id: string, entry: Entry): void {
    const line = this.#lines.get(id);
    this.#joined?.door.receive(id, entry);
    if (!line || line.isOver) return;
    line.outbox.receive(entry);
    if (line.outbox.hasUnwritten) this.due(line);
    if (line.outbox.hasHole) this.#checkLater(line);
  }

  fenced(id: string, fence: number): void {
    const line = this.#lines.get(id);
    if (!line || line.fence >= fence) return;
    this.#retire(line, "replaced");
    // An older connection of the session may be in the middle of a message here, too.
    const lines = [...(this.#leaving.get(id) ?? [])];
    void Promise.all(lines.map((each) => this.#untilIdle(each)))
      .then(() => this.#store.release(id, Math.max(...lines.map(({ inbox }) => inbox.committed))))
      .catch(ignore);
  }

  released(id: string, handled: number): void {
    const line = this.#lines.get(id);
    if (line) this.#release(line, handled);
  }

  #release(line: Line, handled: number): void {
    if (!line.isAwaitingRelease) return;
    line.isAwaitingRelease = false;
    line.inbox.learn(handled);
    this.#hold(line);
  }

  ended(id: string): void {
    const line = this.#lines.get(id);
    if (line) this.#retire(line, "ended");
  }

  lane(id: string, lane: string, bytes: Uint8Array): void {
    this.#lines.get(id)?.sendLane(lane, bytes);
  }

  room(id: string, room: string, isIn: boolean): void {
    this.#lines.get(id)?.setRoom(room, isIn);
  }

  resync(): void {
    if (this.#isResyncing) return;
    this.#isResyncing = true;
    setImmediate(() => {
      this.#isResyncing = false;
      for (const line of this.#lines.values()) if (!line.isOver) void this.#check(line);
    });
  }

  available(isAvailable: boolean): void {
    this.#isAvailable = isAvailable;
    if (isAvailable) this.resync();
    else this.#doubt();
  }

  /** Begins no message until the store has confirmed that the session is still ours. */
  #doubt(): void {
    this.#doubts++;
    for (const line of this.#lines.values()) {
      line.doubts = this.#doubts;
      this.#hold(line);
    }
  }

  /** After a stall, what lies in the sockets may be long with another server. */
  #noticeStall(nowMs: number): void {
    if (nowMs - this.#pulsedMs < STALL_MS + this.limits.heartbeatMs / PULSES_PER_HEARTBEAT) return;
    this.#pulsedMs = nowMs;
    this.#doubt();
    this.resync();
  }

  expired(session: { id: string; clientId: string }): void {
    this.counters.expired++;
    this.#tell("expired", session);
  }

  #hold(line: Line): void {
    line.inbox.hold(!this.#isAvailable || line.isAwaitingRelease || line.doubts > 0);
  }

  #checkLater(line: Line): void {
    if (line.isChecking) return;
    line.isChecking = true;
    this.#timers.later(HOLE_PATIENCE_MS, () => {
      line.isChecking = false;
      if (line.outbox.hasHole && !line.isOver) void this.#check(line);
    });
  }

  /** Asks the store how the session stands, and goes on from there. */
  async #check(line: Line): Promise<void> {
    try {
      const { doubts } = line;
      const checked = await this.#reconcile(line);
      // An answer to a question from before the last doubt says nothing.
      if (line.doubts === doubts) line.doubts = 0;
      if (!line.isOver) this.#settle(line, checked);
    } catch (error) {
      // A store that comes back asks for all sessions again.
      if (!this.#isAvailable || line.isOver) return;
      if (!(error instanceof SessionError)) this.#report(error, line);
      this.#timers.later(RETRY_MS, () => !line.isOver && void this.#check(line));
    }
  }

  /** Asks the store how the session stands, and gives it back what it has lost. */
  async #reconcile(line: Line): Promise<Checked> {
    this.counters.checked++;
    const { id, fence, run, inbox, outbox } = line;
    const held = { id, fence, run, epoch: outbox.epoch, last: outbox.last, handled: inbox.committed };
    const checked = await this.#store.check(held);
    if (checked.kind !== "lost") return checked;
    this.counters.restored++;
    return this.#store.restore(line.restorable());
  }

  #settle(line: Line, checked: Checked): void {
    if (checked.kind === "current") {
      line.apply(checked);
      this.#hold(line);
      if (line.outbox.hasHole) this.#checkLater(line);
    } else if (checked.kind === "fenced") this.#retire(line, "replaced");
    // Expired while the store was out of reach, say: the client comes back, and is told that messages are missing.
    else if (checked.kind === "ended") this.#retire(line, "resync");
    else this.#timers.later(RETRY_MS, () => !line.isOver && void this.#check(line));
  }

  // ---- calls ----

  async send(id: string, message: M["toClient"]): Promise<void> {
    await this.#counted(this.#store.append(id, this.#json(message)));
  }

  async publish(room: string, message: M["toClient"]): Promise<number> {
    return this.#counted(this.#store.publish(room, this.#json(message)));
  }

  async #counted<T>(sending: Promise<T>): Promise<T> {
    try {
      const result = await sending;
      this.counters.sent++;
      return result;
    } catch (error) {
      this.counters.sendsFailed++;
      throw error;
    }
  }

  async sendLane(id: string, lane: string, bytes: Uint8Array): Promise<boolean> {
    const line = this.#lines.get(id);
    if (!line || line.isOver) return this.#store.lane(id, lane, bytes);
    line.sendLane(lane, bytes);
    return true;
  }

  join(id: string, room: string): Promise<boolean> {
    return this.#store.join(id, room);
  }

  leave(id: string, room: string): Promise<boolean> {
    return this.#store.leave(id, room);
  }

  members(room: string): Promise<string[]> {
    return this.#store.members(room);
  }

  end(id: string): Promise<boolean> {
    return this.#store.end(id);
  }

  find(id: string): Promise<SessionInfo | undefined> {
    return this.#store.find(id);
  }

  ofClient(clientId: string): Promise<SessionInfo[]> {
    return this.#store.ofClient(clientId);
  }

  count(): Promise<{ attached: number; detached: number }> {
    return this.#store.count();
  }

  list(cursor?: string): Promise<{ sessions: SessionInfo[]; next: string | undefined }> {
    return this.#store.list(cursor);
  }

  *local(): Iterable<Session<M["toClient"]>> {
    for (const line of this.#lines.values()) if (!line.isOver) yield line;
  }

  on<E extends keyof SessionsEvents<M>>(event: E, listener: (...args: SessionsEvents<M>[E]) => unknown): void {
    this.#emitter.on(event, listener as (...args: unknown[]) => void);
  }

  off<E extends keyof SessionsEvents<M>>(event: E, listener: (...args: SessionsEvents<M>[E]) => unknown): void {
    this.#emitter.off(event, listener as (...args: unknown[]) => void);
  }

  // ---- the end ----

  async drain({ graceMs = 10_000 }: { graceMs?: number } = {}): Promise<void> {
    this.#isDraining = true;
    const endMs = performance.now() + graceMs;
    const lines = shuffled([...this.#lines.values()].filter((line) => !line.isOver));
    const lineMs = Math.min(DRAIN_LINE_MS, graceMs / 2 / lines.length);
    const begunMs = performance.now();
    for (const [at, line] of lines.entries()) {
      const earlyMs = begunMs + at * lineMs - performance.now();
      if (earlyMs > DRAIN_TURN_MS) await this.#timers.sleep(earlyMs);
      this.#retire(line, "draining");
    }
    while ((this.#lines.size > 0 || this.#leaving.size > 0) && performance.now() < endMs) await this.#timers.sleep(10);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isDraining = true;
    for (const upgrades of this.#upgrades) upgrades.close();
    for (const line of this.#lines.values()) this.#retire(line, "draining");
    await this.#store.close();
    this.#isClosed = true;
    clearInterval(this.#pulse);
    this.#timers.close();
    for (const socket of this.#closing.keys()) socket.terminate();
  }

  // ---- private ----

  get #store(): StoreConnection {
    return this.#here.store;
  }

  get #door(): Door {
    return this.#here.door;
  }

  get #here(): { store: StoreConnection; door: Door } {
    if (!this.#joined) throw new SessionError("unavailable", "not started");
    return this.#joined;
  }

  #json(message: unknown): string {
    let json: string | undefined;
    try {
      json = JSON.stringify(message);
    } catch (error) {
      throw new SessionError("message_not_json", messageOf(error));
    }
    if (json === undefined) throw new SessionError("message_not_json", `expected JSON, got ${typeof message}`);
    if (json.length > this.limits.messageBytesMax || Buffer.byteLength(json) > this.limits.messageBytesMax)
      throw new SessionError("message_too_large", `expected at most ${this.limits.messageBytesMax} bytes of JSON`);
    return json;
  }

  /** A listener that throws, or whose promise rejects, is reported and harms nothing else. */
  #tell<E extends keyof SessionsEvents<M>>(event: E, ...args: SessionsEvents<M>[E]): void {
    try {
      this.#emitter.emit(event, ...args);
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown, line?: Line): void {
    if (this.#options.onError) this.#options.onError(error, line);
    else console.error("holdfast sessions:", error);
  }

  #unlessRefused(error: unknown): void {
    if (!(error instanceof SessionError && error.code === "connection_refused")) this.#report(error);
  }
}

function ignore(): void {}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
