/** Half of the clients are off the network for 30 s: packets of some vanish, connections of the others are reset and refused. */
import { drill } from "./rig/drill.ts";

const CUT_SECONDS = 30;

await drill(
  { promises: ["S1", "S2", "S3", "S4", "S7"], servers: 2, seconds: 12, firstMessageMsMax: 45_000 },
  async (rig, { seconds }) => {
    const half = rig.clients.slice(0, rig.clients.length / 2);
    const silent = half.filter((_, index) => index % 2 === 0);
    const refused = half.filter((_, index) => index % 2 === 1);
    await rig.fault("network cut", half, async () => {
      await rig.balancer.call("hold", silent, { newOnes: true });
      await rig.balancer.call("refuse", refused);
      await rig.balancer.call("cut", refused);
    });
    await rig.flow(CUT_SECONDS);
    await rig.heal("network back", () => rig.balancer.call("accept", half));
    await rig.flow(seconds);
  },
);
