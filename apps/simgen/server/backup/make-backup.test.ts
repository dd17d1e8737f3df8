import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { openEmbedded } from "../database.ts";
import { SimulationStore } from "../simulation-store.ts";
import { belongingsIn, dataDirWith, emptyFolder, killedAfter, namesIn, simulation } from "./backup.fixture.ts";
import { backupsIn, checkSums } from "./backups.ts";
import { holdStill, serveHolds } from "./hold.ts";
import { type BackupStep, makeBackup } from "./make-backup.ts";

const BELONGINGS = { ids: ["one", "two"], secret: "the secret that signs cookies" };

async function folders(t: TestContext) {
  const dataDir = await dataDirWith(t, BELONGINGS);
  return { dataDir, backupDir: join(dataDir, "backups") };
}

test("a backup is what it was made of, readable with tar, gzip and sha256sum, and for this user only (D1)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  const steps: string[] = [];
  const { name, folder, manifest } = await makeBackup({ dataDir, backupDir, onStep: (step) => steps.push(step) });
  assert.deepEqual(steps, ["copied", "compressed", "verified", "sealed", "renamed", "announced"]);
  assert.match(name, /^\d{8}T\d{6}Z$/);
  assert.deepEqual(await namesIn(backupDir), [name]);
  assert.equal(manifest.contents.tables["public.simulations"]?.rows, 2);
  assert.deepEqual(manifest.contents.migrations, ["001_simulations", "002_plans"]);
  assert.equal(await readFile(join(backupDir, "last-verified"), "utf8"), `${manifest.at}\n`);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(join(folder, "cookie-secret"))).mode & 0o777, 0o600);

  const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: folder, encoding: "utf8" });
  assert.equal(
    run("sha256sum", "--check", "SHA256SUMS"),
    "postgres.tar.gz: OK\ncookie-secret: OK\nmanifest.json: OK\n",
  );
  run("gzip", "--test", "postgres.tar.gz");
  const byHand = await emptyFolder(t);
  run("tar", "-xzf", "postgres.tar.gz", "-C", byHand);
  run("cp", "cookie-secret", byHand);
  assert.deepEqual(await belongingsIn(byHand), BELONGINGS);
  assert.deepEqual(await belongingsIn(dataDir), BELONGINGS, "and what it was made of is as it was");
});

