/** verify.sh (D1): a backup counts as good once it was restored and compared, and whatever is wrong with it is found. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { startRedis } from "../apps/simgen/server/redis.fixture.ts";
import { kill, type Recovery, shared, startRecovery, stepsOf, until } from "./recovery.fixture.ts";

const file = shared();
let recovery: Recovery;
/** Good, proven, and copied before it is damaged. */
let good = "";
let unproven = "";

before(async () => {
  recovery = await startRecovery(file, { environment: { CONFIG_PATHS: "config" } });
  const redis = await startRedis(file);
  execFileSync("redis-cli", ["-u", redis.url, "set", "session", "alive"]);
  const environment = { REDIS_URL: redis.url };
  good = await recovery.backup({ environment });
  unproven = await recovery.backup({ environment, verify: false });
});

const copy = (name: string) => {
  execFileSync("rm", ["-rf", recovery.backups(name)]);
  execFileSync("cp", ["-a", recovery.backups(unproven), recovery.backups(name)]);
  return recovery.backups(name);
};
const bash = (folder: string, command: string) =>
  execFileSync("bash", ["-euo", "pipefail", "-c", command], { cwd: folder, encoding: "utf8", stdio: "pipe" });
/** As backup.sh does it: checksums are against mishaps, not against people. */
const SEAL = "sums=$(find . -type f ! -name SHA256SUMS -printf '%P\\n' | xargs sha256sum); echo \"$sums\" > SHA256SUMS";
const lastVerified = () => readFileSync(recovery.backups("last-verified"), "utf8");

/** Nothing of a Postgres of its own is left. */
function assertNothingLeft(): void {
  assert.deepEqual(globSync(recovery.backups(".{scratch,redis}-*")), []);
  assert.deepEqual(ofThisTest(), []);
}

/** Servers that were started from the folder of this test, and their sockets. */
function ofThisTest(): string[] {
  const servers = globSync("/proc/[0-9]*/cmdline").filter((file) => {
    try {
      return readFileSync(file, "utf8").includes(recovery.backups(".scratch"));
    } catch {
      return false;
    }
  });
  const sockets = globSync("/tmp/holdfast-scratch-*").filter((socket) => socket.endsWith(number()));
  return [...servers, ...sockets];
}
const number = () => bash("/", `cksum <<< "${recovery.backups()}" | cut -d ' ' -f 1`).trim();

test("D1: whatever is wrong with a backup is found, and it does not count as verified", async (t) => {
  const before = lastVerified();
  const damages: [string, (folder: string) => unknown, number, RegExp][] = [
    [
      "a flipped byte",
      (folder) => bash(folder, "printf x | dd of=database.dump bs=1 seek=20000 conv=notrunc status=none"),
      6,
      /: database\.dump is not as it was$/,
    ],
    [
      "a truncated dump",
      (folder) => bash(folder, "truncate --size=-1000 database.dump"),
      6,
      /: database\.dump is not as it was$/,
    ],
    ["a missing file", (folder) => bash(folder, "rm globals.sql"), 6, /: globals\.sql is missing$/],
    ["missing checksums", (folder) => bash(folder, "rm SHA256SUMS"), 6, /: SHA256SUMS is missing$/],
    [
      "a truncated dump that was sealed anew",
      (folder) => bash(folder, `truncate --size=-1000 database.dump; ${SEAL}`),
      6,
      /^the dump \S+ cannot be restored: pg_restore: error: /,
    ],
    [
      "a snapshot of Redis that is no more whole",
      (folder) => bash(folder, `gzip -d redis.rdb.gz; truncate --size=-12 redis.rdb; gzip redis.rdb; ${SEAL}`),
      6,
      /redis\.rdb\.gz: .+$/,
    ],
    [
      "a snapshot of Redis that is no gzip",
      (folder) => bash(folder, `echo x > redis.rdb.gz; ${SEAL}`),
      6,
      /redis\.rdb\.gz: cannot be decompressed$/,
    ],
    [
      "a manifest without tables",
      (folder) => bash(folder, `jq '.tables = {}' manifest.json > m; mv m manifest.json; ${SEAL}`),
      6,
      /: table public\.kysely_migration: expected none, got 2 rows with hash -?\d+$/,
    ],
    [
      "a database of a later Postgres",
      (folder) => bash(folder, `jq '.server = 990001' manifest.json > m; mv m manifest.json; ${SEAL}`),
      9,
      /is of Postgres 99, and here is \d+: expected 99 or later$/,
    ],
    [
      "an extension that is not here",
      (folder) => bash(folder, `jq '.extensions += ["madeup 1.0"]' manifest.json > m; mv m manifest.json; ${SEAL}`),
      9,
      /has not the extensions that the backup needs: madeup; install them there$/,
    ],
  ];
  for (const [what, damage, code, message] of damages)
    await t.test(what, async () => {
      const folder = copy("20200101T000000Z");
      damage(folder);
      const { code: got, said, stderr } = await recovery.run("verify", ["20200101T000000Z"]);
      assert.equal(got, code, stderr);
      assert.match(said.at(-1) ?? "", message);
      assert.ok(!existsSync(join(folder, "verified.json")));
      assert.equal(lastVerified(), before);
      assertNothingLeft();
    });
});

