/** A real SimGen for tests: its own process, port and data, ended with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { PGlite } from "@electric-sql/pglite";
import { type Connection, type ConnectOptions, connect } from "@holdfast/client";
import type { HealthReport } from "@holdfast/health";
import WebSocket from "ws";
import type { ProblemCode } from "../service/problem.ts";
import { type Frame, FrameDecoder } from "../sim/frame.ts";
import type { Scene } from "../sim/scene.ts";
import type { TestLine } from "./line.fixture.ts";
import type { SimulationView, ToClient, ToServer } from "./messages.ts";
import type { StoredSimulation } from "./simulation-store.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const PGLITE = fileURLToPath(import.meta.resolve("@electric-sql/pglite"));
const START_TIMEOUT_MS = 60_000;

export interface Server {
  url: string;
  dataDir: string;
  process: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sessions to end with the test. */
  talks: Talk[];
}

/** A server for a whole suite: call it in `describe`, use it in the tests. */
export function suiteServer(env: Record<string, string> = {}): Server {
  const server = {} as Server;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    Object.assign(server, await startServer({ after: (end) => ends.push(end) }, env));
  });
  after(async () => {
    for (const end of ends) await end();
  });
  return server;
}

/** A number that the server counts, by its Prometheus name. */
export async function metric(server: Server, name: string): Promise<number> {
  const { text } = await new Visitor(server).request("GET", "/metrics");
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}

