import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createSessions, memoryStore, redisStore, type Sessions } from "@holdfast/sessions";
import { answer } from "../sessions/child.ts";

let sessions: Sessions<{ toClient: unknown; toServer: unknown }>;

const calls = {
  /** Resolves to the port. Sessions whose client does not come back are gone after `detachedMs`. */
  async listen(redisUrl: string, detachedMs: number): Promise<number> {
    const store = redisUrl === "" ? memoryStore() : redisStore({ url: redisUrl });
    sessions = await createSessions(store, { detachedMs, message: (_session, message, { reply }) => reply(message) });
    sessions.on("open", (session) => session.join("all"));
    const http = createServer();
    sessions.attach(http);
    http.listen({ port: 0, host: "127.0.0.1", backlog: 1024 });
    await once(http, "listening");
    return (http.address() as AddressInfo).port;
  },

  /** What is held, without garbage. */
  async held(): Promise<{ residentBytes: number; heapBytes: number; sessions: number }> {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await sleep(40);
    }
    const { rss, heapUsed } = process.memoryUsage();
    const { attached, detached } = await sessions.count();
    return { residentBytes: rss, heapBytes: heapUsed, sessions: attached + detached };
  },
};

export type SoakServerCalls = typeof calls;
answer<SoakServerCalls>(calls);
