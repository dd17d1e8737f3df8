/** restore.sh from backups (D3): beside the live database, checked, then swapped; points in time are in wal.test.ts. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { freePort } from "../apps/simgen/server/port.fixture.ts";
import { startRedis } from "../apps/simgen/server/redis.fixture.ts";
import { type Recovery, SECRET, shared, startRecovery, until } from "./recovery.fixture.ts";

const file = shared();
let recovery: Recovery;
let name = "";
let contents: unknown[][];

before(async () => {
  recovery = await startRecovery(file, { environment: { CONFIG_PATHS: "config" } });
  await recovery.query(`
    create role app login;
    create table items (id int generated always as identity primary key, at date, twice int generated always as (id * 2) stored, "odd ""name" text);
    insert into items (at) select '2026-01-01' from generate_series(1, 100);
    create table "odd 'name" (id int primary key);
    insert into "odd 'name" values (1), (2);
    create table keyless (n int);
    insert into keyless values (1);
    alter table simulations owner to app;
    alter database simgen owner to app;
    alter database simgen set work_mem = '7MB';
    alter role app in database simgen set statement_timeout = '9s';
    alter role app set lock_timeout = '8s';
    revoke connect on database simgen from public;
    comment on database simgen is 'it''s ours'`);
  name = await recovery.backup();
  contents = await all();
});

/** What is in it, to the bit. */
const all = (database = "simgen") =>
  recovery.query(
    `select (select md5(string_agg(s::text, ',' order by id)) from simulations as s), (select md5(string_agg(i::text, ',' order by id)) from items as i),
      (select md5(string_agg(k::text, ',' order by name)) from kysely_migration as k)`,
    database,
  );
const databases = async () =>
  (await recovery.query("select datname from pg_database where datname ~ 'simgen' order by 1", "postgres")).map(
    ([name]) => String(name),
  );
const settings = () =>
  recovery.query(
    `select pg_get_userbyid(datdba), (select array_agg(a::text order by a::text) from unnest(datacl) as a)::text, shobj_description(oid, 'pg_database'), pg_encoding_to_char(encoding), datcollate,
    (select array_agg(setrole::regrole || ' ' || setconfig::text order by setrole::regrole::text) from pg_db_role_setting where setdatabase = pg_database.oid)::text
    from pg_database where datname = 'simgen'`,
    "postgres",
  );
const dropOld = async () => {
  for (const database of await databases())
    if (database.includes("_before_")) await recovery.query(`drop database ${database}`, "postgres");
};

test("D3: latest, a date and a name bring all rows and settings back; the old one stays under its name", async () => {
  const before = await settings();
  assert.match(String(before), /app,.*it's ours,UTF8,.*work_mem=7MB/s);
  for (const which of ["latest", name.slice(0, 8), name]) {
    await dropOld();
    await recovery.query("delete from simulations where id > 'sim-5'; insert into items (at) values ('2026-02-02')");
    const lost = await all();
    const { code, stdout, said } = await recovery.run("restore", [which, "--yes"]);
    assert.equal(code, 0, said.join("\n"));
    const { took_ms, old, ...line } = JSON.parse(stdout);
    assert.deepEqual(line, { restored: name, to: "", rows: 2105 });
    assert.ok(took_ms > 0);
    assert.match(
      said[0] ?? "",
      new RegExp(`^will replace simgen on 127\\.0\\.0\\.1:\\d+ by: ${name} {2}2105 rows, 0\\.1 MB, verified$`),
    );
    assert.match(said[1] ?? "", new RegExp(`^the live one, [\\d.]+ MB, stays as ${old}$`));
    assert.deepEqual(said.slice(-2), [
      `simgen is restored: 2105 rows, in ${took_ms} ms`,
      `the old one is ${old}; once nobody needs it any more: dropdb ${old}`,
    ]);
    assert.match(old, /^simgen_before_\d{8}t\d{6}z$/);
    assert.deepEqual(await databases(), ["simgen", old]);
    assert.deepEqual(await all(), contents);
    assert.deepEqual(await all(old), lost, "as it was");
    assert.deepEqual(await settings(), before);
    assert.deepEqual(
      await recovery.query("insert into items (at) values (now()) returning id"),
      [[101]],
      "sequences go on",
    );
    await recovery.query("delete from items where id = 101");
  }
});

test("D3: two within a second keep the old database of each", async () => {
  const taken = Array.from(
    { length: 10 },
    (_, seconds) =>
      `simgen_before_${new Date(Date.now() + seconds * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`,
  ).map((each) => each.toLowerCase());
  for (const each of taken) await recovery.query(`create database ${each}`, "postgres");
  const { code, stdout, stderr } = await recovery.run("restore", ["latest", "--yes"]);
  assert.equal(code, 0, stderr);
  const { old } = JSON.parse(stdout);
  assert.match(old, /^simgen_before_\d{8}t\d{6}z$/);
  assert.ok(!taken.includes(old), old);
  await dropOld();
});

test("D3: a database that is gone, with its roles, is made again", async () => {
  await dropOld();
  const before = await settings();
  await recovery.query("drop database simgen with (force)", "postgres");
  await recovery.query("drop role app", "postgres");
  const { code, stdout, stderr } = await recovery.run("restore", ["latest", "--yes"]);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).old, "");
  assert.deepEqual([await databases(), await all(), await settings()], [["simgen"], contents, before]);
  assert.deepEqual(await recovery.query("select rolconfig::text from pg_roles where rolname = 'app'"), [
    ["{lock_timeout=8s}"],
  ]);
});

