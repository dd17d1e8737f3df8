/** Redis is killed and comes back empty: servers write down again what they still hold, the rest is told. */
import { drill } from "./rig/drill.ts";

await drill(
  { promises: ["S1", "S5", "S6", "S7"], servers: 2, seconds: 8, firstMessageMsMax: 5000, sendMsMax: 350, brokenMax: 0 },
  async (rig, { seconds }) => {
    await rig.fault("Redis killed, back empty", rig.clients, () => rig.redis.restartEmpty());
    await rig.flow(seconds);
  },
);
