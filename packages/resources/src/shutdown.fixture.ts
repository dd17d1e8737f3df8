import { writeSync } from "node:fs";
import { managedInterval } from "./managed.ts";
import { Resources } from "./resources.ts";
import { closeAtShutdown } from "./shutdown.ts";

/** A server for the tests of shutdown, that says what happens to it; its argument says how it behaves. */
const [, , how] = process.argv;
const say = (what: string) => writeSync(1, `${what}\n`);

const resources = new Resources();
const scope = resources.scope("server");
// Nothing but this keeps it up.
const up = managedInterval(scope, 1000, () => {});
scope.adopt("client", "the client", () => say("released"));
scope.adopt("socket", "the socket", () => {
  if (how === "release fails") throw new Error("the socket is stuck");
  return how === "release hangs" ? new Promise(() => {}) : undefined;
});

const remove = closeAtShutdown(resources, {
  limitMs: how === "release hangs" || how === "idle before" ? 100 : 60_000,
  async before() {
    say("before");
    if (how === "idle before") await up.release();
    if (how === "before hangs" || how === "idle before") await new Promise(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    say("drained");
    if (how === "before fails") throw new Error("some would not go");
  },
});
if (how === "listeners removed") remove();
say("up");