test("D3: it does nothing unless it is confirmed, and nothing that is not proven, or older than the tables", async () => {
  const unproven = await recovery.backup({ verify: false });
  await recovery.query("insert into kysely_migration values ('003_more', '2026-01-03')");
  const before = [await all(), await databases()];
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [["latest"], {}, 7, /^not confirmed: expected --yes, or a terminal to type the name of the database$/],
    [
      [unproven, "--yes"],
      {},
      7,
      new RegExp(`^${unproven} is not verified: run verify\\.sh ${unproven}, or take it as it is with --unverified$`),
    ],
    [
      ["latest", "--yes"],
      {},
      7,
      /^the live database has taken migrations that the backup has not: 003_more; --older-schema restores it all the same, and the migrations have to run again$/,
    ],
    [["20200101", "--yes"], {}, 1, /^there is no backup 20200101 in \S+: --list says what there is$/],
    [
      ["--to", "2020-01-01 00:00:00", "--yes"],
      {},
      1,
      /^there is no base backup from before 2020-01-01 00:00:00\.000000000\+00 in \S+\/base$/,
    ],
    [["--to", "now", "--yes"], {}, 1, /^there is no base backup from before now in \S+\/base$/],
    [["latest", "--redis", "--yes"], {}, 2, /^--redis: expected REDIS_URL, and a backup that has a snapshot of Redis$/],
    [
      ["latest", "--yes"],
      { DATABASE_URL: `postgres://simgen@127.0.0.1:${await freePort()}/simgen` },
      5,
      /^the database server 127\.0\.0\.1:\d+ is out of reach: connection to server .* failed: Connection refused$/,
    ],
    [
      ["latest", "--yes"],
      { DATABASE_URL: recovery.postgres.url },
      2,
      /^DATABASE_URL: expected another database than postgres, which restoring works from$/,
    ],
    [[], {}, 2, /^expected latest, a date, a backup's name or --to, got nothing$/],
    [["2026.*"], {}, 2, /^expected latest, a date such as 20250115, or a backup's name, got 2026\.\*$/],
    [["latest", "--to", "now"], {}, 2, /^expected a backup or --to, got both$/],
    [["--to", "someday"], {}, 2, /^--to: expected now or a time such as '2025-01-15 10:42:00', got someday$/],
    [["latest", "--where", "true and 1=1"], {}, 2, /^--where: expected --table beside it$/],
    [["latest", "--simulation", "x' or true"], {}, 2, /^--simulation: expected an id, got x' or true$/],
    [["latest", "--force"], {}, 2, /^unknown option --force$/],
  ];
  for (const [args, environment, code, message] of cases) {
    const ended = await recovery.run("restore", args, environment);
    assert.equal(ended.code, code, `${args}: ${ended.stderr}`);
    assert.match(ended.said.at(-1) ?? "", message);
    assert.equal(ended.stdout, "");
    assert.deepEqual([await all(), await databases()], before, String(args));
  }
  const dry = await recovery.run("restore", ["latest", "--dry-run"]);
  assert.deepEqual([dry.code, dry.said.length], [0, 2]);
  assert.deepEqual([await all(), await databases()], before);
  const list = await recovery.run("restore", ["--list"], { DATABASE_URL: "" });
  assert.equal(list.stdout, `${name}  2105 rows, 0.1 MB, verified\n${unproven}  2105 rows, 0.1 MB, not verified\n`);

  const taken = await recovery.run("restore", [unproven, "--unverified", "--older-schema", "--yes"]);
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(
    taken.said.at(-1),
    "run the migrations now: docker compose -f docker-compose.scalable.yml run --rm migrate",
  );
  assert.deepEqual(await all(), contents);
  rmSync(recovery.backups(unproven), { recursive: true });
});

test("D3: at a terminal, the database's name has to be typed", async () => {
  const { port } = new URL(recovery.postgres.url);
  const type = async (typed: string) => {
    const command = `DATABASE_URL=postgres://simgen@127.0.0.1:${port}/simgen BACKUP_DIR=${recovery.backups()} ${recovery.dir}/scripts/restore.sh latest`;
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    let shown = "";
    terminal.stdout.on("data", (chunk) => {
      shown += chunk;
    });
    await until(() => shown.includes("Type the name of the database to go on: "), "the question");
    terminal.stdin.end(typed);
    const [code] = await once(terminal, "close");
    return { code, last: shown.trim().split("\r\n").at(-1) };
  };
  await dropOld();
  const wrong = await type("simge\n");
  assert.equal(wrong.code, 7);
  assert.match(wrong.last ?? "", /restore: not confirmed: expected simgen, got simge$/);
  assert.deepEqual(await databases(), ["simgen"]);
  const right = await type("simgen\n");
  assert.equal(right.code, 0, right.last);
  assert.equal((await databases()).length, 2);
});

test("D3: rows of one table that are missing come back; what is there stays as it is", async () => {
  await recovery.query(`delete from simulations where id like 'sim-1%'; update simulations set name = 'edited' where id = 'sim-2';
    delete from items where id <= 10; delete from "odd 'name" where id = 1`);
  const restore = async (...args: string[]) => recovery.run("restore", ["latest", "--yes", ...args]);
  const one = await restore("--simulation", "sim-1");
  assert.equal(one.stdout, '{"table":"simulations","found":1,"restored":1}\n', one.stderr);
  assert.equal(one.said.at(-1), "1 of 1 rows of simulations were missing, and are back");
  const some = await restore("--table", "simulations", "--where", "id in ('sim-10', 'sim-2', 'sim-11')");
  assert.equal(some.stdout, '{"table":"simulations","found":3,"restored":2}\n', some.stderr);
  assert.deepEqual(await recovery.query("select name from simulations where id = 'sim-2'"), [["edited"]]);
  assert.equal(
    (await restore("--table", "simulations")).stdout,
    '{"table":"simulations","found":2000,"restored":1108}\n',
  );
  assert.equal((await restore("--table", "items")).stdout, '{"table":"items","found":100,"restored":10}\n');
  assert.equal(
    (await restore("--table", `"odd 'name"`)).stdout,
    `{"table":"\\"odd 'name\\"","found":2,"restored":1}\n`,
  );
  for (const [args, code, message] of [
    [["--simulation", "sim-9999"], 1, "nothing in the backup's simulations is as wanted: id = 'sim-9999'"],
    [["--table", "nowhere"], 1, "--table: the live database has no table nowhere: restore all of it"],
    [
      ["--table", "keyless"],
      7,
      "--table: the live keyless has no key by which it could be told which rows are missing",
    ],
    [["--table", "simulations", "--where", "no such"], 2, "--where: expected a condition on simulations, got no such"],
  ] as const) {
    const ended = await restore(...args);
    assert.deepEqual([ended.code, ended.said.at(-1)], [code, message], ended.stderr);
  }
  await recovery.query("update simulations set name = repeat('name ', 2) where id = 'sim-2'");
  assert.deepEqual(await all(), contents);
});

test("the configuration comes back with the key alone, for its owner alone", async () => {
  const folder = join(recovery.dir, "new host");
  const { code, stderr } = await recovery.run("restore", ["latest", "--config", folder], { DATABASE_URL: "" });
  assert.equal(code, 0, stderr);
  assert.equal(readFileSync(join(folder, "config/secret"), "utf8"), SECRET);
  assert.equal(statSync(folder).mode & 0o077, 0);
  const other = await recovery.run("restore", ["latest", "--config", folder], {
    DATABASE_URL: "",
    RECOVERY_KEY: "other",
  });
  assert.deepEqual(
    [other.code, other.said.at(-1)],
    [8, `RECOVERY_KEY is not the key that ${recovery.backups(name, "config.tar.enc")} was encrypted with`],
  );
});

test("D3: a damaged backup is found before the live database is touched, also when it was verified once", async () => {
  await dropOld();
  const copy = "20200101T000000Z";
  execFileSync("cp", ["-a", recovery.backups(name), recovery.backups(copy)]);
  execFileSync("truncate", ["--size=-100", recovery.backups(copy, "database.dump")]);
  const { code, said } = await recovery.run("restore", [copy, "--yes"]);
  assert.deepEqual([code, said.at(-1)], [6, `${recovery.backups(copy)}: database.dump is not as it was`]);
  assert.deepEqual(await databases(), ["simgen"]);
  rmSync(recovery.backups(copy), { recursive: true });
});

test("D3: what was restored is compared with what it was before it takes the live one's place", async () => {
  const copy = "20200102T000000Z";
  const folder = recovery.backups(copy);
  execFileSync("cp", ["-a", recovery.backups(name), folder]);
  // Sealed as it is, so that nothing but the comparison can tell.
  const change = `jq '.tables["public.items"].hash = "1"' manifest.json > m; cat m > manifest.json; rm m
    sums=$(find . -type f ! -name SHA256SUMS -printf '%P\\n' | xargs sha256sum); echo "$sums" > SHA256SUMS`;
  execFileSync("bash", ["-ec", change], { cwd: folder });
  const before = await all();
  const { code, said } = await recovery.run("restore", [copy, "--unverified", "--yes"]);
  assert.equal(code, 6, said.join("\n"));
  assert.match(
    said.at(-1) ?? "",
    /^20200102T000000Z: table public\.items: expected 100 rows with hash 1, got 100 rows with hash -?\d+$/,
  );
  assert.deepEqual([await databases(), await all()], [["simgen"], before]);
  rmSync(folder, { recursive: true });
});

test("D3: Redis comes back from its snapshot, and is another one for whoever knew it", async (t) => {
  const redis = await startRedis(t);
  const ask = (...args: string[]) =>
    execFileSync("redis-cli", ["-u", redis.url, ...args], { encoding: "utf8", stdio: "pipe" }).trim();
  const environment = {
    REDIS_URL: redis.url,
    REDIS_RESTORE_HOST: "127.0.0.1",
    REDIS_RESTORE_PORT: String(await freePort()),
  };
  ask("set", "session", "before");
  await recovery.backup({ environment });
  ask("set", "session", "after");
  ask("set", "another", "after");
  const run = /run_id:\S+/.exec(ask("info", "server"))?.[0];
  const script = recovery.start("restore", ["latest", "--redis", "--yes"], environment);
  const isAway = () => {
    try {
      return ask("ping") !== "PONG";
    } catch {
      return true;
    }
  };
  await until(isAway, "Redis was told to end");
  await redis.start();
  const { code, stderr } = await script.ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual([ask("get", "session"), ask("exists", "another")], ["before", "0"]);
  const info = ask("info");
  assert.match(info, /role:master/);
  assert.ok(run && !info.includes(run), "whoever has seen something of the old run is told");
  assert.deepEqual(
    readdirSync(recovery.backups()).filter((file) => file.startsWith(".redis")),
    [],
  );
  await redis.kill();
  const away = await recovery.run("restore", ["latest", "--redis", "--yes"], environment);
  assert.deepEqual(
    [away.code, away.said.at(-1)],
    [5, "Redis is out of reach: restore without --redis, or see to it first"],
  );
});

test("an extension that the server has not is told before anything is done", async () => {
  const folder = recovery.backups("20200101T000000Z");
  execFileSync("cp", ["-a", recovery.backups(name), folder]);
  execFileSync("bash", [
    "-c",
    `cd ${folder}; jq '.extensions += ["madeup 1.0"]' manifest.json > m; mv m manifest.json; chmod 666 manifest.json`,
  ]);
  const { code, said } = await recovery.run("restore", ["20200101", "--yes"]);
  assert.deepEqual(
    [code, said.at(-1)],
    [9, "the server at 127.0.0.1 has not the extensions that the backup needs: madeup; install them there"],
  );
});
