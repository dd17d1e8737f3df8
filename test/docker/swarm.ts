/** K5, D4: the stack on a swarm of three hosts, one of which backs up, and one is switched off. `npm run test:docker` brings the engine. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Visitor } from "../../apps/simgen/server/server.fixture.ts";
import { Installation, type Outcome, wellAt } from "./installation.ts";
import { describeLoad, Load, type LoadReport } from "./load.ts";

const execute = promisify(execFile);
const HOSTS = 3;
const SERVERS = 5;
const STACK = "holdfast";
const URL_OF_STACK = "http://10.77.0.11:8088";
/** A dead host is noticed after 15 s, and what ran there is started elsewhere. */
const HEALED_MS_MAX = 90_000;
const COMPLAINTS_MAX = 10;
const QUIET_MS = 10_000;
const BACKUP_MS_MAX = 120_000;
const FOLDER = process.env.HOLDFAST_ENGINE_DIR ?? "";
const MAIN = "apps/simgen/server/main.ts";
const hosts = (...args: string[]) => execute("test/docker/hosts.sh", args);
const socket = (host: number) => `unix://${FOLDER}/host-${host}/sock`;

const stack = new Installation("swarm");

describe("three hosts", () => {
  let load: Load | undefined;

  const docker = async (host: number, ...args: string[]) =>
    (await stack.run("docker", "--host", socket(host), ...args)).trim();
  const give = (host: number, ...images: string[]) =>
    execute("bash", ["-c", `docker save ${images.join(" ")} | docker --host ${socket(host)} load --quiet`]);
  const image = (tag: string) => `holdfast/simgen:${stack.project}${tag}`;
  const build = async (tag: string) => {
    await stack.run(
      "env",
      `SIMGEN_TAG=${stack.project}${tag}`,
      "docker",
      "compose",
      "-f",
      "docker-compose.scalable.yml",
      "build",
    );
    await Promise.all([1, 2, 3].map((host) => give(host, image(tag))));
  };
  /** Brings the stack to this version, as a person does. */
  const deploy = async (tag: string): Promise<Outcome> => {
    const env = join(stack.folder, ".env");
    await writeFile(
      env,
      (await readFile(env, "utf8")).replace(/^SIMGEN_TAG=.*$/m, `SIMGEN_TAG=${stack.project}${tag}`),
    );
    const settings = { DOCKER_HOST: socket(1), SWARM_RESOLVE_IMAGE: "never", SWARM_WAIT_SECONDS_MAX: "240" };
    return stack.outcome("deploy/swarm.sh", [STACK], settings);
  };
  /** Where the servers run: "host image", as Swarm sees it. */
  const servers = async () => {
    const format = "{{.Node}} {{.Image}} {{.CurrentState}}";
    const filter = ["--filter", "desired-state=running"];
    const lines = await docker(1, "service", "ps", ...filter, "--format", format, `${STACK}_api`);
    return lines.split("\n").filter((line) => / Running /.test(line));
  };
  /** Building an image on the cores of all three hosts is no part of a rollout: what was slowed down by it is over first. */
  const begin = async () => {
    await sleep(QUIET_MS);
    load?.report();
  };
  const unnoticed = async (t: TestContext, what: string): Promise<LoadReport> => {
    const report = load?.report();
    assert.ok(report && report.requests > 0);
    t.diagnostic(describeLoad(what, report));
    const { failed, broken } = report;
    if (failed.length + broken.length > 0) {
      // It may wait for ever for a host that is gone.
      const logs = ["timeout", "20", "docker", "--host", socket(1), "service", "logs", "--raw", "--tail", "2000"];
      const { output } = await stack.outcome("env", [...logs, `${STACK}_api`]);
      const complaints = output.split("\n").filter((line) => line.includes('"level":50'));
      t.diagnostic(complaints.slice(-COMPLAINTS_MAX).join("\n"));
    }
    assert.deepEqual(broken, [], what);
    return report;
  };

  before(async () => {
    await stack.prepare({ API_REPLICAS: `${SERVERS}`, HTTP_PORT: "8088", HTTPS_PORT: "8448" });
    await hosts("start", FOLDER, `${HOSTS}`);
    await build("");
    await give(1, "nginx:1.30", "redis:8", "postgres:18");
    await give(2, "holdfast/recovery:postgres-18");
    await docker(1, "swarm", "init", "--advertise-addr", "10.77.0.11");
    const token = await docker(1, "swarm", "join-token", "--quiet", "worker");
    for (const host of [2, 3])
      await docker(host, "swarm", "join", "--advertise-addr", `10.77.0.1${host}`, "--token", token, "10.77.0.11:2377");
    const labels = ["--label-add", "holdfast.edge=true", "--label-add", "holdfast.data=true"];
    await docker(1, "node", "update", ...labels, "host1");
    await docker(1, "node", "update", "--label-add", "holdfast.backups=true", "host2");
  });
  after(async () => {
    await load?.stop();
    await hosts("stop", FOLDER);
    await stack.remove();
  });

  test("K5: deploy/swarm.sh brings it up: five servers on three hosts, the page answers", async (t) => {
    const { code, output } = await deploy("");
    assert.equal(code, 0, output);
    const hostsOf = new Set((await servers()).map((line) => line.split(" ")[0]));
    t.diagnostic(`servers: ${(await servers()).join("; ")}`);
    assert.equal((await servers()).length, SERVERS);
    assert.equal(hostsOf.size, HOSTS);
    await wellAt(URL_OF_STACK);
    for (const path of ["/metrics", "/health/detailed"]) assert.equal((await fetch(URL_OF_STACK + path)).status, 404);
    load = new Load(URL_OF_STACK, { sessions: 30, requestsPerSecond: 15 });
    await load.start();
    await sleep(5_000);
    assert.deepEqual((await unnoticed(t, "at rest")).failed, []);
  });

  test("K5: another version is rolled out; no request and no message is lost", async (t) => {
    await appendFile(join(stack.folder, MAIN), "// The next version.\n");
    await build("-2");
    await begin();
    const { code, output } = await deploy("-2");
    assert.equal(code, 0, output);
    assert.deepEqual((await unnoticed(t, "a rollout")).failed, []);
    const running = await servers();
    assert.equal(running.length, SERVERS);
    assert.ok(running.every((line) => line.includes(image("-2"))));
  });

  test("K5: a version that never gets ready is taken back", async (t) => {
    const good = await readFile(join(stack.folder, MAIN), "utf8");
    await writeFile(join(stack.folder, MAIN), `process.exit(3);\n${good}`);
    await build("-3");
    await begin();
    const { code, output } = await deploy("-3");
    await writeFile(join(stack.folder, MAIN), good);
    assert.equal(code, 1, output);
    assert.match(output, /the old version of holdfast_api.* is back/);
    assert.deepEqual((await unnoticed(t, "a version that never gets ready")).failed, []);
    assert.ok((await servers()).every((line) => line.includes(image("-2"))));
  });

  test("K5: a host is switched off: no message is lost, and its servers are started elsewhere", async (t) => {
    load?.report();
    await hosts("off", FOLDER, "3");
    const begun = Date.now();
    for (const gone = "host3"; ; await sleep(500)) {
      const running = await servers();
      if (running.length === SERVERS && !running.some((line) => line.startsWith(gone))) break;
      assert.ok(Date.now() - begun < HEALED_MS_MAX, running.join("; "));
    }
    t.diagnostic(`all servers run again after ${Math.round((Date.now() - begun) / 1000)} s`);
    await sleep(8_000);
    const { failed } = await unnoticed(t, "a host switched off");
    // What was under way there is gone with it; what only reads is asked again.
    assert.ok(!failed.some((each) => each.startsWith("GET")), failed.join(", "));
    await sleep(5_000);
    assert.deepEqual((await unnoticed(t, "after that")).failed, []);
    assert.deepEqual(await load?.stop(), []);
    load = undefined;
  });

  test("D4: another host backs up, and with nothing but that what was deleted by mistake comes back, to the second", async (t) => {
    const inContainer = async (host: number, service: string, ...command: string[]) =>
      docker(host, "exec", await docker(host, "ps", "--quiet", "--filter", `name=${STACK}_${service}`), ...command);
    const inDatabase = (sql: string) =>
      inContainer(1, "postgres", "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-U", "simgen", "-d", "simgen", "-c", sql);
    for (const begun = Date.now(); ; await sleep(500)) {
      const list = await inContainer(2, "backup", "restore.sh", "--list");
      if (/ verified, with a base backup/.test(list)) break;
      assert.ok(Date.now() - begun < BACKUP_MS_MAX, list);
    }
    const visitor = new Visitor({ url: URL_OF_STACK, talks: [] });
    await visitor.create({ template: "pendulum" });
    const before = await visitor.request("GET", "/api/v1/simulations");
    const at = await inDatabase("select now()");
    await sleep(1_000);
    await inDatabase("delete from simulations");
    await inDatabase("select pg_switch_wal()");
    assert.deepEqual((await visitor.request("GET", "/api/v1/simulations")).body.simulations, []);
    t.diagnostic(await inContainer(2, "backup", "restore.sh", "--to", at, "--yes"));
    for (const begun = Date.now(); ; await sleep(200)) {
      const { status, body } = await visitor.request("GET", "/api/v1/simulations");
      if (status === 200 && body.simulations.length > 0) {
        assert.deepEqual(body, before.body);
        break;
      }
      assert.ok(Date.now() - begun < HEALED_MS_MAX, `${status} ${JSON.stringify(body)}`);
    }
    const alerts = await inContainer(2, "alert", "alert.sh", "status");
    for (const condition of ["backup", "health", "wal", "disk"])
      assert.match(alerts, new RegExp(`^${condition}: good`, "m"));
  });
});
