import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Pool } from "../sim/pool.ts";
import type { Edge } from "./edge.ts";
import type { LiveRuns } from "./live-runs.ts";

/** Prometheus metrics of this process and its simulations. */
export function createMetrics(services: {
  pool: Pool;
  runs: LiveRuns;
  edge(): Edge | undefined;
}): () => Promise<string> {
  const registers = [new Registry()];
  const [registry] = registers;
  if (!registry) throw new Error("a registry");
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("simgen_simulations_running", "Simulations that are running", () => services.runs.count);
  gauge("simgen_connections", "Open WebSocket connections", () => services.edge()?.connections ?? 0);
  gauge("simgen_trials_queued", "Scenes that wait to be tried out", () => services.pool.snapshot().probesQueued);
  const workers = (
    name: string,
    help: string,
    read: (worker: ReturnType<Pool["snapshot"]>["workers"][number]) => number,
  ) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["worker"],
      collect() {
        services.pool.snapshot().workers.forEach((worker, index) => {
          this.set({ worker: index }, read(worker));
        });
      },
    });
  workers(
    "simgen_worker_busy_ratio",
    "Share of a simulation thread's time that is used",
    (worker) => worker.stats?.busy ?? 0,
  );
  workers(
    "simgen_worker_frame_lateness_p99_seconds",
    "How late frames are",
    (worker) => (worker.stats?.latenessP99Ms ?? 0) / 1000,
  );
  workers("simgen_worker_heap_bytes", "WASM heap of a simulation thread", (worker) => worker.stats?.heapBytes ?? 0);
  return () => registry.metrics();
}
