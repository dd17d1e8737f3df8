import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { managedInterval, managedSocket, Resources } from "@holdfast/resources";
import { WebSocket, WebSocketServer } from "ws";
import type { Workload } from "./workload.ts";

const AT_ONCE = 50;
const END_MS_MAX = 10_000;
/** RFC 6455, 7.4.1: the server goes away; the client closed without giving a code. */
const GOING_AWAY = 1001;
const NO_STATUS = 1005;
const VISITOR = "/visitor";
const SESSION = "/session";

/** WebSockets to a server in this process, each a lease there: half of them are ended by the client, half by the scope. */
export class Sockets implements Workload {
  readonly #resources = new Resources();
  /** Stays: what is ended by the client has to leave it by itself. */
  readonly #visitors = this.#resources.scope("visitors");
  readonly #server: WebSocketServer;
  readonly #url: string;

  static async create(): Promise<Sockets> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, backlog: 1024 });
    await once(server, "listening");
    return new Sockets(server);
  }

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.#url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket, { url }) => {
      if (url === VISITOR) {
        managedSocket(this.#visitors, socket);
        socket.on("message", (message) => socket.send(String(message)));
        return;
      }
      const session = this.#resources.scope("session");
      managedSocket(session, socket);
      managedInterval(session, 60_000, () => socket.ping());
      socket.once("message", () => session.close());
    });
  }

  async run(count: number): Promise<void> {
    let left = count;
    const repeat = async () => {
      while (left-- > 0) await this.#visit(left % 2 === 0);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, repeat));
    // The server's side of the last ones ends a moment later.
    const endMs = performance.now() + END_MS_MAX;
    while (this.#inUse > 0 && performance.now() < endMs) await sleep(5);
  }

  async left(): Promise<Record<string, number>> {
    return { "leases left": this.#inUse, "sockets left": this.#server.clients.size };
  }

  async close(): Promise<void> {
    await this.#resources.close();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Sockets, their timers and scopes, but for the one that stays. */
  get #inUse(): number {
    return this.#resources.snapshot().kinds.reduce((sum, { inUse }) => sum + inUse, -1);
  }

  #visit(isEndedByScope: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url + (isEndedByScope ? SESSION : VISITOR), { perMessageDeflate: false });
      socket.on("open", () => socket.send("hello"));
      socket.on("message", () => socket.close());
      socket.on("close", (code) => {
        const expected = isEndedByScope ? GOING_AWAY : NO_STATUS;
        if (code === expected) resolve();
        else reject(new Error(`closed with ${code}, expected ${expected}`));
      });
      socket.on("error", reject);
    });
  }
}
