import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf, oneConnection } from "./redis-client.ts";

const PORT_TRIES_MAX = 100;

/** A real redis-server of one's own, on a free port, in a folder of its own. */
export class TestRedis {
  readonly port: number;
  readonly #dir = mkdtempSync(join(tmpdir(), "holdfast-redis-"));
  readonly #options: string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, options: string[]) {
    this.port = port;
    this.#options = options;
  }

  static async start(...options: string[]): Promise<TestRedis> {
    for (let left = 10; ; left--) {
      const redis = new TestRedis(await freePort(), options);
      try {
        await redis.start();
        return redis;
      } catch (error) {
        // The port, or the one of a cluster's bus, has been taken meanwhile.
        await redis.stop();
        if (left === 0) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The same port and folder again. */
  async start(): Promise<void> {
    const settings = `--port ${this.port} --dir ${this.#dir} --bind 127.0.0.1 --appendonly no --save`.split(" ");
    const child = spawn("redis-server", [...settings, "", ...this.#options], { stdio: "ignore" });
    this.#process = child;
    // Should the test itself die.
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    let error: unknown;
    child.once("error", (cause) => {
      error = cause;
    });
    for (;;) {
      if (error) throw error;
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      try {
        await this.command("PING");
        return;
      } catch {
        await sleep(10);
      }
    }
  }

  async command(...args: string[]): Promise<unknown> {
    const client = oneConnection(addressOf(this.url)).on("error", () => {});
    try {
      await client.connect();
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  /** kill -9: what was not saved is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGCONT");
    child.kill("SIGKILL");
    await ended;
  }

  async restartEmpty(): Promise<void> {
    await this.kill();
    rmSync(join(this.#dir, "dump.rdb"), { force: true });
    await this.start();
  }

  async save(): Promise<void> {
    await this.command("SAVE");
    copyFileSync(join(this.#dir, "dump.rdb"), join(this.#dir, "saved.rdb"));
  }

  /** Back to what was saved last, without what came after. */
  async rollBack(): Promise<void> {
    await this.kill();
    copyFileSync(join(this.#dir, "saved.rdb"), join(this.#dir, "dump.rdb"));
    await this.start();
  }

  /** It stands still, and its port takes connections. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

const CLUSTER = [
  "--cluster-enabled",
  "yes",
  "--cluster-node-timeout",
  "2000",
  "--cluster-replica-validity-factor",
  "0",
];

/** A Redis Cluster of masters that share the slots evenly, each with as many replicas as asked for. */
export async function startCluster(masters = 3, replicas = 0): Promise<TestRedis[]> {
  const nodes = await Promise.all(Array.from({ length: masters * (1 + replicas) }, () => TestRedis.start(...CLUSTER)));
  const [first] = nodes as [TestRedis];
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
      if (index >= masters) return;
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * 16384) / masters)) as [number, number];
      await node.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to - 1));
    }),
  );
  await until(async () => {
    // Again and again: a handshake that fails is not repeated.
    for (const node of nodes.slice(1)) await node.command("CLUSTER", "MEET", "127.0.0.1", String(first.port));
    return (await Promise.all(nodes.map(known))).every((count) => count === nodes.length);
  });
  for (const [index, node] of nodes.slice(masters).entries()) {
    const master = String(await nodes[index % masters]?.command("CLUSTER", "MYID"));
    await node.command("CLUSTER", "REPLICATE", master);
  }
  const isInSync = async (node: TestRedis) =>
    String(await node.command("INFO", "replication")).includes("master_link_status:up");
  await Promise.all(nodes.slice(masters).map((node) => until(() => isInSync(node))));
  const isWhole = async (node: TestRedis) => String(await node.command("CLUSTER", "INFO")).includes("cluster_state:ok");
  await Promise.all(nodes.map((node) => until(() => isWhole(node))));
  return nodes;
}

async function known(node: TestRedis): Promise<number> {
  const nodes = String(await node.command("CLUSTER", "NODES"))
    .trim()
    .split("\n");
  return nodes.filter((line) => !line.includes("handshake")).length;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let left = 300; !(await isSo()); left--) {
    if (left === 0) throw new Error("expected a cluster within a minute");
    await sleep(200);
  }
}

/**
 * A port of 127.0.0.1 that nobody listens on. Below the range of outgoing connections, any of which would be in the way of
 * whoever is to listen there later; below 22000, since a cluster's nodes also listen 10000 above.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries++) {
    const port = 12_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
  throw new Error(`no free port found in ${PORT_TRIES_MAX} tries`);
}
