import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Check,
  eventLoopCheck,
  Health,
  memoryCheck,
  type Probe,
  startMemoryGuard,
  startWatchdog,
} from "@holdfast/health";
import type { Resources } from "@holdfast/resources";
import type { Logger } from "pino";

const WARNINGS: readonly string[] = ["leaked", "died", "release failed"];
/** Timers that are late by less are a busy machine's. */
const EVENT_LOOP = { warnMs: 500, failMs: 2_000 };

/** What becomes of what this process holds is in its log. */
export function logNews(resources: Resources, logger: Logger): void {
  resources.on("news", ({ what, kind, owner, why }) => {
    logger[WARNINGS.includes(what) ? "warn" : "info"]({ kind, owner, why }, `resources: ${what}`);
  });
}

/** The checks that every process has, and its own; a change is in the log. Resolves when each was made once. */
export async function startHealth(own: Record<string, Check | Probe>, logger: Logger): Promise<Health> {
  const health = new Health({
    checks: { ...own, memory: memoryCheck(), "event-loop": eventLoopCheck(EVENT_LOOP) },
    onChange: ({ check, from, to, detail }) =>
      logger[to === "pass" ? "info" : "warn"]({ check, from, to, detail }, "a health check has changed"),
  });
  await health.start();
  return health;
}

export interface Ending {
  health: Health;
  logger: Logger;
  /** How long the event loop may stand still, ms. */
  stallMs: number;
  /** Where the report of that is kept, beside standard error. */
  dataDir?: string;
  /** How long it goes on answering at least, ms. */
  lingerMs: number;
  /** How long `work` may take besides, ms. */
  timeoutMs: number;
  /** What ends with nobody new coming, */
  leave?(): Promise<void>;
  /** and what has to be done before the process may end. */
  work(): Promise<void>;
}

/**
 * Ends the process in order, on SIGTERM and SIGINT with 0, and with 1 when memory has nearly run out or `work` takes too long.
 * A process that hangs is ended at once.
 */
export function endInOrder({ health, logger, stallMs, dataDir, lingerMs, timeoutMs, leave, work }: Ending): void {
  const end = async (why: string, exitCode: number) => {
    if (health.isDraining) return;
    health.drain(`shutting down: ${why}`);
    logger.info({ why }, "shutting down");
    setTimeout(() => {
      logger.error(`not done within ${lingerMs + timeoutMs} ms`);
      process.exit(1);
    }, lingerMs + timeoutMs).unref();
    await Promise.all([sleep(lingerMs), leave?.()]);
    await work();
    process.exit(exitCode);
  };
  process.on("SIGTERM", () => void end("SIGTERM", 0));
  process.on("SIGINT", () => void end("SIGINT", 0));
  startMemoryGuard((use) => {
    logger.error(use, "memory has nearly run out");
    void end("out of memory", 1);
  });
  startWatchdog({ stallMs, reportDir: dataDir && join(dataDir, "stalls") });
}
