/** One workload, in a process of its own. */
import { answer } from "../sessions/child.ts";
import { type Held, held } from "./held.ts";
import { Leases } from "./leases.ts";
import { Simulations } from "./simulations.ts";
import { Sockets } from "./sockets.ts";
import type { Workload } from "./workload.ts";

const SIMULATION_WORKERS = 2;
const SIMULATIONS_AT_ONCE = 100;
/** How often each of the workers is replaced, about. */
const REPLACEMENTS = 5;

let workload: Workload;

const calls = {
  /** `count`: how often it will be done in all. */
  async start(name: string, count: number): Promise<void> {
    if (name === "leases") workload = new Leases();
    else if (name === "sockets") workload = await Sockets.create();
    else {
      const usesMax = count / SIMULATION_WORKERS / REPLACEMENTS;
      const options = { workers: SIMULATION_WORKERS, atOnce: SIMULATIONS_AT_ONCE, usesMax };
      workload = await Simulations.create(options);
    }
  },

  run(count: number): Promise<void> {
    return workload.run(count);
  },

  async held(): Promise<Held & Record<string, number>> {
    const left = await workload.left();
    return { ...(await held()), ...left };
  },

  close(): Promise<void> {
    return workload.close();
  },

  exit(): void {
    process.exit();
  },
};

export type SoakedCalls = typeof calls;
answer<SoakedCalls>(calls);
