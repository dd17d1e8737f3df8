import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const FILES = [
  "./lua/record.lua",
  "./lua/session.lua",
  "./lua/log.lua",
  "./lua/presence.lua",
  "./lua/server.lua",
  "./lua/run.lua",
];

/**
 * One script with all operations, so that a call runs whatever a server wants next, in its order and in one step. A line
 * number in one of Redis's errors ("user_script:123") counts through the files in this order.
 */
export const SCRIPT = FILES.map((file) => readFileSync(new URL(file, import.meta.url), "utf8")).join("");

export const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");
