import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BalancerCalls } from "./balancer-process.ts";
import { now } from "./clock.ts";
import type { FleetCalls, Opened } from "./fleet-process.ts";
import type { ClientJournal, Send } from "./journal.ts";
import type { KeeperCalls } from "./keeper.ts";
import type { Evidence } from "./oracle.ts";
import { freePort } from "./port.ts";
import { type Calls, type Exit, Program } from "./program.ts";
import { Random } from "./random.ts";
import { Redis } from "./redis.ts";
import { parseRuns } from "./run-file.ts";
import type { SenderCalls } from "./sender-process.ts";
import type { ServerCalls } from "./server-process.ts";

/** More clients than this are spread over several processes. */
const CLIENTS_PER_PROCESS_MAX = 2500;
const OPEN_TOGETHER_MAX = 500;
const SEND_SETTLE_MS_MAX = 2000;
const SETTLE_MS_MAX = 30_000;
const EXIT_MS_MAX = 40_000;
/** Makes a message as JSON some 256 bytes. */
const PAD = "x".repeat(220);

export interface RigOptions {
  clients: number;
  servers: number;
  /** Messages a second in each direction, all clients together. */
  rate: number;
  seed: number;
  redisKeeps: boolean;
  /** Leaves the folder with the logs there. */
  keepLogs: boolean;
  progress: (text: string) => void;
}

/** When the fault was, whom it hit, and when it was over. */
export interface Timeline {
  affected: number[];
  faultAt: number;
  healedAt: number | undefined;
  /** When the last message was sent. */
  stoppedAt: number;
}

/** Redis, servers, a balancer, a sender and clients, each in a process of its own, with messages going both ways. */
export class Rig implements AsyncDisposable {
  readonly clients: number[];
  readonly random: Random;
  readonly servers: ApiServer[] = [];
  readonly #options: RigOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "holdfast-drill-"));
  readonly #programs = new Set<Program<never>>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #assigned: Promise<unknown>[] = [];
  #keeper!: Program<KeeperCalls>;
  #redis!: Redis;
  #balancer!: Program<BalancerCalls>;
  #sender!: Program<SenderCalls>;
  #fleets: { program: Program<FleetCalls>; clients: number[] }[] = [];
  #timeline: Timeline = { affected: [], faultAt: 0, healedAt: undefined, stoppedAt: 0 };

