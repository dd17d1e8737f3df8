/** Redis is frozen for 10 s: clients stay connected, sends are refused in time, and all goes on by itself. */
import { drill } from "./rig/drill.ts";

const FROZEN_SECONDS = 10;

await drill(
  { promises: ["S1", "S6", "S7"], servers: 2, seconds: 10, firstMessageMsMax: 15_000, sendMsMax: 350, brokenMax: 0 },
  async (rig, { seconds }) => {
    await rig.fault("SIGSTOP of Redis", rig.clients, () => rig.redis.freeze());
    await rig.flow(FROZEN_SECONDS);
    await rig.heal("SIGCONT", () => rig.redis.thaw());
    await rig.flow(seconds);
  },
);
