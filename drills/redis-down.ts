/** Redis, which keeps an append-only file, is down for 30 s: clients stay connected, sends are refused, all goes on by itself. */
import { drill } from "./rig/drill.ts";

const DOWN_SECONDS = 30;

await drill(
  {
    promises: ["S1", "S5", "S6", "S7"],
    servers: 2,
    seconds: 12,
    redisKeeps: true,
    firstMessageMsMax: 36_000,
    sendMsMax: 350,
    brokenMax: 0,
  },
  async (rig, { seconds }) => {
    await rig.fault("kill -9 of Redis", rig.clients, () => rig.redis.kill());
    await rig.flow(DOWN_SECONDS);
    await rig.heal("Redis back with its append-only file", () => rig.redis.start());
    await rig.flow(seconds);
  },
);
