/** Redis is killed and comes back as it was 10 s ago: no number is used twice unnoticed. */
import { drill } from "./rig/drill.ts";

const SNAPSHOT_SECONDS = 10;

await drill(
  { promises: ["S1", "S5", "S6", "S7"], servers: 2, seconds: 8, firstMessageMsMax: 5000, sendMsMax: 350, brokenMax: 0 },
  async (rig, { seconds }) => {
    await rig.redis.snapshot();
    await rig.flow(SNAPSHOT_SECONDS);
    await rig.fault(`Redis restored to a snapshot ${SNAPSHOT_SECONDS} s old`, rig.clients, () => rig.redis.restore());
    await rig.flow(seconds);
  },
);
