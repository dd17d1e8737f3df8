import { redisStore } from "./redis-store.ts";
import { created, serve } from "./store.contract.ts";

/**
 * A server in a process of its own, to be killed and frozen: joins the store, creates sessions, says their ids, and then
 * how often it was asked to check them. `close` makes it leave. Run as: URL PREFIX SESSIONS
 */
const [url = "", prefix = "", count = "0"] = process.argv.slice(2);
const { store, ears } = await serve(redisStore({ url, prefix, timing: { settleMs: 0 } }), "child");
const sessions = await Promise.all(
  Array.from({ length: Number(count) }, (_, index) => created(store, `client ${index}`)),
);
process.send?.({ sessions });

const watch = setInterval(() => process.send?.({ resyncs: ears.resyncs }), 50);
process.on("message", async () => {
  clearInterval(watch);
  await store.close();
  process.disconnect?.();
});
