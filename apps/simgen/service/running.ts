import type { Resources } from "@holdfast/resources";
import type { Logger } from "pino";
import type { Health } from "./health.ts";

const WARNINGS: readonly string[] = ["leaked", "died", "release failed"];

/** What becomes of what this process holds is in its log. */
export function logNews(resources: Resources, logger: Logger): void {
  resources.on("news", ({ what, kind, owner, why }) => {
    logger[WARNINGS.includes(what) ? "warn" : "info"]({ kind, owner, why }, `resources: ${what}`);
  });
}

/** SIGTERM and SIGINT end the process with 0 after `work`, or with 1 when that takes longer than `timeoutMs`. */
export function endOnSignals(health: Health, logger: Logger, timeoutMs: number, work: () => Promise<void>): void {
  const end = async (signal: string) => {
    if (health.draining) return;
    health.draining = true;
    // What drains is not ready: that is no news of what it depends on.
    health.close();
    logger.info({ signal }, "shutting down");
    setTimeout(() => {
      logger.error(`not done within ${timeoutMs} ms`);
      process.exit(1);
    }, timeoutMs).unref();
    await work();
    process.exit(0);
  };
  process.on("SIGTERM", () => void end("SIGTERM"));
  process.on("SIGINT", () => void end("SIGINT"));
}
