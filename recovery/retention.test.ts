/** retention.sh (D2): what is kept and what goes, over a year of made-up backups; the log of changes is in wal.test.ts. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

const DAY_MS = 24 * 3_600_000;
const KEPT = {
  KEEP_DAILY: "7",
  KEEP_WEEKLY: "4",
  KEEP_MONTHLY: "6",
  KEEP_VERIFIED_MIN: "3",
  KEEP_BASE_DAYS: "7",
  KEEP_UNVERIFIED_DAYS: "3",
};

const nameOf = (time: number) => `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
/** Of every day from the first to the last, at two. */
function daily(from: string, to: string): string[] {
  const names = [];
  for (let time = Date.parse(`${from}T02:00:00Z`); time <= Date.parse(`${to}T02:00:00Z`); time += DAY_MS)
    names.push(nameOf(time));
  return names;
}

interface Folder {
  dir: string;
  backup(name: string, verified?: boolean): void;
  base(name: string, system: string, start: string): void;
  wal(system: string, ...files: string[]): void;
  names(of?: string): string[];
  run(args?: string[], settings?: Record<string, string>): { code: number | null; line: string; said: string[] };
}

async function folder(t: TestContext): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-retention-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "base"));
  const write = (file: string, text: string) => {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
  };
  return {
    dir,
    backup: (name, verified = true) => {
      write(join(dir, name, "manifest.json"), "{}");
      if (verified) write(join(dir, name, "verified.json"), "{}");
    },
    base: (name, system, start) => {
      write(join(dir, "base", name, "system"), `${system}\n`);
      write(
        join(dir, "base", name, "backup_manifest"),
        JSON.stringify({ "WAL-Ranges": [{ "Start-LSN": start, "End-LSN": start }] }),
      );
    },
    wal: (system, ...files) => {
      for (const file of files) write(join(dir, "wal", system, file), `of ${file}`);
    },
    names: (of = "") =>
      readdirSync(join(dir, of))
        .filter((name) => /^\d{8}T/.test(name))
        .sort(),
    run: (args = [], settings = {}) => {
      const env = { PATH: process.env.PATH, BACKUP_DIR: dir, ...KEPT, ...settings };
      const { status, stdout, stderr } = spawnSync(join(import.meta.dirname, "retention.sh"), args, {
        env,
        encoding: "utf8",
      });
      const said = stderr
        .trim()
        .split("\n")
        .map((text) => text.replace(/^\S+ retention: /, ""));
      return { code: status, line: stdout, said };
    },
  };
}

test("D2: of a year, the newest of 7 days, 4 weeks and 6 months stay, and nothing else that is verified", async (t) => {
  const { backup, names, run } = await folder(t);
  for (const name of daily("2024-12-01", "2025-11-26")) backup(name);
  const before = names();
  const kept = [
    // Months, of which the newest backup each; weeks end on Sundays.
    "20250630",
    "20250731",
    "20250831",
    "20250930",
    "20251031",
    "20251109",
    "20251116",
    "20251120",
    "20251121",
    "20251122",
    "20251123",
    "20251124",
    "20251125",
    "20251126",
  ].map((day) => `${day}T020000Z`);

  const dry = run(["--dry-run"]);
  assert.equal(dry.code, 0);
  assert.deepEqual(names(), before, "--dry-run deletes nothing");
  assert.ok(dry.said.includes("would delete 20241201T020000Z"));
  assert.deepEqual(
    dry.said.filter((line) => line.startsWith("keeping")),
    [
      ...["0630", "0731", "0831", "0930", "1031"].map((day) => `keeping 2025${day}T020000Z: monthly`),
      ...["1109", "1116"].map((day) => `keeping 2025${day}T020000Z: weekly`),
      ...["1120", "1121", "1122"].map((day) => `keeping 2025${day}T020000Z: daily`),
      "keeping 20251123T020000Z: daily weekly",
      ...["1124", "1125"].map((day) => `keeping 2025${day}T020000Z: daily newest`),
      "keeping 20251126T020000Z: daily weekly monthly newest",
    ],
  );

  const { code, line } = run();
  assert.equal(code, 0);
  assert.deepEqual(names(), kept);
  const { deleted, ...others } = JSON.parse(line);
  assert.deepEqual(others, { wal_deleted: 0, dry_run: false });
  assert.deepEqual(
    deleted,
    before.filter((name) => !kept.includes(name)),
  );
  assert.deepEqual(run().line, '{"deleted":[],"wal_deleted":0,"dry_run":false}\n', "again, it finds nothing");
});

test("D2: what is not verified counts for nothing, and goes when something newer is, and it is old", async (t) => {
  const { backup, names, run } = await folder(t);
  const days = daily("2025-11-01", "2025-11-26");
  // Every third is verified; the last two are not.
  for (const [index, name] of days.entries()) backup(name, index % 3 === 2);
  run([], { KEEP_DAILY: "2", KEEP_WEEKLY: "0", KEEP_MONTHLY: "0", KEEP_VERIFIED_MIN: "1" });
  assert.deepEqual(names(), ["20251121T020000Z", "20251124T020000Z", "20251125T020000Z", "20251126T020000Z"]);
});

