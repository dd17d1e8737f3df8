import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { BACKLOG } from "./floor.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

/** Socket.IO as its documentation sets it up for several servers with recovery; WebSocket only. */
export async function startSocketIo({ redisUrl, connected }: SubjectOptions): Promise<Subject> {
  const redis = await createClient({ url: redisUrl }).connect();
  const http = createServer();
  const io = new Server(http, {
    transports: ["websocket"],
    serveClient: false,
    connectionStateRecovery: {},
    adapter: createAdapter(redis),
  });
  io.on("connection", (socket) => connected(socket.id));

  // emit() does not say when its message has reached Redis. The adapter's broadcast() does, though not in its types.
  const { adapter } = io.of("/");
  const broadcast = adapter.broadcast.bind(adapter);
  let accepted: unknown;
  adapter.broadcast = (packet, options) => {
    accepted = broadcast(packet, options);
  };

  return {
    async listen() {
      http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG });
      await once(http, "listening");
      return (http.address() as AddressInfo).port;
    },
    join: (id, room) => io.of("/").sockets.get(id)?.join(room),
    async send(id, message) {
      io.to(id).emit("message", message);
      await accepted;
    },
    async publish(room, message) {
      io.to(room).emit("message", message);
      await accepted;
    },
    // Not socket.volatile: with recovery on, that writes every frame to Redis.
    sendFrame: (id, frame) => io.local.to(id).volatile.emit("frame", frame),
  };
}
