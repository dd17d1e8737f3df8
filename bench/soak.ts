/** Soak: leases, simulations, sockets and sessions, a hundred thousand times and more; what is held must not grow. */
import { fileURLToPath } from "node:url";
import { Report } from "./report.ts";
import { Child } from "./sessions/child.ts";
import { spawned } from "./sessions/program.ts";
import { Samples } from "./soak/samples.ts";
import { Sessions, startRedis } from "./soak/sessions.ts";
import type { SoakedCalls } from "./soak/soaked.ts";

const CYCLES: Record<string, { full: number; quick: number }> = {
  leases: { full: 1_000_000, quick: 40_000 },
  simulations: { full: 100_000, quick: 800 },
  sockets: { full: 100_000, quick: 2_000 },
  sessions: { full: 100_000, quick: 2_000 },
};
const RUN_MS_MAX = 600_000;

interface Soaked {
  run(count: number): Promise<void>;
  /** By name and unit: "heap, MB". */
  held(): Promise<Record<string, number>>;
}

const report = new Report(
  "soak",
  "Soak: a million leases, 100,000 simulations, sockets and sessions; what is held at each tenth must not grow.",
  { PART: Object.keys(CYCLES) },
);
const samples = report.quick ? 4 : 10;
const each = report.quick ? "quarter" : "tenth";

for (const part of report.chosen("PART")) {
  const cycles = CYCLES[part]?.[report.quick ? "quick" : "full"] ?? 0;
  if (part !== "sessions") {
    const child = soakedChild(part);
    await child.call("start", part, cycles);
    await soak(part, cycles, {
      run: (count) => child.callWithin(RUN_MS_MAX, "run", count),
      held: () => child.callWithin(RUN_MS_MAX, "held"),
    });
    await child.call("close");
    child.tell("exit");
    continue;
  }
  if (!report.quick) await soak("sessions, memory", cycles, await Sessions.create(""));
  await soak("sessions, redis", cycles, await Sessions.create(await startRedis()));
}
report.print();
process.exit(0);

async function soak(subject: string, cycles: number, soaked: Soaked): Promise<void> {
  const taken = new Samples(report, subject, `at each ${each} of ${cycles}`);
  for (let sample = 1; sample <= samples; sample++) {
    await soaked.run(cycles / samples);
    const held = await soaked.held();
    taken.take(held);
    const shown = Object.entries(held).map(([what, value]) => `${what}: ${Math.round(value)}`);
    report.progress(`${subject}: ${(sample * cycles) / samples} of ${cycles}; ${shown.join("; ")}`);
  }
  taken.add();
}

function soakedChild(part: string): Child<SoakedCalls> {
  const file = fileURLToPath(new URL("./soak/soaked.ts", import.meta.url));
  return new Child<SoakedCalls>(part, spawned(process.execPath, ["--conditions=holdfast-source", file]));
}
