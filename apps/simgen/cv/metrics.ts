import type { Health } from "@holdfast/health";
import type { Resources } from "@holdfast/resources";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { addHealthMetrics } from "../service/health-metrics.ts";
import type { Analyzer } from "./analyzer.ts";

export type SketchKind = "image" | "drawing" | "recognition" | "unknown";

export interface CvMetrics {
  /** Prometheus text. */
  text(): Promise<string>;
  /** One request has ended: "ok", or the code of its problem. */
  count(input: SketchKind, outcome: string, ms: number): void;
}

/** Of this process and the sketches it reads. */
export function createCvMetrics(analyzer: Analyzer, resources: Resources, health: Health): CvMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  addHealthMetrics(registry, "cv_health_check", health);
  const requests = new Counter({
    name: "cv_requests_total",
    help: "Sketches, by what they came as and what became of them",
    registers,
    labelNames: ["input", "outcome"],
  });
  const duration = new Histogram({
    name: "cv_request_duration_seconds",
    help: "How long they took, their wait for a thread among it",
    registers,
    labelNames: ["input"],
    buckets: [0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("cv_queue", "Sketches that wait for a thread", () => analyzer.snapshot().queued);
  gauge("cv_threads", "Threads that can read", () => analyzer.snapshot().threads.filter(isReady).length);
  gauge("cv_threads_busy", "Of these, those that do", () => analyzer.snapshot().threads.filter(isBusy).length);
  new Counter({
    name: "cv_threads_recycled_total",
    help: "Threads that were replaced, for age, memory, a deadline or a crash",
    registers,
    collect() {
      this.reset();
      this.inc(resources.snapshot().kinds.find(({ kind }) => kind === "sketch thread worker")?.recycled ?? 0);
    },
  });
  new Gauge({
    name: "cv_thread_memory_bytes",
    help: "Heap and external memory of a thread",
    registers,
    labelNames: ["thread"],
    collect() {
      this.reset();
      for (const { id, memoryBytes } of analyzer.snapshot().threads) this.set({ thread: id }, memoryBytes);
    },
  });
  return {
    text: () => registry.metrics(),
    count(input, outcome, ms) {
      requests.inc({ input, outcome });
      duration.observe({ input }, ms / 1000);
    },
  };
}

type Thread = ReturnType<Analyzer["snapshot"]>["threads"][number];

function isReady({ state }: Thread): boolean {
  return state === "ready";
}

function isBusy(thread: Thread): boolean {
  return isReady(thread) && thread.leases > 0;
}
