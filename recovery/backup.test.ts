/** backup.sh (D1): complete or absent, readable with plain tools, and it says exactly why it made none. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../apps/simgen/server/port.fixture.ts";
import { startRedis } from "../apps/simgen/server/redis.fixture.ts";
import { RECOVERY_KEY, type Recovery, SECRET, shared, startRecovery, stepsOf, until } from "./recovery.fixture.ts";

const USAGE = /^Summary: .*\nUsage: recovery\//;
const isRoot = process.getuid?.() === 0;
const file = shared();
let recovery: Recovery;

before(async () => {
  recovery = await startRecovery(file);
});

/** Each test has a folder of backups of its own. */
function emptyFolder(t: TestContext): { environment: { BACKUP_DIR: string }; folder: string; left: () => string[] } {
  const folder = recovery.backups(t.name.replace(/\W+/g, "-"));
  const left = () =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name !== ".lock" && name !== "base") : [];
  return { environment: { BACKUP_DIR: folder }, folder, left };
}

function complete(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\d/.test(name));
}

test("D1: a backup is read with pg_restore, gzip, openssl and tar, and says all that is in it", async (t) => {
  const redis = await startRedis(t);
  execFileSync("redis-cli", ["-u", redis.url, "set", "session", "alive"]);
  const { environment, folder } = emptyFolder(t);
  await recovery.query("create extension if not exists hstore");
  const { code, stdout, said } = await recovery.run("backup", [], {
    ...environment,
    REDIS_URL: redis.url,
    CONFIG_PATHS: "config",
  });
  assert.equal(code, 0, said.join("\n"));
  const [name = ""] = complete(folder);
  assert.match(name, /^\d{8}T\d{6}Z$/);
  const { bytes, took_ms, ...line } = JSON.parse(stdout);
  assert.deepEqual(line, { backup: name, rows: 2002, base: true });
  assert.ok(bytes > 10_000 && took_ms > 0, stdout);
  assert.match(said.at(-1) ?? "", new RegExp(`^${name} is complete: [\\d.]+ MB in \\d+ ms; verify\\.sh proves it$`));

  const backup = join(folder, name);
  const files = ["SHA256SUMS", "config.tar.enc", "database.dump", "globals.sql", "manifest.json", "redis.rdb.gz"];
  assert.deepEqual(readdirSync(backup).sort(), files);
  const shell = (command: string) =>
    execFileSync("bash", ["-o", "pipefail", "-c", command], {
      cwd: backup,
      encoding: "utf8",
      env: { ...process.env, RECOVERY_KEY },
    });
  assert.equal(shell("sha256sum --check --quiet SHA256SUMS"), "");
  assert.match(shell("pg_restore --list database.dump"), /TABLE DATA public simulations simgen/);
  assert.match(shell("cat globals.sql"), /CREATE ROLE simgen;/);
  shell("gzip -d < redis.rdb.gz > /tmp/holdfast-$$.rdb; redis-check-rdb /tmp/holdfast-$$.rdb; rm /tmp/holdfast-$$.rdb");
  assert.equal(
    shell(
      "openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass env:RECOVERY_KEY < config.tar.enc | tar -x -O config/secret",
    ),
    SECRET,
  );
  const base = join(folder, "base", name);
  assert.deepEqual(readdirSync(base).sort(), [
    "SHA256SUMS",
    "backup_manifest",
    "base.tar.zst",
    "ended",
    "pg_wal.tar",
    "system",
  ]);

  const manifest = JSON.parse(readFileSync(join(backup, "manifest.json"), "utf8"));
  assert.partialDeepStrictEqual(manifest, {
    format: 1,
    name,
    database: "simgen",
    base: true,
    migrations: ["001_simulations", "002_plans"],
    rows: 2002,
    tables: { "public.kysely_migration": { rows: 2 }, "public.simulations": { rows: 2000 } },
  });
  assert.equal(manifest.server, Number((await recovery.query("show server_version_num"))[0]?.[0]));
  assert.match(manifest.client, /^pg_dump \(PostgreSQL\) \d+/);
  assert.match(manifest.redis, /^Redis \d+\.\d+\.\d+$/);
  assert.match(manifest.extensions.join(), /^hstore [\d.]+,plpgsql [\d.]+$/);
  assert.deepEqual(Object.keys(manifest.took_ms).sort(), ["all", "base", "database", "redis"]);
  assert.ok(manifest.database_bytes > 7_000_000);
  for (const file of files.filter((file) => file !== "SHA256SUMS" && file !== "manifest.json"))
    assert.equal(manifest.files[file], statSync(join(backup, file)).size, file);

  // Secrets nowhere in plain, and what is in a backup for nobody else to read.
  for (const secret of [SECRET, RECOVERY_KEY])
    assert.throws(() => execFileSync("grep", ["-raqF", secret, folder]), { status: 1 }, secret);
  for (const path of [backup, base, ...files.map((file) => join(backup, file))])
    assert.equal(statSync(path).mode & 0o077, 0, path);

  const verified = await recovery.run("verify", [name], environment);
  assert.equal(verified.code, 6, "without a log of changes, the base backup is of little use");
  assert.equal(
    verified.said.at(-1)?.replace(/…\w+/, "…"),
    `the log of changes since the base backup ${name} is missing (file …): does wal.sh run?`,
  );
  assert.ok(existsSync(join(backup, "verified.json")), "the dump is proven all the same");
  assert.equal(
    readFileSync(join(folder, "last-verified"), "utf8"),
    `${name.replace(/(....)(..)(..)T(..)(..)/, "$1-$2-$3T$4:$5:")}\n`,
  );
});

