import type { Health } from "@holdfast/health";
import { Gauge, type Registry } from "prom-client";

const STATUSES = ["pass", "warn", "fail"] as const;

/** 1 for the status that each check of a process has. */
export function addHealthMetrics(registry: Registry, name: string, health: Health): void {
  new Gauge({
    name,
    help: "1 for the status that a health check has",
    registers: [registry],
    labelNames: ["check", "status"],
    collect() {
      for (const [check, result] of Object.entries(health.report().checks))
        for (const status of STATUSES) this.set({ check, status }, Number(result.status === status));
    },
  });
}
