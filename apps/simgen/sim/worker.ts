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

port.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "start":
      side.enter(message.start.lease);
      try {
        const checkpoint = runner.start(message.run, message.scene, message.start);
        return send({ type: "started", run: message.run, checkpoint });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return send({ type: "refused", run: message.run, message: text });
      } finally {
        side.leave();
      }
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
    case "stop":
      return runner.stop(message.run);
    case "tell":
      return runner.tell(message.run, message.told);
  }
});
side.ready();
