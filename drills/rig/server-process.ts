/** An API server: handles its clients' messages, notes each run of the handler in a file, replies with an echo, drains on SIGTERM. */
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createSessions, redisStore } from "@holdfast/sessions";
import { now } from "./clock.ts";
import type { ToClient, ToServer } from "./journal.ts";
import { answer } from "./program.ts";
import { runLine } from "./run-file.ts";

/** Every so many messages one takes a while, so that a fault can hit in the middle of it. */
const SLOW_ONE_IN = 10;
const SLOW_MS = 3;

export type ServerCalls = { ready: () => void };

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "" },
    port: { type: "string", default: "" },
    redis: { type: "string", default: "" },
    runs: { type: "string", default: "" },
  },
});

// Written at once, by the kernel: what has been handled is known even if the process is killed the next moment.
const runs = openSync(values.runs, "a");
const sessions = await createSessions<{ toClient: ToClient; toServer: ToServer }>(redisStore({ url: values.redis }), {
  server: values.name,
  message: async (_session, { client, n, pad }, { reply }) => {
    const run = { client, n, at: now(), server: `${values.name}/${process.pid}` };
    if (n % SLOW_ONE_IN === 0) {
      writeSync(runs, runLine({ ...run, finished: false }));
      await sleep(SLOW_MS);
    }
    reply({ echo: n, pad });
    writeSync(runs, runLine({ ...run, finished: true }));
  },
});

const http = createServer((_request, response) => response.writeHead(404).end());
sessions.attach(http, { path: "/ws" });
await new Promise<void>((listening) => http.listen(Number(values.port), "127.0.0.1", listening));

process.on("SIGTERM", async () => {
  http.close();
  await sessions.drain();
  await sessions.close();
  process.exit(0);
});
answer<ServerCalls>({ ready: () => {} });
