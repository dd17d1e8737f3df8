/** Programs that a bench starts, and the folders they use: all end with it, however it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Until a program must be up. */
export const START_MS_MAX = 30_000;

const alive = new Set<ChildProcess>();
const folders = new Set<string>();

process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }))
  process.on(signal, () => process.exit(status));

/** A folder of this bench's own. */
export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** A Redis that keeps nothing on disk. It is up when the port `accepts`. */
export function redisServer(port: number, folder: string): ChildProcess {
  return spawned("redis-server", [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--appendonly", "no"],
  ]);
}

export function spawned(command: string, args: string[]): ChildProcess {
  const ipc = command === process.execPath;
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe", ...(ipc ? (["ipc"] as const) : [])],
    env: { ...process.env, NODE_ENV: "production" },
  });
  alive.add(child);
  child.on("exit", () => alive.delete(child));
  child.on("error", (error) => {
    throw new Error(`${command} did not start: ${error.message}`);
  });
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Until this process takes connections on the port. */
export async function accepts(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode} instead of listening on ${port}`);
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(10);
    } finally {
      socket.destroy();
    }
  }
}
