import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "../database.ts";
import { lockHolder } from "../lock.ts";
import { BackupError, reason } from "./backup-error.ts";
import {
  ARCHIVE,
  backupsIn,
  checkSums,
  INCOMPLETE,
  LAST_VERIFIED,
  type Manifest,
  nameOf,
  removeBackup,
  seal,
  takeBackups,
} from "./backups.ts";
import { compareFiles, versionsHere } from "./compare.ts";
import type { Contents } from "./contents.ts";
import {
  compress,
  copySecret,
  type FreeBytes,
  freeBytesOf,
  inMb,
  isFull,
  needRoom,
  pack,
  removeTree,
  renameForGood,
  syncTree,
  treeBytes,
  unpack,
  writeWhole,
} from "./disk.ts";
import { holdStill, holdStillAt } from "./hold.ts";
import { expired, KEPT } from "./retention.ts";
import { COOKIE_SECRET, DATABASE, hasDatabase } from "./swap.ts";

/** What has been done, in order. */
export type BackupStep = "copied" | "compressed" | "verified" | "sealed" | "renamed" | "announced" | "removed";

export interface BackupOptions {
  dataDir: string;
  backupDir: string;
  /** Words are for people. */
  onStep?(step: BackupStep, words: string): void;
  freeBytes?: FreeBytes;
}

export interface MadeBackup {
  name: string;
  folder: string;
  manifest: Manifest;
  /** Old backups that went, by their names. */
  removed: string[];
  tookMs: number;
}

/**
 * Makes a backup of the embedded database and the cookie secret, also while a server runs, and removes the oldest ones.
 * It is there when it has been restored and compared, and not before. Throws `BackupError`.
 */
export async function makeBackup(options: BackupOptions): Promise<MadeBackup> {
  const { dataDir, backupDir, onStep = () => {} } = options;
  const since = performance.now();
  if (!hasDatabase(dataDir))
    throw new BackupError("backup_failed", `${dataDir} has no embedded database: there is nothing to back up`);
  const giveBack = await takeBackups(backupDir);
  const folder = join(backupDir, `${INCOMPLETE}${process.pid}`);
  try {
    const dataBytes = await treeBytes(join(dataDir, DATABASE));
    // The copy, what it is compressed to, and then that and what it is restored to.
    await needRoom(backupDir, 2 * dataBytes, options.freeBytes ?? freeBytesOf);
    const made = await write(folder, dataBytes, options);
    const name = await named(folder, backupDir, new Date(made.at));
    onStep("renamed", `${join(backupDir, name)} is there`);
    await writeWhole(join(backupDir, LAST_VERIFIED), `${made.at}\n`);
    onStep("announced", `its time is in ${LAST_VERIFIED}`);
    const removed = await removeExpired(backupDir);
    if (removed.length > 0) onStep("removed", `no longer kept: ${removed.join(", ")}`);
    const tookMs = Math.round(performance.now() - since);
    return { name, folder: join(backupDir, name), manifest: made, removed, tookMs };
  } catch (error) {
    await removeTree(folder).catch(() => {});
    if (error instanceof BackupError) throw error;
    const code = isFull(error) ? "disk_full" : "backup_failed";
    throw new BackupError(code, `no backup was made: ${reason(error)}`, { cause: error });
  } finally {
    await giveBack();
  }
}

async function write(folder: string, dataBytes: number, options: BackupOptions): Promise<Manifest> {
  const { dataDir, onStep = () => {} } = options;
  await mkdir(folder, { mode: 0o700 });
  const copy = join(folder, "postgres.tar");
  const secret = join(dataDir, COOKIE_SECRET);
  const names = [ARCHIVE];
  let heldMs = 0;
  const { at, contents } = await still(dataDir, async (found) => {
    const since = performance.now();
    const time = new Date();
    await pack(dataDir, DATABASE, copy);
    if (existsSync(secret)) {
      await copySecret(secret, join(folder, COOKIE_SECRET));
      names.push(COOKIE_SECRET);
    }
    heldMs = Math.round(performance.now() - since);
    return { at: time, contents: found };
  });
  onStep("copied", `${inMb(dataBytes)} MB copied, while changes waited for ${heldMs} ms`);

  const archive = join(folder, ARCHIVE);
  const compressedMs = await timed(() => compress(copy, archive));
  await rm(copy);
  const packedBytes = await treeBytes(folder);
  onStep("compressed", `${inMb(packedBytes)} MB compressed`);

  const versions = { ...(await versionsHere()), postgres: contents.postgres };
  const scratch = join(folder, "scratch");
  const verifiedMs = await timed(async () => {
    await mkdir(scratch);
    await unpack(archive, scratch, "the copy");
    await compareFiles(join(scratch, DATABASE), { contents, versions }, "the copy");
  });
  await removeTree(scratch);
  onStep("verified", `restored and compared: ${rowsIn(contents)} in ${Object.keys(contents.tables).length} tables`);

  const said = {
    kind: "embedded" as const,
    at: at.toISOString(),
    verifiedAt: new Date().toISOString(),
    versions,
    contents,
    dataBytes,
    tookMs: { held: heldMs, compressed: compressedMs, verified: verifiedMs },
  };
  const manifest = await seal(folder, said, names);
  await syncTree(folder);
  onStep("sealed", "on the disk, with checksums");
  return manifest;
}

/** Whoever has the database holds it still; without a server, that is this process. */
async function still<T>(dataDir: string, work: (contents: Contents) => Promise<T>): Promise<T> {
  const pid = await lockHolder(join(dataDir, "lock"));
  if (pid !== undefined) return holdStillAt(dataDir, pid, work);
  const { database, close } = await openEmbedded(dataDir);
  try {
    return await holdStill(database, work);
  } finally {
    await close();
  }
}

/** Two backups are never of the same second. */
async function named(folder: string, backupDir: string, at: Date): Promise<string> {
  for (let time = at; ; time = new Date(time.getTime() + 1000)) {
    const name = nameOf(time);
    if (existsSync(join(backupDir, name))) continue;
    await sleep(Math.max(0, time.getTime() - Date.now()));
    await renameForGood(folder, join(backupDir, name));
    return name;
  }
}

/** Those that keep others from being removed have to be good themselves: a damaged one neither counts nor goes. */
async function removeExpired(backupDir: string): Promise<string[]> {
  const verified = (await backupsIn(backupDir)).filter(({ state }) => state === "verified");
  let names = verified.map(({ name }) => name);
  if (expired(names).length === 0) return [];
  let good = 0;
  for (const backup of verified.toReversed()) {
    const isGood = await checkSums(backup).then(
      () => true,
      () => false,
    );
    if (!isGood) names = names.filter((name) => name !== backup.name);
    else if (++good === KEPT.atLeast) break;
  }
  const gone = expired(names);
  for (const name of gone) await removeBackup(backupDir, name);
  return gone;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await work();
  return Math.round(performance.now() - since);
}

function rowsIn(contents: Contents): string {
  const rows = Object.values(contents.tables).reduce((sum, table) => sum + table.rows, 0);
  return `${rows} ${rows === 1 ? "row" : "rows"}`;
}
