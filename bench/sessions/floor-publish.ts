import { createClient } from "redis";
import { FloorSockets } from "./floor.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

/** `ws` and one PUBLISH a message, to the channel of the session or room. Nothing is kept: what a cut line misses is lost. */
export async function startFloorPublish({ redisUrl, connected }: SubjectOptions): Promise<Subject> {
  const redis = await createClient({ url: redisUrl }).connect();
  const subscriber = await redis.duplicate().connect();
  const sockets = new FloorSockets();
  const rooms = new Map<string, Promise<void>>();
  return {
    listen: () =>
      sockets.listen(
        (id, socket) => subscriber.subscribe(`session:${id}`, (json) => socket.send(json, { binary: false }), true),
        connected,
      ),
    join(id, room) {
      sockets.join(id, room);
      let subscribed = rooms.get(room);
      if (!subscribed) {
        subscribed = subscriber.subscribe(`room:${room}`, (json) => sockets.sendToRoom(room, json), true);
        rooms.set(room, subscribed);
      }
      return subscribed;
    },
    send: (id, message) => redis.publish(`session:${id}`, JSON.stringify(message)),
    publish: (room, message) => redis.publish(`room:${room}`, JSON.stringify(message)),
    sendFrame: (id, frame) => sockets.sendFrame(id, frame),
  };
}
