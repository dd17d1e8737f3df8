/** Checks of what every server has: memory, an event loop, a disk, backups. */
import { readFile, statfs } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Check } from "./check.ts";
import { type MemoryUse, memoryUse } from "./memory-use.ts";

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

/** Warns when memory comes near its limit. It fails where a memory guard would have ended the server long ago. */
export function memoryCheck({
  warnShare = 0.8,
  failShare = 0.95,
  read = () => memoryUse(),
}: {
  warnShare?: number;
  failShare?: number;
  read?(): MemoryUse;
} = {}): Check {
  return {
    kind: "local",
    probe() {
      const { usedBytes, limitBytes } = read();
      const said = `${Math.round(usedBytes / MIB)} of ${Math.round(limitBytes / MIB)} MiB`;
      if (usedBytes >= failShare * limitBytes) throw new Error(said);
      return usedBytes >= warnShare * limitBytes ? said : undefined;
    },
  };
}

/** How late timers are, by the 99th of a hundred since the last look: what everybody on this server waits for. */
export function eventLoopCheck({ warnMs = 100, failMs = 1_000 } = {}): Check {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return {
    kind: "local",
    probe() {
      const lateMs = delay.count === 0 ? 0 : delay.percentile(99) / 1e6;
      delay.reset();
      const said = `timers are ${Math.round(lateMs)} ms late`;
      if (lateMs >= failMs) throw new Error(said);
      return lateMs >= warnMs ? said : undefined;
    },
  };
}

/** Room on the disk that holds a path: in bytes, since a share of a large disk is a lot. */
export function diskCheck(path: string, { warnBytes = 2048 * MIB, failBytes = 512 * MIB } = {}): Check {
  return {
    kind: "optional",
    async probe() {
      const { bavail, bsize } = await statfs(path);
      const freeBytes = bavail * bsize;
      const said = `${Math.round(freeBytes / MIB)} MiB free`;
      if (freeBytes < failBytes) throw new Error(said);
      return freeBytes < warnBytes ? said : undefined;
    },
  };
}

/** How long ago something happened last, by a file that holds the time, in ISO 8601: a verified backup, say. */
export function ageCheck(file: string, { warnMs = 26 * HOUR_MS, failMs = 50 * HOUR_MS } = {}): Check {
  return {
    kind: "optional",
    intervalMs: 10_000,
    async probe() {
      const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      if (text === undefined) return "never yet";
      const ageMs = Date.now() - Date.parse(text.trim());
      if (Number.isNaN(ageMs)) throw new Error(`expected a time in ${file}, got ${text.slice(0, 40)}`);
      const said = `${(ageMs / HOUR_MS).toFixed(1)} hours ago`;
      if (ageMs >= failMs) throw new Error(said);
      return ageMs >= warnMs ? said : undefined;
    },
  };
}
