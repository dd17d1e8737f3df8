/** A thread of a WorkerPool that answers what it is told; the id is that of the lease. */
import { parentPort } from "node:worker_threads";
import { workerSide } from "@holdfast/resources/worker";
import type { Echo } from "./echo.ts";

const side = workerSide();
parentPort?.on("message", ({ id, value }: Echo) => {
  side.enter(id);
  parentPort?.postMessage({ id, value } satisfies Echo);
  side.leave();
});
side.ready();
