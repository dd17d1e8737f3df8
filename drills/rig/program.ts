import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CALL_MS_MAX = 60_000;
const LOG_TAIL_BYTES = 4000;

/** What a program of the rig can be asked to do: `{cut(clients: number[]): number, …}`. */
export type Calls = { [name: string]: (...args: never[]) => unknown };
type Result<C extends Calls, Name extends keyof C> = Awaited<ReturnType<C[Name]>>;

type Message =
  | { call: number; name: string; args: unknown[] }
  | { call: number; result: unknown }
  | { call: number; error: string }
  | { note: unknown };

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process of the rig, in Node, that answers calls. It ends when the process that started it does. */
export class Program<C extends Calls> {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Set when the drill means it to end; else its end is a failure of the drill. */
  mayExit = false;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;

  /** `file` is beside this one; what the program prints goes to `log`. */
  static async start<C extends Calls>(
    name: string,
    file: string,
    args: string[],
    log: string,
    note: (note: unknown) => void = () => {},
  ): Promise<Program<C>> {
    const output = openSync(log, "a");
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      execArgv: ["--conditions=holdfast-source"],
      stdio: ["ignore", output, output, "ipc"],
      serialization: "advanced",
      // Ctrl-C in a terminal goes to the whole group: the rig alone decides who ends when.
      detached: true,
    });
    closeSync(output);
    await once(child, "spawn");
    return new Program<C>(name, child, log, note);
  }

  private constructor(name: string, child: ChildProcess, log: string, note: (note: unknown) => void) {
    this.name = name;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#log = log;
    this.exited = once(child, "exit").then(([code, signal]) => {
      const error = new Error(`${this.name} ended (${signal ?? `status ${code}`}): ${this.logTail()}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      return { code, signal };
    });
    child.on("message", (message: Message) => {
      if ("note" in message) return note(message.note);
      const waiting = this.#waiting.get(message.call);
      this.#waiting.delete(message.call);
      if ("error" in message) waiting?.reject(new Error(`${this.name}: ${message.error}`));
      else if ("result" in message) waiting?.resolve(message.result);
    });
    child.on("error", () => {});
  }

  /** Rejects with what the program threw, or when it ends or has not answered in time. */
  async call<Name extends keyof C & string>(name: Name, ...args: Parameters<C[Name]>): Promise<Result<C, Name>> {
    const call = ++this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!this.#child.connected) throw new Error(`${this.name} has ended: ${this.logTail()}`);
    this.#waiting.set(call, { resolve, reject });
    const timer = setTimeout(
      () => reject(new Error(`${this.name}: no answer to ${name} in ${CALL_MS_MAX} ms`)),
      CALL_MS_MAX,
    );
    this.#child.send({ call, name, args } satisfies Message);
    try {
      return (await promise) as Result<C, Name>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(call);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.mayExit ||= signal !== "SIGSTOP" && signal !== "SIGCONT";
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.exited;
  }

  logTail(): string {
    return readFileSync(this.#log, "utf8").slice(-LOG_TAIL_BYTES).trim() || "it printed nothing";
  }
}

/** In a program: answers its calls, and ends it when the rig is gone. */
export function answer<C extends Calls>(calls: C): void {
  process.on("disconnect", () => process.exit(1));
  process.on("message", async (message: Message) => {
    if (!("name" in message)) return;
    const { call, name, args } = message;
    try {
      tell({ call, result: await calls[name]?.(...(args as never[])) });
    } catch (error) {
      tell({ call, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}

/** In a program: says something unasked. */
export function note(note: unknown): void {
  tell({ note });
}

function tell(message: Message): void {
  if (process.connected) process.send?.(message);
}
