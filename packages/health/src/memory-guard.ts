import { within } from "./health-error.ts";
import { type MemoryUse, memoryUse } from "./memory-use.ts";

export interface MemoryGuardOptions {
  /** Of the limit: from here on the server should leave. */
  fullShare: number;
  /** How often it looks, ms. */
  intervalMs: number;
  /** Looks in a row that must find it full: a peak that goes by is none. */
  looks: number;
  /** How much memory is used, and may be. */
  read(): MemoryUse;
}

export const MEMORY_GUARD_DEFAULTS: MemoryGuardOptions = {
  fullShare: 0.9,
  intervalMs: 1_000,
  looks: 3,
  read: () => memoryUse(),
};

/**
 * Calls `onFull` once, when memory has nearly reached its limit: the server can then drain and exit, which loses nothing,
 * before the kernel kills it, which loses what was under way. Does nothing where there is no limit. Returns how to end it.
 * Throws `HealthError`.
 */
export function startMemoryGuard(
  onFull: (use: MemoryUse) => void,
  options: Partial<MemoryGuardOptions> = {},
): () => void {
  const { fullShare, intervalMs, looks, read } = { ...MEMORY_GUARD_DEFAULTS, ...options };
  within("memory guard", { fullShare }, 0.01, 1, "fullShare");
  within("memory guard", { intervalMs, looks }, 1, 2 ** 31 - 1, "intervalMs", "looks");
  let full = 0;
  const timer = setInterval(() => {
    const use = read();
    full = use.usedBytes >= fullShare * use.limitBytes ? full + 1 : 0;
    if (full < looks) return;
    clearInterval(timer);
    onFull(use);
  }, intervalMs).unref();
  return () => clearInterval(timer);
}
