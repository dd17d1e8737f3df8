/** wal.sh (D4): the log of changes is streamed without a gap, so that what is lost with the database is seconds; and points in time. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "../apps/simgen/server/postgres.fixture.ts";
import { kill, type Recovery, type Started, shared, startRecovery, until } from "./recovery.fixture.ts";

const WRITES_A_SECOND = 100;
const LOST_SECONDS_MAX = 5;
const file = shared();
let recovery: Recovery;
let wal: Started;
let system = "";

before(async () => {
  recovery = await startRecovery(file);
  await recovery.query("create table written (n int primary key, at timestamptz default clock_timestamp())");
  system = String((await recovery.query("select system_identifier from pg_control_system()"))[0]?.[0]);
  wal = recovery.start("wal", [], { CANARY_SECONDS: "1" });
  await until(isStreaming, "the stream");
});

async function isStreaming(): Promise<boolean> {
  try {
    return (
      (await recovery.query("select active from pg_replication_slots where slot_name = 'holdfast'"))[0]?.[0] === true
    );
  } catch {
    return false;
  }
}
const stretches = () => readdirSync(recovery.backups("wal", system)).sort();
/** All that was written so far is in the stream. */
async function streamed(): Promise<void> {
  const [[lsn] = []] = await recovery.query("select pg_current_wal_flush_lsn()");
  await until(async () => {
    const [[there] = []] = await recovery.query(
      `select flush_lsn >= '${lsn}' from pg_stat_replication where application_name = 'pg_receivewal'`,
    );
    return there === true;
  }, "what was written is in the stream");
}
const written = async (database = "simgen", query = recovery.query) =>
  Number((await query("select count(*) from written", database))[0]?.[0]);
const switchFile = () => recovery.query("select pg_switch_wal()");
const now = async () => String((await recovery.query("select clock_timestamp()::timestamptz(0)::text"))[0]?.[0]);
const descendants = (pid: number): number[] =>
  globSync(`/proc/${pid}/task/*/children`)
    .flatMap((file) => readFileSync(file, "utf8").trim().split(" ").filter(Boolean).map(Number))
    .flatMap((child) => [child, ...descendants(child)]);
const dropOld = async () => {
  for (const [name] of await recovery.query(
    "select datname from pg_database where datname like 'simgen_before%'",
    "postgres",
  ))
    await recovery.query(`drop database ${name}`, "postgres");
};

test("D4: what is written arrives, and the canary with it", async () => {
  await streamed();
  assert.equal(stretches().length, 1);
  await until(
    async () => (await recovery.query("select count(*) from pg_class where relname = 'canary'"))[0]?.[0] === "1",
    "the canary",
  );
  const [[first] = []] = await recovery.query("select at::text from holdfast.canary");
  await until(
    async () => (await recovery.query("select at::text from holdfast.canary"))[0]?.[0] !== first,
    "its next time",
  );
  assert.equal((await recovery.query("select count(*) from holdfast.canary"))[0]?.[0], "1");
});

