/**
 * D1 to D6: backups of the real stack, what is lost and brought back, and a drill that would notice a bad backup.
 * `npm run test:docker` brings the engine. RECOVERY_MB (100) is how large the database is.
 */
import assert from "node:assert/strict";
import { appendFile, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Visitor } from "../../apps/simgen/server/server.fixture.ts";
import { Installation, type Outcome, wellAt } from "./installation.ts";

const RECOVERY_MB = Number(process.env.RECOVERY_MB ?? 100);
const WRITES_MS = 10;
const WRITING_MS = 8_000;
const LOST_SECONDS_MAX = 5;
const WAIT_MS_MAX = 120_000;
const RECOVERY_IMAGE = "holdfast/recovery:postgres-18";

const stack = new Installation("recovery");

describe("disaster recovery", { timeout: 900_000 }, () => {
  let visitor: Visitor;
  const drills: string[] = [];

  const compose = (...args: string[]): Promise<Outcome> =>
    stack.outcome("docker", ["compose", "-f", "docker-compose.scalable.yml", ...args]);
  /** A script of recovery/, as the runbooks call it. */
  const recover = (...args: string[]) => compose("run", "--rm", "--no-deps", "-T", "backup", ...args);
  const done = ({ code, output }: Outcome): string => {
    assert.equal(code, 0, output);
    return output;
  };
  const inDatabase = async (sql: string): Promise<string> => {
    const psql = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-U", "simgen", "-d", "simgen", "-c", sql];
    return (await stack.compose("exec", "-T", "postgres", ...psql)).trim();
  };
  const until = async (what: string, isSo: () => Promise<boolean>): Promise<number> => {
    const begun = Date.now();
    while (!(await isSo().catch(() => false))) {
      assert.ok(Date.now() - begun < WAIT_MS_MAX, `${what}: not within ${WAIT_MS_MAX} ms`);
      await sleep(100);
    }
    return (Date.now() - begun) / 1000;
  };
  const own = async (): Promise<string[]> => {
    const { status, body } = await visitor.request("GET", "/api/v1/simulations");
    assert.equal(status, 200);
    return body.simulations.map(({ id }) => id).sort();
  };

  before(async () => {
    await stack.start();
    await wellAt(stack.url);
    // What the drill's browser is driven by; npm puts it there.
    await symlink(new URL("../../node_modules", import.meta.url), join(stack.folder, "node_modules"));
    visitor = new Visitor({ url: stack.url, talks: [] });
    for (const template of ["pendulum", "car", "pulley"]) await visitor.create({ template });
    const rows = RECOVERY_MB * 100;
    await inDatabase(
      `create table filler as select n, (select string_agg(md5(n::text || i), '') from generate_series(1, 300) as i) as text from generate_series(1, ${rows}) as n`,
    );
    done(await recover("schedule.sh", "--once"));
  });
  after(() => stack.remove());

  test("D1, H5: a backup is made and proven by itself, has no secret in plain, and its age is part of the health", async (t) => {
    const logs = await stack.compose("logs", "--no-log-prefix", "backup");
    assert.match(logs, /schedule: a backup every day at 02:00 UTC, and one now when there is no good one/);
    const health = await wellAt(stack.url);
    assert.deepEqual(health.checks.backup, { status: "pass" });
    t.diagnostic(done(await recover("restore.sh", "--list")).trim());
    const password = (await readFile(join(stack.folder, "deploy/secrets/postgres_password"), "utf8")).trim();
    const secret = (await readFile(join(stack.folder, "deploy/secrets/cookie_secret"), "utf8")).trim();
    const found = await recover(
      "grep",
      "--recursive",
      "--text",
      "--files-with-matches",
      "-e",
      password,
      "-e",
      secret,
      "/backups",
    );
    assert.equal(found.code, 1, found.output);
    // With nothing but plain tools.
    const plain =
      "cd $(ls -d /backups/2*Z | tail -1); sha256sum --check --quiet SHA256SUMS && pg_restore --list database.dump | grep -c 'TABLE DATA'";
    assert.ok(
      Number(
        done(await recover("bash", "-c", plain))
          .trim()
          .split("\n")
          .at(-1),
      ) >= 4,
    );
  });

  test("D4: a DELETE without WHERE: back to the second before it, and those at work notice seconds", async (t) => {
    const before = await own();
    assert.equal(before.length, 3);
    const at = await inDatabase("select now()");
    await sleep(1_000);
    await inDatabase("delete from simulations");
    await inDatabase("select pg_switch_wal()");
    assert.deepEqual(await own(), []);
    const outages: number[] = [];
    let failedSince = 0;
    const prober = setInterval(async () => {
      const begun = performance.now();
      const isGood = await own().then(
        () => true,
        () => false,
      );
      if (isGood && failedSince > 0) [outages[outages.length], failedSince] = [performance.now() - failedSince, 0];
      if (!isGood && failedSince === 0) failedSince = begun;
    }, 100);
    t.after(() => clearInterval(prober));
    const begun = Date.now();
    const output = done(await recover("restore.sh", "--to", at, "--yes"));
    const seconds = (Date.now() - begun) / 1000;
    await until("all is back", async () => (await own()).length === 3);
    clearInterval(prober);
    assert.deepEqual(await own(), before);
    assert.match(output, /the old one is simgen_before_\d{8}t\d{6}z; once nobody needs it any more: dropdb/);
    t.diagnostic(
      `point in time with ${RECOVERY_MB} MB: ${seconds} s; requests failed for ${outages.map(Math.round).join(", ") || 0} ms at the swap`,
    );
    await until("the stream goes on", async () => (await recover("wal.sh", "--alive")).code === 0);
  });

  test("D3: one simulation alone comes back; what was made since stays; nothing happens without --yes", async () => {
    const [first = ""] = await own();
    await inDatabase(`delete from simulations where id = '${first}'`);
    const since = await visitor.create({ template: "pendulum" });
    const refused = await recover("restore.sh", "latest", "--simulation", first);
    assert.equal(refused.code, 7, refused.output);
    assert.match(
      refused.output,
      /restore: not confirmed: expected --yes, or a terminal to type the name of the database/,
    );
    assert.match(
      done(await recover("restore.sh", "latest", "--simulation", first, "--yes")),
      /1 of 1 rows of simulations were missing, and are back/,
    );
    const ids = await own();
    assert.ok(ids.includes(first) && ids.includes(since.id), ids.join());
  });

  test("D4: the database and its volume are lost under 100 writes a second: seconds are lost, not more", async (t) => {
    await inDatabase(
      "create table writes (n bigserial primary key, at timestamptz not null default clock_timestamp())",
    );
    const writer = `${stack.project}-writer`;
    // What it prints has been acknowledged.
    const statement = `insert into writes default values returning n, extract(epoch from at) \\watch ${WRITES_MS / 1000}\n`;
    await writeFile(join(stack.folder, "writes.sql"), statement);
    const psql = `. /opt/holdfast/recovery/settings.sh; connect_database; exec psql -qAtX -f /writes.sql`;
    const mount = `${join(stack.folder, "writes.sql")}:/writes.sql:ro`;
    done(await compose("run", "--detach", "--no-deps", "--name", writer, "-v", mount, "backup", "bash", "-c", psql));
    await sleep(WRITING_MS);
    const [container] = await stack.containers("postgres");
    const lostAt = Date.now();
    await stack.run("docker", "rm", "--force", "--volumes", container?.Id ?? "");
    await stack.run("docker", "volume", "rm", `${stack.project}_postgres`);
    const logs = await stack.outcome("docker", ["logs", writer]);
    await stack.outcome("docker", ["rm", "--force", writer]);
    const acknowledged = logs.output.split("\n").flatMap((line) => {
      const [n, at] = line.split("|").map(Number);
      return n && at ? [{ n, at }] : [];
    });
    assert.ok(acknowledged.length > WRITING_MS / WRITES_MS / 4, `${acknowledged.length} writes`);

    // As the runbook says.
    done(await compose("up", "--detach", "--wait"));
    t.diagnostic(
      done(await recover("restore.sh", "--to", "now", "--yes"))
        .trim()
        .split("\n")
        .at(-1) ?? "",
    );
    await until("the service is back", async () => (await own()).length === 4);
    const seconds = (Date.now() - lostAt) / 1000;
    const [count, newest] = (await inDatabase("select count(*), extract(epoch from max(at)) from writes"))
      .split("|")
      .map(Number);
    const lost = acknowledged.filter(({ at }) => at > (newest ?? 0));
    const lostSeconds = lost.length === 0 ? 0 : Math.max(...lost.map(({ at }) => at)) - (newest ?? 0);
    t.diagnostic(
      `lost: ${lost.length} of ${acknowledged.length} rows that were acknowledged, ${lostSeconds.toFixed(2)} s; the service was back after ${seconds} s, with ${RECOVERY_MB} MB`,
    );
    assert.ok(lostSeconds < LOST_SECONDS_MAX, `${lostSeconds} s`);
    assert.ok((count ?? 0) >= acknowledged.length - lost.length);
    assert.equal(await inDatabase("select count(*) from filler"), String(RECOVERY_MB * 100));
    await wellAt(stack.url);
  });

  test("D4: the new database backs itself up; nothing more is to be done", async () => {
    const newest = async () =>
      done(await recover("restore.sh", "--list"))
        .trim()
        .split("\n")
        .at(-1) ?? "";
    const before = await newest();
    done(await recover("schedule.sh", "--once"));
    assert.notEqual(await newest(), before);
    assert.match(await newest(), /verified, with a base backup/);
  });

  // ---- the drill ----

  const drill = async (...args: string[]): Promise<Outcome> => {
    const node = { NODE: process.execPath };
    const outcome = await stack.outcome("recovery/drill.sh", ["--project", `${stack.project}-drill`, ...args], node);
    const last = (await readFile(join(stack.folder, "recovery/drills.jsonl"), "utf8")).trim().split("\n").at(-1) ?? "";
    drills.push(last);
    return outcome;
  };
  /** The newest backup in a volume of its own, changed by this script. */
  const tampered = async (name: string, script: string, options: string[] = []): Promise<string> => {
    const volume = `${stack.project}-${name}`;
    await stack.run("docker", "volume", "create", ...options, volume);
    const copy = `set -e; cp -a /from/. /to/; cd /to; backup=$(ls -d 2*Z | tail -1); reseal() { (cd "$1" && rm SHA256SUMS && find . -type f -printf '%P\\n' | xargs sha256sum >/tmp/sums && mv /tmp/sums SHA256SUMS); }; ${script}`;
    const from = `${stack.project}_backups:/from:ro`;
    await stack.run(
      "docker",
      "run",
      "--rm",
      "--user",
      "0",
      "-v",
      from,
      "-v",
      `${volume}:/to`,
      RECOVERY_IMAGE,
      "bash",
      "-c",
      copy,
    );
    return volume;
  };
  const red = async (code: number, words: RegExp, ...args: string[]) => {
    const outcome = await drill(...args);
    assert.equal(outcome.code, code, outcome.output);
    assert.match(outcome.output, words);
  };

  test("D6: the drill is green: from empty volumes to a person's own simulation live in a browser", async (t) => {
    const { code, output } = await drill();
    assert.equal(code, 0, output);
    assert.match(output, /GREEN: back after .* watched by browser/);
    t.diagnostic(drills.at(-1) ?? "");
    const left = await stack.run(
      "docker",
      "ps",
      "--all",
      "--quiet",
      "--filter",
      `label=com.docker.compose.project=${stack.project}-drill`,
    );
    assert.equal(left, "");
  });

  const bad: { name: string; code: number; words: RegExp; script: string }[] = [
    {
      name: "truncated",
      code: 6,
      words: /RED at verify: .*the dump .* cannot be restored/,
      script: 'truncate --size=-1000 "$backup/database.dump"; reseal "$backup"',
    },
    {
      name: "flipped",
      code: 6,
      words: /RED at verify: .*database.dump is not as it was/,
      script: `printf X | dd of="$backup/database.dump" bs=1 seek=5000 conv=notrunc status=none`,
    },
    {
      name: "empty",
      code: 6,
      words: /RED at verify: .*database.dump.*(cannot be restored|expected)/,
      script: ': >"$backup/database.dump"; reseal "$backup"',
    },
    {
      name: "stale",
      code: 10,
      words: /RED at freshness: .* hours old: expected less than 26/,
      script:
        'for each in 2*Z; do [[ $each == "$backup" ]] || rm -r "$each"; done; mv "$backup" "$(date -u --date "2 days ago" +%Y%m%dT%H%M%SZ)"',
    },
    {
      name: "gap",
      code: 6,
      words: /RED at verify: .*the log of changes.* is missing/,
      script: 'base=$(ls base | tail -1); rm -f wal/$(cat "base/$base/system")/*/*',
    },
  ];
  for (const { name, code, words, script } of bad)
    test(`D6: the drill is red when the backup is bad: ${name}`, async () =>
      red(code, words, "--volume", await tampered(name, script)));

  test("D6: the drill is red with a wrong key", async () => {
    const key = join(stack.folder, "wrong-key");
    await writeFile(key, "not the key\n");
    await red(8, /RED at configuration: .*RECOVERY_KEY is not the key/, "--key", key);
  });

  /** An image on top of another. */
  const variant = async (name: string, dockerfile: string): Promise<string> => {
    const file = join(stack.folder, `Dockerfile.${name}`);
    await writeFile(file, dockerfile);
    const tag = `holdfast/${name}:${stack.project}`;
    await stack.run("docker", "build", "--quiet", "--tag", tag, "--file", file, stack.folder);
    return tag;
  };

  test("D6: the drill is red with an older client", async () => {
    // As far as it can be told by those who ask.
    const older = `FROM ${RECOVERY_IMAGE}\nUSER root\nRUN echo '#!/bin/sh\\necho "pg_dump (PostgreSQL) 17.2"' >/opt/holdfast/recovery/pg_dump && chmod 755 /opt/holdfast/recovery/pg_dump\nUSER postgres\n`;
    await red(
      9,
      /RED at verify: .*is of Postgres 18, and here is 17/,
      "--set",
      `RECOVERY_IMAGE=${await variant("older", older)}`,
    );
  });

  test("D6: the drill is red when an extension is missing", async () => {
    await inDatabase("create extension citext; create table words (word citext); insert into words values ('Word')");
    done(await recover("schedule.sh", "--once"));
    const without = "FROM postgres:18\nRUN rm /usr/share/postgresql/18/extension/citext*\n";
    await red(
      9,
      /RED at restore: .*has not the extensions that the backup needs: citext/,
      "--set",
      `POSTGRES_IMAGE=${await variant("without", without)}`,
    );
  });

  test("D6: the drill is red when the disk is full", async (t) => {
    const used = Number(
      done(
        await recover(
          "bash",
          "-c",
          "base=$(ls -d /backups/base/2*Z | tail -1); du -cm $(ls -d /backups/2*Z | tail -1) $base /backups/wal/$(<$base/system) | tail -1 | cut -f1",
        ),
      )
        .trim()
        .split("\n")
        .at(-1),
    );
    const volume = await tampered("small", "true");
    const options = [
      "--driver",
      "local",
      "--opt",
      "type=tmpfs",
      "--opt",
      "device=tmpfs",
      "--opt",
      `o=size=${used + 20}m,uid=999,gid=999`,
    ];
    await stack.run("docker", "volume", "create", ...options, `${stack.project}-drill_backups`);
    // While nobody uses it, it forgets.
    const keeper = await stack.run(
      ...["docker", "run", "--detach", "--rm", "-v", `${stack.project}-drill_backups:/backups`, RECOVERY_IMAGE],
      ...["sleep", "120"],
    );
    t.after(async () => {
      await stack.run("docker", "rm", "--force", keeper.trim());
      await stack.run("docker", "volume", "rm", "--force", `${stack.project}-drill_backups`);
    });
    await red(4, /RED at verify: .*disk/, "--volume", volume);
  });

  test("D6: the drill is red when the servers are of a newer schema than the backup", async () => {
    const migrations = join(stack.folder, "apps/simgen/server/migrations.ts");
    const source = await readFile(migrations, "utf8");
    const added = source.replace(/\n};\s*$/, '\n  "999_newer": { async up() {} },\n};\n');
    assert.notEqual(added, source);
    await writeFile(migrations, added);
    await stack.run(
      "env",
      `SIMGEN_TAG=${stack.project}-newer`,
      "docker",
      "compose",
      "-f",
      "docker-compose.scalable.yml",
      "build",
      "api",
    );
    await writeFile(migrations, source);
    await red(
      7,
      /RED at restore: .*has taken migrations that the backup has not: 999_newer/,
      "--set",
      `SIMGEN_TAG=${stack.project}-newer`,
    );
  });

  test("D6: and green again", async (t) => {
    const { code, output } = await drill();
    assert.equal(code, 0, output);
    t.diagnostic(drills.at(-1) ?? "");
    const { output: history } = await stack.outcome("recovery/drill.sh", ["--history"]);
    assert.equal(history.match(/ RED /g)?.length, drills.filter((line) => line.includes('"ok":false')).length);
    await appendFile(join(stack.folder, "history.txt"), history);
    t.diagnostic(history);
  });
});
