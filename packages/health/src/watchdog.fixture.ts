/** A process with a watchdog, in trouble of the kind that its first argument names. */
import { execFileSync } from "node:child_process";
import { writeSync } from "node:fs";
import { open } from "node:inspector";
import { startWatchdog } from "./watchdog.ts";

const [trouble, reportDir] = process.argv.slice(2);
const STALL_MS = 600;
/** Longer than the watchdog waits for a stack. */
const HOLD_MS = 10_000;

const end = startWatchdog({ stallMs: STALL_MS, reportDir });
process.stdout.write("watched\n");

function spinInHere(holdMs = HOLD_MS): void {
  const started = performance.now();
  while (performance.now() - started < holdMs);
}

if (trouble === "spins") setTimeout(spinInHere, 100, HOLD_MS);
if (trouble === "is debugged") {
  open(0);
  setTimeout(spinInHere, 100, 3 * STALL_MS);
}
if (trouble === "is watched no more") setTimeout(() => void end().then(() => spinInHere(3 * STALL_MS)), 100);
if (trouble === "writes to nobody") {
  // A child that shares standard error makes writes to it block.
  execFileSync("true", { stdio: "inherit" });
  setTimeout(() => {
    for (;;) writeSync(2, "x".repeat(1000));
  }, 100);
}
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
if (trouble === "counts") {
  // By turns that take as long after the process was frozen as before.
  const turn = () => {
    for (let counted = 0; counted < 1e8; counted++);
    setImmediate(turn);
  };
  turn();
}
if (trouble !== "ends") setTimeout(() => process.exit(0), (trouble === "counts" ? 10 : 4) * STALL_MS);
