import { setTimeout as sleep } from "node:timers/promises";
import { answer, tell } from "./child.ts";
import { microseconds } from "./message.ts";
import { type ClientName, type Connected, loadClient } from "./subject.ts";
import { Tally } from "./tally.ts";

const TELL_EVERY_MS = 5;

const connect = await loadClient(process.argv[2] as ClientName);
let connections: Connected[] = [];
let tally = new Tally();
let told = 0;

const calls = {
  /** So many clients, taking turns between the ports, at most `atOnce` of them on their way at a time. Resolves when all are there. */
  async connect(ports: number[], count: number, atOnce: number): Promise<{ ids: string[]; milliseconds: number }> {
    const opened: Connected[] = [];
    let next = 0;
    const some = async () => {
      while (next < count) {
        const index = next++;
        opened[index] = await connect(ports[index % ports.length] ?? 0, tally.receiver(connections.length + index));
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, some));
    const milliseconds = performance.now() - started;
    connections.push(...opened);
    return { ids: opened.map(({ id }) => id), milliseconds };
  },

  closeAll() {
    for (const connection of connections) connection.close();
    connections = [];
    tally = new Tally();
  },

  count: () => ({ messages: tally.messages, frames: tally.frames, atMs: microseconds() / 1000 }),

  /** The delays of messages from here on are kept. */
  recordDelays() {
    tally.recordDelays();
  },

  delays: () => tally.delays(),

  /** Waits until `expected` messages are there, then a little for what should not come. Resolves to what was wrong. */
  async verify(expected: number): Promise<string[]> {
    const deadline = performance.now() + 10_000;
    while (tally.messages < expected && performance.now() < deadline) await sleep(5);
    await sleep(50);
    return tally.wrong(expected, connections.length);
  },
};

setInterval(() => {
  if (tally.messages === told) return;
  told = tally.messages;
  tell(told);
}, TELL_EVERY_MS);

export type ClientsCalls = typeof calls;
answer<ClientsCalls>(calls);
