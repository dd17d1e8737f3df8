import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import { type Belongings, belongingsIn, copyOf, dataDirWith, emptyFolder, killedAfter, put } from "./backup.fixture.ts";
import { nameOf } from "./backups.ts";
import { makeBackup } from "./make-backup.ts";
import { type RestoreOptions, type RestorePlan, restoreBackup } from "./restore-backup.ts";

const THEN: Belongings = { ids: ["one", "two"], secret: "the secret of then" };
const NOW: Belongings = { ids: ["one", "three", "two"], secret: "the secret of now" };

suite("restoring", () => {
  /** Its backup has what was there then; since then, a simulation was added and the secret changed. */
  let origin: string;
  let name: string;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    const t = { after: (end: () => Promise<void>) => ends.push(end) };
    origin = await dataDirWith(t, THEN);
    ({ name } = await makeBackup({ dataDir: origin, backupDir: join(origin, "backups") }));
    await put(origin, { ids: ["three"], secret: NOW.secret });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  const folders = async (t: TestContext) => {
    const dataDir = await copyOf(t, origin);
    return { dataDir, backupDir: join(dataDir, "backups") };
  };
  const restore = (options: Pick<RestoreOptions, "dataDir" | "backupDir"> & Partial<RestoreOptions>) =>
    restoreBackup({ which: "latest", confirm: async () => true, ...options });

  test("puts back what was there, keeps what is there beside it, and can be done twice (D3)", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    let plan: RestorePlan | undefined;
    const confirm = async (each: RestorePlan) => {
      plan = each;
      return true;
    };
    const first = await restore({ dataDir, backupDir, confirm });
    assert.partialDeepStrictEqual(plan, { name, simulationsThen: 2, simulationsNow: 3 });
    assert.deepEqual(await belongingsIn(dataDir), THEN);
    assert.ok(first.before?.startsWith(join(dataDir, "before-")));
    assert.deepEqual(await belongingsIn(await copyOf(t, first.before ?? "")), NOW);
    await put(dataDir, { ids: ["four"], secret: "another" });
    const second = await restore({ dataDir, backupDir });
    assert.deepEqual(await belongingsIn(dataDir), THEN);
    assert.deepEqual((await belongingsIn(await copyOf(t, second.before ?? ""))).secret, "another");
    assert.deepEqual(await belongingsIn(await copyOf(t, first.before ?? "")), NOW, "nor is that of before touched");
  });

  test("brings a lost folder back, and one that is damaged", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    const lost = await emptyFolder(t);
    const { plan } = await restore({ dataDir: join(lost, "new"), backupDir });
    assert.equal(plan.simulationsNow, undefined);
    assert.deepEqual(await belongingsIn(join(lost, "new")), THEN);
    await truncate(join(dataDir, "postgres/global/pg_control"), 0);
    assert.match(String((await restore({ dataDir, backupDir })).plan.simulationsNow), /^it does not open: /);
    await rm(join(dataDir, "postgres/PG_VERSION"));
    assert.equal((await restore({ dataDir, backupDir })).plan.simulationsNow, "it is damaged");
    assert.deepEqual(await belongingsIn(dataDir), THEN);
  });

  test("two within a second keep what was there before each", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    const taken = Array.from({ length: 20 }, (_, seconds) =>
      join(dataDir, `before-${nameOf(new Date(Date.now() + seconds * 1000))}`),
    );
    for (const folder of taken) await cp(join(dataDir, "postgres"), join(folder, "postgres"), { recursive: true });
    const { before } = await restore({ dataDir, backupDir });
    assert.deepEqual(await belongingsIn(dataDir), THEN);
    assert.ok(before && !taken.includes(before), before);
    assert.deepEqual(await belongingsIn(await copyOf(t, before)), NOW);
  });

  for (const step of ["checked", "unpacked", "compared"] as const)
    test(`killed when it is ${step}, nothing has changed, and it can be done again (D3)`, async (t) => {
      const { dataDir, backupDir } = await folders(t);
      await killedAfter(step, { does: "restore", dataDir, backupDir });
      assert.deepEqual(await belongingsIn(dataDir), NOW);
      await restore({ dataDir, backupDir });
      assert.deepEqual(await belongingsIn(dataDir), THEN);
    });

  for (const step of [
    "ready",
    "moved postgres is away",
    "moved postgres is in place",
    "moved cookie-secret is away",
    "moved cookie-secret is in place",
  ] as const)
    test(`killed at "${step}", whoever opens it next has all that was restored (D3)`, async (t) => {
      const { dataDir, backupDir } = await folders(t);
      await killedAfter(step, { does: "restore", dataDir, backupDir });
      assert.deepEqual(await belongingsIn(dataDir), THEN);
      const [kept] = (await readdir(dataDir)).filter((each) => each.startsWith("before-"));
      assert.deepEqual(await belongingsIn(await copyOf(t, join(dataDir, kept ?? ""))), NOW);
      assert.deepEqual(existsSync(join(dataDir, "restored")), false);
    });

  test("killed as its very last traces go, it is restored, and so it stays", async (t) => {
    const { dataDir } = await folders(t);
    await mkdir(join(dataDir, "restored"));
    assert.deepEqual(await belongingsIn(dataDir), NOW);
    assert.equal(existsSync(join(dataDir, "restored")), false);
  });

  test("another restore finishes the one that was interrupted first", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    await killedAfter("moved postgres is away", { does: "restore", dataDir, backupDir });
    const steps: string[] = [];
    await restore({ dataDir, backupDir, confirm: async () => false, onStep: (step) => steps.push(step) }).catch(
      (error) => assert.equal(error.code, "restore_refused"),
    );
    assert.deepEqual(steps, ["finished", "checked"]);
    assert.deepEqual(await belongingsIn(dataDir), THEN);
  });

  test("not confirmed, without room, or while a process has the data, it changes nothing (D3)", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    await assert.rejects(restore({ dataDir, backupDir, confirm: async () => false }), {
      code: "restore_refused",
      message: "not confirmed: nothing was changed",
    });
    await assert.rejects(restore({ dataDir, backupDir, freeBytes: async () => 1e6 }), {
      code: "disk_full",
      message: /restoring has 1\.0 MB free, and 10\d MB are needed: make room$/,
    });
    await writeFile(join(dataDir, "lock"), String(process.ppid));
    await assert.rejects(restore({ dataDir, backupDir }), {
      code: "backup_busy",
      message: `process ${process.ppid} has the database in ${dataDir}: stop it (kill ${process.ppid}), and run this again`,
    });
    const tried = await restore({ dataDir, backupDir, isDryRun: true });
    assert.deepEqual([tried.name, tried.before], [name, undefined]);
    await rm(join(dataDir, "lock"));
    await writeFile(join(backupDir, "lock"), String(process.ppid));
    await assert.rejects(restore({ dataDir, backupDir }), {
      code: "backup_busy",
      message: /is working on the backups/,
    });
    await rm(join(backupDir, "lock"));
    assert.deepEqual((await readdir(dataDir)).sort(), ["backups", "cookie-secret", "postgres"]);
    assert.deepEqual(await belongingsIn(dataDir), NOW);
  });

  test("the last one until a day or a time is found; what is not there is said", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    const old = "20200305T120000Z";
    await cp(join(backupDir, name), join(backupDir, old), { recursive: true });
    const found = async (which: string) => (await restore({ dataDir, backupDir, which, isDryRun: true })).name;
    for (const which of [old, "2020-03-05", "2020-04-01", "2020-03-05T12:00Z"]) assert.equal(await found(which), old);
    assert.equal(await found("latest"), name);
    for (const which of ["2020-03-04", "2020-03-05T11:59:59Z", "20200305T120001Z"])
      await assert.rejects(found(which), {
        code: "backup_failed",
        message: `there is no backup ${which} in ${backupDir}: the newest is ${name} (npm run backup -- --list)`,
      });
  });

  test("what is damaged is refused, and nothing is changed (D1)", async (t) => {
    const { dataDir, backupDir } = await folders(t);
    const folder = join(backupDir, name);
    const whole = await copyOf(t, folder);
    const archive = join(folder, "postgres.tar.gz");
    const bytes = await readFile(archive);
    const manifest = await readFile(join(folder, "manifest.json"), "utf8");
    const sums = await readFile(join(folder, "SHA256SUMS"), "utf8");
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
    /** As somebody would who means it. */
    const resealed = async (file: string, content: string | Buffer, said = manifest) => {
      const size = Buffer.byteLength(content);
      const inManifest =
        file === "manifest.json"
          ? String(content)
          : said.replace(/"postgres.tar.gz": \d+/, `"postgres.tar.gz": ${size}`);
      await writeFile(join(folder, file), content);
      await writeFile(join(folder, "manifest.json"), inManifest);
      const sum = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
      await writeFile(
        join(folder, "SHA256SUMS"),
        sums
          .replace(/\w+(?= {2}postgres)/, sum(await readFile(archive)))
          .replace(/\w+(?= {2}manifest)/, sum(inManifest)),
      );
    };
    for (const [harm, message] of [
      [() => writeFile(archive, flipped), "postgres.tar.gz is not what its checksum in SHA256SUMS is of"],
      [() => truncate(archive, 1000), `postgres.tar.gz has 1000 bytes, expected ${bytes.length}`],
      [() => truncate(archive, 0), `postgres.tar.gz has 0 bytes, expected ${bytes.length}`],
      [() => rm(archive), "postgres.tar.gz is missing"],
      [
        () => writeFile(join(folder, "cookie-secret"), "THE secret of then"),
        "cookie-secret is not what its checksum in SHA256SUMS is of",
      ],
      [() => rm(join(folder, "SHA256SUMS")), "SHA256SUMS does not name manifest.json"],
      [() => rm(join(folder, "manifest.json")), "manifest.json is missing"],
      [
        () => writeFile(join(folder, "manifest.json"), manifest.replace('"rows": 2', '"rows": 3')),
        "manifest.json is not what its checksum in SHA256SUMS is of",
      ],
      [
        () => writeFile(join(folder, "manifest.json"), manifest.slice(0, 100)),
        /^manifest\.json cannot be read \(.*JSON/,
      ],
      [
        () => resealed("manifest.json", manifest.replace('"rows": 2', '"rows": 3')),
        /is not what it was made of: public\.\w+ has 2 rows, expected 3$/,
      ],
      [
        () => resealed("manifest.json", manifest.replace(/"hash": "\d+"/, '"hash": "1"')),
        /is not what it was made of: public\.\w+ has other contents$/,
      ],
      [
        () => resealed("postgres.tar.gz", bytes.subarray(0, bytes.length >> 1)),
        /cannot be unpacked: gzip: stdin: unexpected end of file$/,
      ],
    ] as const) {
      await harm();
      await assert.rejects(restore({ dataDir, backupDir }), (error: Error & { code?: string }) => {
        const said = error.message.replace(`${folder} is damaged: `, "");
        if (typeof message === "string") assert.equal(said, message);
        else assert.match(said, message);
        assert.equal(error.code, "backup_damaged");
        return true;
      });
      await rm(folder, { recursive: true });
      await cp(whole, folder, { recursive: true });
    }
    assert.deepEqual((await readdir(dataDir)).sort(), ["backups", "cookie-secret", "postgres"]);
    assert.deepEqual(await belongingsIn(dataDir), NOW);

    // Of a Postgres that this PGlite does not know.
    const other = await emptyFolder(t);
    execFileSync("tar", ["-xzf", archive, "-C", other]);
    await writeFile(join(other, "postgres/PG_VERSION"), "17\n");
    execFileSync("tar", ["-czf", join(other, "other.tar.gz"), "-C", other, "postgres"]);
    const said = manifest
      .replace(/"pglite": "[^"]+"/, '"pglite": "0.3.0"')
      .replace(/"postgres": "18[^"]*"/, '"postgres": "17.5"');
    await resealed("postgres.tar.gz", await readFile(join(other, "other.tar.gz")), said);
    await assert.rejects(restore({ dataDir, backupDir }), {
      code: "version_mismatch",
      message:
        /^\d+T\d+Z is of PGlite 0\.3\.0 \(Postgres 17\.5\), and PGlite \d\S+ cannot read it: restore it with Holdfast \d/,
    });
    assert.deepEqual(await belongingsIn(dataDir), NOW);
  });
});
