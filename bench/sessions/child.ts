import type { ChildProcess } from "node:child_process";

/** What a child process can be asked. */
type Calls<C> = { [N in keyof C]: (...args: never[]) => unknown };

interface Question {
  id: number;
  name: string;
  args: unknown[];
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

const STDERR_CHARACTERS_MAX = 4000;

/** The parent's side of a child process: its calls, each with a time limit, rejected when the child ends. */
export class Child<C extends Calls<C>> {
  readonly name: string;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #calls = 0;
  #stderr = "";
  #ended: Error | undefined;

  /** `told` hears what the child says unasked. */
  constructor(name: string, child: ChildProcess, told: (value: unknown) => void = () => {}) {
    if (child.pid === undefined) throw new Error(`${name} did not start`);
    this.name = name;
    this.pid = child.pid;
    this.#process = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARACTERS_MAX);
    });
    child.on("message", (message: Answer | { told: unknown }) => {
      if ("told" in message) told(message.told);
      else this.#answered(message);
    });
    child.on("close", (code, signal) => {
      this.#ended = new Error(`${name} ended (${signal ?? code}): ${this.#stderr || "it said nothing"}`);
      for (const { reject } of this.#waiting.values()) reject(this.#ended);
    });
  }

  async call<N extends keyof C & string>(name: N, ...args: Parameters<C[N]>): Promise<Awaited<ReturnType<C[N]>>> {
    return this.callWithin(30_000, name, ...args);
  }

  async callWithin<N extends keyof C & string>(
    milliseconds: number,
    name: N,
    ...args: Parameters<C[N]>
  ): Promise<Awaited<ReturnType<C[N]>>> {
    if (this.#ended) throw this.#ended;
    const id = ++this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(
      () => reject(new Error(`${this.name}: no answer to ${name} within ${milliseconds} ms\n${this.#stderr}`)),
      milliseconds,
    );
    this.#process.send({ id, name, args } satisfies Question);
    try {
      return (await promise) as Awaited<ReturnType<C[N]>>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Calls without waiting for an answer. */
  tell<N extends keyof C & string>(name: N, ...args: Parameters<C[N]>): void {
    if (!this.#ended && this.#process.connected) this.#process.send({ id: 0, name, args } satisfies Question);
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }
}

/** The child's side: answers calls until the parent is gone. */
export function answer<C extends Calls<C>>(calls: C): void {
  process.on("disconnect", () => process.exit());
  // The terminal's Ctrl-C reaches every process; the parent ends this one.
  process.on("SIGINT", () => {});
  process.on("message", async ({ id, name, args }: Question) => {
    const call = calls[name as keyof C] as (...args: never[]) => unknown;
    let reply: Answer;
    try {
      reply = { id, value: await call(...(args as never[])) };
    } catch (error) {
      reply = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    if (id !== 0 && process.connected) process.send?.(reply);
  });
}

/** Says something to the parent unasked. */
export function tell(value: unknown): void {
  if (process.connected) process.send?.({ told: value });
}
