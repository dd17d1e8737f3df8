import { spawn } from "node:child_process";
import { constants } from "node:os";

/** The reason opens npm's output and closes most others'. */
const OUTPUT_LINES = { first: 12, last: 16 };

/** A step that failed, in words for the person at the terminal; `output` is what the step printed, cut short. */
export class StepError extends Error {
  constructor(message, output = "") {
    super(message);
    const lines = output.trimEnd().split("\n");
    const { first, last } = OUTPUT_LINES;
    this.output = (lines.length > first + last ? [...lines.slice(0, first), "…", ...lines.slice(-last)] : lines).join(
      "\n",
    );
  }
}

/** Prints a line about the set-up. Standard output belongs to the program that is started. */
export function say(line) {
  process.stderr.write(`holdfast: ${line}\n`);
}

const running = new Set();
let stopping;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stopOn(signal));

// npm killed outright cannot say so: its programs would stay, and keep their ports.
const parent = process.ppid;
if (process.env.npm_lifecycle_event) setInterval(() => process.ppid === parent || stopOn("SIGTERM"), 500).unref();

function stopOn(signal) {
  stopping ??= signal;
  if (running.size === 0) process.exit(exitStatus(null, signal));
  for (const child of running) child.kill(signal);
}

/**
 * Runs a program on this terminal and resolves to its exit status, 128 + the signal's number when one ended it.
 * Signals to this process go to the program. After `timeoutMs` it gets a SIGTERM.
 */
export async function run(command, args, { timeoutMs = 0 } = {}) {
  const child = spawn(command, args, { stdio: "inherit" });
  const timer = timeoutMs > 0 && setTimeout(() => child.kill("SIGTERM"), timeoutMs);
  try {
    return await ended(child);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs one step of the set-up without a sound; when it fails, throws a StepError with the end of its output. */
export async function runStep(title, command, args, env = process.env) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const status = await ended(child).catch((error) => {
    throw new StepError(`${title} failed: ${error.message}`);
  });
  if (stopping) process.exit(exitStatus(null, stopping));
  if (status !== 0)
    throw new StepError(`${title} failed (exit status ${status}): ${command} ${args.join(" ")}`, output);
}

/** Asks every running program to end. */
export function stopAll() {
  for (const child of running) child.kill("SIGTERM");
}

function ended(child) {
  running.add(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(exitStatus(code, signal)));
  }).finally(() => running.delete(child));
}

function exitStatus(code, signal) {
  return signal ? 128 + constants.signals[signal] : code;
}
