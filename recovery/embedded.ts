/** Backs up the embedded database of `npm start`, and restores it: `npm run backup`, `npm run restore`. */

import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { BackupError, type BackupErrorCode } from "../apps/simgen/server/backup/backup-error.ts";
import { type Backup, backupsIn, checkSums, isBackupName } from "../apps/simgen/server/backup/backups.ts";
import { makeBackup } from "../apps/simgen/server/backup/make-backup.ts";
import { type RestorePlan, restoreBackup } from "../apps/simgen/server/backup/restore-backup.ts";
import { readConfig } from "../apps/simgen/server/config.ts";
import { DatabaseError } from "../apps/simgen/server/database.ts";
import { ConfigError } from "../apps/simgen/service/environment.ts";

const USAGE = `npm run backup [-- --list]
npm run restore -- [NAME|DATE|latest] [--yes] [--dry-run]
  NAME       a backup's, such as 20261129T020000Z
  DATE       2026-11-29 or 2026-11-29T14:30Z: the last backup until then, UTC
  latest     the newest: what is meant when nothing is said
  --yes      without being asked
  --dry-run  restores and compares it, and puts it away again; also while a server runs
Settings: DATA_DIR, BACKUP_DIR (DATA_DIR/backups).
Exits with: 0 done, 1 failed, 2 wrong usage, 3 another process has the data, 4 disk full, 5 a server does not answer,
6 damaged, 7 not confirmed, 9 of another version`;

/** As in settings.sh. */
const EXIT: Record<BackupErrorCode, number> = {
  backup_failed: 1,
  backup_busy: 3,
  disk_full: 4,
  server_unreachable: 5,
  backup_damaged: 6,
  restore_refused: 7,
  version_mismatch: 9,
};
const WRONG_USAGE = 2;
const DAY_MS = 24 * 3_600_000;

class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2));

async function main([command, ...args]: string[]): Promise<number> {
  try {
    if (args.includes("--help")) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    if (command === "backup") return await backup(args);
    if (command === "restore") return await restore(args);
    throw new UsageError(`expected backup or restore, got ${command ?? "nothing"}`);
  } catch (error) {
    if (error instanceof UsageError || error instanceof ConfigError) {
      say(error.message);
      if (error instanceof UsageError) process.stderr.write(`${USAGE}\n`);
      return WRONG_USAGE;
    }
    if (error instanceof BackupError) {
      say(error.message);
      print({ ok: false, code: error.code, message: error.message });
      return EXIT[error.code];
    }
    say(
      error instanceof DatabaseError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error),
    );
    return 1;
  }
}

async function backup(args: string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--list");
  if (unknown !== undefined) throw new UsageError(`expected --list or nothing, got ${unknown}`);
  const folders = settings();
  if (args.length > 0) return list(folders.backupDir);
  const { name, folder, manifest, removed, tookMs } = await makeBackup({
    ...folders,
    onStep: (_, words) => say(words),
  });
  say(`done in ${(tookMs / 1000).toFixed(1)} s; npm run restore -- ${name}`);
  print({ ok: true, name, folder, ...summary(manifest), tookMs, heldMs: manifest.tookMs.held, removed });
  return 0;
}

async function list(backupDir: string): Promise<number> {
  const backups = await backupsIn(backupDir);
  if (backups.length === 0) say(`there is no backup in ${backupDir}`);
  const rows = [];
  for (const each of backups) {
    const why = await checkSums(each).then(
      () => undefined,
      (error: Error) => error.message,
    );
    say(`${each.name}  ${why ?? describe(each)}`);
    rows.push({
      name: each.name,
      verified: why === undefined,
      ...(each.state === "verified" ? summary(each.manifest) : {}),
    });
  }
  print({ ok: true, backups: rows });
  return 0;
}

async function restore(args: string[]): Promise<number> {
  const options = args.filter((arg) => arg.startsWith("-"));
  const [which = "latest", ...more] = args.filter((arg) => !arg.startsWith("-"));
  const unknown = [...options.filter((option) => option !== "--yes" && option !== "--dry-run"), ...more][0];
  if (unknown !== undefined) throw new UsageError(`expected one backup, --yes and --dry-run, got ${unknown}`);
  if (!isBackupName(which)) throw new UsageError(`expected a backup's name, a date or latest, got ${which}`);
  const { dataDir, backupDir } = settings();
  const isDryRun = options.includes("--dry-run");
  const { name, before, plan, tookMs } = await restoreBackup({
    dataDir,
    backupDir,
    which,
    isDryRun,
    onStep: (_, words) => say(words),
    confirm: (each) => confirmed(each, dataDir, options.includes("--yes")),
  });
  const seconds = (tookMs / 1000).toFixed(1);
  if (isDryRun) say(`${name} is good, and nothing was changed; ${seconds} s`);
  else if (before !== undefined)
    say(`${name} is restored, in ${seconds} s; what was there before is in ${before}: remove it when all is well`);
  print({
    ok: true,
    name,
    dryRun: isDryRun,
    before: before ?? null,
    simulationsThen: plan.simulationsThen,
    simulationsNow: plan.simulationsNow ?? null,
    tookMs,
  });
  return 0;
}

/** Says what is about to happen, and has it confirmed by the backup's name. */
async function confirmed(plan: RestorePlan, dataDir: string, isYes: boolean): Promise<boolean> {
  const now =
    typeof plan.simulationsNow === "number" ? `${plan.simulationsNow} simulations` : (plan.simulationsNow ?? "nothing");
  const { at, verifiedAt } = plan.manifest;
  say(`${plan.name} is of ${at}, ${age(at)}, and was verified at ${verifiedAt}`);
  say(
    `${join(dataDir, "postgres")}: now ${now}; after this ${plan.simulationsThen} simulations. What is there is kept beside it`,
  );
  if (isYes) return true;
  if (!process.stdin.isTTY) {
    say("this is no terminal, so nobody can confirm it: --yes does");
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // At the end of the input, too, it is over.
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const typed = await Promise.race([terminal.question(`type ${plan.name} to go on: `), closed]);
  terminal.close();
  return typed.trim() === plan.name;
}

function settings(): { dataDir: string; backupDir: string } {
  const { databaseUrl, dataDir, backupDir } = readConfig();
  if (databaseUrl !== undefined)
    throw new UsageError(
      "DATABASE_URL is set, and this is for the embedded database: see recovery/backup.sh and recovery/restore.sh",
    );
  return { dataDir, backupDir: backupDir ?? join(dataDir, "backups") };
}

type Manifest = RestorePlan["manifest"];

function summary({ at, verifiedAt, contents, files }: Manifest) {
  const bytes = Object.values(files).reduce((sum, each) => sum + each, 0);
  return { at, verifiedAt, bytes, simulations: contents.tables["public.simulations"]?.rows ?? 0 };
}

function describe(each: Backup): string {
  if (each.state === "damaged") return each.why;
  const { at, bytes, simulations } = summary(each.manifest);
  return `verified, ${age(at)}, ${(bytes / 1e6).toFixed(1)} MB, ${simulations} simulations`;
}

function age(at: string): string {
  const ms = Date.now() - Date.parse(at);
  return ms < 2 * DAY_MS ? `${(ms / 3_600_000).toFixed(1)} hours old` : `${Math.floor(ms / DAY_MS)} days old`;
}

/** For people. */
function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().replace(/\.\d+/, "")} ${line}\n`);
}

/** For machines. */
function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
