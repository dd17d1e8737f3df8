import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { ToClient } from "./messages.ts";
import { Problem } from "./problem.ts";

/** One client's live connection, as the rest of the server sees it. */
export interface Connection {
  readonly owner: string;
  send(message: ToClient): void;
  /** Whether the client keeps up; frames sent while it does not only make it later. */
  ready(): boolean;
  sendFrame(bytes: Uint8Array): void;
}

export interface ConnectionEvents {
  /** A text message, or undefined for a binary one. */
  message(text: string | undefined): void;
  closed(): void;
}

export interface EdgeOptions {
  path: string;
  /** Who asks for a connection. Throws `Problem` to refuse it. */
  identify(request: IncomingMessage): { owner: string; setCookie?: string };
  open(connection: Connection): ConnectionEvents;
}

const MESSAGE_BYTES_MAX = 64 * 1024;
const FRAMES_BUFFERED_BYTES_MAX = 64 * 1024;
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024;
const CONNECTIONS_PER_OWNER_MAX = 32;
const HEARTBEAT_MS = 15_000;
const CLOSE_TIMEOUT_MS = 2_000;
const CLOSE = { goingAway: 1001, tooSlow: 4000 } as const;

/** WebSockets on a Node HTTP server. */
export class Edge {
  readonly #server: Server;
  readonly #options: EdgeOptions;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
  readonly #perOwner = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #alive = new WeakSet<WebSocket>();
  readonly #cookies = new WeakMap<IncomingMessage, string>();

  constructor(server: Server, options: EdgeOptions) {
    this.#server = server;
    this.#options = options;
    server.on("upgrade", this.#upgrade);
    this.#sockets.on("headers", (headers, request) => {
      const cookie = this.#cookies.get(request);
      if (cookie !== undefined) headers.push(`Set-Cookie: ${cookie}`);
    });
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get connections(): number {
    return this.#sockets.clients.size;
  }

  /** Tells every client to come back elsewhere, and ends those that do not hang up. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#server.off("upgrade", this.#upgrade);
    for (const socket of this.#sockets.clients) socket.close(CLOSE.goingAway, "server is going away");
    const ended = Promise.all(
      [...this.#sockets.clients].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
    const timer = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
    }, CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  readonly #upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on("error", () => stream.destroy());
    try {
      if (new URL(request.url ?? "/", "http://localhost").pathname !== this.#options.path)
        throw new Problem("not_found", `expected ${this.#options.path}`);
      const { owner, setCookie } = this.#options.identify(request);
      if ((this.#perOwner.get(owner) ?? 0) >= CONNECTIONS_PER_OWNER_MAX)
        throw new Problem("capacity_full", `expected at most ${CONNECTIONS_PER_OWNER_MAX} connections of one visitor`);
      if (setCookie !== undefined) this.#cookies.set(request, setCookie);
      this.#sockets.handleUpgrade(request, stream, head, (socket) => this.#open(socket, owner));
    } catch (error) {
      refuse(stream, error instanceof Problem ? error : new Problem("internal_error", "the upgrade failed"));
    }
  };

  #open(socket: WebSocket, owner: string): void {
    this.#perOwner.set(owner, (this.#perOwner.get(owner) ?? 0) + 1);
    this.#alive.add(socket);
    const events = this.#options.open({
      owner,
      send(message) {
        if (socket.bufferedAmount > BUFFERED_BYTES_MAX) return socket.close(CLOSE.tooSlow, "too slow");
        socket.send(JSON.stringify(message));
      },
      ready: () => socket.readyState === socket.OPEN && socket.bufferedAmount < FRAMES_BUFFERED_BYTES_MAX,
      sendFrame: (bytes) => socket.send(bytes),
    });
    socket.on("message", (data, isBinary) => events.message(isBinary ? undefined : data.toString()));
    socket.on("pong", () => this.#alive.add(socket));
    // A protocol error closes the socket; "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      const left = (this.#perOwner.get(owner) ?? 1) - 1;
      if (left > 0) this.#perOwner.set(owner, left);
      else this.#perOwner.delete(owner);
      events.closed();
    });
  }

  #beat(): void {
    for (const socket of this.#sockets.clients) {
      if (!this.#alive.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }
}

function refuse(stream: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem);
  stream.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
