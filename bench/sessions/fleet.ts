import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Child } from "./child.ts";
import type { ClientsCalls } from "./clients.ts";
import { accepts, freePort, ownFolder, redisServer, removeFolder, START_MS_MAX, spawned } from "./program.ts";
import type { ServerCalls } from "./server.ts";
import type { ClientName, SubjectName } from "./subject.ts";

/** Linux counts CPU time in hundredths of a second on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What was counted, and the CPU time used, up to one moment. */
export interface Reading {
  atMs: number;
  messages: number;
  frames: number;
  /** Both servers and Redis. */
  cpuSeconds: number;
}

/** Fresh processes for one measurement: a Redis, servers `a` and `b`, and one process that holds all clients. */
export class Fleet implements AsyncDisposable {
  readonly a: Child<ServerCalls>;
  readonly b: Child<ServerCalls>;
  readonly clients: Child<ClientsCalls>;
  ports = { a: 0, b: 0 };
  readonly #redis: ChildProcess;
  readonly #folder: string;
  readonly #processes: ChildProcess[];

  static async start(subject: SubjectName, client: ClientName = subject): Promise<Fleet> {
    const folder = ownFolder();
    const port = await freePort();
    const fleet = new Fleet(subject, client, folder, port);
    try {
      await accepts(port, fleet.#redis);
      const [a, b] = await Promise.all([
        fleet.a.callWithin(START_MS_MAX, "listen", `redis://127.0.0.1:${port}`),
        fleet.b.callWithin(START_MS_MAX, "listen", `redis://127.0.0.1:${port}`),
        fleet.clients.callWithin(START_MS_MAX, "count"),
      ]);
      fleet.ports = { a, b };
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(subject: SubjectName, client: ClientName, folder: string, redisPort: number) {
    this.#folder = folder;
    this.#redis = redisServer(redisPort, folder);
    const [a, b, clients] = [
      role("server.ts", subject, "a"),
      role("server.ts", subject, "b"),
      role("clients.ts", client),
    ];
    this.#processes = [this.#redis, a, b, clients];
    this.a = new Child(`${subject}, server a`, a);
    this.b = new Child(`${subject}, server b`, b);
    // Server b is the one that sends, so it wants to know how much has arrived.
    this.clients = new Child(`${subject}, clients`, clients, (count) => this.b.tell("delivered", count as number));
  }

  async read(): Promise<Reading> {
    const counted = await this.clients.call("count");
    return { ...counted, cpuSeconds: this.#cpuSeconds() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      }),
    );
    removeFolder(this.#folder);
  }

  #cpuSeconds(): number {
    let ticks = 0;
    for (const pid of [this.a.pid, this.b.pid, this.#redis.pid]) {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The name, in parentheses, may hold anything: utime and stime are the 12th and 13th field after it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    }
    return ticks / TICKS_PER_SECOND;
  }
}

function role(file: "server.ts" | "clients.ts", ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawned(process.execPath, ["--conditions=holdfast-source", "--expose-gc", path, ...args]);
}
