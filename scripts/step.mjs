import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StepError, say } from "./child.mjs";
import { root } from "./root.mjs";

const WAIT_MINUTES_MAX = 15;
const lockFile = join(root, ".node/setup.lock");

/**
 * Does one step of the set-up, unless `isDone()`. Of several runs at once, one does it and the others wait for it.
 * Progress goes to stderr, and nothing at all when there is nothing to do.
 */
export async function ensure({ title, isDone, work }) {
  if (isDone()) return;
  await takeLock();
  try {
    if (isDone()) return;
    const startedAt = Date.now();
    say(`${title} …`);
    await work();
    say(`${title}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  } finally {
    rmSync(lockFile, { force: true });
    process.off("exit", dropLock);
  }
}

// ---- the lock: a file with its holder's process id ----

async function takeLock() {
  const mine = `${lockFile}.${process.pid}`;
  mkdirSync(join(root, ".node"), { recursive: true });
  writeFileSync(mine, String(process.pid));
  try {
    const deadline = Date.now() + WAIT_MINUTES_MAX * 60_000;
    // A link appears with its content or not at all, so nobody reads a lock without a holder.
    for (let told = false; !linked(mine); told = true) {
      const holder = readLock();
      if (holder === undefined) continue;
      if (!isAlive(holder)) breakLock(holder);
      else if (Date.now() > deadline)
        throw new StepError(
          `process ${holder} has held ${lockFile} for ${WAIT_MINUTES_MAX} minutes; delete it if that is none of ours`,
        );
      else {
        if (!told) say(`waiting for the set-up that process ${holder} is doing …`);
        await sleep(200);
      }
    }
    process.on("exit", dropLock);
  } finally {
    rmSync(mine, { force: true });
  }
}

function dropLock() {
  rmSync(lockFile, { force: true });
}

function linked(mine) {
  try {
    linkSync(mine, lockFile);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function readLock() {
  try {
    return Number(readFileSync(lockFile, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Moves a dead holder's lock away. Another run may have taken it over in between: then that lock is put back. */
function breakLock(holder) {
  const broken = `${lockFile}.broken.${process.pid}`;
  try {
    renameSync(lockFile, broken);
    if (Number(readFileSync(broken, "utf8")) !== holder) linkSync(broken, lockFile);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
  }
  rmSync(broken, { force: true });
}

function isAlive(pid) {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
