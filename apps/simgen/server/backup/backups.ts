/** The backups in a folder: BACKUP_DIR/20261129T020000Z/ with postgres.tar.gz, manifest.json and SHA256SUMS. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { takeLock } from "../lock.ts";
import { BackupError, reason } from "./backup-error.ts";
import { contents } from "./contents.ts";
import { removeTree, renameForGood, sha256, sync } from "./disk.ts";

export const ARCHIVE = "postgres.tar.gz";
/** The time of the last verified backup, for the health. */
export const LAST_VERIFIED = "last-verified";
export const INCOMPLETE = ".incomplete-";
const MANIFEST = "manifest.json";
const SUMS = "SHA256SUMS";
const LOCK = "lock";
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

const manifest = z.object({
  kind: z.literal("embedded"),
  /** What it is of: nothing that came later is in it. */
  at: z.iso.datetime(),
  /** When it was restored and compared. */
  verifiedAt: z.iso.datetime(),
  versions: z.object({ holdfast: z.string(), node: z.string(), pglite: z.string(), postgres: z.string() }),
  contents,
  /** Of the files, before they were packed. */
  dataBytes: z.int().min(0),
  /** The others, and their size in bytes; what they must be is in SHA256SUMS, for `sha256sum --check` as well. */
  files: z.record(z.string(), z.int().min(0)),
  tookMs: z.object({ held: z.number(), compressed: z.number(), verified: z.number() }),
});

export type Manifest = z.output<typeof manifest>;

/** A backup, or what is wrong with what has a backup's name. */
export type Backup =
  | { state: "verified"; name: string; folder: string; manifest: Manifest }
  | { state: "damaged"; name: string; folder: string; why: string };

/** 20261129T020000Z */
export function nameOf(time: Date): string {
  return `${time.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

export function timeOf(name: string): Date {
  return new Date(name.replace(NAME, "$1-$2-$3T$4:$5:$6Z"));
}

/** Oldest first, by a look at what they say of themselves; of other kinds of backups, nothing. */
export async function backupsIn(backupDir: string): Promise<Backup[]> {
  const names = (await readdir(backupDir).catch(() => [])).filter((name) => NAME.test(name)).sort();
  const backups = await Promise.all(names.map((name) => read(backupDir, name)));
  return backups.filter((backup) => backup !== undefined);
}

/** `which`: a name, "latest", or a day or time, for the last one until then. Throws `BackupError`. */
export async function findBackup(backupDir: string, which: string): Promise<Backup> {
  const backups = await backupsIn(backupDir);
  const until = untilOf(which);
  const found = backups.findLast(
    ({ name }) => which === "latest" || name === which || (until && timeOf(name) <= until),
  );
  if (found !== undefined) return found;
  const newest = backups.at(-1);
  throw new BackupError(
    "backup_failed",
    `there is no backup ${which} in ${backupDir}${newest ? `: the newest is ${newest.name} (npm run backup -- --list)` : ""}`,
  );
}

/** Whether this may name a backup. */
export function isBackupName(which: string): boolean {
  return which === "latest" || NAME.test(which) || untilOf(which) !== undefined;
}

/** Throws `BackupError` "backup_damaged" when a file is missing, or is not what was written. */
export async function checkSums(backup: Backup): Promise<Manifest> {
  const damaged = (why: string) => new BackupError("backup_damaged", `${backup.folder} is damaged: ${why}`);
  if (backup.state === "damaged") throw damaged(backup.why);
  const lines = (await readFile(join(backup.folder, SUMS), "utf8").catch(() => "")).split("\n").filter(Boolean);
  const sums = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
  for (const file of [MANIFEST, ...Object.keys(backup.manifest.files)]) {
    const expected = sums.get(file);
    if (expected === undefined) throw damaged(`${SUMS} does not name ${file}`);
    const path = join(backup.folder, file);
    if (!existsSync(path)) throw damaged(`${file} is missing`);
    const bytes = backup.manifest.files[file];
    const { size } = await stat(path);
    if (bytes !== undefined && size !== bytes) throw damaged(`${file} has ${size} bytes, expected ${bytes}`);
    if ((await sha256(path)) !== expected) throw damaged(`${file} is not what its checksum in ${SUMS} is of`);
  }
  return backup.manifest;
}

/** Writes what a finished backup says of itself, last of its files. */
export async function seal(folder: string, said: Omit<Manifest, "files">, names: readonly string[]): Promise<Manifest> {
  const files: Manifest["files"] = {};
  for (const name of names) files[name] = (await stat(join(folder, name))).size;
  const whole: Manifest = { ...said, files };
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600 });
  const sums = [...names, MANIFEST].map(async (name) => `${await sha256(join(folder, name))}  ${name}\n`);
  await writeFile(join(folder, SUMS), (await Promise.all(sums)).join(""), { mode: 0o600 });
  return whole;
}

/** One process at a time works on backups: resolves with what gives them back, without what dead ones have left. Throws `BackupError`. */
export async function takeBackups(backupDir: string): Promise<() => Promise<void>> {
  const lock = join(backupDir, LOCK);
  await mkdir(backupDir, { recursive: true, mode: 0o700 });
  const holder = await takeLock(lock);
  if (holder !== undefined)
    throw new BackupError("backup_busy", `process ${holder} is working on the backups in ${backupDir}: wait for it`);
  for (const name of await readdir(backupDir)) if (name.startsWith(INCOMPLETE)) await removeTree(join(backupDir, name));
  return () => rm(lock, { force: true });
}

/** What is half gone has no backup's name any more. */
export async function removeBackup(backupDir: string, name: string): Promise<void> {
  const away = join(backupDir, `${INCOMPLETE}${name}`);
  await renameForGood(join(backupDir, name), away);
  await removeTree(away);
  await sync(backupDir);
}

async function read(backupDir: string, name: string): Promise<Backup | undefined> {
  const folder = join(backupDir, name);
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST), "utf8");
    const said: unknown = JSON.parse(text);
    if (typeof said === "object" && said !== null && !("kind" in said)) return undefined;
    return { state: "verified", name, folder, manifest: manifest.parse(said) };
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = isMissing ? `${MANIFEST} is missing` : `${MANIFEST} cannot be read (${reason(error).split("\n")[0]})`;
    return { state: "damaged", name, folder, why };
  }
}

/** The end of a day, or a time, in UTC. */
function untilOf(which: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(which)) return undefined;
  const time = new Date(which.length === 10 ? `${which}T23:59:59.999Z` : which);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
