/** One installation of the stack, as a person makes it: a copy of this repository, first-run.sh, build, up. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../apps/simgen/server/port.fixture.ts";

const execute = promisify(execFile);
const ROOT = new URL("../..", import.meta.url).pathname;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const READY_SECONDS_MAX = 120;
const COMPLAINTS_MAX = 20;
const WELL_MS_MAX = 60_000;

export type Service = "nginx" | "api" | "cv" | "redis" | "postgres" | "backup" | "wal" | "alert";

/** What of `docker inspect` is looked at. */
export interface Container {
  Id: string;
  Name: string;
  RestartCount: number;
  State: { Status: string; Pid: number; StartedAt: string; Health?: { Status: string } };
  Config: { Image: string; Healthcheck?: object; StopTimeout: number };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    CapAdd: string[] | null;
    SecurityOpt: string[] | null;
    Memory: number;
    PidsLimit: number | null;
    Privileged: boolean;
    LogConfig: { Type: string; Config: Record<string, string> };
  };
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

/** A line of nginx's access log. */
export interface Access {
  uri: string;
  /** Who was asked; several, with commas between, when one could not be reached. */
  upstream: string;
}

export interface Outcome {
  code: number;
  output: string;
}

export class Installation {
  readonly project: string;
  folder = "";
  url = "";
  /** Of HTTP and HTTPS. */
  ports: [number, number] = [0, 0];

  constructor(name: string) {
    this.project = `holdfast-${name}-${process.pid}`;
  }

  /** Up, and every container healthy. */
  async start(): Promise<void> {
    await this.prepare();
    await this.compose("build");
    await this.up();
  }

  /** With what the containers have printed, when it fails. */
  async up(...files: string[]): Promise<void> {
    const more = files.flatMap((file) => ["-f", file]);
    try {
      await this.compose(...more, "up", "--detach", "--wait", "--wait-timeout", String(READY_SECONDS_MAX));
    } catch (error) {
      const states = await this.compose("ps", "--all", "--format", "{{.Name}} {{.Status}}");
      throw new Error(`${states}\n${await this.compose("logs", "--tail", String(COMPLAINTS_MAX))}`, { cause: error });
    }
  }

  /** The files, the secrets and .env. */
  async prepare(settings: Record<string, string> = {}): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), `${this.project}-`));
    const copy = `git ls-files -coz --exclude-standard | tar --null -T - -c | tar -x -C "${this.folder}"`;
    await execute("bash", ["-c", copy], { cwd: ROOT });
    await this.run("deploy/first-run.sh");
    const [http, https] = await Promise.all([freePort(), freePort()]);
    this.ports = [http, https];
    const own = {
      HTTP_PORT: `${http}`,
      HTTPS_PORT: `${https}`,
      COMPOSE_PROJECT_NAME: this.project,
      SIMGEN_TAG: this.project,
      // Where the engine's folder is in memory (see engine.sh), what a container writes to its volumes counts as its own.
      ...{ POSTGRES_MEMORY: "3g", BACKUP_MEMORY: "3g", WAL_MEMORY: "1g" },
      ...settings,
    };
    const env = join(this.folder, ".env");
    const given = await readFile(env, "utf8");
    const others = given.split("\n").filter((line) => !Object.keys(own).includes(line.split("=")[0] ?? ""));
    await writeFile(env, [...others, ...Object.entries(own).map(([name, value]) => `${name}=${value}`), ""].join("\n"));
    this.url = `http://127.0.0.1:${http}`;
  }

  /** Nothing of it stays. */
  async remove(): Promise<void> {
    if (this.folder === "") return;
    await this.compose("down", "--volumes", "--timeout", "5");
    const mine = `reference=holdfast/simgen:${this.project}*`;
    const images = await this.run("docker", "images", "--filter", mine, "--format", "{{.Repository}}:{{.Tag}}");
    for (const image of images.split("\n").filter(Boolean)) await this.run("docker", "rmi", image);
    await rm(this.folder, { recursive: true });
  }

  /** Resolves with what it prints; rejects when it fails, with that. */
  async run(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(program, args, { cwd: this.folder, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  }

  /** Whatever comes of it: with its exit code, and all it prints. */
  async outcome(program: string, args: string[], settings: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const options = { cwd: this.folder, env: { ...process.env, ...settings }, maxBuffer: OUTPUT_BYTES_MAX };
    const child = execFile(program, args, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
    return promise;
  }

  compose(...args: string[]): Promise<string> {
    return this.run("docker", "compose", "-f", "docker-compose.scalable.yml", ...args);
  }

  async containers(...services: Service[]): Promise<Container[]> {
    const ids = (await this.compose("ps", "--all", "--quiet", ...services)).split("\n").filter(Boolean);
    return ids.length === 0 ? [] : JSON.parse(await this.run("docker", "inspect", ...ids));
  }

  /** What nginx has logged since then, oldest first. */
  async accesses(since: Date): Promise<Access[]> {
    const log = await this.compose("logs", "--no-log-prefix", "--since", since.toISOString(), "nginx");
    return log.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  }

  /** The last of what nginx and the servers found wrong. */
  async complaints(): Promise<string> {
    const log = await this.compose("logs", "nginx", "api");
    const isWrong = (line: string) => /\[(error|crit)\]|"status":5|"level":50/.test(line);
    return log.split("\n").filter(isWrong).slice(-COMPLAINTS_MAX).join("\n");
  }

  async untilHealthy(...services: Service[]): Promise<void> {
    for (const deadline = Date.now() + READY_SECONDS_MAX * 1000; ; await sleep(200)) {
      const states = (await this.containers(...services))
        .filter(({ Config }) => Config.Healthcheck)
        .map(({ State }) => State.Health?.Status);
      if (states.length > 0 && states.every((state) => state === "healthy")) return;
      if (Date.now() > deadline) throw new Error(`not healthy within ${READY_SECONDS_MAX} s: ${states.join(", ")}`);
    }
  }
}

/** What it says of its health, once that is good: a server may have been up before what it looks at every five seconds. */
export async function wellAt(url: string): Promise<{ status: string; checks: Record<string, unknown> }> {
  for (const deadline = Date.now() + WELL_MS_MAX; ; await sleep(500)) {
    const answer = await (await fetch(`${url}/health`)).text();
    // A page of nginx's own, while it knows no server yet.
    const health = answer.startsWith("{") ? JSON.parse(answer) : { status: answer };
    if (health.status === "healthy") return health;
    if (Date.now() > deadline) throw new Error(`not healthy within ${WELL_MS_MAX} ms: ${JSON.stringify(health)}`);
  }
}
