import type { CircuitBreaker } from "@holdfast/breaker";
import type { Health } from "@holdfast/health";
import type { KindSnapshot, Resources } from "@holdfast/resources";
import type { Counters } from "@holdfast/sessions";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { addHealthMetrics } from "../service/health-metrics.ts";
import type { Pool } from "../sim/pool.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { LiveSessions } from "./sessions.ts";
import type { SketchReader } from "./sketch-reader.ts";

/** What the sessions count since the start, but for `closed`, which has a label, and `connections`, which is no count. */
const SESSION_COUNTERS: Record<Exclude<keyof Counters, "closed" | "connections">, [name: string, help: string]> = {
  opened: ["opened", "Sessions begun here"],
  resumed: ["resumed", "Connections that resumed a session here"],
  expired: ["expired", "Sessions found expired by this server"],
  gaps: ["gaps", "Clients told that messages are missing"],
  sent: ["messages_sent", "Messages put into the log of a session"],
  sendsFailed: ["sends_failed", "Messages that could not be"],
  framesOut: ["frames_out", "Protocol frames with messages written to clients"],
  handled: ["messages_handled", "Messages of clients handled"],
  handlerFailures: ["handler_failures", "Of these, failed or wrong ones"],
  laneValues: ["lane_values", "Values written on lossy lanes: SimGen's frames"],
  laneValuesDropped: ["lane_values_dropped", "Values replaced by a newer one before the client had room"],
  throttled: ["throttled", "Times a client was read more slowly for sending too much"],
  checked: ["checked", "Logs read again to fill a hole"],
  restored: ["restored", "Sessions restored to a store that had lost them"],
};

/** Of each kind of resource, as of now, */
const RESOURCE_GAUGES: [key: keyof KindSnapshot, name: string, help: string][] = [
  ["inUse", "in_use", "Held"],
  ["countMax", "limit", "How many may be held at once"],
  ["queued", "queued", "Callers that wait for one"],
  ["leaked", "leaked", "Held for longer than they may be"],
  ["stuck", "stuck", "Being released for longer than that may take"],
];
/** and since the start. */
const RESOURCE_COUNTERS: [key: keyof KindSnapshot, name: string, help: string][] = [
  ["acquired", "acquired", "Acquired"],
  ["refused", "refused", "Refused, for want of room"],
  ["failed", "failed", "Could not be made"],
  ["releaseFailed", "release_failed", "Releases that failed"],
  ["leakedEver", "leaked", "Held for longer than they may be"],
  ["reclaimed", "reclaimed", "Ended since they were idle, or in the way"],
  ["recycled", "recycled", "Replaced"],
];

/** Prometheus metrics of this process, its simulations and its sessions. */
export function createMetrics(services: {
  health: Health;
  resources: Resources;
  pool: Pool;
  runs: LiveRuns;
  sessions: LiveSessions;
  breakers: readonly CircuitBreaker[];
  sketches: SketchReader;
}): () => Promise<string> {
  const { counters } = services.sessions;
  const registers = [new Registry()];
  const [registry] = registers;
  if (!registry) throw new Error("a registry");
  collectDefaultMetrics({ register: registry });
  addHealthMetrics(registry, "simgen_health_check", services.health);
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
  gauge("simgen_connections", "Open WebSocket connections", () => counters.connections);
  gauge("simgen_sessions_ready", "Whether new connections are taken", () => Number(services.sessions.isReady));
  for (const [key, [name, help]] of Object.entries(SESSION_COUNTERS))
    new Counter({
      name: `simgen_sessions_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(counters[key as keyof typeof SESSION_COUNTERS]);
      },
    });
  new Counter({
    name: "simgen_sessions_closed_total",
    help: "Connections that ended, by reason; lost is the client's or the network's doing",
    registers,
    labelNames: ["reason"],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(counters.closed)) this.inc({ reason }, count);
    },
  });
  new Gauge({
    name: "simgen_breaker_state",
    help: "1 for the state that a breaker is in",
    registers,
    labelNames: ["breaker", "state"],
    collect() {
      for (const breaker of services.breakers)
        for (const state of ["closed", "open", "half-open"])
          this.set({ breaker: breaker.name, state }, Number(breaker.state === state));
    },
  });
  new Counter({
    name: "simgen_breaker_calls_total",
    help: "What became of the calls through a breaker; the timed-out are among the failed",
    registers,
    labelNames: ["breaker", "outcome"],
    collect() {
      this.reset();
      for (const { name, counters } of services.breakers)
        for (const [outcome, count] of Object.entries(counters)) this.inc({ breaker: name, outcome }, count);
    },
  });
  const kinds = () => services.resources.snapshot().kinds;
  for (const [key, name, help] of RESOURCE_GAUGES)
    new Gauge({
      name: `simgen_resources_${name}`,
      help,
      registers,
      labelNames: ["kind"],
      collect() {
        for (const kind of kinds()) this.set({ kind: kind.kind }, Number(kind[key]));
      },
    });
  for (const [key, name, help] of RESOURCE_COUNTERS)
    new Counter({
      name: `simgen_resources_${name}_total`,
      help,
      registers,
      labelNames: ["kind"],
      collect() {
        this.reset();
        for (const kind of kinds()) this.inc({ kind: kind.kind }, Number(kind[key]));
      },
    });
  new Counter({
    name: "simgen_sketches_total",
    help: "Sketches, by who was asked last and what became of them",
    registers,
    labelNames: ["by", "outcome"],
    collect() {
      this.reset();
      for (const { by, outcome, count } of services.sketches.counts.values()) this.inc({ by, outcome }, count);
    },
  });
  gauge("simgen_sketches_queued", "Sketches that wait for a thread here", () => services.sketches.snapshot().queued);
  gauge(
    "simgen_sketch_threads",
    "Threads here that read sketches; none before one is needed",
    () => services.sketches.snapshot().threads.length,
  );
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
  workers(
    "simgen_worker_memory_bytes",
    "Heap and external memory of a simulation thread, WASM among it",
    (worker) => worker.memoryBytes,
  );
  workers("simgen_worker_heap_bytes", "WASM heap of a simulation thread", (worker) => worker.stats?.heapBytes ?? 0);
  return () => registry.metrics();
}