test("D1: what is dumped is what is counted, whatever is written meanwhile", async (t) => {
  const { environment, folder } = emptyFolder(t);
  await recovery.query("create table pair_a (n bigserial primary key); create table pair_b (n bigserial primary key)");
  let written = 0;
  let ends = false;
  const writer = (async () => {
    for (; !ends; written++)
      await recovery.query("begin; insert into pair_a default values; insert into pair_b default values; commit");
  })();
  await until(() => written > 3, "a first pair");
  const before = written;
  const name = await recovery.backup({ environment });
  assert.ok(written > before, "it wrote meanwhile");
  ends = true;
  await writer;
  const { tables } = JSON.parse(readFileSync(join(folder, name, "manifest.json"), "utf8"));
  const a = tables["public.pair_a"].rows;
  assert.equal(tables["public.pair_b"].rows, a);
  assert.ok(a > 3 && a < written, `${a} of ${written}`);
  await recovery.query("drop table pair_a, pair_b");
});

test("D1: tables with odd names, partitions, generated columns and large objects are proven too", async (t) => {
  const { environment, folder } = emptyFolder(t);
  await recovery.query(`
    create schema "odd schema";
    create table "odd schema"."a|b""c'd\\n
      é" ("t" text, "group" bigint, h numeric);
    insert into "odd schema"."a|b""c'd\\n
      é" select 'same', 9223372036854775807, 10::numeric ^ 30 + n from generate_series(1, 300) as n;
    create table nothing ();
    insert into nothing default values;
    create table numbers (n int generated always as identity primary key, twice int generated always as (n * 2) stored,
      at interval default '1 day 2 hours', bytes bytea default '\\x00ff');
    insert into numbers (at) select make_interval(days => n) from generate_series(1, 50) as n;
    create table parts (n int, at date) partition by range (n);
    create table parts_1 partition of parts for values from (0) to (10);
    create table parts_2 partition of parts for values from (10) to (20);
    insert into parts select n, '2026-01-01' from generate_series(0, 19) as n;
    create unlogged table not_kept (n int);
    insert into not_kept values (1);
    create type mood as enum ('good', 'bad');
    create domain percent as int;
    create table moods (mood mood, moods mood[]);
    insert into moods values ('good', '{bad}');
    create table classes (class regclass);
    insert into classes values ('parts');
    create table unhashable (share percent, at point, raw json);
    insert into unhashable values (50, '(1,2)', '{"a": 1}');
    create table lists (n int[], words text[][], json jsonb[]);
    insert into lists values ('{1,null}', '{{a},{b}}', array['{"b": 1, "a": 2.0}'::jsonb]), (null, '{}', null);
    select lo_from_bytea(0, 'large object');
    alter database simgen set intervalstyle = 'iso_8601';
    alter database simgen set bytea_output = 'escape';
    alter database simgen set idle_in_transaction_session_timeout = 1`);
  const name = await recovery.backup({ environment });
  const { tables } = JSON.parse(readFileSync(join(folder, name, "manifest.json"), "utf8"));
  const rows = Object.entries<{ rows: number; hash: string }>(tables).map(([table, { rows }]) => [table, rows]);
  const odd = `"odd schema"."a|b""c'd\\n\n      é"`;
  assert.deepEqual(Object.fromEntries(rows), {
    [odd]: 300,
    "pg_catalog.pg_largeobject": 1,
    "public.classes": 1,
    "public.kysely_migration": 2,
    "public.lists": 2,
    "public.moods": 1,
    "public.nothing": 1,
    "public.numbers": 50,
    "public.parts_1": 10,
    "public.parts_2": 10,
    "public.simulations": 2000,
    "public.unhashable": 1,
  });
  await recovery.query(`
    drop schema "odd schema" cascade;
    drop table nothing, numbers, parts, not_kept, moods, classes, unhashable, lists;
    drop type mood;
    drop domain percent;
    select lo_unlink(oid) from pg_largeobject_metadata;
    alter database simgen reset all`);
});

