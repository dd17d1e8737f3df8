/** A real Postgres for tests: its own cluster, port and folder, ended with the test. */
import { execFileSync, spawn } from "node:child_process";
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
  stop(): Promise<void>;
}

export async function startPostgres(t: { after(end: () => Promise<void>): unknown }): Promise<Postgres> {
  const [bin] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
  if (bin === undefined) throw new Error("expected PostgreSQL in /usr/lib/postgresql: apt-get install postgresql");
  const dir = await mkdtemp(join(tmpdir(), "simgen-postgres-"));
  // Postgres refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  if (user.uid !== undefined) chownSync(dir, user.uid, user.gid);
  const data = join(dir, "data");
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "simgen", "--auth=trust", "--no-sync", "-E", "UTF8"], {
    ...user,
    cwd: dir,
    stdio: "pipe",
  });

  const port = await freePort();
  const url = `postgres://simgen@127.0.0.1:${port}/postgres`;
  const child = spawn(
    join(bin, "postgres"),
    ["-D", data, "-p", String(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
    {
      ...user,
      cwd: dir,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let log = "";
  child.stderr.on("data", (chunk) => {
    log = (log + chunk).slice(-10_000);
  });
  const exited = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
    await exited;
  };
  t.after(async () => {
    await stop();
    await rm(dir, { recursive: true, force: true });
  });
  for (const deadline = Date.now() + START_TIMEOUT_MS; !(await answers(url)); await sleep(50))
    if (Date.now() > deadline || child.exitCode !== null) throw new Error(`Postgres did not start:\n${log}`);
  return { url, stop };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

function idOf(flag: "-u" | "-g"): number {
  return Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
}
