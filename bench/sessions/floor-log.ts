import { readFileSync } from "node:fs";
import { createClient } from "redis";
import { FloorSockets } from "./floor.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const APPEND = readFileSync(new URL("lua/append.lua", import.meta.url), "utf8");
const ENTRIES = "1000";
const OWNER_SECONDS = 3600;
const ROOMS = "rooms";
const NEWLINE = 10;

/** `ws` and one script a message: XADD, look up the owner, PUBLISH to it. */
export async function startFloorLog({ server, redisUrl, connected }: SubjectOptions): Promise<Subject> {
  const redis = await createClient({ url: redisUrl }).connect();
  const subscriber = await redis.duplicate().connect();
  const append = await redis.scriptLoad(APPEND);
  const sockets = new FloorSockets();
  const deliver = (send: (receiver: string, json: Buffer) => void) => (message: Buffer) => {
    const end = message.indexOf(NEWLINE);
    send(message.toString("latin1", 0, end), message.subarray(end + 1));
  };
  await subscriber.subscribe(
    server,
    deliver((id, json) => sockets.send(id, json)),
    true,
  );
  await subscriber.subscribe(
    ROOMS,
    deliver((room, json) => sockets.sendToRoom(room, json)),
    true,
  );
  return {
    listen: () => sockets.listen((id) => redis.set(`owner:${id}`, server, { EX: OWNER_SECONDS }), connected),
    join: (id, room) => sockets.join(id, room),
    send: (id, message) =>
      redis.evalSha(append, {
        keys: [`log:${id}`, `owner:${id}`],
        arguments: [ENTRIES, id, JSON.stringify(message)],
      }),
    publish: (room, message) =>
      redis.evalSha(append, { keys: [`log:${room}`], arguments: [ENTRIES, room, JSON.stringify(message), ROOMS] }),
    sendFrame: (id, frame) => sockets.sendFrame(id, frame),
  };
}
