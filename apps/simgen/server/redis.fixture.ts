/** A real redis-server for tests: its own process, port and folder, ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.fixture.ts";

export interface Redis {
  url: string;
  /** kill -9: it forgets everything. */
  kill(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

/** Resolves once it takes connections. */
export async function startRedis(t: { after(end: () => Promise<void>): unknown }): Promise<Redis> {
  const dir = await mkdtemp(join(tmpdir(), "simgen-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const start = async () => {
    const args = [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      dir,
      "--save",
      "",
      "--repl-diskless-sync-delay",
      "0",
    ];
    const started = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
    child = started;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      started.stdout.on("data", (chunk: Buffer) => {
        output += chunk;
        if (output.includes("Ready to accept connections")) resolve();
      });
      started.once("error", reject);
      started.once("exit", (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)));
    });
  };
  t.after(async () => {
    await kill();
    await rm(dir, { recursive: true, force: true });
  });
  await start();
  return { url: `redis://127.0.0.1:${port}`, kill, start };
}
