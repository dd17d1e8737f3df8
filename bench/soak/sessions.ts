/** Sessions that are opened, used and left, from here, at a server in a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BYE, encodeAck, encodeHello } from "@holdfast/protocol";
import { createClient } from "redis";
import { WebSocket } from "ws";
import { Child } from "../sessions/child.ts";
import { accepts, freePort, ownFolder, redisServer, spawned } from "../sessions/program.ts";
import type { SoakServerCalls } from "./server.ts";

const AT_ONCE = 50;
/** Of ten clients, so many leave without a word; their sessions expire. */
const VANISHING = 2;
const DETACHED_MS = 300;
const SWEEP_MS = 1300;

export class Sessions {
  readonly #server: Child<SoakServerCalls>;
  readonly #port: number;
  readonly #redisUrl: string;

  /** `redisUrl`: empty for sessions in memory. */
  static async create(redisUrl: string): Promise<Sessions> {
    const server = new Child<SoakServerCalls>(
      "server",
      spawned(process.execPath, [
        "--conditions=holdfast-source",
        "--expose-gc",
        fileURLToPath(new URL("./server.ts", import.meta.url)),
      ]),
    );
    return new Sessions(server, await server.call("listen", redisUrl, DETACHED_MS), redisUrl);
  }

  private constructor(server: Child<SoakServerCalls>, port: number, redisUrl: string) {
    this.#server = server;
    this.#port = port;
    this.#redisUrl = redisUrl;
  }

  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, seed) => this.#visits(count / AT_ONCE, seed)));
    // Those that left without a word expire, and the sweep takes a while to come by.
    await sleep(DETACHED_MS + SWEEP_MS);
  }

  async held(): Promise<Record<string, number>> {
    const { residentBytes, heapBytes, sessions } = await this.#server.call("held");
    const held = { "resident, MB": residentBytes / 1e6, "heap, MB": heapBytes / 1e6, "sessions left": sessions };
    return this.#redisUrl === "" ? held : { ...held, "keys left": await keys(this.#redisUrl) };
  }

  /** One after the other: opens a session, sends a message, gets its reply, leaves. */
  async #visits(count: number, seed: number): Promise<void> {
    for (let i = 0; i < count; i++) await visit(this.#port, (seed + i) % 10 < VANISHING);
  }
}

export async function startRedis(): Promise<string> {
  const port = await freePort();
  await accepts(port, redisServer(port, ownFolder()));
  return `redis://127.0.0.1:${port}`;
}

function visit(port: number, isVanishing: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false });
    let isDone = false;
    socket.on("open", () => socket.send(encodeHello({ v: 1, n: 1 })));
    socket.on("message", (data) => {
      const [kind, first] = JSON.parse(String(data));
      if (kind === 0) socket.send(`[1,1,0,${JSON.stringify({ text: "x".repeat(200) })}]`);
      if (kind !== 1) return;
      isDone = true;
      socket.send(encodeAck(first));
      if (isVanishing) socket.terminate();
      else socket.send(BYE);
    });
    socket.on("close", (code) => (isDone ? resolve() : reject(new Error(`closed with ${code}`))));
    socket.on("error", reject);
  });
}

async function keys(url: string): Promise<number> {
  const client = await createClient({ url }).connect();
  const size = await client.dbSize();
  client.destroy();
  return size;
}