test("D4: to the second before a DELETE without WHERE", async () => {
  const base = await recovery.backup({ args: [], verify: false });
  assert.equal((await recovery.run("verify", [base])).code, 0, "the base backup and the log since are proven too");
  await recovery.query("insert into written select generate_series(1, 500)");
  await switchFile();
  await sleep(1100);
  const before = await now();
  await sleep(1100);
  await recovery.query("delete from written; alter database simgen set work_mem = '9MB'");
  await streamed();
  // Written since, so that the log goes on after that time.
  await recovery.query("insert into written values (9999)");
  await streamed();
  const { code, stdout, stderr, said } = await recovery.run("restore", ["--to", before, "--yes"]);
  assert.equal(code, 0, stderr);
  const { took_ms, rows, old, ...line } = JSON.parse(stdout);
  assert.equal(rows, 2503);
  assert.deepEqual(line, { restored: base, to: `${before.replace(/\+00$/, "")}.000000000+00` });
  assert.match(said.join("\n"), /^replayed: last completed transaction was at log time /m);
  assert.deepEqual([await written(), await written(old)], [500, 1]);
  assert.deepEqual(await recovery.query("show work_mem"), [["4MB"]], "as it was set then");
  assert.ok(took_ms > 0);
  // The stream did not mind.
  await until(isStreaming, "the stream");

  // Rows of one table, of that time.
  await recovery.query("delete from written where n <= 100");
  const rowsBack = await recovery.run("restore", ["--to", before, "--table", "written", "--yes"]);
  assert.equal(rowsBack.stdout, '{"table":"written","found":500,"restored":100}\n', rowsBack.stderr);
  await dropOld();

  // Beyond the ends of the log.
  const future = await recovery.run("restore", ["--to", "2099-01-01", "--yes"]);
  assert.deepEqual(
    [future.code, future.said.at(-1)],
    [1, "the log of changes ends before 2099-01-01 00:00:00.000000000+00: --to now restores what there is"],
  );
  const past = await recovery.run("restore", [
    "--to",
    base.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3 $4:$5:$6"),
    "--yes",
  ]);
  assert.equal(past.code, 1);
  assert.match(past.said.at(-1) ?? "", /^there is no base backup from before /);
  assert.equal(await written(), 500);
});

test("D4: a database that was restarted is streamed on, without a gap", async () => {
  const [before] = stretches();
  await recovery.postgres.stop();
  await until(() => /the stream has ended: again in 2 s/.test(wal.stderr()), "that it was noticed");
  await recovery.postgres.start();
  await until(isStreaming, "the stream again");
  for (let n = 0; n < 3; n++) {
    await recovery.query(`insert into written values (${1000 + n})`);
    await switchFile();
  }
  await streamed();
  assert.deepEqual(stretches(), [before]);
  const base = readdirSync(recovery.backups("base"))[0] ?? "";
  assert.equal((await recovery.run("verify", [base])).code, 0);
});

test("D4: what retention.sh has compressed is of the same use, and what is damaged or missing is found", async () => {
  const files = () => globSync(recovery.backups("wal", system, "*", "*")).sort();
  assert.equal((await recovery.run("retention")).code, 0);
  const packed = files().filter((file) => file.endsWith(".gz"));
  assert.ok(packed.length >= 3, files().join());
  const { code, stderr } = await recovery.run("restore", ["--to", "now", "--yes"]);
  assert.equal(code, 0, stderr);
  assert.equal(await written(), 503);
  await dropOld();

  const middle = packed.at(-2) ?? "";
  const bash = (command: string) =>
    execFileSync("bash", ["-euc", command, join(recovery.dir, "kept"), middle], { stdio: "pipe" });
  bash('cp -a "$1" "$0"; truncate --size=-10 "$1"');
  const truncated = await recovery.run("restore", ["--to", "now", "--yes"]);
  assert.equal(truncated.code, 6);
  assert.match(
    truncated.said.at(-1) ?? "",
    /^replaying failed: .*FATAL: {2}could not restore file "\w+" from archive: child process exited with exit code 255$/,
  );
  // Whole, as gzip sees it, and nonsense from its beginning on.
  bash('head -c 16777216 /dev/zero | gzip > "$1"');
  const zeros = await recovery.run("restore", ["--to", "now", "--yes"]);
  assert.equal(zeros.code, 6);
  assert.match(
    zeros.said.at(-1) ?? "",
    /^replaying ended at [0-9A-F]+\/[0-9A-F]+, in file …\w{16}, which is damaged; the log goes on to …\w{16}: --to TIME restores what was before$/,
  );
  bash('rm "$1"');
  const base = readdirSync(recovery.backups("base"))[0] ?? "";
  const number = /\w{16}(?=\.gz$)/.exec(middle)?.[0];
  for (const script of ["verify", "restore"] as const) {
    const gap = await recovery.run(script, script === "verify" ? [base] : ["--to", "now", "--yes"]);
    assert.deepEqual(
      [gap.code, gap.said.at(-1)],
      [6, `the log of changes has a gap: file …${number} is missing; base backup ${base} restores only up to it`],
    );
  }
  assert.ok(existsSync(recovery.backups(base, "verified.json")), "its dump is good");
  bash('mv "$0" "$1"');
  assert.equal(await written(), 503);
});

