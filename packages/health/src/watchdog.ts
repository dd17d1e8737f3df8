import { url as inspectorUrl } from "node:inspector";
import { Worker } from "node:worker_threads";
import { within } from "./health-error.ts";
import type { WatchdogData } from "./watchdog-thread.ts";

export interface WatchdogOptions {
  /** How long the event loop may stand still, ms. */
  stallMs: number;
  /** Where a report is left as `stall-TIME.json`, beside standard error; the newest ten are kept. */
  reportDir: string | undefined;
}

export const WATCHDOG_DEFAULTS: WatchdogOptions = { stallMs: 10_000, reportDir: undefined };

/** What the thread sees of the event loop, in a shared array. */
export const CELL = { beats: 0, isDebugged: 1, count: 2 } as const;

/** Resident memory of the thread is that of a small heap. */
const HEAP_MB = 16;

/**
 * Ends this process with SIGKILL when its event loop has stood still for too long, and leaves a report that says where
 * (H4): what supervises containers restarts what exits, but not what hangs. A process that is frozen as a whole, or stopped in
 * a debugger, does not count. The first process of a container cannot kill itself: run it under an init (`init: true`).
 * Returns how to end it. Throws `HealthError`.
 */
export function startWatchdog(options: Partial<WatchdogOptions> = {}): () => Promise<void> {
  const { stallMs, reportDir } = { ...WATCHDOG_DEFAULTS, ...options };
  within("watchdog", { stallMs }, 100, 2 ** 31 - 1, "stallMs");
  if (process.pid === 1)
    process.emitWarning("the watchdog cannot end process 1 of a container: run it under an init, as with init: true");
  const cells = new Int32Array(new SharedArrayBuffer(4 * CELL.count));
  const beatMs = Math.min(500, Math.round(stallMs / 10));
  const beat = setInterval(() => {
    Atomics.store(cells, CELL.isDebugged, Number(inspectorUrl() !== undefined));
    Atomics.add(cells, CELL.beats, 1);
  }, beatMs).unref();
  const data: WatchdogData = { cells, stallMs, tickMs: beatMs, reportDir };
  const thread = new Worker(new URL(import.meta.url.replace(/watchdog(\.[jt]s)$/, "watchdog-thread$1")), {
    workerData: data,
    // Nothing that the application loads first, or listens on, belongs in here.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 4 },
  });
  thread.unref();
  thread.on("error", (error) => process.emitWarning(`the watchdog has died: ${error.message}`));
  return async () => {
    clearInterval(beat);
    await thread.terminate();
  };
}
