import { createServer } from "node:net";

const TRIES_MAX = 100;

/**
 * A port of 127.0.0.1 that nobody listens on. Below the range of outgoing connections: while its listener is down, a
 * process that keeps trying to reach it would in the end be given that very port, and be connected to itself.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found in ${TRIES_MAX} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
