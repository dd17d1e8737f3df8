import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createSessions, redisStore, type Session } from "@holdfast/sessions";
import { BACKLOG } from "./floor.ts";
import type { Message } from "./message.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

export async function startHoldfast({ server, redisUrl, connected }: SubjectOptions): Promise<Subject> {
  const sessions = await createSessions<{ toClient: Message; toServer: never }>(redisStore({ url: redisUrl }), {
    server,
  });
  const here = new Map<string, Session<Message>>();
  sessions.on("open", (session) => {
    here.set(session.id, session);
    connected(session.id);
  });
  return {
    async listen() {
      const http = createServer();
      sessions.attach(http, { path: "/ws" });
      http.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG });
      await once(http, "listening");
      return (http.address() as AddressInfo).port;
    },
    join: (id, room) => sessions.join(id, room),
    send: (id, message) => sessions.send(id, message),
    publish: (room, message) => sessions.publish(room, message),
    sendFrame: (id, frame) => here.get(id)?.sendLane("frames", frame),
  };
}
