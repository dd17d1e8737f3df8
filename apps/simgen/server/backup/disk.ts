/** Files that are there whole or not at all, archives by `tar`, room on a disk. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, copyFile, open, readdir, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { BackupError, reason } from "./backup-error.ts";

const MIB = 2 ** 20;
/** Besides what is expected to be written. */
const SPARE_BYTES = 64 * MIB;
const SYNCS_AT_ONCE = 8;
const STDERR_BYTES_MAX = 4096;

export type FreeBytes = (folder: string) => Promise<number>;

export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Throws `BackupError` "disk_full" before anything is written. */
export async function needRoom(folder: string, bytes: number, freeBytes: FreeBytes): Promise<void> {
  const free = await freeBytes(folder);
  const needed = bytes + SPARE_BYTES;
  if (free >= needed) return;
  throw new BackupError(
    "disk_full",
    `${folder} has ${inMb(free)} MB free, and ${inMb(needed)} MB are needed: make room`,
  );
}

export function inMb(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}

/** Of all files in a folder, bytes. */
export async function treeBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const path of await filesIn(folder)) bytes += (await stat(path)).size;
  return bytes;
}

/** Puts all of a folder into a tar file, under the folder's own name. Fails when something in it changes meanwhile. */
export async function pack(parent: string, name: string, archive: string): Promise<void> {
  const tar = startTar(["-cf", "-", "-C", parent, name]);
  await Promise.all([pipeline(tar.stdout, createWriteStream(archive, { mode: 0o600 })), ended(tar)]);
}

/** Throws `BackupError` "backup_damaged". */
export async function unpack(archive: string, into: string, name: string): Promise<void> {
  const tar = startTar(["-xzf", "-", "-C", into]);
  // When tar has had enough of it, what it says is the reason.
  const fed = pipeline(createReadStream(archive), tar.stdin).catch(() => {});
  await Promise.all([fed, ended(tar)]).catch((error) => {
    if (isFull(error) || error instanceof BackupError) throw error;
    throw new BackupError("backup_damaged", `${name} cannot be unpacked: ${reason(error)}`, { cause: error });
  });
}

export async function compress(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createGzip(), createWriteStream(to, { mode: 0o600 }));
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** What a folder holds is on the disk when this resolves, not only with the kernel. */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).values();
  await Promise.all(
    Array.from({ length: SYNCS_AT_ONCE }, async () => {
      for (const path of paths) await sync(path);
    }),
  );
  await sync(folder);
}

export async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** On the disk under its new name. */
export async function renameForGood(from: string, to: string): Promise<void> {
  await rename(from, to);
  await sync(dirname(to));
  if (dirname(from) !== dirname(to)) await sync(dirname(from));
}

export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode: 0o644 });
  await sync(temporary);
  await renameForGood(temporary, path);
}

/** Also while a process that was killed, or a part of it, may still be about to end. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** For this user only, whoever could read the one it is a copy of. */
export async function copySecret(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
}

export function isFull(error: unknown): boolean {
  // The last is what GNU tar says first.
  return error instanceof Error && /ENOSPC|EDQUOT|no space left|quota exceeded|wrote only/i.test(error.message);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** It reads from this process or writes to it, and so ends with it, even when that is killed. */
function startTar(args: string[]): ChildProcessWithoutNullStreams {
  return spawn("tar", args, { env: { ...process.env, LC_ALL: "C" } });
}

async function ended(tar: ChildProcessWithoutNullStreams): Promise<void> {
  let said = "";
  tar.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, STDERR_BYTES_MAX);
  });
  const [code, signal] = await once(tar, "close").catch((error) => {
    throw new BackupError("backup_failed", `tar is needed, and cannot be run: ${reason(error)}`);
  });
  if (code !== 0) throw new Error(said.trim().split("\n")[0] || `tar ended with ${signal ?? code}`);
}
