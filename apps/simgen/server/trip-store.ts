import type { TripStore } from "@holdfast/breaker";
import { createClient } from "redis";

const COMMAND_MS_MAX = 500;
const RECONNECT_MS_MAX = 2000;

/** Breakers' trips in Redis: one key a circuit, which goes by itself when the circuit may be tried again. */
export class RedisTrips implements TripStore {
  readonly #client;

  constructor(url: string) {
    this.#client = createClient({
      url,
      disableOfflineQueue: true,
      commandOptions: { timeout: COMMAND_MS_MAX },
      socket: { reconnectStrategy: (retries) => Math.min(RECONNECT_MS_MAX, 50 * 2 ** retries), connectTimeout: 2000 },
    });
    // Without Redis, every server goes by what it sees itself.
    this.#client.on("error", () => {});
    void this.#client.connect().catch(() => {});
  }

  async read(name: string): Promise<number> {
    return Math.max(0, await this.#client.pTTL(keyOf(name)));
  }

  async write(name: string, openMs: number): Promise<void> {
    await this.#client.set(keyOf(name), "open", { expiration: { type: "PX", value: Math.ceil(openMs) } });
  }

  close(): void {
    this.#client.destroy();
  }
}

function keyOf(name: string): string {
  return `simgen:trip:${name}`;
}
