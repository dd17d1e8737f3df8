/** A Postgres of this bench's own, with a database "simgen", in a folder that it takes over. */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);
const START_MS_MAX = 60_000;

export interface Postgres {
  url: string;
  /** Where its programs are. */
  bin: string;
  /** Whom it runs as, and what works on its files: it refuses root. */
  user: { uid?: number; gid?: number };
  /** In the database; what psql prints of it. */
  query(sql: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startPostgres(folder: string): Promise<Postgres> {
  const [bin] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
  if (bin === undefined) throw new Error("expected PostgreSQL in /usr/lib/postgresql: apt-get install postgresql");
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  const user = process.getuid?.() === 0 ? { uid: id("-u"), gid: id("-g") } : {};
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const options = { ...user, cwd: folder };
  await execute(join(bin, "initdb"), ["-D", data, "-U", "simgen", "--auth=trust", "--no-sync", "-E", "UTF8"], options);
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  const settings = ["-c", "listen_addresses=127.0.0.1", "-c", "max_wal_size=8GB"];
  const child = spawn(join(bin, "postgres"), ["-D", data, "-p", `${port}`, "-k", folder, ...settings], {
    ...options,
    stdio: "ignore",
  });
  const server = `postgres://simgen@127.0.0.1:${port}`;
  const psql = async (database: string, sql: string) =>
    (await execute("psql", ["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", `${server}/${database}`, "-c", sql])).stdout.trim();
  const isUp = () => psql("postgres", "select 1").then(Boolean, () => false);
  for (const deadline = Date.now() + START_MS_MAX; !(await isUp()); await sleep(100))
    if (Date.now() > deadline || child.exitCode !== null) throw new Error("Postgres does not start");
  await psql("postgres", "create database simgen");
  return {
    url: `${server}/simgen`,
    bin,
    user,
    query: (sql) =>
      psql(sql.startsWith("create database") || sql.startsWith("drop database") ? "postgres" : "simgen", sql),
    async stop() {
      child.kill("SIGINT");
      await once(child, "exit");
    },
  };
}