test("D4: a slot that is gone begins a new stretch, and is told", async () => {
  const [before] = stretches();
  kill(wal, "SIGTERM");
  await wal.ended;
  await recovery.query("select pg_drop_replication_slot('holdfast')");
  wal = recovery.start("wal", [], { CANARY_SECONDS: "1" });
  await until(isStreaming, "the stream");
  assert.match(
    wal.stderr(),
    /wal: the replication slot holdfast is gone: beginning anew; points in time are restored from the next base backup on, which schedule.sh makes soon\n/,
  );
  assert.equal(stretches().length, 2);
  assert.equal(stretches()[0], before);
  const base = await recovery.backup({ args: [] });
  assert.equal((await recovery.run("verify", [base])).code, 0);
});

test("D4: changes that the server has thrown away begin a new stretch, and are told", async () => {
  kill(wal, "SIGTERM");
  await wal.ended;
  await recovery.query("alter system set max_slot_wal_keep_size = '16MB'");
  await recovery.query("select pg_reload_conf()");
  for (let n = 0; n < 6; n++) {
    await recovery.query(`insert into written values (${2000 + n})`);
    await switchFile();
  }
  await recovery.query("checkpoint");
  await recovery.query("alter system reset all");
  await recovery.query("select pg_reload_conf()");
  assert.deepEqual(await recovery.query("select wal_status from pg_replication_slots"), [["lost"]]);
  wal = recovery.start("wal", [], { CANARY_SECONDS: "1" });
  await until(isStreaming, "the stream");
  assert.match(
    wal.stderr(),
    /wal: the server has thrown away changes that were not streamed \(max_slot_wal_keep_size\): beginning anew; points in time/,
  );
  assert.equal(stretches().length, 3);
});

test("D4: a file that was new when the stream was killed does not keep it from going on", async () => {
  await streamed();
  const folder = recovery.backups("wal", system, stretches().at(-1) ?? "");
  const newest = readdirSync(folder).sort().at(-1) ?? "";
  kill(wal, "SIGKILL", true);
  await wal.ended;
  await until(async () => !(await isStreaming()), "the end of the stream");
  const next = (BigInt(`0x${newest.slice(0, 24)}`) + 1n).toString(16).toUpperCase().padStart(24, "0");
  const short = join(folder, `${next}.partial`);
  const { uid, gid } = statSync(folder);
  writeFileSync(short, "");
  chownSync(short, uid, gid);
  truncateSync(short, 13_053_952);
  // Nor is it taken for a part of the log.
  const fetchWal = join(import.meta.dirname, "fetch-wal.sh");
  const args = [recovery.backups("wal", system), next, join(recovery.dir, "fetched")];
  assert.throws(() => execFileSync(fetchWal, args, { stdio: "pipe" }), { status: 1 });
  wal = recovery.start("wal", [], { CANARY_SECONDS: "1" });
  await until(isStreaming, "the stream");
  await recovery.query("insert into written values (77777)");
  await streamed();
});

test("D4: the log is copied, and read from, while a file becomes whole and loses its .partial", () => {
  const [log = "", target = "", bin = ""] = ["log", "target", "bin"].map((name) => join(recovery.dir, name));
  for (const folder of [join(log, "stretch"), target, bin]) mkdirSync(folder, { recursive: true });
  const file = join(log, "stretch", `${"0".repeat(23)}A`);
  const begin = () => writeFileSync(`${file}.partial`, Buffer.alloc(16 * 1024 * 1024, "x"));
  // It happens just before cp reads it.
  const cp = `#!/bin/bash
    [[ ! -e ${file}.partial ]] || { mv ${file}.partial ${file}; exec /bin/cp ${file}.partial /dev/null; }
    exec /bin/cp "$@"`;
  writeFileSync(join(bin, "cp"), cp, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };

  begin();
  const copy = '. "$1/settings.sh"; . "$1/wal-files.sh"; wal_copy "$2" "$3"';
  execFileSync("bash", ["-euc", copy, "copy", import.meta.dirname, log, target], { env });
  assert.deepEqual(readdirSync(join(target, "log", "stretch")), [basename(file)]);

  rmSync(file);
  begin();
  const fetched = join(target, "fetched");
  execFileSync(join(import.meta.dirname, "fetch-wal.sh"), [log, basename(file), fetched], { env });
  assert.equal(readFileSync(fetched)[0], 0x78);
});