  /** Resolves when every client is connected and messages flow. */
  static async start(options: RigOptions): Promise<Rig> {
    const rig = new Rig(options);
    try {
      await Promise.race([rig.#start(), rig.#failed.promise]);
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: RigOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.clients = this.random.shuffled(Array.from({ length: options.clients }, (_, index) => index + 1));
    this.#failed.promise.catch(() => {});
  }

  get redis(): Redis {
    return this.#redis;
  }

  get balancer(): Program<BalancerCalls> {
    return this.#balancer;
  }

  /** Lets the messages flow for so long; rejects at once when a process ends that should not. */
  async flow(seconds: number): Promise<void> {
    await Promise.race([sleep(seconds * 1000), this.#failed.promise]);
  }

  /** Does it, and notes when and whom it hits. */
  async fault(what: string, affected: number[], act: () => unknown): Promise<void> {
    this.#options.progress(`fault: ${what}; ${affected.length} clients are affected`);
    this.#timeline = { ...this.#timeline, affected, faultAt: now() };
    await act();
  }

  /** Undoes it, and notes when it was undone. */
  async heal(what: string, act: () => unknown): Promise<void> {
    this.#options.progress(`over: ${what}`);
    await act();
    this.#timeline.healedAt = now();
  }

  /** The clients connected through this server at the moment. */
  clientsOf(server: ApiServer): Promise<number[]> {
    return this.#balancer.call("clientsOf", server.port);
  }

  /** Ends the flow, waits until all is delivered that will be, and gathers what everybody noted. */
  async finish(): Promise<{ evidence: Evidence; timeline: Timeline }> {
    return Promise.race([this.#finish(), this.#failed.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) program.mayExit = true;
    await Promise.all([...this.#programs].map((program) => program.kill()));
    await this.#redis?.kill();
    await this.#keeper?.kill();
    if (this.#options.keepLogs) this.#options.progress(`logs: ${this.#folder}`);
    else rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  // ---- start ----

  async #start(): Promise<void> {
    const { clients, servers, rate, redisKeeps, progress } = this.#options;
    const folder = this.#options.keepLogs ? [] : [this.#folder];
    this.#keeper = await Program.start<KeeperCalls>("keeper", "./keeper.ts", folder, this.#log("keeper"));
    this.#redis = await Redis.start(join(this.#folder, "redis"), {
      keeps: redisKeeps,
      watch: (pid) => this.#keeper.call("watch", pid),
      forget: (pid) => this.#keeper.call("forget", pid),
    });
    this.#balancer = await this.#program<BalancerCalls>("balancer", "./balancer-process.ts", []);
    for (let i = 1; i <= servers; i++) this.servers.push(new ApiServer(`api-${i}`, await freePort()));
    await Promise.all(this.servers.map((server) => this.startServer(server)));
    await this.#balancer.call(
      "use",
      this.servers.map(({ port }) => port),
    );
    this.#sender = await this.#program<SenderCalls>("sender", "./sender-process.ts", ["--redis", this.#redis.url]);
    await this.#openClients();
    await this.#sender.call("start", rate, PAD);
    for (const { program, clients: here } of this.#fleets)
      await program.call("start", (rate * here.length) / clients, PAD);
    progress(`${clients} clients on ${servers} servers, ${rate} messages/s each way`);
  }

  async startServer(server: ApiServer): Promise<void> {
    const args = ["--name", server.name, "--port", `${server.port}`, "--redis", this.#redis.url];
    const runs = join(this.#folder, `runs-${server.name}-${server.starts++}`);
    server.program = await this.#program<ServerCalls>(server.name, "./server-process.ts", [...args, "--runs", runs]);
    await server.program.call("ready");
  }

  async #openClients(): Promise<void> {
    const url = `ws://127.0.0.1:${await this.#balancer.call("port")}/ws`;
    const processes = Math.ceil(this.clients.length / CLIENTS_PER_PROCESS_MAX);
    const perProcess = Math.ceil(this.clients.length / processes);
    for (let i = 0; i < processes; i++) {
      const clients = this.clients.slice(i * perProcess, (i + 1) * perProcess);
      const program = await this.#program<FleetCalls>(`clients-${i + 1}`, "./fleet-process.ts", [], (note) => {
        // What a fleet says unasked is only this.
        const { client, session } = note as Opened;
        this.#assigned.push(this.#sender.call("assign", client, session));
      });
      this.#fleets.push({ program, clients });
      for (let from = 0; from < clients.length; from += OPEN_TOGETHER_MAX)
        await program.call("open", url, clients.slice(from, from + OPEN_TOGETHER_MAX));
    }
    await Promise.all(this.#assigned.splice(0));
  }

  async #program<C extends Calls>(
    name: string,
    file: string,
    args: string[],
    note?: (note: unknown) => void,
  ): Promise<Program<C>> {
    const program = await Program.start<C>(name, file, args, this.#log(name), note);
    this.#programs.add(program);
    // A frozen process does not notice that the rig is gone.
    this.#keeper.call("watch", program.pid);
    program.exited.then(({ code, signal }) => {
      this.#programs.delete(program);
      this.#keeper.call("forget", program.pid).catch(() => {});
      if (!program.mayExit)
        this.#failed.reject(new Error(`${name} ended (${signal ?? `status ${code}`}): ${program.logTail()}`));
    });
    return program;
  }

  #log(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  // ---- finish ----

  async #finish(): Promise<{ evidence: Evidence; timeline: Timeline }> {
    this.#options.progress("waiting for what is still on its way");
    await Promise.all(this.#fleets.map(({ program }) => program.call("stop")));
    const lastTicks = await this.#sender.call("stop", SEND_SETTLE_MS_MAX);
    this.#timeline.stoppedAt = now();
    await Promise.all(this.#fleets.map(({ program }) => program.call("settle", lastTicks, SETTLE_MS_MAX)));
    const journals: ClientJournal[] = [];
    const sends: Send[] = [];
    for (const { program, clients } of this.#fleets) {
      for (const client of clients) {
        journals.push(await program.call("journal", client));
        sends.push(...(await this.#sender.call("sends", client)));
      }
    }
    const runs = readdirSync(this.#folder)
      .filter((file) => file.startsWith("runs-"))
      .flatMap((file) => parseRuns(readFileSync(join(this.#folder, file), "utf8")));
    return { evidence: { journals, sends, runs }, timeline: this.#timeline };
  }
}

/** One API server; its port outlives its process. */
export class ApiServer {
  readonly name: string;
  readonly port: number;
  program!: Program<ServerCalls>;
  starts = 0;

  constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  /** SIGTERM, and how it ended. */
  async drain(): Promise<Exit> {
    this.program.signal("SIGTERM");
    const late = sleep(EXIT_MS_MAX, undefined, { ref: false }).then(() => {
      throw new Error(`${this.name} has not ended ${EXIT_MS_MAX} ms after SIGTERM: ${this.program.logTail()}`);
    });
    return Promise.race([this.program.exited, late]);
  }
}