test("while somebody writes, a backup has all that was there before, nothing that came after, and is good (D1)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  const { database, close } = await openEmbedded(dataDir);
  // The lock is another process's: that of a server, whose part is played here.
  await writeFile(join(dataDir, "lock"), String(process.ppid));
  const holds = await serveHolds({ database, dataDir, onError: (error) => assert.fail(String(error)) });
  const store = new SimulationStore(database);
  let added = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await store.add(simulation(`later-${String(added++).padStart(6, "0")}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  while (added < 20) await new Promise((resolve) => setTimeout(resolve, 5));
  const before = added - 1;
  const { folder, manifest } = await makeBackup({ dataDir, backupDir });
  isOver = true;
  await writing;
  const rows = manifest.contents.tables["public.simulations"]?.rows ?? 0;
  assert.ok(rows >= 2 + before && rows < 2 + added, `${before} <= ${rows} - 2 < ${added}`);
  const found = await holdStill(database, async (contents) => contents.tables["public.simulations"]?.rows);
  assert.equal(found, 2 + added);
  await holds.close();
  await close();
  const byHand = await emptyFolder(t);
  execFileSync("tar", ["-xzf", join(folder, "postgres.tar.gz"), "-C", byHand]);
  await writeFile(join(byHand, "cookie-secret"), "");
  const { ids } = await belongingsIn(byHand);
  const later = ids.filter((id) => id.startsWith("later"));
  assert.deepEqual(later.at(-1), `later-${String(rows - 3).padStart(6, "0")}`, "the first so many, without a gap");
});

for (const step of ["copied", "compressed", "verified", "sealed"] as const satisfies readonly BackupStep[])
  test(`killed when it is ${step}, there is no backup, and the next one leaves nothing of it (D1)`, async (t) => {
    const { dataDir, backupDir } = await folders(t);
    await killedAfter(step, { does: "backup", dataDir, backupDir });
    assert.deepEqual(await namesIn(backupDir), []);
    assert.deepEqual(await backupsIn(backupDir), []);
    await assert.rejects(stat(join(backupDir, "last-verified")), { code: "ENOENT" });
    const { name } = await makeBackup({ dataDir, backupDir });
    assert.deepEqual((await readdir(backupDir)).sort(), [name, "last-verified"]);
  });

test("killed when it is renamed, it is whole (D1)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  await killedAfter("renamed", { does: "backup", dataDir, backupDir });
  const [backup, ...more] = await backupsIn(backupDir);
  assert.ok(backup !== undefined && more.length === 0);
  await checkSums(backup);
});

test("killed at any moment, whatever has a backup's name is whole (D1)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  const program = `
    import { makeBackup } from ${JSON.stringify(new URL("./make-backup.ts", import.meta.url).href)};
    for (;;) await makeBackup(${JSON.stringify({ dataDir, backupDir })});`;
  for (const timeout of [900, 1400, 1900, 2400, 2900]) {
    const args = ["--conditions=holdfast-source", "--input-type=module", "--eval", program];
    const { signal, stderr } = spawnSync(process.execPath, args, { timeout, killSignal: "SIGKILL", encoding: "utf8" });
    assert.equal(signal, "SIGKILL", stderr);
    for (const backup of await backupsIn(backupDir)) await checkSums(backup);
  }
  assert.deepEqual(await belongingsIn(dataDir), BELONGINGS);
});

test("a copy that is not what was copied never counts (D1)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  const { database, close } = await openEmbedded(dataDir);
  const { rows } = await sql<{ path: string }>`select pg_relation_filepath('simulations') as path`.execute(database);
  await close();
  const table = rows[0]?.path;
  assert.ok(table);
  const harmed = (how: string) =>
    `case "$1" in -cf) dir=$(mktemp -d "$0.XXXXXX"); cp -r "$4/postgres" "$dir"; ${how}; set -- -cf "$2" -C "$dir" postgres;; esac`;
  for (const [how, code, message] of [
    [
      `: > "$dir/postgres/${table}"`,
      "backup_damaged",
      /^the copy is not what it was made of: public\.simulations has 0 rows, expected 2$/,
    ],
    [
      `printf x | dd of="$dir/postgres/${table}" bs=1 seek=8100 conv=notrunc 2>/dev/null`,
      "backup_damaged",
      /^the copy cannot be read: invalid page in block 0 of relation/,
    ],
    [`rm -r "$dir/postgres/base"`, "backup_damaged", /^the copy cannot be read: /],
    [
      "echo 'tar: postgres/base/1: file changed as we read it' >&2; exit 1",
      "backup_failed",
      /^no backup was made: tar: .* file changed as we read it$/,
    ],
  ] as const) {
    await tarThat(t, harmed(how));
    await assert.rejects(makeBackup({ dataDir, backupDir }), { code, message });
    assert.deepEqual(await readdir(backupDir), [], how);
  }
});

test("without room for it nothing is begun; a disk that fills up leaves nothing, and says so", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  await assert.rejects(makeBackup({ dataDir, backupDir, freeBytes: async () => 100e6 }), {
    code: "disk_full",
    message: new RegExp(`^${backupDir} has 100 MB free, and 14\\d MB are needed: make room$`),
  });
  assert.deepEqual(await readdir(backupDir), []);
  const small = await smallDisk(t);
  await assert.rejects(makeBackup({ dataDir, backupDir: small, freeBytes: async () => 1e12 }), {
    code: "disk_full",
    message: /^no backup was made: .*no space left on device/i,
  });
  assert.deepEqual(await readdir(small), []);
});

test("two at once: one is made, the other says who is at it", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  await mkdir(backupDir);
  await writeFile(join(backupDir, "lock"), String(process.ppid));
  await assert.rejects(makeBackup({ dataDir, backupDir }), {
    code: "backup_busy",
    message: `process ${process.ppid} is working on the backups in ${backupDir}: wait for it`,
  });
  assert.deepEqual(await readdir(backupDir), ["lock"]);
});

test("the oldest go, never one of the last three that are good, nor what is damaged (D2)", async (t) => {
  const { dataDir, backupDir } = await folders(t);
  const { folder } = await makeBackup({ dataDir, backupDir });
  const copies: string[] = [];
  for (let minute = 1; minute <= 5; minute++) {
    const name = `20200101T00${String(minute).padStart(2, "0")}00Z`;
    await cp(folder, join(backupDir, name), { recursive: true });
    copies.push(name);
  }
  const [oldest = "", second = "", third = "", damaged = "", newestOld = ""] = copies;
  await truncate(join(backupDir, damaged, "postgres.tar.gz"), 1000);
  await rm(folder, { recursive: true });
  const { name, removed } = await makeBackup({ dataDir, backupDir });
  // Good are, from the newest: this one, the newest old one, and the third, since the damaged one does not count.
  assert.deepEqual(removed, [oldest, second]);
  assert.deepEqual((await readdir(backupDir)).sort(), [third, damaged, newestOld, name, "last-verified"]);
});

test("without a database there is nothing to back up, and none is made", async (t) => {
  const dataDir = await emptyFolder(t);
  await assert.rejects(makeBackup({ dataDir, backupDir: join(dataDir, "backups") }), {
    code: "backup_failed",
    message: `${dataDir} has no embedded database: there is nothing to back up`,
  });
  assert.deepEqual(await readdir(dataDir), []);
});

/** From now on `tar` runs these words of shell first. */
async function tarThat(t: TestContext, script: string): Promise<void> {
  const folder = await emptyFolder(t);
  const real = execFileSync("which", ["tar"], { encoding: "utf8", env: { PATH: "/usr/bin:/bin" } }).trim();
  await writeFile(join(folder, "tar"), `#!/bin/sh\n${script}\nexec ${real} "$@"\n`);
  await chmod(join(folder, "tar"), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${folder}:/usr/bin:/bin`;
  t.after(() => {
    process.env.PATH = path;
  });
}

/** A real one for root; for others, a `tar` that finds it full. */
async function smallDisk(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "simgen-small-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=20m", "tmpfs", folder]).status === 0;
  t.after(() => {
    if (isMounted) spawnSync("umount", [folder]);
    return rm(folder, { recursive: true });
  });
  if (!isMounted) await tarThat(t, `echo "tar: $2: No space left on device" >&2; exit 2`);
  return folder;
}
