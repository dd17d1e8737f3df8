import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { renameForGood, sync } from "./disk.ts";

/** What a backup is of, in DATA_DIR. */
export const DATABASE = "postgres";
export const COOKIE_SECRET = "cookie-secret";
const PARTS = [DATABASE, COOKIE_SECRET];

/** What is being restored is here, and nobody's yet. */
export const RESTORING = "restoring";
/** The same when it is whole and checked: from now on it is what DATA_DIR holds, and whoever opens that moves it there. */
export const RESTORED = "restored";
/** In it: the name of the folder that gets what was there before. */
export const BEFORE = "before";

/** Whether there is an embedded database, in its place or about to be. */
export function hasDatabase(dataDir: string): boolean {
  return existsSync(join(dataDir, DATABASE, "PG_VERSION")) || existsSync(join(dataDir, RESTORED));
}

/**
 * Puts what was restored in place of what was there, which stays in a folder beside it: by renaming, one part after another,
 * going on where an interrupted one has stopped. Resolves with that folder's path, or undefined when there was nothing to do.
 * The caller has the lock of DATA_DIR.
 */
export async function finishRestore(
  dataDir: string,
  onMove: (part: string) => void = () => {},
): Promise<string | undefined> {
  const restored = join(dataDir, RESTORED);
  if (!existsSync(restored)) return undefined;
  const name = await readFile(join(restored, BEFORE), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (name === undefined) {
    // It had been here when the folder got its name: all is moved, and only this was left to do.
    await rm(restored, { recursive: true });
    return undefined;
  }
  const before = join(dataDir, name.trim());
  await mkdir(before, { recursive: true, mode: 0o700 });
  await sync(dataDir);
  for (const part of PARTS) {
    const [from, to] = [join(restored, part), join(dataDir, part)];
    // Once the new one has left, what is in place is the new one.
    if (!existsSync(from)) continue;
    if (existsSync(to)) await renameForGood(to, join(before, part));
    onMove(`${part} is away`);
    await renameForGood(from, to);
    onMove(`${part} is in place`);
  }
  await rm(restored, { recursive: true });
  return before;
}
