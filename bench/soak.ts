/** Soak: sessions opened, used and closed a hundred thousand times; what is held at each tenth must not grow. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BYE, encodeAck, encodeHello } from "@holdfast/protocol";
import { createClient } from "redis";
import { WebSocket } from "ws";
import { Report } from "./report.ts";
import { Child } from "./sessions/child.ts";
import { accepts, freePort, ownFolder, redisServer, spawned } from "./sessions/program.ts";
import type { SoakServerCalls } from "./soak/server.ts";

const AT_ONCE = 50;
const TENTHS = 10;
/** Of ten clients, so many leave without a word; their sessions expire. */
const VANISHING = 2;
const DETACHED_MS = 300;
const SWEEP_MS = 1300;

const report = new Report(
  "soak",
  "Soak: sessions opened, used and closed 100,000 times; what is held at each tenth must not grow.",
);
const cycles = report.quick ? 5_000 : 100_000;

if (!report.quick) await soak("memory", "");
await soak("redis", await startRedis());
report.print();
process.exit(0);

async function soak(store: string, redisUrl: string): Promise<void> {
  const server = new Child<SoakServerCalls>(
    "server",
    spawned(process.execPath, [
      "--conditions=holdfast-source",
      "--expose-gc",
      fileURLToPath(new URL("./soak/server.ts", import.meta.url)),
    ]),
  );
  const port = await server.call("listen", redisUrl, DETACHED_MS);
  const held: Record<string, number[]> = { "resident, MB": [], "heap, MB": [], "sessions left": [], "keys left": [] };
  for (let tenth = 0; tenth < TENTHS; tenth++) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(port, cycles / TENTHS / AT_ONCE, i)));
    // Those that left without a word expire, and the sweep takes a while to come by.
    await sleep(DETACHED_MS + SWEEP_MS);
    const { residentBytes, heapBytes, sessions } = await server.call("held");
    held["resident, MB"]?.push(residentBytes / 1e6);
    held["heap, MB"]?.push(heapBytes / 1e6);
    held["sessions left"]?.push(sessions);
    if (redisUrl !== "") held["keys left"]?.push(await keys(redisUrl));
    report.progress(
      `${store}: ${((tenth + 1) * cycles) / TENTHS} cycles, ${Math.round(residentBytes / 1e6)} MB resident`,
    );
  }
  for (const [what, raw] of Object.entries(held)) {
    if (raw.length === 0) continue;
    const [name = "", unit = ""] = what.split(", ");
    report.add(store, `${name}, at each tenth of ${cycles} cycles`, unit, raw);
    if (unit === "") continue;
    const half = raw.slice(raw.length / 2);
    report.add(store, `${name}, growth over the last half`, "%", [((half.at(-1) ?? 0) / (half[0] ?? 1) - 1) * 100]);
  }
}

/** One after the other: opens a session, sends a message, gets its reply, leaves. */
async function run(port: number, count: number, seed: number): Promise<void> {
  for (let i = 0; i < count; i++) await cycle(port, (seed + i) % 10 < VANISHING);
}

function cycle(port: number, isVanishing: boolean): Promise<void> {
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

async function startRedis(): Promise<string> {
  const port = await freePort();
  await accepts(port, redisServer(port, ownFolder()));
  return `redis://127.0.0.1:${port}`;
}
