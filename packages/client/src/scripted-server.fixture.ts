import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { encodeLaneValue } from "@holdfast/protocol";
import { type WebSocket, WebSocketServer } from "ws";

/** Speaks the protocol word by word: a test takes each connection and says what the server does next. */
export class ScriptedServer {
  readonly #server = new WebSocketServer({ port: 0 });
  readonly #lines = new Inflow<ServerLine>();

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await once(server.#server, "listening");
    server.#server.on("connection", (socket, request) => server.#lines.push(new ServerLine(socket, request.socket)));
    return server;
  }

  get url(): string {
    return `ws://localhost:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The next connection. */
  line(): Promise<ServerLine> {
    return this.#lines.next();
  }

  /** The next connection, its hello read. */
  async hello(): Promise<ServerLine> {
    const line = await this.line();
    await line.readHello();
    return line;
  }

  /** The next connection, welcomed: to a new session "s1" at first, and then back. */
  async welcomed(welcome: Record<string, unknown> = {}): Promise<ServerLine> {
    const line = await this.hello();
    line.welcome(welcome);
    return line;
  }

  /** Connections that nobody has taken yet. */
  get waiting(): number {
    return this.#lines.size;
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }
}

/** The server's end of one connection. */
export class ServerLine {
  /** What the client's hello said. */
  hello: Record<string, unknown> = {};
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  readonly #frames = new Inflow<unknown[]>();
  readonly #values = new Inflow<string>();

  constructor(socket: WebSocket, tcp: Socket) {
    this.#socket = socket;
    this.#tcp = tcp;
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#values.push(data.toString("latin1"));
      else this.#frames.push(JSON.parse(data.toString()));
    });
    this.closed = once(socket, "close").then(([code]) => code);
  }

  /** The client's next frame. */
  frame(): Promise<unknown[]> {
    return this.#frames.next();
  }

  /** Frames that have come and that nobody has taken yet. */
  get waiting(): number {
    return this.#frames.size;
  }

  /** The client's next lane value as it travels, each byte a character. */
  value(): Promise<string> {
    return this.#values.next();
  }

  async readHello(): Promise<void> {
    const [kind, hello] = await this.frame();
    if (kind !== 0) throw new Error(`expected a hello, got a frame of kind ${kind}`);
    this.hello = hello as Record<string, unknown>;
  }

  welcome(welcome: Record<string, unknown> = {}): void {
    const { id, epoch, offset } = this.hello;
    const session = id ? { id, epoch, offset, resumed: true } : { id: "s1", secret: "x1", epoch: "e1", offset: 0 };
    this.send([0, { resumed: false, seq: 0, heartbeat: 60_000, spread: 0, ...session, ...welcome }]);
  }

  send(frame: unknown): void {
    this.say(JSON.stringify(frame));
  }

  say(text: string | Uint8Array): void {
    this.#socket.send(text);
  }

  sendLane(lane: string, text: string): void {
    this.say(encodeLaneValue(lane, Buffer.from(text)));
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** As after kill -9: the connection breaks without a close frame. */
  drop(): void {
    this.#socket.terminate();
  }

  /** As behind a cut cable: nothing is read any more, and nothing says so. */
  goDeaf(): void {
    this.#tcp.pause();
  }

  hear(): void {
    this.#tcp.resume();
  }
}

/** What comes when it comes, for whoever asks, in order. */
class Inflow<T> {
  readonly #items: T[] = [];
  readonly #takers: ((item: T) => void)[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  next(): Promise<T> {
    return new Promise((resolve) => {
      if (this.#items.length > 0) resolve(this.#items.shift()!);
      else this.#takers.push(resolve);
    });
  }
}
