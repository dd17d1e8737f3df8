/** A worker that does what it is told, good or bad. */
import { parentPort } from "node:worker_threads";
import { workerSide } from "./worker.ts";

const port = parentPort;
if (!port) throw new Error("runs in a worker thread");
const side = workerSide();

export type Order =
  | { do: "echo" | "spin" | "throw" | "exit" | "out of memory"; lease: number }
  | { do: "grow" | "grow and spin"; lease: number; bytes: number }
  | { do: "busy"; lease: number; ms: number };

const kept: unknown[] = [];
port.on("message", (order: Order) => {
  side.enter(order.lease);
  switch (order.do) {
    case "echo":
      port.postMessage(order.lease);
      break;
    case "spin":
      for (;;);
    case "throw":
      throw new Error("told to fail");
    case "exit":
      process.exit(7);
      break;
    case "out of memory":
      for (;;) kept.push(new Array(1000).fill({}).map(() => ({ more: kept.length })));
    case "grow":
    case "grow and spin": {
      // WASM memory, which no resource limit of a worker bounds.
      const memory = new WebAssembly.Memory({ initial: Math.ceil(order.bytes / 65_536) });
      new Uint8Array(memory.buffer).fill(1);
      kept.push(memory);
      while (order.do === "grow and spin");
      port.postMessage(order.lease);
      break;
    }
    case "busy": {
      const untilMs = performance.now() + order.ms;
      while (performance.now() < untilMs);
      port.postMessage(order.lease);
    }
  }
  side.leave();
});
if (side.data === "does not start") throw new Error("no such file");
if (side.data !== "is never ready") side.ready();