/** Starts a server for one test, and resolves when it serves. */
export async function startServer(
  t: { after(end: () => Promise<void>): unknown },
  env: Record<string, string> = {},
): Promise<Server> {
  const dataDir = env.DATA_DIR ?? (await emptyDataDir());
  const child = spawn(process.execPath, ["--conditions=holdfast-source", MAIN], {
    env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", DATA_DIR: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  const talks: Talk[] = [];
  t.after(async () => {
    await Promise.all(talks.map((talk) => talk.close()));
    await stop();
    if (env.DATA_DIR === undefined) await rm(dataDir, { recursive: true, force: true });
  });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not ready within ${START_TIMEOUT_MS} ms:\n${output}`)),
      START_TIMEOUT_MS,
    );
    const read = (chunk: Buffer) => {
      output += chunk;
      const ready = /SimGen is ready: (\S+)/.exec(output)?.[1];
      if (ready !== undefined) resolve(ready);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => reject(new Error(`exited with ${code}:\n${output}`)));
    child.on("exit", () => clearTimeout(timer));
    child.stdout.once("data", () => clearTimeout(timer));
  });
  return { url, dataDir, process: child, output: () => output, stop, talks };
}

/**
 * A data directory with an embedded database that has no tables yet. Making one takes seconds of initdb, so it is made
 * once a version of PGlite, and copied.
 */
export async function emptyDataDir(): Promise<string> {
  const { mtimeMs } = await stat(PGLITE);
  const template = join(tmpdir(), `simgen-empty-postgres-${Math.round(mtimeMs)}`);
  if (!existsSync(template)) {
    const fresh = await mkdtemp(`${template}-`);
    await (await PGlite.create(fresh)).close();
    // Another test file may have been faster.
    await rename(fresh, template).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  const dataDir = await mkdtemp(join(tmpdir(), "simgen-test-"));
  await cp(template, join(dataDir, "postgres"), { recursive: true });
  return dataDir;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: AnswerBody;
}

/** The fields of every kind of answer: a test reads those that its answer has. */
export interface AnswerBody extends StoredSimulation {
  simulations: SimulationView[];
  next: string | null;
  templates: { id: string; scene: Scene }[];
  code: ProblemCode;
  title: string;
  detail: string;
  suggestions: string[];
  status: string;
  checks: HealthReport["checks"];
  paths: Record<string, unknown>;
}

/** One visitor: keeps its cookie. */
export class Visitor {
  readonly server: Pick<Server, "url" | "talks">;
  readonly headers: Record<string, string>;

  constructor(server: Pick<Server, "url" | "talks">, headers: Record<string, string> = {}) {
    this.server = server;
    this.headers = { ...headers };
  }

  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(this.server.url + path, {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: text }),
    });
    const cookie = response.headers.get("set-cookie");
    if (cookie !== null) this.headers.cookie = cookie.split(";")[0] ?? "";
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      body: answer.startsWith("{") ? JSON.parse(answer) : {},
    };
  }

  /** Makes a simulation and resolves with it; fails on anything but a 201. */
  async create(body: unknown): Promise<StoredSimulation> {
    const answer = await this.request("POST", "/api/v1/simulations", body);
    if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The same visitor, by another way to the server. */
  by(line: TestLine): Visitor {
    return new Visitor({ ...this.server, url: line.url }, this.headers);
  }

  /** Opens a session, which ends with the server. */
  async connect(options?: ConnectOptions): Promise<Talk> {
    const talk = this.talk(options);
    await talk.event("open");
    return talk;
  }

  /** Tries to open one. */
  talk(options?: ConnectOptions): Talk {
    const talk = new Talk(this.server.url, this.headers, options);
    this.server.talks.push(talk);
    return talk;
  }
}

/** A visitor's session whose messages and frames can be waited for. */
export class Talk {
  readonly session: Connection<{ toClient: ToClient; toServer: unknown }>;
  readonly messages: ToClient[] = [];
  readonly frames: Frame[] = [];
  /** What became of the session: "open", "resumed", "gap", "closed 4500". */
  readonly events: string[] = [];
  /** The present line. */
  line: WebSocket | undefined;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Set<() => void>();
  #reason = "";

  constructor(url: string, headers: Record<string, string>, options: ConnectOptions = {}) {
    const opened = (line: WebSocket) => {
      this.line = line;
    };
    class Line extends WebSocket {
      constructor(address: string) {
        super(address, { headers });
        opened(this);
      }
    }
    this.session = connect(`${url}/ws`, { WebSocket: Line, ...options });
    this.session.on("message", (message) => this.#saw(() => this.messages.push(message)));
    for (const lane of ["keyframe", "frame"])
      this.session.lane(lane).on((bytes) =>
        this.#saw(() => {
          const frame = this.#decoder.decode(bytes);
          if (frame) this.frames.push(frame);
        }),
      );
    for (const event of ["open", "resumed", "gap"] as const)
      this.session.on(event, () => this.#saw(() => this.events.push(event)));
    this.session.on("closed", ({ code, reason }) =>
      this.#saw(() => {
        this.events.push(`closed ${code}`);
        this.#reason = reason;
      }),
    );
    this.session.on("state", () => this.#saw());
  }

  send(message: ToServer | Record<string, unknown> | string | null): void {
    this.session.send(message);
  }

  close(): Promise<void> {
    return this.session.close();
  }

  /** Resolves with what `find` finds, looking again whenever something has come. */
  async until<T>(what: string, find: () => T | undefined, timeoutMs = 20_000): Promise<T> {
    const found = Promise.withResolvers<T>();
    const check = () => {
      const value = find();
      if (value !== undefined) found.resolve(value);
    };
    const timer = setTimeout(() => {
      const events = `${this.events.join(", ")} ${this.#reason}`;
      const last = `${this.session.state}; ${events}; ${JSON.stringify(this.messages.at(-1))}`;
      found.reject(new Error(`no ${what} within ${timeoutMs} ms; last: ${last}`));
    }, timeoutMs);
    this.#waiting.add(check);
    check();
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }

  /** The first message of this type that fits, from `from` on. */
  message<T extends ToClient["type"]>(
    type: T,
    fits: (message: Extract<ToClient, { type: T }>) => boolean = () => true,
    from = 0,
  ) {
    return this.until(`"${type}" message`, () =>
      this.messages
        .slice(from)
        .find(
          (message): message is Extract<ToClient, { type: T }> =>
            message.type === type && fits(message as Extract<ToClient, { type: T }>),
        ),
    );
  }

  /** The last such frame so far, or the next one. */
  frame(fits: (frame: Frame) => boolean = () => true): Promise<Frame> {
    return this.until("frame", () => this.frames.findLast(fits));
  }

  /** An event of the session, from `from` on. */
  event(name: string, from = 0): Promise<true> {
    return this.until(`event "${name}"`, () => this.events.includes(name, from) || undefined);
  }

  #saw(note?: () => void): void {
    note?.();
    for (const check of this.#waiting) check();
  }
}
