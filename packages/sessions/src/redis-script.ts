import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A Lua script, and the name by which Redis knows it once it is loaded. */
export interface Script {
  text: string;
  sha: string;
}

/**
 * All operations, so that one call runs whatever a server wants next, in its order and in one step. A line number in one
 * of Redis's errors ("user_script:123") counts through the files in this order.
 */
export const WHOLE_SCRIPT = script(
  "./lua/record.lua",
  "./lua/session.lua",
  "./lua/log.lua",
  "./lua/presence.lua",
  "./lua/server.lua",
  "./lua/run.lua",
);

/**
 * The same with the operations of `log.lua` only, which is what nearly every call has. Redis makes every function anew
 * whenever it runs a script: alone, an append costs it a quarter less this way.
 */
export const LOG_SCRIPT = script("./lua/record.lua", "./lua/log.lua", "./lua/run.lua");

export const LOG_OPERATIONS: ReadonlySet<string> = new Set([
  "append",
  "publish",
  "commit",
  "missed",
  "resubmit",
  "trim",
  "lane",
]);

function script(...files: string[]): Script {
  const text = files.map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
