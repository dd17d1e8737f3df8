/** Every command of DISASTER_RECOVERY.md, as it stands there, on the real stack. `npm run test:docker` brings the engine. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../apps/simgen/server/port.fixture.ts";
import { Visitor } from "../../apps/simgen/server/server.fixture.ts";
import { Installation, type Outcome, wellAt } from "./installation.ts";

const WAIT_MS_MAX = 90_000;
const HEALTH = "docker compose exec -T api node deploy/probe.mjs /health";
/** Of this machine, as containers reach it. */
const HOST = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

const stack = new Installation("runbooks");

describe("the runbooks", { timeout: 900_000 }, () => {
  const document = new URL("../../DISASTER_RECOVERY.md", import.meta.url);
  /** Each command, with the heading it stands under. */
  const commands = new Map<string, string>();
  const done = new Set<string>();
  let visitor: Visitor;

  /** Runs a command of the document, found by how it begins, in the folder of the stack. */
  const run = async (
    beginning: string,
    replaced: Record<string, string> = {},
    folder = stack.folder,
  ): Promise<Outcome> => {
    const command = [...commands.keys()].find((each) => each.startsWith(beginning));
    assert.ok(command, `DISASTER_RECOVERY.md has no command that begins with ${beginning}`);
    done.add(command);
    const text = Object.entries(replaced).reduce((sum, [word, value]) => sum.replace(word, value), command);
    return stack.outcome("bash", ["-c", `cd "${folder}" && ${text}`], { NODE: process.execPath });
  };
  const works = async (...args: Parameters<typeof run>): Promise<string> => {
    const { code, output } = await run(...args);
    assert.equal(code, 0, output);
    return output;
  };
  const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    for (const deadline = Date.now() + WAIT_MS_MAX; !(await isSo().catch(() => false)); await sleep(200))
      assert.ok(Date.now() < deadline, `${what}: not within ${WAIT_MS_MAX} ms`);
  };
  const checks = async () => JSON.parse((await stack.outcome("bash", ["-c", HEALTH])).output).checks;
  const inDatabase = async (sql: string) =>
    (await stack.compose("exec", "-T", "postgres", "psql", "-qAtX", "-U", "simgen", "-d", "simgen", "-c", sql)).trim();
  const own = async (url = stack.url): Promise<string[]> => {
    const { status, body } = await new Visitor({ url, talks: [] }, visitor.headers).request(
      "GET",
      "/api/v1/simulations",
    );
    assert.equal(status, 200);
    return body.simulations.map(({ id }) => id).sort();
  };

  before(async () => {
    let heading = "";
    let isCode = false;
    for (const line of (await readFile(document, "utf8")).split("\n")) {
      if (line.startsWith("### ")) heading = line.slice(4);
      else if (line.startsWith("```")) isCode = !isCode;
      else if (isCode) commands.set(line, heading);
      // The last column of the calendar.
      else if (/^\| (daily|weekly|monthly|yearly) /.test(line)) {
        const [, command] = /`([^`]+)` \|$/.exec(line) ?? [];
        if (command) commands.set(command.replaceAll("\\|", "|"), "Calendar");
      }
    }
    await stack.start();
    await wellAt(stack.url);
    // What the drill's browser is driven by; npm puts it there.
    await symlink(new URL("../../node_modules", import.meta.url), join(stack.folder, "node_modules"));
    visitor = new Visitor({ url: stack.url, talks: [] });
    for (const template of ["pendulum", "car"]) await visitor.create({ template });
    assert.equal(
      (await stack.outcome("bash", ["-c", "docker compose run --rm -T --no-deps backup schedule.sh --once"])).code,
      0,
    );
  });
  after(() => stack.remove());

  test("the daily look, the weekly ones, and the certificate", async () => {
    assert.match(await works(HEALTH), /"backup":\{"status":"pass"\}/);
    await works("docker compose logs --no-log-prefix");
    assert.match((await run("deploy/certificate.sh check")).output, /there is none/);
  });

  test("an alert arrives", async (t) => {
    const heard: string[] = [];
    const server = createServer((request, response) => {
      request.on("data", (chunk) => heard.push(String(chunk)));
      request.on("end", () => response.end());
    });
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    t.after(() => server.close());
    const secret = join(stack.folder, "deploy/secrets/alert_webhook_url");
    await chmod(secret, 0o644);
    await writeFile(secret, `http://${HOST}:${(server.address() as AddressInfo).port}/hook\n`);
    assert.match(await works("docker compose run --rm -T --no-deps alert alert.sh test"), /webhook: it arrived/);
    assert.match(heard.join(""), /this is a test, nothing has happened/);
    await writeFile(secret, "\n");
  });

  test("a crash", async () => {
    const [container] = await stack.containers("cv");
    await stack.run("docker", "stop", "--time", "1", container?.Id ?? "");
    await works("docker compose up -d --wait");
    await stack.untilHealthy("cv");
  });

  test("connections used up", async (t) => {
    const greedy = spawn(
      "docker",
      [
        "compose",
        "-f",
        "docker-compose.scalable.yml",
        "exec",
        "-T",
        "postgres",
        "bash",
        "-c",
        "for i in $(seq 20); do (sleep 120 | psql -qU simgen simgen) & done; wait",
      ],
      { cwd: stack.folder, stdio: "ignore" },
    );
    t.after(() => greedy.kill());
    await until(
      "many connections",
      async () =>
        Number(
          await inDatabase("select count(*) from pg_stat_activity where state = 'idle' and application_name = 'psql'"),
        ) >= 20,
    );
    await inDatabase("select 1");
    // Theirs are a minute old then.
    await sleep(61_000);
    await works("docker compose exec -T postgres psql");
    assert.equal(
      await inDatabase(
        "select count(*) from pg_stat_activity where state = 'idle' and state_change < now() - interval '1 minute'",
      ),
      "0",
    );
    assert.equal((await own()).length, 2);
  });

  test("a full Redis gets room, and sessions go on", async (t) => {
    const talk = await visitor.connect();
    t.after(() => talk.close());
    await works("sed -i 's/^REDIS_MEMORY");
    const password = (await readFile(join(stack.folder, "deploy/secrets/redis_password"), "utf8")).trim();
    const asked = [
      "exec",
      "-T",
      "-e",
      `REDISCLI_AUTH=${password}`,
      "redis",
      "redis-cli",
      "--user",
      "simgen",
      "config",
      "get",
      "maxmemory",
    ];
    assert.match(await stack.compose(...asked), new RegExp(String(512 * 2 ** 20)));
    await until("Redis is well", async () => (await checks()).redis.status === "pass");
    const [first = ""] = await own();
    talk.send({ type: "watch", simulation: first });
    await talk.frame();
  });

  test("stuck sessions begin again where they were", async (t) => {
    const talk = await visitor.connect();
    t.after(() => talk.close());
    await works("docker compose restart api");
    // Both at once: nginx tries them again after two seconds.
    await until("the service is back", async () => (await own()).length === 2);
    const [first = ""] = await own();
    talk.send({ type: "watch", simulation: first });
    await talk.frame();
    assert.ok(!talk.events.includes("gap"), talk.events.join());
  });

  test("a second CV service, and back to one", async () => {
    await works("sed -i 's/^CV_REPLICAS");
    assert.equal((await stack.containers("cv")).length, 2);
    await stack.run(
      "bash",
      "-c",
      "sed -i 's/^CV_REPLICAS=.*/CV_REPLICAS=1/' .env && docker compose up -d --wait --no-deps --no-recreate cv",
    );
  });

  test("room on a full disk", async () => {
    assert.match(await works("docker compose run --rm -T --no-deps -e KEEP_DAILY"), /"deleted":\[/);
  });

  test("a backup by hand", async () => {
    await works("docker compose run --rm -T --no-deps backup schedule.sh --once");
  });

  test("data deleted by mistake comes back: one simulation, or a table's rows as of a time", async () => {
    const before = await own();
    const at = await inDatabase("select now()");
    await sleep(1_000);
    await inDatabase("delete from simulations");
    assert.match(
      await works("docker compose run --rm -T --no-deps backup restore.sh latest", { ID: before[0] ?? "" }),
      /1 of 1 rows/,
    );
    assert.deepEqual(await own(), before.slice(0, 1));
    await works("docker compose run --rm -T --no-deps backup restore.sh --to 'TIME' --table", { TIME: at });
    assert.deepEqual(await own(), before);
  });

  test("a bad migration", async () => {
    const before = await own();
    const at = await inDatabase("select now()");
    await sleep(1_000);
    await inDatabase(
      "update simulations set owner = 'nobody'; insert into kysely_migration values ('999_bad', '2026')",
    );
    assert.deepEqual(await own(), []);
    await works("docker compose run --rm -T --no-deps backup restore.sh --to 'TIME' --yes --older-schema", {
      TIME: at,
    });
    await until("all is back", async () => (await own()).length === before.length);
  });

  test("the database and its volume are lost", async () => {
    const before = await own();
    await stack.outcome("bash", [
      "-c",
      `docker compose rm --stop --force postgres && docker volume rm ${stack.project}_postgres`,
    ]);
    await works("docker compose up -d --wait && ");
    await until("all is back", async () => (await own()).length === before.length);
  });

  test("back to another version", async () => {
    await stack.run("docker", "tag", `holdfast/simgen:${stack.project}`, `holdfast/simgen:${stack.project}-before`);
    await works("deploy/rollout.sh TAG", { TAG: `${stack.project}-before` });
  });

  test("secrets are rotated: the old passwords open nothing, everybody keeps what is theirs", async () => {
    const before = await own();
    const urls = await Promise.all(
      ["database_url", "redis_url"].map((name) => readFile(join(stack.folder, "deploy/secrets", name), "utf8")),
    );
    await works("deploy/rotate-secrets.sh");
    assert.deepEqual(await own(), before);
    const [database = "", redis = ""] = urls.map((url) => url.trim());
    const old = ["run", "--rm", "-T", "--no-deps", "backup", "bash", "-c"];
    const refused = await stack.outcome("docker", [
      "compose",
      ...old,
      `psql "${database}" -c 'select 1'; redis-cli --no-auth-warning -u "${redis}" get nothing`,
    ]);
    assert.match(refused.output, /password authentication failed/);
    assert.match(refused.output, /WRONGPASS|NOPERM/);
    await wellAt(stack.url);
  });

  test("the drill, and with another version of Postgres", async () => {
    // It makes a new base, with the new secrets.
    await works("docker compose run --rm -T --no-deps backup schedule.sh --once");
    assert.match(await works("recovery/drill.sh"), /GREEN/);
    assert.match(await works("recovery/drill.sh --set"), /GREEN/);
  });

  test("the host is lost: from copies elsewhere, with the key from its paper, on an empty one", async (t) => {
    const before = await own();
    const folder = await mkdtemp(join(tmpdir(), "holdfast-elsewhere-"));
    const port = await freePort();
    const elsewhere: ChildProcess = spawn(
      "rclone",
      ["serve", "restic", "--addr", `0.0.0.0:${port}`, "--user", "holdfast", "--pass", "word", folder],
      { stdio: "ignore" },
    );
    const rebuilt = new Installation("rebuilt");
    t.after(async () => {
      elsewhere.kill();
      await rebuilt.remove();
      await rm(folder, { recursive: true });
    });
    await until(
      "it listens",
      () =>
        new Promise((resolve) =>
          connect(port)
            .once("connect", () => resolve(true))
            .once("error", () => resolve(false)),
        ),
    );
    const configure = async ({ folder }: Installation) => {
      await stack.run(
        "sed",
        "-i",
        `s|^OFFSITE_REPOSITORY=.*|OFFSITE_REPOSITORY=rest:http://${HOST}:${port}/|`,
        join(folder, ".env"),
      );
      await chmod(join(folder, "deploy/secrets/offsite_env"), 0o644);
      await writeFile(
        join(folder, "deploy/secrets/offsite_env"),
        "RESTIC_REST_USERNAME=holdfast\nRESTIC_REST_PASSWORD=word\n",
      );
    };
    await configure(stack);
    await works("docker compose run --rm -T --no-deps backup schedule.sh --once");
    await works("docker compose run --rm -T --no-deps backup offsite.sh check");
    // Nothing of it can be read there.
    assert.throws(() => execFileSync("grep", ["-rqa", before[0] ?? "", folder]));

    await rebuilt.prepare({ SIMGEN_TAG: stack.project });
    await works("deploy/first-run.sh", {}, rebuilt.folder);
    await configure(rebuilt);
    const wrong = await run("recovery/rebuild.sh", {}, rebuilt.folder);
    assert.equal(wrong.code, 8, wrong.output);
    assert.match(wrong.output, /RECOVERY_KEY does not open rest:.*NOTHING can be restored/);
    await rebuilt.compose("down", "--volumes");
    await rm(join(rebuilt.folder, "deploy/secrets/recovery_key"));
    await copyFile(
      join(stack.folder, "deploy/secrets/recovery_key"),
      join(rebuilt.folder, "deploy/secrets/recovery_key"),
    );
    // The lost host is gone, with its ports and its name.
    await stack.compose("down", "--volumes");
    assert.match(await works("recovery/rebuild.sh", {}, rebuilt.folder), /rebuild: all runs/);
    assert.deepEqual(await own(stack.url), before);
  });

  test("there is no other command", () => {
    assert.deepEqual(
      [...commands.keys()].filter((command) => !done.has(command)),
      [],
    );
  });
});
