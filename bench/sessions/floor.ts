import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** Connections that may wait to be accepted, the same for every subject: Node's 511 would make a herd retry after a second. */
export const BACKLOG = 4096;
const FRAME_BUFFERED_BYTES_MAX = 65_536;

/** The sockets of a bare server: whom they belong to, who is in which room. */
export class FloorSockets {
  readonly #byId = new Map<string, WebSocket>();
  readonly #rooms = new Map<string, Set<WebSocket>>();

  /** `register` makes sends from the other server find the client; only then is it told that it is connected. */
  async listen(register: (id: string, socket: WebSocket) => Promise<unknown>, connected: (id: string) => void) {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http, path: "/ws" });
    sockets.on("connection", async (socket) => {
      const id = randomUUID();
      this.#byId.set(id, socket);
      await register(id, socket);
      connected(id);
      socket.send(id);
    });
    http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG });
    await once(http, "listening");
    return (http.address() as AddressInfo).port;
  }

  join(id: string, room: string): void {
    const members = this.#rooms.get(room) ?? new Set();
    this.#rooms.set(room, members.add(this.#of(id)));
  }

  send(id: string, json: Buffer): void {
    this.#byId.get(id)?.send(json, { binary: false });
  }

  sendToRoom(room: string, json: Buffer): void {
    for (const socket of this.#rooms.get(room) ?? []) socket.send(json, { binary: false });
  }

  sendFrame(id: string, frame: Buffer): void {
    const socket = this.#of(id);
    if (socket.bufferedAmount < FRAME_BUFFERED_BYTES_MAX) socket.send(frame);
  }

  #of(id: string): WebSocket {
    const socket = this.#byId.get(id);
    if (!socket) throw new Error(`no client ${id}`);
    return socket;
  }
}
