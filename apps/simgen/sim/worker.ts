/** The entry of a worker thread: one MuJoCo module, one runner. */
import { parentPort } from "node:worker_threads";
import { workerSide } from "@holdfast/resources/worker";
import { loadMujoco } from "./mujoco.ts";
import { probeScene } from "./probe.ts";
import { Runner } from "./runner.ts";
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

/** One a turn of the event loop: a start takes milliseconds, and those that run shall have their frames between two of them. */
const starting: Extract<ToWorker, { type: "start" }>[] = [];
let isStarting = false;

function startNext(): void {
  const next = starting.shift();
  if (!next) {
    isStarting = false;
    return;
  }
  const { run, scene, start } = next;
  side.enter(start.lease);
  try {
    send({ type: "started", run, checkpoint: runner.start(run, scene, start) });
  } catch (error) {
    send({ type: "refused", run, message: error instanceof Error ? error.message : String(error) });
  } finally {
    side.leave();
  }
  setImmediate(startNext);
}

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "start":
      starting.push(message);
      if (!isStarting) setImmediate(startNext);
      isStarting = true;
      return;
    case "probe":
      side.enter(message.lease);
      send({ type: "probed", probe: message.lease, result: probeScene(mujoco, message.scene) });
      return side.leave();
    case "hand over": {
      const from = runner.handOver(message.run);
      if (from) send({ type: "handed over", run: message.run, from });
      return;
    }
    case "go on":
      return runner.goOn(message.run, message.from, message.streaming);
    case "stop": {
      const waiting = starting.findIndex(({ run }) => run === message.run);
      if (waiting >= 0) starting.splice(waiting, 1);
      return runner.stop(message.run);
    }
    case "tell":
      return runner.tell(message.run, message.told);
  }
});
side.ready();
