import { BYE, encodeHello, type Hello, mayReconnect } from "@holdfast/protocol";
import { after, now, type Timer } from "./timer.ts";
import { FRAME_INVALID, SILENT } from "./wire.ts";

/** A line is dead after so many heartbeats of silence. */
const HEARTBEATS_MAX = 2.5;
/** A page that slept has what came meanwhile still before it: silence counts only when it lasts this much longer. */
const GRACE_MS = 250;

/** What is used of a WebSocket: the browser's, Node's and `ws` all fit. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "message" | "close" | "error", listener: (event: SocketEvent) => void): void;
}

interface SocketEvent {
  type: string;
  data?: unknown;
  code?: number;
  reason?: string;
  message?: string;
  /** Of `ws`; one for several addresses has no message. */
  error?: { code?: string };
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;

export interface LineOwner {
  /** A text message. Throws for one that is no frame: the line then fails. */
  frame(text: string): void;
  /** A binary message. */
  value(message: Uint8Array): void;
  /** Once, and the last call. `final` when the server does not want this client back. */
  lost(code: number, reason: string, final: boolean): void;
}

export interface LineSettings {
  url: string;
  WebSocket: WebSocketConstructor;
  token: string | (() => string | Promise<string>) | undefined;
}

/** One WebSocket, from the attempt to its end. Once it has failed or was abandoned its owner hears nothing more of it. */
export class Line {
  /** When the server's welcome came. */
  openedAt: number | undefined;
  #owner: LineOwner | undefined;
  #socket: WebSocketLike | undefined;
  #timer: Timer;
  #heartbeatMs = 0;
  #heardAt = 0;
  #suspected = false;
  #fault = "";

  constructor(settings: LineSettings, timeoutMs: number, hello: Hello, owner: LineOwner) {
    this.#owner = owner;
    this.#timer = after(timeoutMs, () => this.fail(SILENT, "no welcome in time"));
    this.#open(settings, hello);
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  write(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(data);
  }

  /** The server's first frame has come: from now on, silence is watched. */
  welcomed(heartbeatMs: number): void {
    this.openedAt = now();
    this.#heartbeatMs = heartbeatMs;
    clearTimeout(this.#timer);
    this.#watch();
  }

  /** Looks whether the line still lives, after the page or the machine may have slept. */
  look(): void {
    if (this.openedAt !== undefined && now() - this.#heardAt > this.#heartbeatMs * 1.2) this.#suspect();
  }

  /** Gives the line up: the server gets the close code, where it still can, and the owner is told. */
  fail(code: number, reason: string): void {
    const owner = this.#owner;
    this.abandon(code);
    owner?.lost(code, reason, false);
  }

  abandon(code = 1000): void {
    this.#owner = undefined;
    clearTimeout(this.#timer);
    this.#socket?.close(code);
  }

  /** Ends the session. Resolves once the server has hung up, or has failed to for so long. */
  leave(timeoutMs: number): Promise<void> {
    this.write(BYE);
    this.#owner = undefined;
    clearTimeout(this.#timer);
    return new Promise((resolve) => {
      const timer = after(timeoutMs, () => {
        this.abandon();
        resolve();
      });
      this.#socket?.addEventListener("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  // ----

  async #open({ url, WebSocket, token }: LineSettings, hello: Hello): Promise<void> {
    try {
      // First of all a pause, so that the owner never hears of a line before its constructor is done.
      await undefined;
      const ticket = typeof token === "function" ? await token() : token;
      if (!this.#owner) return;
      const socket = new WebSocket(url);
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () =>
        socket.send(encodeHello(ticket === undefined ? hello : { ...hello, token: ticket })),
      );
      socket.addEventListener("message", ({ data }) => this.#hear(data));
      socket.addEventListener("error", ({ message, error }) => {
        this.#fault = message || error?.code || "";
      });
      socket.addEventListener("close", ({ code = 1006, reason }) => this.#end(code, reason || this.#fault));
    } catch (error) {
      this.#end(1006, String(error));
    }
  }

  #hear(data: unknown): void {
    if (!this.#owner) return;
    this.#heardAt = now();
    this.#suspected = false;
    try {
      if (typeof data === "string") this.#owner.frame(data);
      else this.#owner.value(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      this.fail(FRAME_INVALID, String(error));
    }
  }

  #end(code: number, reason: string): void {
    const owner = this.#owner;
    this.#owner = this.#socket = undefined;
    clearTimeout(this.#timer);
    owner?.lost(code, reason, !mayReconnect(code));
  }

  #watch(): void {
    const waitMs = this.#heardAt + this.#heartbeatMs * HEARTBEATS_MAX - now();
    if (this.#suspected) this.fail(SILENT, "the server is silent");
    else if (waitMs > 0) this.#timer = after(waitMs, () => this.#watch());
    else this.#suspect();
  }

  #suspect(): void {
    this.#suspected = true;
    clearTimeout(this.#timer);
    this.#timer = after(GRACE_MS, () => this.#watch());
  }
}