test("D1: a hash tells apart what a collation takes for the same", async () => {
  await recovery.query(`
    create collation careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table collated (word text collate careless);
    insert into collated values ('a')`);
  const script = '. "$1/settings.sh"; . "$1/contents.sh"; connect_database; contents simgen';
  const contents = () =>
    execFileSync("bash", ["-euc", script, "contents", import.meta.dirname], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, DATABASE_URL: recovery.postgres.url.replace(/postgres$/, "simgen") },
    });
  const before = contents();
  assert.equal(contents(), before);
  await recovery.query("update collated set word = 'A'");
  assert.notEqual(contents(), before);
  await recovery.query("drop table collated; drop collation careless");
});

test("D1: of two at once, the second says that the first works, or waits for it", async (t) => {
  const { environment, folder } = emptyFolder(t);
  const steps = stepsOf(recovery, ["pg_dump"]);
  const first = recovery.start("backup", ["--no-base"], { ...environment, ...steps.environment(2) });
  await until(() => steps.reached() !== undefined, "the first at work");
  for (const script of ["backup", "verify", "retention"] as const) {
    const { code, said } = await recovery.run(script, [], environment);
    assert.deepEqual(
      [code, said],
      [3, [`another backup, verification or restore works on ${folder}: wait for it, or --wait SECONDS`]],
      script,
    );
  }
  const waiting = recovery.start("backup", ["--no-base", "--wait", "20"], environment);
  await sleep(300);
  assert.equal(waiting.child.exitCode, null);
  steps.goOn();
  assert.deepEqual([(await first.ended).code, (await waiting.ended).code], [0, 0]);
  assert.equal(complete(folder).length, 2);
});

test("D1: two in the same second are two, and a clock that goes back is told", async (t) => {
  const { environment, folder } = emptyFolder(t);
  const names = [];
  for (let n = 0; n < 3; n++) names.push(await recovery.backup({ environment, verify: false }));
  assert.deepEqual(complete(folder), names);
  assert.equal(new Set(names).size, 3);
  const future = "29991231T000000Z";
  execFileSync("cp", ["-a", join(folder, names[0] ?? ""), join(folder, future)]);
  const { code, said } = await recovery.run("backup", ["--no-base"], environment);
  assert.equal(code, 0);
  assert.match(
    said[0] ?? "",
    new RegExp(`^the clock has gone back, or was ahead: the newest backup is ${future}, this one is \\d{8}T\\d{6}Z$`),
  );
});

