import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./port.ts";

const START_MS_MAX = 10_000;
const COMMAND_MS_MAX = 5000;

export interface RedisOptions {
  /** The append-only file, synced every second: what it has written survives it. Else a restart is empty. */
  keeps: boolean;
  /** Told of each process that starts and of each that has ended. */
  watch: (pid: number) => void;
  forget: (pid: number) => void;
}

/** A Redis server of our own, to be mistreated. Its port stays the same through restarts. */
export class Redis {
  readonly url: string;
  readonly #port: number;
  readonly #folder: string;
  readonly #options: RedisOptions;
  #child: ChildProcess | undefined;

  static async start(folder: string, options: RedisOptions): Promise<Redis> {
    const redis = new Redis(folder, await freePort(), options);
    await redis.start();
    return redis;
  }

  private constructor(folder: string, port: number, options: RedisOptions) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#port = port;
    this.#folder = folder;
    this.#options = options;
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const settings = {
      port: this.#port,
      bind: "127.0.0.1",
      dir: this.#folder,
      save: "",
      appendonly: this.#options.keeps ? "yes" : "no",
      appendfsync: "everysec",
      logfile: "redis.log",
    };
    const child = spawn(
      "redis-server",
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: "ignore", detached: true },
    );
    await once(child, "spawn");
    this.#child = child;
    this.#options.watch(child.pid ?? 0);
    const deadline = Date.now() + START_MS_MAX;
    while ((await this.command("PING").catch(() => "")) !== "+PONG") {
      if (child.exitCode !== null) throw new Error(`redis-server ended with status ${child.exitCode}`);
      if (Date.now() > deadline) throw new Error(`redis-server does not answer after ${START_MS_MAX} ms`);
      await sleep(10);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const exited = once(child, "exit");
    if (child.kill("SIGKILL")) await exited;
    this.#options.forget(child.pid ?? 0);
  }

  async restartEmpty(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
    await this.start();
  }

  /** Keeps what is in it now, for `restore`. */
  async snapshot(): Promise<void> {
    const saved = await this.command("SAVE");
    if (saved !== "+OK") throw new Error(`SAVE: ${saved}`);
    copyFileSync(join(this.#folder, "dump.rdb"), join(this.#folder, "snapshot.rdb"));
  }

  /** Killed, and back with what it had at the last `snapshot`. */
  async restore(): Promise<void> {
    await this.kill();
    copyFileSync(join(this.#folder, "snapshot.rdb"), join(this.#folder, "dump.rdb"));
    await this.start();
  }

  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** The first line of the answer to a command, given in one line, as Redis words it. */
  async command(line: string): Promise<string> {
    const socket = connect(this.#port, "127.0.0.1").setEncoding("utf8").setTimeout(COMMAND_MS_MAX);
    socket.on("timeout", () => socket.destroy(new Error(`${line}: no answer in ${COMMAND_MS_MAX} ms`)));
    try {
      socket.write(`${line}\r\n`);
      let answer = "";
      for await (const text of socket) {
        answer += text;
        if (answer.includes("\r\n")) break;
      }
      return answer.split("\r\n")[0] ?? "";
    } finally {
      socket.destroy();
    }
  }
}
