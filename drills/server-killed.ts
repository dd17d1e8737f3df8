/** kill -9 of one of two servers: its clients go on at the other, and nothing is lost. */
import { drill } from "./rig/drill.ts";

await drill(
  { promises: ["S1", "S2", "S3", "S7"], servers: 2, seconds: 8, handledAgainBy: "another", firstMessageMsMax: 2000 },
  async (rig, { seconds }) => {
    const server = rig.random.pick(rig.servers);
    await rig.fault(`kill -9 of ${server.name}`, await rig.clientsOf(server), () => server.program.kill());
    await rig.flow(seconds);
  },
);