test("D1: a full disk is told before anything is begun, or ends it without a trace", { skip: !isRoot }, async (t) => {
  const { environment, folder, left } = emptyFolder(t);
  mkdirSync(folder, { recursive: true });
  const mount = (options: string) => execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
  mount("size=32m,mode=777");
  t.after(() => execFileSync("umount", [folder]));
  const { code, said } = await recovery.run("backup", [], environment);
  assert.equal(code, 4);
  assert.match(said.join("\n"), /^the disk of \S+ has 34 MB free, and a backup needs \d+ MB: nothing was begun$/);
  assert.deepEqual(left(), []);

  // It fits as it is now, and then the disk fills up: with every megabyte that a test needs not write.
  await recovery.query(
    "create table noise as select md5(n::text || random()) as text from generate_series(1, 200000) as n",
  );
  mount("remount,size=140m,mode=777");
  const steps = stepsOf(recovery, ["pg_dump"]);
  const script = recovery.start("backup", ["--no-base"], { ...environment, ...steps.environment(2) });
  await until(() => steps.reached() !== undefined, "at work");
  execFileSync("bash", ["-c", `head -c 139M /dev/zero > ${folder}/others; true`], { stdio: "ignore" });
  steps.goOn();
  const full = await script.ended;
  assert.equal(full.code, 4, full.stderr);
  assert.equal(full.said.at(-1), `the disk of ${folder} is full: no backup was made`);
  assert.deepEqual(left(), ["others"]);
  rmSync(join(folder, "others"));
  const name = await recovery.backup({ environment, verify: false });

  // A restored database needs more room than its backup: that it has none is no damage.
  mount("remount,size=60m,mode=777");
  const verified = await recovery.run("verify", [name], environment);
  assert.equal(verified.code, 4, verified.stderr);
  assert.match(
    verified.said.at(-1) ?? "",
    /^the disk of \S+ has \d+ MB free, and a restored database needs \d+ MB: make room, or set SCRATCH_DIR$/,
  );
  assert.deepEqual(left(), [name]);
  await recovery.query("drop table noise");
});

test("a database that is out of reach, of another version, or wrongly named is told as such", async (t) => {
  const { environment, left } = emptyFolder(t);
  const port = await freePort();
  const bin = join(recovery.dir, "bin");
  mkdirSync(bin);
  const pgDump = (version: string) => {
    writeFileSync(join(bin, "pg_dump"), `#!/bin/sh\necho "pg_dump (PostgreSQL) ${version}"\n`);
    chmodSync(join(bin, "pg_dump"), 0o755);
    return { PATH: `${bin}:${process.env.PATH}` };
  };
  const server = Math.floor(Number((await recovery.query("show server_version_num"))[0]?.[0]) / 10_000);
  const cases: [Record<string, string>, string[], number, RegExp][] = [
    [
      { DATABASE_URL: `postgres://simgen@127.0.0.1:${port}/simgen` },
      [],
      5,
      /^the database is out of reach: connection to server at "127.0.0.1", port \d+ failed: Connection refused$/,
    ],
    [
      { DATABASE_URL: recovery.postgres.url.replace(/postgres$/, "gone") },
      [],
      5,
      /^the database is out of reach: .*database "gone" does not exist$/,
    ],
    [
      { DATABASE_URL: "mysql://a@b/c" },
      [],
      2,
      /^DATABASE_URL: expected postgres:\/\/USER:PASSWORD@HOST:PORT\/NAME, got something else$/,
    ],
    [{ DATABASE_URL: "" }, [], 2, /^DATABASE_URL: expected postgres:\/\/USER:PASSWORD@HOST:PORT\/NAME, got nothing$/],
    [
      { DATABASE_URL: "", DATABASE_URL_FILE: "/nowhere" },
      [],
      2,
      /^DATABASE_URL_FILE: expected a file that can be read, got \/nowhere$/,
    ],
    [
      { DATABASE_URL: `${recovery.postgres.url}'--` },
      [],
      2,
      /^DATABASE_URL: expected a database's name of up to 39 letters, digits, _ and -, got postgres'--$/,
    ],
    [
      { REDIS_URL: "http://redis" },
      [],
      2,
      /^REDIS_URL: expected redis:\/\/USER:PASSWORD@HOST:PORT, got something else$/,
    ],
    [
      { BACKUP_DIR: "/proc/nowhere" },
      [],
      2,
      /^BACKUP_DIR: expected a folder that can be written, got \/proc\/nowhere$/,
    ],
    [pgDump("14.2"), [], 9, new RegExp(`^pg_dump is of version 14, the server of ${server}: expected the same$`)],
    [{}, ["--all"], 2, /^expected --no-base, --wait, --shrunk or nothing, got --all$/],
    [{}, ["--wait"], 2, /^--wait: expected seconds, got nothing$/],
  ];
  for (const [settings, args, code, message] of cases) {
    const ended = await recovery.run("backup", args, { ...environment, ...settings });
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.said.join("\n"), message);
    assert.equal(ended.stdout, "");
  }
  assert.deepEqual(left(), []);
});

