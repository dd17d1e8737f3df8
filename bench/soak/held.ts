import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What this process holds, by name and unit. */
export interface Held {
  "resident, MB": number;
  "heap, MB": number;
  /** Whatever keeps the loop alive; */
  handles: number;
  /** the timers among it, but not those that are `unref`ed: Node tells nobody of these. */
  timers: number;
  threads: number;
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Without garbage. */
export async function held(): Promise<Held> {
  // What is finalized in one collection is gone in the next.
  for (let i = 0; i < 4; i++) {
    collectGarbage();
    await sleep(40);
  }
  const { rss, heapUsed } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo();
  return {
    "resident, MB": rss / 1e6,
    "heap, MB": heapUsed / 1e6,
    handles: handles.length,
    timers: handles.filter((handle) => handle === "Timeout").length,
    threads: readdirSync("/proc/self/task").length,
  };
}
