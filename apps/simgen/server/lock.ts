import { link, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Long after whoever removes a dead one's lock is done. */
const WAIT_MS_MAX = 2_000;
const AGAIN_MS = 10;

/**
 * Makes the lock file at `path` this process's, by its pid, or resolves with the pid of whoever has it. What a dead process
 * left is taken over. The file appears with its content, so nobody sees one that is nobody's.
 */
export async function takeLock(path: string): Promise<number | undefined> {
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    for (const deadline = performance.now() + WAIT_MS_MAX; ; await sleep(AGAIN_MS)) {
      if (await linked(mine, path)) return undefined;
      const holder = await lockHolder(path);
      if (holder !== undefined) return holder;
      if (performance.now() > deadline) throw new Error(`${path} cannot be taken over: remove it`);
      await removeLeft(path, mine);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** The other process that has the lock; undefined when there is none, or none that runs. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const holder = await pidIn(path);
  return holder !== undefined && holder !== process.pid && isRunning(holder) ? holder : undefined;
}

/**
 * Several may find the same left one, and one could remove what another has put in its place. So one at a time looks again
 * and removes; a dead one's lock cannot become anybody's meanwhile.
 */
async function removeLeft(path: string, mine: string): Promise<void> {
  const guard = `${path}.removing`;
  if (await linked(mine, guard)) {
    const isLeft = (await pidIn(path)) !== undefined && (await lockHolder(path)) === undefined;
    if (isLeft) await rm(path, { force: true });
    await rm(guard, { force: true });
  } else if ((await pidIn(guard)) !== undefined && (await lockHolder(guard)) === undefined) {
    await rm(guard, { force: true });
  }
}

async function pidIn(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
