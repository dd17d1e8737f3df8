/** A process with a watchdog, in trouble of the kind that its first argument names. */
import { execFileSync } from "node:child_process";
import { startWatchdog } from "./watchdog.ts";

const [trouble, reportDir] = process.argv.slice(2);
const STALL_MS = 600;
/** Longer than the watchdog waits for a stack. */
const HOLD_MS = 10_000;

startWatchdog({ stallMs: STALL_MS, reportDir });
process.stdout.write("watched\n");

function spinInHere(): void {
  const started = performance.now();
  while (performance.now() - started < HOLD_MS);
}

if (trouble === "spins") setTimeout(spinInHere, 100);
if (trouble === "waits") setTimeout(() => execFileSync("sleep", [String(HOLD_MS / 1000)], { stdio: "ignore" }), 100);
if (trouble === "is busy") {
  // Busy as it is, its turns are short.
  const turn = () => {
    const started = performance.now();
    while (performance.now() - started < STALL_MS / 4);
    setImmediate(turn);
  };
  turn();
}
if (trouble !== "ends") setTimeout(() => process.exit(0), 4 * STALL_MS);
