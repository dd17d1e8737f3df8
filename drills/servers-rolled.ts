/** Three servers are restarted one after the other with SIGTERM, as a rollout does it. */
import { drill } from "./rig/drill.ts";

const BETWEEN_SECONDS = 2;

await drill(
  { promises: ["S1", "S2", "S3", "S7", "S10"], servers: 3, seconds: 5, firstMessageMsMax: 2000, silenceMsMax: 2000 },
  async (rig, { seconds }) => {
    await rig.fault("rolling restart", rig.clients, async () => {
      for (const server of rig.servers) {
        const { code, signal } = await server.drain();
        if (code !== 0) throw new Error(`${server.name} ended with ${signal ?? `status ${code}`}, expected status 0`);
        await rig.startServer(server);
        await rig.flow(BETWEEN_SECONDS);
      }
    });
    await rig.flow(seconds);
  },
);
