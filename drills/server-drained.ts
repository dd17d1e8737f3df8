/** SIGTERM to one of two servers: it sends its clients to the other and ends with status 0 within its grace period. */
import { drill } from "./rig/drill.ts";

await drill(
  { promises: ["S1", "S2", "S3", "S7", "S10"], servers: 2, seconds: 8, firstMessageMsMax: 2000, silenceMsMax: 2000 },
  async (rig, { seconds }) => {
    const server = rig.random.pick(rig.servers);
    await rig.fault(`SIGTERM to ${server.name}`, await rig.clientsOf(server), async () => {
      const { code, signal } = await server.drain();
      if (code !== 0) throw new Error(`${server.name} ended with ${signal ?? `status ${code}`}, expected status 0`);
    });
    await rig.flow(seconds);
  },
);
