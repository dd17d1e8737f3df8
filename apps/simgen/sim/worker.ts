/** The entry of a worker thread: one MuJoCo module, one runner. */
import { parentPort, workerData } from "node:worker_threads";
import { loadMujoco } from "./mujoco.ts";
import { probeScene } from "./probe.ts";
import { Runner } from "./runner.ts";
import { type FromWorker, packFrames, type ToWorker, type WorkerInput } from "./thread.ts";

const port = parentPort;
if (!port) throw new Error("worker.ts runs in a worker thread");
const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

const mujoco = await loadMujoco((workerData as WorkerInput).wasm);
const runner = new Runner(mujoco, {
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
      try {
        runner.start(message.run, message.scene);
        return send({ type: "started", run: message.run });
      } catch (error) {
        return send({
          type: "refused",
          run: message.run,
          message: error instanceof Error ? error.message : String(error),
        });
      }
    case "probe":
      return send({ type: "probed", probe: message.probe, result: probeScene(mujoco, message.scene) });
    case "stop":
      return runner.stop(message.run);
    case "reset":
      return runner.reset(message.run);
    case "stream":
      return runner.stream(message.run, message.on);
    case "pause":
      return runner.pause(message.run, message.on);
    case "control":
      return runner.control(message.run, message.actuator, message.value);
  }
});
send({ type: "ready" });
