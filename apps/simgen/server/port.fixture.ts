import { createServer } from "node:net";

const PORT_TRIES_MAX = 100;

/**
 * A port of 127.0.0.1 that nobody listens on. Below the range of outgoing connections, any of which would be in the way of
 * whoever is to listen there later.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const port = 22_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error(`no free port found in ${PORT_TRIES_MAX} tries`);
}