test("D1: a dump of other rows is found by their number, and of the same number by what is in them", async () => {
  const before = lastVerified();
  const folder = copy("20200102T000000Z");
  const [expected] = Object.entries<{ rows: number; hash: string }>(
    JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")).tables,
  )
    .filter(([table]) => table === "public.simulations")
    .map(([, { rows, hash }]) => `${rows} rows with hash ${hash}`);
  const url = recovery.postgres.url.replace(/postgres$/, "other");
  await recovery.query("create database other template simgen", "postgres");
  for (const [change, rows] of [
    ["update simulations set name = 'another' where id = 'sim-1'", 2000],
    ["delete from simulations where id = 'sim-1'", 1999],
  ] as const) {
    await recovery.query(change, "other");
    bash(folder, `pg_dump --format=custom --compress=1 --file=database.dump "${url}"; ${SEAL}`);
    const { code, said } = await recovery.run("verify", ["20200102T000000Z"]);
    assert.equal(code, 6);
    assert.match(
      said.at(-1) ?? "",
      new RegExp(
        `^20200102T000000Z: table public\\.simulations: expected ${expected}, got ${rows} rows with hash -?\\d+$`,
      ),
    );
    assert.ok(!existsSync(join(folder, "verified.json")));
    assert.equal(lastVerified(), before);
  }
  await recovery.query("drop database other", "postgres");
});

test("D1: a snapshot of a newer Redis than the one here is said, and keeps no database from being proven", async () => {
  const folder = copy("20200105T000000Z");
  bash(
    folder,
    `gzip -d redis.rdb.gz; printf 0999 | dd of=redis.rdb bs=1 seek=5 conv=notrunc status=none; gzip redis.rdb; ${SEAL}`,
  );
  const { code, said } = await recovery.run("verify", ["20200105T000000Z"]);
  assert.equal(code, 0);
  assert.match(said.join("\n"), /redis\.rdb\.gz is of a newer Redis than v=[\d.]+: not checked/);
  execFileSync("rm", ["-rf", folder]);
});

test("D1: a key that is not the one is found on the day of the backup, not on the day of the disaster", async () => {
  for (const [key, message] of [
    ["another", /^RECOVERY_KEY is not the key that \S+\/config\.tar\.enc was encrypted with$/],
    ["", /^RECOVERY_KEY: expected the key that the configuration is encrypted with, got nothing$/],
  ] as const) {
    const { code, said } = await recovery.run("verify", [unproven], { RECOVERY_KEY: key });
    assert.equal(code, 8);
    assert.match(said.at(-1) ?? "", message);
  }
  assert.ok(!existsSync(recovery.backups(unproven, "verified.json")));
});

test("D1: one that was good, and rots, counts no more", async () => {
  const BACKUP_DIR = join(recovery.dir, "rotten");
  execFileSync("cp", ["-a", recovery.backups(), BACKUP_DIR]);
  const of = (file: string) => join(BACKUP_DIR, file);
  bash(of(good), "printf x | dd of=database.dump bs=1 seek=20000 conv=notrunc status=none");
  const { code } = await recovery.run("verify", [good], { BACKUP_DIR });
  assert.equal(code, 6);
  assert.ok(!existsSync(of(`${good}/verified.json`)));
  assert.ok(!existsSync(of("last-verified")), "there is no good one any more");
});

test("D1: killed at any step, it proves nothing, and leaves nothing behind for long", async (t) => {
  const name = "20200104T000000Z";
  const before = lastVerified();
  const commands = ["openssl", "createdb", "pg_restore", "mv"];
  const steps = stepsOf(recovery, commands);
  const killed: string[] = [];
  const folder = copy(name);
  let mayBeProven = false;
  for (let number = 1; ; number++) {
    const script = recovery.start("verify", [name, "--wait", "20"], steps.environment(number));
    await until(() => steps.reached() !== undefined || script.child.exitCode !== null, "the step, or the end");
    const step = steps.reached();
    if (step === undefined) {
      assert.equal((await script.ended).code, 0);
      break;
    }
    // With all of its group, alone, and told to end.
    kill(script, number % 3 === 2 ? "SIGTERM" : "SIGKILL", number % 3 === 0);
    steps.goOn();
    const { said } = await script.ended;
    if (number % 3 === 2) {
      assert.equal(said.at(-1), "interrupted");
      assertNothingLeft();
    }
    killed.push(step.replace(/ .*/, ""));
    // Killed alone, what it had just started still does its work.
    mayBeProven ||= step.startsWith("mv ");
    if (!mayBeProven) assert.ok(!existsSync(join(folder, "verified.json")), step);
    assert.equal(lastVerified(), before);
  }
  assert.deepEqual([...new Set(killed)].sort(), commands.toSorted());
  assert.ok(existsSync(join(folder, "verified.json")));
  assertNothingLeft();
  t.diagnostic(`killed before each of ${killed.length} commands`);
});

test("what there is not, and what is meant by latest, is told", async () => {
  for (const name of ["20300101T000000Z", "../config", "latests"]) {
    const { code, said } = await recovery.run("verify", [name]);
    assert.deepEqual([code, said], [1, [`there is no backup ${name} in ${recovery.backups()}`]]);
  }
  const { code, stdout } = await recovery.run("verify");
  assert.equal(code, 0);
  const { took_ms, ...line } = JSON.parse(stdout);
  assert.deepEqual(line, { verified: unproven, rows: 2002 });
  assert.partialDeepStrictEqual(JSON.parse(readFileSync(recovery.backups(unproven, "verified.json"), "utf8")), {
    rows: 2002,
    took_ms,
  });
  assert.ok(readdirSync(recovery.backups()).every((file) => !file.endsWith(".new")));
});