test("D4: the database and its folder lost while it is written to, what is lost is of less than some seconds", async (t) => {
  await recovery.backup({ args: [] });
  await recovery.query("truncate written");
  // When each was acknowledged.
  const times: number[] = [];
  const { hostname, port } = new URL(recovery.postgres.url);
  const writer = spawn("psql", ["-qAtX", "-h", hostname, "-p", port, "-U", "simgen", "simgen"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  writer.stdin.write(
    `insert into written (n) select coalesce(max(n), 0) + 1 from written returning n \\watch ${1 / WRITES_A_SECOND}\n`,
  );
  writer.stdout.on("data", (chunk) => {
    for (const [number] of String(chunk).matchAll(/^\d+$/gm)) times[Number(number)] = performance.now();
  });
  await until(() => times.length > 2 * WRITES_A_SECOND, "writes");
  await recovery.postgres.kill();
  const killedAt = performance.now();
  writer.stdin.end();
  if (writer.exitCode === null) await once(writer, "exit");
  await rm(recovery.postgres.data, { recursive: true, force: true, maxRetries: 50, retryDelay: 50 });

  const other = await startPostgres(t);
  const started = performance.now();
  const url = other.url.replace(/postgres$/, "simgen");
  const { code, stderr } = await recovery.run("restore", ["--to", "now", "--yes"], { DATABASE_URL: url });
  assert.equal(code, 0, stderr);
  const [[last] = []] = await other.query("select coalesce(max(n), 0) from written", "simgen");
  const rows = await written("simgen", other.query);
  assert.equal(rows, Number(last), "none in between is missing");
  const acknowledged = times.length - 1;
  const lostMs = rows >= acknowledged ? 0 : Math.max(0, killedAt - (times[rows + 1] ?? killedAt));
  assert.ok(lostMs < LOST_SECONDS_MAX * 1000, `${acknowledged - rows} rows, ${lostMs} ms`);
  t.diagnostic(
    `lost: ${Math.max(0, acknowledged - rows)} of ${acknowledged} rows, of the last ${Math.round(lostMs)} ms; restored in ${Math.round(performance.now() - started)} ms`,
  );

  // The new one is another cluster, with a log of its own.
  const there = recovery.start("wal", [], { DATABASE_URL: url });
  await until(
    async () => (await other.query("select active from pg_replication_slots"))[0]?.[0] === true,
    "its stream",
  );
  assert.equal(readdirSync(recovery.backups("wal")).length, 2);
  kill(there, "SIGTERM");
  assert.equal((await there.ended).code, 0);
});

/** One that nobody has waited for is still listed, as a zombie. */
const hasEnded = (pid: number) => {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
};

test("told to end, it ends with 0, and all that it has started", async () => {
  const { pid } = wal.child;
  assert.ok(pid !== undefined);
  const children = descendants(pid);
  assert.ok(children.length > 0);
  kill(wal, "SIGTERM");
  assert.equal((await wal.ended).code, 0);
  await until(() => children.every(hasEnded), "the end of its children", 2000);
  const wrong = await recovery.run("wal", [], { WAL_SLOT: "Holdfast" });
  assert.deepEqual(
    [wrong.code, wrong.said],
    [2, ["WAL_SLOT: expected lower case letters, digits and _, got Holdfast"]],
  );
  rmSync(join(recovery.dir, "backups"), { recursive: true });
});
