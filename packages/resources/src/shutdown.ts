import { constants } from "node:os";
import { atLeast, checkNames, WAIT_MS_MAX } from "./options.ts";
import type { Resources } from "./resources.ts";

export interface ShutdownOptions {
  /** Which begin it. */
  signals?: readonly NodeJS.Signals[];
  /** For `before` and all releases together, ms. */
  limitMs?: number;
  /** Comes first, and is waited for: to take no more work, to finish what is under way. */
  before?: () => unknown;
}

export const SHUTDOWN_DEFAULTS = {
  signals: ["SIGTERM", "SIGINT"],
  limitMs: 10_000,
  before: () => {},
} satisfies ShutdownOptions;

/**
 * At the first of the signals: waits for `before`, closes the resources, and exits with 0; with 1 if something failed, which
 * is printed, or if it takes longer than `limitMs`: then what is still held is printed. A second signal exits at once with
 * 128 and its number, as a shell has it.
 *
 * Returns what takes the listeners away again. Throws `ResourceError` "option_invalid".
 */
export function closeAtShutdown(resources: Resources, options: ShutdownOptions = {}): () => void {
  checkNames("shutdown", options, SHUTDOWN_DEFAULTS);
  const { signals, limitMs, before } = { ...SHUTDOWN_DEFAULTS, ...options };
  atLeast("shutdown", { limitMs }, 0, "limitMs");
  let isClosing = false;
  const shutDown = (signal: NodeJS.Signals) => {
    if (isClosing) process.exit(128 + constants.signals[signal]);
    isClosing = true;
    // It also keeps a process up that has nothing else to do than to wait for a release that never ends.
    setTimeout(() => giveUp(resources, limitMs), Math.min(limitMs, WAIT_MS_MAX));
    void close(resources, before).then((errors) => {
      for (const error of errors) console.error("shutdown:", error);
      process.exit(errors.length > 0 ? 1 : 0);
    });
  };
  for (const signal of signals) process.on(signal, shutDown);
  return () => {
    for (const signal of signals) process.off(signal, shutDown);
  };
}

/** What went wrong. If `before` fails, the resources are closed all the same. */
async function close(resources: Resources, before: () => unknown): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const step of [before, () => resources.close()])
    try {
      await step();
    } catch (error) {
      errors.push(...(error instanceof AggregateError ? error.errors : [error]));
    }
  return errors;
}

function giveUp(resources: Resources, limitMs: number): never {
  const held = resources.snapshot().kinds.filter(({ inUse }) => inUse > 0);
  const what = held.map(({ inUse, kind }) => `${inUse} of kind "${kind}"`).join(", ");
  console.error(`shutdown: not done after ${limitMs} ms, still held: ${what || "nothing"}`);
  process.exit(1);
}
