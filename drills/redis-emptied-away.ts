/** Redis comes back empty while a tenth of the clients are off the network: what no server holds any more, they are told. */
import { drill } from "./rig/drill.ts";

const AWAY_SECONDS = 2;

await drill(
  {
    promises: ["S1", "S5", "S7"],
    servers: 2,
    seconds: 8,
    handledAgainBy: "any",
    firstMessageMsMax: 10_000,
    sendMsMax: 350,
  },
  async (rig, { seconds }) => {
    const away = rig.clients.slice(0, Math.ceil(rig.clients.length / 10));
    await rig.balancer.call("refuse", away);
    await rig.balancer.call("cut", away);
    await rig.flow(AWAY_SECONDS);
    await rig.fault("Redis killed, back empty", away, () => rig.redis.restartEmpty());
    await rig.flow(AWAY_SECONDS);
    await rig.heal("network back", () => rig.balancer.call("accept", away));
    await rig.flow(seconds);
  },
);
