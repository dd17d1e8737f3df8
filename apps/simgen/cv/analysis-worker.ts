/** The entry of a thread that reads sketches, one at a time. */
import { parentPort } from "node:worker_threads";
import { workerSide } from "@holdfast/resources/worker";
import type { analyze as Analyze } from "./analysis.ts";
import type { FromThread, ThreadInput, ToThread } from "./analyzer.ts";
import { SketchError } from "./sketch-error.ts";

const port = parentPort;
if (!port) throw new Error("analysis-worker.ts runs in a worker thread");

const side = workerSide();
const { analyze } = (await import((side.data as ThreadInput).analysis)) as { analyze: typeof Analyze };

port.on("message", async ({ lease, input }: ToThread) => {
  side.enter(lease);
  const answer = await answerTo(lease, input);
  side.leave();
  port.postMessage(answer);
});

async function answerTo(lease: number, input: ToThread["input"]): Promise<FromThread> {
  try {
    return { lease, analysis: await analyze(input) };
  } catch (error) {
    return error instanceof SketchError
      ? { lease, refusal: { code: error.code, message: error.message } }
      : { lease, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

side.ready();
