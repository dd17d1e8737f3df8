/** Servers of sessions and clients for them, real ones on real sockets, for tests. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { type Connection, type ConnectionEvents, type ConnectOptions, connect } from "@holdfast/client";
import { decodeToClient, encodeHello, type Hello, type ToClientFrame, type Welcome } from "@holdfast/protocol";
import WebSocket from "ws";
import { memoryStore } from "./memory-store.ts";
import { createSessions, type Messages, type Sessions, type SessionsOptions } from "./sessions.ts";
import type { SessionStore } from "./store.ts";
import type { UpgradeOptions } from "./upgrade.ts";

/** Messages without a shape. */
export interface Loose extends Messages {
  toClient: unknown;
  toServer: unknown;
}

export interface TestServer {
  sessions: Sessions<Loose>;
  url: string;
}

export async function startServer(
  t: TestContext,
  options: SessionsOptions<Loose> & { store?: SessionStore; upgrade?: UpgradeOptions["upgrade"] } = {},
): Promise<TestServer> {
  const { store = memoryStore(), upgrade, ...rest } = options;
  const sessions = await createSessions<Loose>(store, rest);
  const http = createServer((_request, response) => response.end("no WebSocket"));
  sessions.attach(http, upgrade ? { upgrade } : {});
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(async () => {
    await sessions.close();
    http.closeAllConnections();
    http.close();
  });
  return { sessions, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws` };
}

/** A client that remembers what it got. */
export class TestClient {
  readonly connection: Connection<Loose>;
  readonly messages: unknown[] = [];
  readonly events: { name: string; value: unknown }[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(t: TestContext, url: string, options: ConnectOptions = {}) {
    this.connection = connect<Loose>(url, options);
    for (const name of ["open", "resumed", "gap", "closed"] as const)
      this.connection.on(name, (value: ConnectionEvents<Loose>[typeof name]) => this.#note(name, value));
    this.connection.on("message", (message) => {
      this.messages.push(message);
      for (const check of this.#waiting) check();
    });
    t.after(() => this.connection.close());
  }

  get id(): string {
    if (this.connection.id === undefined) throw new Error("not open yet");
    return this.connection.id;
  }

  /** Resolves with the value of the event's `count`th time. */
  async event(name: keyof ConnectionEvents<Loose>, count = 1): Promise<unknown> {
    const nth = () => this.events.filter((event) => event.name === name)[count - 1];
    await this.#until(() => nth() !== undefined, `${count} x ${name}`);
    return nth()?.value;
  }

  /** Resolves when there are that many messages, with all of them. */
  async got(count: number): Promise<unknown[]> {
    await this.#until(() => this.messages.length >= count, `${count} messages`);
    return this.messages;
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    if (isSo()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => isSo() && resolve();
    const timer = setTimeout(
      () =>
        reject(
          new Error(`no ${what} in 10 s: ${JSON.stringify(this.messages.slice(-5))} ${JSON.stringify(this.events)}`),
        ),
      10_000,
    );
    this.#waiting.add(check);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(check);
    });
  }

  #note(name: string, value: unknown): void {
    this.events.push({ name, value });
    for (const check of this.#waiting) check();
  }
}

/** A socket without a client behind it: says what it is told to say, and acknowledges nothing by itself. */
export class RawClient {
  readonly socket: WebSocket;
  readonly frames: ToClientFrame[] = [];
  readonly binary: Buffer[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<() => void>();

  constructor(t: TestContext, url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.binary.push(data);
      else this.frames.push(decodeToClient(data.toString()));
      for (const check of this.#waiting) check();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    t.after(() => this.socket.terminate());
  }

  static async hello(
    t: TestContext,
    url: string,
    hello: Partial<Hello> = {},
  ): Promise<RawClient & { welcome: Welcome }> {
    const client = new RawClient(t, url);
    await once(client.socket, "open");
    const { id, n = 1 } = hello;
    client.socket.send(encodeHello({ v: 1, n, ...(id === undefined ? {} : { welcomed: n - 1 }), ...hello }));
    const frame = await client.frame("welcome");
    return Object.assign(client, { welcome: frame.welcome });
  }

  /** Resolves with the first frame of this kind that fits. */
  async frame<K extends ToClientFrame["kind"]>(
    kind: K,
    fits: (frame: Extract<ToClientFrame, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<ToClientFrame, { kind: K }>> {
    const find = () =>
      this.frames.find((frame): frame is Extract<ToClientFrame, { kind: K }> => {
        return frame.kind === kind && fits(frame as Extract<ToClientFrame, { kind: K }>);
      });
    const { promise, resolve, reject } = Promise.withResolvers<Extract<ToClientFrame, { kind: K }>>();
    const check = () => {
      const frame = find();
      if (frame) resolve(frame);
    };
    const timer = setTimeout(() => reject(new Error(`no ${kind} in 10 s: ${JSON.stringify(this.frames)}`)), 10_000);
    this.#waiting.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(check);
    });
  }
}
