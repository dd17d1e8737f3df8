/** Half of the clients' connections lose every packet, both ways, without an end or a reset; new connections work. */
import { drill } from "./rig/drill.ts";

await drill(
  { promises: ["S1", "S2", "S3", "S4", "S7"], servers: 2, seconds: 25, firstMessageMsMax: 20_000 },
  async (rig, { seconds }) => {
    const half = rig.clients.slice(0, rig.clients.length / 2);
    await rig.fault("connections dead without a sign", half, () => rig.balancer.call("hold", half, { newOnes: false }));
    await rig.flow(seconds);
  },
);
