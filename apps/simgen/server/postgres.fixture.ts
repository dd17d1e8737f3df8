/** A real Postgres for tests: its own cluster, port and folder, ended with the test. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { freePort } from "./port.fixture.ts";

const START_TIMEOUT_MS = 60_000;

export interface Postgres {
  url: string;
  /** The cluster's folder. */
  data: string;
  /** Rows as arrays, through a connection of its own. */
  query(text: string, database?: string): Promise<unknown[][]>;
  stop(): Promise<void>;
  /** kill -9; what it has started ends by itself. */
  kill(): Promise<void>;
  /** On the same port again, with the same data. */
  start(): Promise<void>;
}

export async function startPostgres(t: { after(end: () => Promise<void>): unknown }): Promise<Postgres> {
  const [bin] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
  if (bin === undefined) throw new Error("expected PostgreSQL in /usr/lib/postgresql: apt-get install postgresql");
  const dir = await mkdtemp(join(tmpdir(), "simgen-postgres-"));
  const user = postgresUser();
  if (user) chownSync(dir, user.uid, user.gid);
  const data = join(dir, "data");
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "simgen", "--auth=trust", "--no-sync", "-E", "UTF8"], {
    ...user,
    cwd: dir,
    stdio: "pipe",
  });

  const port = await freePort();
  const url = `postgres://simgen@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  const start = async () => {
    const started = spawn(
      join(bin, "postgres"),
      ["-D", data, "-p", String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
      { ...user, cwd: dir, stdio: ["ignore", "ignore", "pipe"] },
    );
    child = started;
    let log = "";
    started.stderr.on("data", (chunk) => {
      log = (log + chunk).slice(-10_000);
    });
    for (const deadline = Date.now() + START_TIMEOUT_MS; !(await answers(url)); await sleep(50))
      if (Date.now() > deadline || started.exitCode !== null) throw new Error(`Postgres did not start:\n${log}`);
  };
  t.after(async () => {
    await end("SIGINT");
    await rm(dir, { recursive: true, force: true, maxRetries: 20 });
  });
  await start();
  return {
    url,
    data,
    query: (text, database = "postgres") => query(url.replace(/[^/]*$/, database), text),
    stop: () => end("SIGINT"),
    kill: () => end("SIGKILL"),
    start,
  };
}

/** Postgres refuses to run as root: whom it, and what works on its files, runs as. */
export function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: "-u" | "-g") => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

async function query(url: string, text: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  // One that is ended by the server meanwhile rejects what was asked as well.
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: "array" });
    return rows;
  } finally {
    await client.end();
  }
}

const answers = (url: string) =>
  query(url, "select 1").then(
    () => true,
    () => false,
  );
