/** The entry of a worker thread: one MuJoCo module, one runner. */
import { parentPort } from "node:worker_threads";
import { workerSide } from "@holdfast/resources/worker";
import { loadMujoco } from "./mujoco.ts";
import { probeScene } from "./probe.ts";
import { Runner, type Start } from "./runner.ts";
import type { Scene } from "./scene.ts";
import { type FromWorker, packFrames, type ToWorker, type WorkerInput } from "./thread.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");
const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const side = workerSide();
const mujoco = await loadMujoco((side.data as WorkerInput).wasm);
const runner = new Runner(mujoco, {
  enter: side.enter,
  leave: side.leave,
  frames(frames) {
    const bytes = packFrames(frames);
    send({ type: "frames", bytes }, [bytes.buffer]);
  },
  statuses: (statuses) => send({ type: "statuses", statuses }),
  stats: (stats) => send({ type: "stats", stats }),
});

/**
 * Starts that wait, one a turn of the event loop: each takes milliseconds, and those that run shall have their frames
 * between two of them. What else is said of such a run waits behind its start.
 */
const waiting: Exclude<ToWorker, { type: "probe" }>[] = [];
let isStarting = false;

function startNext(): void {
  const next = waiting.shift();
  if (next) handle(next);
  while (waiting.length > 0 && waiting[0]?.type !== "start") {
    const follows = waiting.shift();
    if (follows) handle(follows);
  }
  isStarting = waiting.length > 0;
  if (isStarting) setImmediate(startNext);
}

port.on("message", (message: ToWorker) => {
  if (message.type === "probe") return probe(message.lease, message.scene);
  if (message.type !== "start" && !waiting.some(({ run }) => run === message.run)) return handle(message);
  waiting.push(message);
  if (!isStarting) setImmediate(startNext);
  isStarting = true;
});

function handle(message: Exclude<ToWorker, { type: "probe" }>): void {
  switch (message.type) {
    case "start":
      start(message.run, message.scene, message.start);
      return;
    case "hand over": {
      const from = runner.handOver(message.run);
      if (from) send({ type: "handed over", run: message.run, from });
      return;
    }
    case "go on":
      runner.goOn(message.run, message.from, message.streaming);
      return;
    case "stop":
      runner.stop(message.run);
      return;
    case "tell":
      runner.tell(message.run, message.told);
      return;
  }
}

function start(run: number, scene: Scene, how: Start): void {
  side.enter(how.lease);
  try {
    send({ type: "started", run, checkpoint: runner.start(run, scene, how) });
  } catch (error) {
    send({ type: "refused", run, message: error instanceof Error ? error.message : String(error) });
  } finally {
    side.leave();
  }
}

function probe(lease: number, scene: Scene): void {
  side.enter(lease);
  send({ type: "probed", probe: lease, result: probeScene(mujoco, scene) });
  side.leave();
}

side.ready();
