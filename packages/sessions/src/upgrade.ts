import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

export interface UpgradeOptions {
  /** Default: "/ws". Upgrades of other paths are left to other listeners. */
  path?: string;
  /**
   * Looks at the request before it becomes a WebSocket: throw `UpgradeRefusal` to answer with a status. May name the
   * client, instead of `authenticate`, and add headers to the answer.
   */
  upgrade?(request: IncomingMessage): UpgradeAnswer | Promise<UpgradeAnswer>;
}

export interface UpgradeAnswer {
  clientId?: string;
  /** Header lines, such as `Set-Cookie: …`. */
  headers?: string[];
}

/** An upgrade's answer that is no WebSocket. */
export class UpgradeRefusal extends Error {
  readonly status: number;
  readonly contentType: string;

  constructor(status: number, body: string, contentType = "text/plain; charset=utf-8") {
    super(body);
    this.name = "UpgradeRefusal";
    this.status = status;
    this.contentType = contentType;
  }
}

export interface UpgradeHost {
  messageBytesMax: number;
  hasRoom(): boolean;
  open(socket: WebSocket, request: IncomingMessage, clientId: string | undefined): void;
}

export interface Upgrades {
  /** Takes no more. */
  close(): void;
}

/** What a frame has beside its messages, at most. */
const FRAME_BYTES = 256;

/** Takes the WebSocket upgrades of an HTTP server on one path. */
export function acceptUpgrades(server: Server, options: UpgradeOptions, host: UpgradeHost): Upgrades {
  const path = options.path ?? "/ws";
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: host.messageBytesMax + FRAME_BYTES,
  });
  const headers = new WeakMap<IncomingMessage, string[]>();
  sockets.on("headers", (lines, request) => void lines.push(...(headers.get(request) ?? [])));

  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    if (request.url?.split("?", 1)[0] !== path) return;
    const onError = () => stream.destroy();
    stream.on("error", onError);
    const accept = (answer: UpgradeAnswer): void => {
      if (!host.hasRoom()) throw new UpgradeRefusal(503, "no room for another connection: come back in a moment");
      if (answer.headers) headers.set(request, answer.headers);
      stream.off("error", onError);
      sockets.handleUpgrade(request, stream, head, (socket) => host.open(socket, request, answer.clientId));
    };
    try {
      const answer = options.upgrade?.(request) ?? {};
      if (answer instanceof Promise) answer.then(accept).catch((error) => refuse(stream, error));
      else accept(answer);
    } catch (error) {
      refuse(stream, error);
    }
  };
  server.on("upgrade", onUpgrade);
  return { close: () => void server.off("upgrade", onUpgrade) };
}

function refuse(stream: Duplex, error: unknown): void {
  const { status, contentType, message } =
    error instanceof UpgradeRefusal ? error : new UpgradeRefusal(500, "the upgrade failed");
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(message)}\r\nConnection: close\r\n\r\n${message}`,
  );
}
