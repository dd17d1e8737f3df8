/**
 * The stack as a person starts it, on a real engine: a copy of this repository, first-run.sh, build, up. `npm run test:docker`
 * brings the engine and the images.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../../apps/simgen/server/port.fixture.ts";
import { type Talk, Visitor } from "../../apps/simgen/server/server.fixture.ts";

const execute = promisify(execFile);
const ROOT = new URL("../..", import.meta.url).pathname;
const PROJECT = `holdfast-test-${process.pid}`;
const MINUTE_MS = 60_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/** What of `docker inspect` is looked at. */
interface Container {
  Name: string;
  State: { Health?: { Status: string } };
  Config: { Healthcheck?: object; StopTimeout: number };
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

describe("the stack on one host", { timeout: 15 * MINUTE_MS }, () => {
  let folder = "";
  let url = "";

  const run = async (program: string, ...args: string[]): Promise<string> => {
    const { stdout } = await execute(program, args, { cwd: folder, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  };
  const compose = (...args: string[]) => run("docker", "compose", "-f", "docker-compose.scalable.yml", ...args);
  const containers = async (): Promise<Container[]> => {
    const ids = (await compose("ps", "--all", "--quiet")).trim().split("\n");
    return JSON.parse(await run("docker", "inspect", ...ids));
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), `${PROJECT}-`));
    await execute("bash", ["-c", `git ls-files -coz --exclude-standard | tar --null -T - -c | tar -x -C "${folder}"`], {
      cwd: ROOT,
    });
    await run("deploy/first-run.sh");
    const settings = await readFile(join(folder, ".env"), "utf8");
    const http = await freePort();
    const own = { HTTP_PORT: http, COMPOSE_PROJECT_NAME: PROJECT, SIMGEN_TAG: PROJECT };
    const lines = Object.entries(own).map(([name, value]) => `${name}=${value}`);
    const others = settings.split("\n").filter((line) => !(line.split("=")[0]! in own));
    await writeFile(join(folder, ".env"), [...others, ...lines, ""].join("\n"));
    url = `http://127.0.0.1:${http}`;
    await compose("build");
    await compose("up", "--detach", "--wait", "--wait-timeout", "120");
  });

  after(async () => {
    await compose("down", "--volumes", "--timeout", "5");
    await run("docker", "rmi", `holdfast/simgen:${PROJECT}`);
    await rm(folder, { recursive: true });
  });

  test("K1: it is up with nothing but what first-run.sh made, and every container is healthy", async () => {
    const states = (await containers())
      .filter(({ Name }) => !Name.includes("migrate"))
      .map(({ Name, State }) => [Name, State.Health?.Status]);
    assert.equal(states.length, 6);
    assert.ok(
      states.every(([, status]) => status === "healthy"),
      JSON.stringify(states),
    );
    const { status, checks } = await (await fetch(`${url}/health`)).json();
    assert.equal(status, "healthy", JSON.stringify(checks));
    assert.deepEqual(Object.keys(checks).sort(), ["breakers", "cv", "event-loop", "memory", "postgres", "redis"]);
  });

  test("a prompt becomes a live simulation through nginx", async (t) => {
    const talks: Talk[] = [];
    const visitor = new Visitor({ url, talks });
    t.after(() => Promise.all(talks.map((talk) => talk.close())));
    const { id } = await visitor.create({ prompt: "a double pendulum" });
    const talk = await visitor.connect();
    talk.send({ type: "watch", simulation: id });
    const { step } = await talk.frame();
    await talk.frame((frame) => frame.step > step + 200);
  });

  test("a sketch is read by the CV service, and the page comes compressed", async () => {
    const strokes = [
      [
        [300, 100],
        [300, 300],
      ],
      [[300, 100]],
      [
        [300, 300],
        [340, 340],
        [300, 380],
        [260, 340],
        [300, 300],
      ],
    ];
    const seen = await fetch(`${url}/api/v1/sketches`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ strokes }),
    });
    assert.equal((await seen.json()).by, "cv");
    const page = await (await fetch(url)).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? "";
    const { headers } = await fetch(url + script, { headers: { "accept-encoding": "br" } });
    assert.equal(headers.get("content-encoding"), "br");
    assert.match(headers.get("cache-control") ?? "", /immutable/);
  });

  test("what only operators may see is not published", async () => {
    for (const path of ["/metrics", "/health/detailed", "/health/ready", "/health/live"])
      assert.equal((await fetch(url + path)).status, 404, path);
  });

  test("who floods is told so, and others of the same address go on soon after", async () => {
    const statuses = async (count: number, method: string) => {
      const answers = Array.from({ length: count }, async () => {
        const { status, body } = await fetch(`${url}/api/v1/nothing`, { method });
        await body?.cancel();
        return status;
      });
      return [...new Set(await Promise.all(answers))].sort();
    };
    assert.deepEqual(await statuses(300, "GET"), [404]);
    assert.deepEqual(await statuses(600, "DELETE"), [404, 429]);
    await sleep(3_000);
    assert.deepEqual(await statuses(20, "DELETE"), [404]);
  });

  test("K1: no secret is in `docker inspect`, and no port but nginx's is published", async () => {
    const all = await containers();
    const shown = JSON.stringify(all);
    const secrets = join(folder, "deploy/secrets");
    for (const name of await readdir(secrets)) {
      const secret = (await readFile(join(secrets, name), "utf8")).trim();
      if (secret !== "") assert.ok(!shown.includes(secret), `${name} is shown`);
    }
    const publishing = all.filter(({ NetworkSettings }) => Object.values(NetworkSettings.Ports).some(Boolean));
    assert.deepEqual(
      publishing.map(({ Name }) => Name),
      [`/${PROJECT}-nginx-1`],
    );
  });

  test("K4: each container has no root, no capabilities, a root that cannot be written, limits, and logs that end", async () => {
    for (const { Name, Config, HostConfig } of await containers()) {
      const service = Name.replace(`/${PROJECT}-`, "").replace(/-\d+$/, "");
      assert.equal(HostConfig.ReadonlyRootfs, true, Name);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"], Name);
      assert.equal(HostConfig.CapAdd, null, Name);
      assert.equal(HostConfig.Privileged, false, Name);
      assert.ok(HostConfig.SecurityOpt?.includes("no-new-privileges:true"), Name);
      assert.ok(HostConfig.Memory > 0 && (HostConfig.PidsLimit ?? 0) > 0, Name);
      assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } });
      if (service === "migrate") continue;
      assert.ok(Config.Healthcheck, Name);
      assert.ok(Config.StopTimeout >= 20, `${Name}: stopped after ${Config.StopTimeout} s`);
      const uid = await compose("exec", "-T", service, "id", "-u");
      assert.notEqual(uid.trim(), "0", Name);
      await assert.rejects(compose("exec", "-T", service, "touch", "/etc/written"), /Read-only file system/, Name);
    }
  });
});
