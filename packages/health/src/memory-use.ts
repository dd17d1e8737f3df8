import { readFileSync } from "node:fs";

export interface MemoryUse {
  usedBytes: number;
  /** Where the kernel kills. Infinity: nobody has set a limit. */
  limitBytes: number;
}

const CGROUP = "/sys/fs/cgroup";

/**
 * What counts against the limit of this process's control group, or the resident memory and no limit outside of one.
 * File pages that nobody has touched lately are left out: the kernel drops them before it kills.
 */
export function memoryUse(root = CGROUP): MemoryUse {
  try {
    const limit = read(`${root}/memory.max`);
    if (limit !== "max") {
      const inactive = /^inactive_file (\d+)$/m.exec(read(`${root}/memory.stat`))?.[1] ?? "0";
      return { usedBytes: Number(read(`${root}/memory.current`)) - Number(inactive), limitBytes: Number(limit) };
    }
  } catch {
    // No control groups, their first version, or no right to look.
  }
  const limitBytes = process.constrainedMemory();
  const isSet = limitBytes > 0 && limitBytes < 2 ** 53;
  return { usedBytes: process.memoryUsage.rss(), limitBytes: isSet ? limitBytes : Number.POSITIVE_INFINITY };
}

function read(file: string): string {
  return readFileSync(file, "utf8").trim();
}