test("D2: what is not verified stays for some days after something newer is", async (t) => {
  const { backup, names, run } = await folder(t);
  const now = Date.now();
  const ago = [5, 4, 2, 1, 0.5].map((days) => nameOf(now - days * DAY_MS));
  for (const [index, name] of ago.entries()) backup(name, index === 3);
  run();
  assert.deepEqual(names(), ago.slice(2));
});

test("D2: the last verified ones stay, however old, and few are wanted", async (t) => {
  const { backup, names, run } = await folder(t);
  for (const name of daily("2020-01-01", "2020-01-10")) backup(name);
  const none = { KEEP_DAILY: "0", KEEP_WEEKLY: "0", KEEP_MONTHLY: "0" };
  run([], { ...none, KEEP_VERIFIED_MIN: "2" });
  assert.deepEqual(names(), ["20200109T020000Z", "20200110T020000Z"]);
  for (const name of daily("2025-01-01", "2025-01-10")) backup(name, false);
  run([], { ...none, KEEP_VERIFIED_MIN: "1" });
  assert.deepEqual(
    names(),
    ["20200110T020000Z", ...daily("2025-01-01", "2025-01-10")],
    "the newest verified one stays",
  );
  const refused = run([], { ...none, KEEP_VERIFIED_MIN: "0" });
  assert.deepEqual(
    [refused.code, refused.said],
    [2, ["KEEP_VERIFIED_MIN: expected a whole number of 1 or more, got 0"]],
  );
});

test("D2: as long as nothing is verified, nothing is deleted", async (t) => {
  const { backup, names, run } = await folder(t);
  for (const name of daily("2020-01-01", "2020-01-31")) backup(name, false);
  const { code, line } = run();
  assert.deepEqual([code, line], [0, '{"deleted":[],"wal_deleted":0,"dry_run":false}\n']);
  assert.equal(names().length, 31);
});

test("D4: base backups, and the changes since the oldest of them, stay as far back as is wanted", async (t) => {
  const { dir, base, wal, names, run } = await folder(t);
  const now = Date.now();
  const [oldest, reaches, newest] = [9, 8, 2].map((days) => nameOf(now - days * DAY_MS));
  base(oldest ?? "", "7", "0/2000000");
  base(reaches ?? "", "7", "1/3000028");
  base(newest ?? "", "7", "1/9000028");
  wal(
    "7",
    "A/0000000100000000000000FE",
    "A/0000000100000001000000" + "02.gz",
    "A/000000010000000100000003",
    "A/00000002.history",
  );
  wal("7", "B/000000010000000100000004", "B/000000020000000100000005", "B/000000020000000100000006.partial");
  // Another cluster, of which there is no base backup: once it is old, nothing can come of it.
  wal("8", "A/000000010000000000000001");
  wal("9", "A/000000010000000000000001");
  await utimes(join(dir, "wal/8/A/000000010000000000000001"), (now - 30 * DAY_MS) / 1000, (now - 30 * DAY_MS) / 1000);
  const files = () => globSync("wal/*/*/*", { cwd: dir }).sort();
  const before = files();

  assert.deepEqual(JSON.parse(run(["--dry-run"]).line), { deleted: [`base/${oldest}`], wal_deleted: 3, dry_run: true });
  assert.deepEqual([files(), names("base")], [before, [oldest, reaches, newest]]);

  const { code, line, said } = run();
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(line), { deleted: [`base/${oldest}`], wal_deleted: 3, dry_run: false });
  assert.equal(said.at(-1), "deleted 3 files of the log of changes");
  assert.deepEqual(names("base"), [reaches, newest]);
  assert.deepEqual(files(), [
    "wal/7/A/00000001" + "0000000100000003.gz",
    "wal/7/A/00000002.history",
    "wal/7/B/000000010000000100000004.gz",
    "wal/7/B/000000020000000100000005.gz",
    "wal/7/B/000000020000000100000006.partial",
    "wal/9/A/000000010000000000000001",
  ]);
  assert.equal(
    execFileSync("gzip", ["-dc", join(dir, files()[0] ?? "")], { encoding: "utf8" }),
    "of A/000000010000000100000003",
  );
});

test("D2: ended in the middle of deleting, it leaves no half of a backup", async (t) => {
  const { dir, backup, names, run } = await folder(t);
  for (const name of daily("2025-11-01", "2025-11-03")) backup(name);
  const bin = join(dir, "bin");
  mkdirSync(bin);
  // Its second rm, after that of what other runs have left, ends it instead.
  writeFileSync(
    join(bin, "rm"),
    `#!/bin/bash\n[[ $* == */.incomplete-2* ]] && kill -9 $PPID && exit\nPATH=\${PATH#*:} exec rm "$@"\n`,
  );
  chmodSync(join(bin, "rm"), 0o755);
  const few = { KEEP_DAILY: "1", KEEP_WEEKLY: "0", KEEP_MONTHLY: "0", KEEP_VERIFIED_MIN: "1" };
  assert.equal(run([], { ...few, PATH: `${bin}:${process.env.PATH}` }).code, null);
  assert.deepEqual(names(), ["20251102T020000Z", "20251103T020000Z"]);
  assert.ok(existsSync(join(dir, ".incomplete-20251101T020000Z")));
  copyFileSync("/dev/null", join(dir, ".incomplete-20251101T020000Z/other"));
  run([], few);
  assert.deepEqual(
    readdirSync(dir).filter((name) => /2025/.test(name)),
    ["20251103T020000Z"],
  );
});