test("an empty database, and one that has lost half of its rows, is not backed up as if nothing were", async (t) => {
  const { environment, folder } = emptyFolder(t);
  await recovery.query("create database empty", "postgres");
  const empty = await recovery.run("backup", ["--no-base"], {
    ...environment,
    DATABASE_URL: recovery.postgres.url.replace(/postgres$/, "empty"),
  });
  assert.deepEqual([empty.code, empty.said.at(-1)], [7, "the database empty has no tables: is it the right one?"]);
  const name = await recovery.backup({ environment });
  await recovery.query("create table kept as select * from simulations; delete from simulations where id > 'sim-4'");
  await recovery.query("truncate simulations; drop table kept");
  const shrunk = await recovery.run("backup", ["--no-base"], environment);
  assert.deepEqual(
    [shrunk.code, shrunk.said.at(-1)],
    [
      7,
      `the database has 2 rows, the verified backup ${name} has 2002: has something been lost? restore.sh brings it back; --shrunk backs up what is left`,
    ],
  );
  assert.deepEqual(complete(folder), [name]);
  assert.equal((await recovery.run("backup", ["--no-base", "--shrunk"], environment)).code, 0);
  const restored = await recovery.run("restore", [name, "--table", "simulations", "--yes"], environment);
  assert.equal(restored.stdout, '{"table":"simulations","found":2000,"restored":2000}\n', restored.stderr);
});

test("without Redis, or without a key, there is a backup, and it says what it is without", async (t) => {
  const { environment, folder } = emptyFolder(t);
  const port = await freePort();
  const { code, stdout, said } = await recovery.run("backup", ["--no-base"], {
    ...environment,
    REDIS_URL: `redis://:secret@127.0.0.1:${port}`,
    RECOVERY_KEY: "",
    CONFIG_PATHS: "config",
  });
  assert.equal(code, 0);
  assert.equal(
    said[2],
    `Redis is missing: Could not connect to Redis at 127.0.0.1:${port}: Connection refused : this backup is without it`,
  );
  assert.equal(said[3], "the configuration is not in it: RECOVERY_KEY and CONFIG_PATHS are not both set");
  const { backup } = JSON.parse(stdout);
  const { redis } = JSON.parse(readFileSync(join(folder, backup, "manifest.json"), "utf8"));
  assert.match(redis, /^missing: Could not connect/);
  assert.equal((await recovery.run("verify", [], environment)).code, 0);
});

test("--help says what the header says, and settings come from files as well", async (t) => {
  for (const script of ["backup", "verify", "retention", "restore", "wal"] as const) {
    const { code, stdout, stderr } = await recovery.run(script, ["--help"], { DATABASE_URL: "" });
    assert.deepEqual([code, stderr], [0, ""], script);
    assert.match(stdout, USAGE);
    assert.match(stdout, /Exits with: 0 /);
    const wrong = await recovery.run(script, ["--wrong"], { DATABASE_URL: "" });
    assert.equal(wrong.code, 2, script);
    assert.ok(wrong.stderr.endsWith(stdout), "what is wrong, and then the usage");
  }
  const { environment } = emptyFolder(t);
  const file = join(recovery.dir, "database_url");
  writeFileSync(file, `${recovery.postgres.url.replace(/postgres$/, "simgen")}\n`);
  assert.equal(
    (await recovery.run("backup", ["--no-base"], { ...environment, DATABASE_URL: "", DATABASE_URL_FILE: file })).code,
    0,
  );
  // As psql takes them; and a folder that is relative, with a space.
  const { port } = new URL(recovery.postgres.url);
  const relative = {
    DATABASE_URL: "",
    PGHOST: "127.0.0.1",
    PGPORT: port,
    PGUSER: "simgen",
    PGDATABASE: "simgen",
    BACKUP_DIR: "back ups",
  };
  await recovery.backup({ environment: relative });
  assert.equal((await recovery.run("restore", ["--list"], relative)).stdout.split("\n").length, 2);
});
