import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openFiles } from "../database.ts";
import { takeLock } from "../lock.ts";
import { BackupError, reason } from "./backup-error.ts";
import { ARCHIVE, checkSums, findBackup, INCOMPLETE, type Manifest, nameOf, takeBackups } from "./backups.ts";
import { compareFiles } from "./compare.ts";
import { type Contents, contentsOf } from "./contents.ts";
import {
  copySecret,
  type FreeBytes,
  freeBytesOf,
  isFull,
  needRoom,
  removeTree,
  renameForGood,
  syncTree,
  unpack,
} from "./disk.ts";
import { BEFORE, COOKIE_SECRET, DATABASE, finishRestore, RESTORED, RESTORING } from "./swap.ts";

/** What has been done, in order. */
export type RestoreStep = "finished" | "checked" | "unpacked" | "compared" | "ready" | "moved";

/** What somebody who restores has to know before. */
export interface RestorePlan {
  name: string;
  folder: string;
  manifest: Manifest;
  /** How many it has, */
  simulationsThen: number;
  /** and how many there are: undefined without a database, a word when that cannot be read. */
  simulationsNow: number | string | undefined;
}

export interface RestoreOptions {
  dataDir: string;
  backupDir: string;
  /** A name, "latest", or a day or time, for the last one until then. */
  which: string;
  /** Does everything but put it in place, also while a server runs. */
  isDryRun?: boolean;
  /** Whether to go on. */
  confirm(plan: RestorePlan): Promise<boolean>;
  /** Words are for people. */
  onStep?(step: RestoreStep, words: string): void;
  freeBytes?: FreeBytes;
}

export interface Restored {
  name: string;
  /** Where what was there before is now; undefined after a dry run. */
  before: string | undefined;
  plan: RestorePlan;
  tookMs: number;
}

/**
 * Puts a backup in place of the embedded database and the cookie secret. It is restored beside them and compared first;
 * they stay, in a folder of their own. An interrupted one has changed nothing, or is finished by whoever opens the database
 * next. Throws `BackupError`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const since = performance.now();
  const { dataDir, backupDir, isDryRun = false } = options;
  if (!existsSync(backupDir)) throw new BackupError("backup_failed", `there is no folder ${backupDir}: set BACKUP_DIR`);
  const giveBack = await takeBackups(backupDir);
  const lock = join(dataDir, "lock");
  try {
    if (isDryRun) return await dryRun(options, since);
    await mkdir(dataDir, { recursive: true });
    const holder = await takeLock(lock);
    if (holder !== undefined)
      throw new BackupError(
        "backup_busy",
        `process ${holder} has the database in ${dataDir}: stop it (kill ${holder}), and run this again`,
      );
    try {
      return await restore(options, since);
    } finally {
      await rm(lock, { force: true });
    }
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const code = isFull(error) ? "disk_full" : "backup_failed";
    throw new BackupError(code, `nothing was restored: ${reason(error)}`, { cause: error });
  } finally {
    await giveBack();
  }
}

async function restore(options: RestoreOptions, since: number): Promise<Restored> {
  const { dataDir, onStep = () => {} } = options;
  const left = await finishRestore(dataDir);
  if (left !== undefined)
    onStep("finished", `a restore that was interrupted is finished; what was there before is in ${left}`);
  const plan = await planned(options, () => simulationsIn(dataDir));
  if (!(await options.confirm(plan))) throw new BackupError("restore_refused", "not confirmed: nothing was changed");
  const restoring = join(dataDir, RESTORING);
  await removeTree(restoring);
  try {
    await unpacked(plan, restoring, options);
    await writeFile(join(restoring, BEFORE), `${nameForBefore(dataDir)}\n`);
    await syncTree(restoring);
  } catch (error) {
    await removeTree(restoring);
    throw error;
  }
  // From here on it is restored, whatever happens: see swap.ts.
  await renameForGood(restoring, join(dataDir, RESTORED));
  onStep("ready", "it is on the disk, and takes the place of what is there");
  const before = await finishRestore(dataDir, (what) => onStep("moved", what));
  return { name: plan.name, before, plan, tookMs: Math.round(performance.now() - since) };
}

/** Of the folder that gets what was there before: two are never of the same second. */
function nameForBefore(dataDir: string): string {
  for (let ms = Date.now(); ; ms += 1000) {
    const name = `before-${nameOf(new Date(ms))}`;
    if (!existsSync(join(dataDir, name))) return name;
  }
}

async function dryRun(options: RestoreOptions, since: number): Promise<Restored> {
  const plan = await planned(options, async () => "not looked at");
  const scratch = join(options.backupDir, `${INCOMPLETE}${process.pid}`);
  try {
    await unpacked(plan, scratch, options);
  } finally {
    await removeTree(scratch);
  }
  return { name: plan.name, before: undefined, plan, tookMs: Math.round(performance.now() - since) };
}

async function planned(
  options: RestoreOptions,
  count: () => Promise<RestorePlan["simulationsNow"]>,
): Promise<RestorePlan> {
  const backup = await findBackup(options.backupDir, options.which);
  const manifest = await checkSums(backup);
  options.onStep?.("checked", `${backup.name}: its checksums are right`);
  const { name, folder } = backup;
  return { name, folder, manifest, simulationsThen: simulationsOf(manifest.contents), simulationsNow: await count() };
}

async function unpacked({ name, folder, manifest }: RestorePlan, into: string, options: RestoreOptions): Promise<void> {
  const { onStep = () => {} } = options;
  await mkdir(into, { mode: 0o700 });
  await needRoom(into, manifest.dataBytes, options.freeBytes ?? freeBytesOf);
  await unpack(join(folder, ARCHIVE), into, name);
  if (COOKIE_SECRET in manifest.files) await copySecret(join(folder, COOKIE_SECRET), join(into, COOKIE_SECRET));
  onStep("unpacked", "unpacked");
  await compareFiles(join(into, DATABASE), manifest, name);
  onStep("compared", "opened, and compared with what it was made of");
}

/** What is there may be the reason why somebody restores. */
async function simulationsIn(dataDir: string): Promise<RestorePlan["simulationsNow"]> {
  const path = join(dataDir, DATABASE);
  if (!existsSync(path)) return undefined;
  // PGlite would make a new database of it.
  if (!existsSync(join(path, "PG_VERSION"))) return "it is damaged";
  try {
    const { database, close } = await openFiles(path);
    try {
      return simulationsOf(await contentsOf(database));
    } finally {
      await close();
    }
  } catch (error) {
    return `it does not open: ${reason(error)}`;
  }
}

function simulationsOf({ tables }: Contents): number {
  return tables["public.simulations"]?.rows ?? 0;
}
