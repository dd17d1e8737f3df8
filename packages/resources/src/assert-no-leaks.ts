import { AssertionError } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { processResources } from "./default-resources.ts";
import type { LeakReport } from "./leak-watch.ts";
import type { Resources } from "./resources.ts";

/** How long what is still ending may take, ms. */
const ENDING_MS_MAX = 1000;
const STACK_LINES_MAX = 3;

/**
 * The test fails if what it acquires from here on is still held after it, with the lines that acquired it.
 *
 * ```ts
 * test("a job gives everything back", async (t) => {
 *   assertNoLeaks(t);
 *   await runJob();
 * });
 * ```
 *
 * What the test's own `t.after` releases is to be registered before: node:test calls the first first.
 */
export function assertNoLeaks(t: { after(fn: () => unknown): void }, resources: Resources = processResources): void {
  const { watch } = resources;
  const tracedAll = watch.tracesAll;
  const sinceMs = performance.now();
  watch.tracesAll = true;
  t.after(async () => {
    try {
      const endMs = performance.now() + ENDING_MS_MAX;
      while (watch.held(sinceMs).length > 0 && performance.now() < endMs) await sleep(5);
    } finally {
      watch.tracesAll = tracedAll;
    }
    const held = watch.held(sinceMs);
    if (held.length === 0) return;
    const error = new AssertionError({ message: messageOf(held) });
    // Where this is thrown from says nothing, and looks like one more line of the last trace.
    error.stack = String(error);
    throw error;
  });
}

function messageOf(held: LeakReport[]): string {
  const each = held.map(({ kind, owner, stack }) => {
    const lines = stack?.split("\n").slice(0, STACK_LINES_MAX) ?? [];
    return [`${kind} of ${owner}`, ...lines].join("\n");
  });
  return [`${held.length} still held after the test`, ...each].join("\n");
}
