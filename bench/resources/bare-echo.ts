/** A thread that answers what it is told. */
import { parentPort } from "node:worker_threads";
import type { Echo } from "./echo.ts";

parentPort?.on("message", ({ id, value }: Echo) => parentPort?.postMessage({ id, value } satisfies Echo));
