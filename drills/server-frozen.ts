/** SIGSTOP of one of two servers for 20 s, then SIGCONT: its clients notice, go on at the other, and are not sent old messages. */
import { drill } from "./rig/drill.ts";

const FROZEN_SECONDS = 20;

await drill(
  {
    promises: ["S1", "S2", "S3", "S4", "S7"],
    servers: 2,
    seconds: 8,
    handledAgainBy: "another",
    firstMessageMsMax: 25_000,
  },
  async (rig, { seconds }) => {
    const server = rig.random.pick(rig.servers);
    await rig.fault(`SIGSTOP of ${server.name}`, await rig.clientsOf(server), () => server.program.signal("SIGSTOP"));
    await rig.flow(FROZEN_SECONDS);
    await rig.heal("SIGCONT", () => server.program.signal("SIGCONT"));
    await rig.flow(seconds);
  },
);
