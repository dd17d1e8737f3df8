/** The number of servers, and their version, are changed under load: nobody notices. `npm run test:docker` brings the engine. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Installation } from "./installation.ts";
import { describeLoad, Load, type LoadReport } from "./load.ts";

const SETTLE_MS = 6_000;
const MAIN = "apps/simgen/server/main.ts";

const stack = new Installation("scale");

describe("servers come and go under load", () => {
  let load: Load | undefined;

  before(async () => {
    await stack.start();
    load = new Load(stack.url, { sessions: 100, requestsPerSecond: 50 });
    await load.start();
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
  });

  /** What was done under load, as a line; nothing of it may have been noticed. */
  const unnoticed = async (t: TestContext, what: string): Promise<LoadReport> => {
    const report = load?.report();
    assert.ok(report && report.requests > 0);
    t.diagnostic(describeLoad(what, report));
    const { failed, broken } = report;
    if (failed.length + broken.length > 0) t.diagnostic(await stack.complaints());
    assert.deepEqual(failed, [], what);
    assert.deepEqual(broken, [], what);
    return report;
  };

  const nginx = async () => {
    const [container] = await stack.containers("nginx");
    const workers = await stack.run("docker", "top", container?.Id ?? "", "-o", "pid,lstart,cmd");
    return { pid: container?.State.Pid, since: container?.State.StartedAt, workers };
  };

  test("K2: five servers, one, two: nginx follows without a reload, no request and no message is lost", async (t) => {
    const before = await nginx();
    let last = 2;
    for (const count of [5, 1, 2]) {
      await stack.compose("up", "--detach", "--no-recreate", "--scale", `api=${count}`);
      await stack.untilHealthy("api");
      assert.equal((await stack.containers("api")).length, count);
      // A name is looked up each second.
      await sleep(2_000);
      const since = new Date();
      await sleep(SETTLE_MS);
      await unnoticed(t, `to ${count} servers`);
      const served = Map.groupBy(
        (await stack.accesses(since)).filter(({ uri }) => uri.startsWith("/api/")),
        ({ upstream }) => upstream,
      );
      const shares = [...served.values()].map(({ length }) => length);
      const total = shares.reduce((sum, each) => sum + each, 0);
      t.diagnostic(`${count} servers answered ${shares.join(", ")} of ${total} requests`);
      // Whoever has many sessions gets few requests beside them, and with two servers none before the other has as many.
      assert.ok(served.size >= Math.max(1, count - last), `${served.size} of ${count} servers answered`);
      last = count;
    }
    assert.deepEqual(await nginx(), before, "nginx is the process that it was");
  });

  // ---- rollouts ----

  const settings = { ROLLOUT_READY_SECONDS_MAX: "15", ROLLOUT_WATCH_SECONDS: "5" };
  const rollout = (...args: string[]) => stack.outcome("deploy/rollout.sh", args, settings);
  /** Interrupted when it says this. */
  const interrupted = async (when: RegExp, signal: NodeJS.Signals, ...args: string[]) => {
    const child = spawn("deploy/rollout.sh", args, {
      cwd: stack.folder,
      env: { ...process.env, ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output += chunk;
        if (when.test(output) && !child.killed) child.kill(signal);
      });
    const [code, by] = await once(child, "close");
    return { code, by, output };
  };
  const versions = async () =>
    (await stack.containers("api", "cv")).map(({ Name, Config, State }) => {
      const service = Name.replace(`/${stack.project}-`, "").replace(/-\d+$/, "");
      return `${service} ${Config.Image.split(":")[1]} ${State.Health?.Status}`;
    });
  const allOf = (tag: string) => [`api ${tag} healthy`, `api ${tag} healthy`, `cv ${tag} healthy`];
  const change = (line: string) => appendFile(join(stack.folder, MAIN), line);

  test("K3: a rollout says what it would do, and two at once are one too many", async () => {
    const dry = await rollout("--dry-run", `${stack.project}-dry`);
    assert.equal(dry.code, 0, dry.output);
    assert.match(
      dry.output,
      /1 cv, 2 api\n.*build the image\n.*tables.*\n.*start the new.*\n(.*leave\n){3}.*SIMGEN_TAG/,
    );
    assert.deepEqual(await versions(), allOf(stack.project));
    assert.equal((await rollout("--no-such-option")).code, 2);
    const [one, other] = await Promise.all([rollout("--dry-run", "a"), sleep(0).then(() => rollout("--dry-run", "b"))]);
    assert.deepEqual([one.code, other.code].sort(), [0, 3]);
  });

  test("K3: a new version replaces the old; no request and no message is lost, and clients come back one by one", async (t) => {
    await change("// The next version.\n");
    load?.report();
    const { code, output } = await rollout(`${stack.project}-2`);
    assert.equal(code, 0, output);
    const { resumedAfterSeconds } = await unnoticed(t, "a rollout");
    assert.deepEqual(await versions(), allOf(`${stack.project}-2`));
    assert.match(
      await readFile(join(stack.folder, ".env"), "utf8"),
      new RegExp(`^SIMGEN_TAG=${stack.project}-2$`, "m"),
    );
    assert.ok(resumedAfterSeconds.length >= 100, `${resumedAfterSeconds.length} came back`);
    const moments = new Set(resumedAfterSeconds).size;
    t.diagnostic(`they came back in ${moments} different tenths of a second`);
    // In batches, five a second, of two servers; all at once, they take some fifteen.
    assert.ok(moments >= 20, `${moments} tenths of a second`);
    // What Compose finds is what it would have made.
    const plan = await stack.run("bash", "-c", "docker compose -f docker-compose.scalable.yml up -d --dry-run 2>&1");
    assert.doesNotMatch(plan, /(api|cv)-\d+ +Recreate/);
  });

  test("K3: a version that never gets ready is taken back; the old one has served all the time", async (t) => {
    const good = await readFile(join(stack.folder, MAIN), "utf8");
    await writeFile(join(stack.folder, MAIN), `await new Promise((resolve) => setTimeout(resolve, 1e9));\n${good}`);
    load?.report();
    const { code, output } = await rollout(`${stack.project}-3`);
    await writeFile(join(stack.folder, MAIN), good);
    assert.equal(code, 1, output);
    assert.match(output, /api-\d+ is not ready: running starting 0/);
    await unnoticed(t, "a version that never gets ready");
    assert.deepEqual(await versions(), allOf(`${stack.project}-2`));
  });

  test("K3: a version that dies when the old has begun to leave is taken back", async (t) => {
    const good = await readFile(join(stack.folder, MAIN), "utf8");
    await change("setTimeout(() => process.exit(3), 15_000);\n");
    load?.report();
    const { code, output } = await rollout(`${stack.project}-4`);
    await writeFile(join(stack.folder, MAIN), good);
    assert.equal(code, 1, output);
    assert.match(output, /has failed: /);
    const report = load?.report();
    t.diagnostic(`a version that dies: ${report?.failed.length} of ${report?.requests} requests failed`);
    assert.deepEqual(report?.broken, []);
    assert.deepEqual(await versions(), allOf(`${stack.project}-2`));
  });

  test("K3: interrupted, the old go on; killed, what runs goes on, and the next one clears it up", async (t) => {
    await sleep(SETTLE_MS);
    load?.report();
    for (const when of [/starting the new/, /api-\d+ leaves/]) {
      const { code, output } = await interrupted(when, "SIGINT", `${stack.project}-2b`);
      assert.equal(code, 1, output);
      assert.deepEqual(await versions(), allOf(`${stack.project}-2`));
      await unnoticed(t, `interrupted at ${when}`);
    }
    const { by } = await interrupted(/api-\d+ leaves/, "SIGKILL", `${stack.project}-2c`);
    assert.equal(by, "SIGKILL");
    await sleep(SETTLE_MS);
    await unnoticed(t, "killed");
    const { code, output } = await rollout(`${stack.project}-2c`);
    assert.equal(code, 0, output);
    assert.match(output, /the last one did not end/);
    assert.deepEqual(await versions(), allOf(`${stack.project}-2c`));
    await unnoticed(t, "once more");
  });

  test("each message was answered once", async () => {
    assert.deepEqual(await load?.stop(), []);
    load = undefined;
  });
});
