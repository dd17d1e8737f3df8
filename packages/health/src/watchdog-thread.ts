/** The thread of a watchdog. */
import { mkdirSync, readdirSync, rmSync, write, writeFileSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { CELL } from "./watchdog.ts";

export interface WatchdogData {
  cells: Int32Array;
  stallMs: number;
  tickMs: number;
  reportDir: string | undefined;
}

export interface StallReport {
  what: "event loop stalled";
  /** ISO 8601. */
  at: string;
  pid: number;
  stalledMs: number;
  /** What the event loop was in, innermost first; without frames when that was no JavaScript. */
  stack: string[];
  rssBytes: number;
  uptimeSeconds: number;
}

const REPORTS_MAX = 10;
const FRAMES_MAX = 50;
/** JavaScript is stopped at once; a call into the system is not stopped at all, ms. */
const STACK_MS_MAX = 5_000;
const STDERR = 2;
/** Where nobody reads standard error, the event loop may hang in that very write, ms. */
const STDERR_MS_MAX = 2_000;

function watch({ cells, stallMs, tickMs, reportDir }: WatchdogData): void {
  let beats = Atomics.load(cells, CELL.beats);
  let stalledMs = 0;
  let lookedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    // Where this thread did not run either, the whole process was frozen.
    const passedMs = Math.min(now - lookedAt, 2 * tickMs);
    lookedAt = now;
    const current = Atomics.load(cells, CELL.beats);
    stalledMs = current === beats && Atomics.load(cells, CELL.isDebugged) === 0 ? stalledMs + passedMs : 0;
    beats = current;
    if (stalledMs < stallMs) return;
    clearInterval(timer);
    void end(stalledMs, reportDir);
  }, tickMs);
}

async function end(stalledMs: number, reportDir: string | undefined): Promise<void> {
  try {
    await leave(
      {
        what: "event loop stalled",
        at: new Date().toISOString(),
        pid: process.pid,
        stalledMs: Math.round(stalledMs),
        stack: await mainStack(),
        rssBytes: process.memoryUsage.rss(),
        uptimeSeconds: Math.round(process.uptime()),
      },
      reportDir,
    );
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}

/** By stopping the main thread as a debugger does. */
function mainStack(): Promise<string[]> {
  return new Promise((resolve) => {
    const session = new Session();
    const urls = new Map<string, string>();
    session.connectToMainThread();
    session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => urls.set(scriptId, url));
    session.on("Debugger.paused", ({ params }) =>
      resolve(params.callFrames.slice(0, FRAMES_MAX).map((frame) => shown(frame, urls))),
    );
    session.post("Debugger.enable");
    session.post("Debugger.pause");
    setTimeout(() => resolve([]), STACK_MS_MAX);
  });
}

function shown({ functionName, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const { scriptId, lineNumber, columnNumber = 0 } = location;
  return `${functionName || "(anonymous)"} (${urls.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1})`;
}

/** The file first: standard error may be full or closed. */
async function leave(report: StallReport, reportDir: string | undefined): Promise<void> {
  let said = `${JSON.stringify(report)}\n`;
  try {
    if (reportDir !== undefined) keep(report, reportDir);
  } catch (error) {
    said += `the report could not be kept: ${error}\n`;
  }
  await new Promise<void>((resolve) => {
    write(STDERR, said, () => resolve());
    setTimeout(resolve, STDERR_MS_MAX);
  });
}

function keep(report: StallReport, reportDir: string): void {
  mkdirSync(reportDir, { recursive: true });
  writeFileSync(join(reportDir, `stall-${report.at.replaceAll(":", "-")}.json`), JSON.stringify(report, null, 2));
  const reports = readdirSync(reportDir).filter((name) => /^stall-.*\.json$/.test(name));
  for (const old of reports.sort().slice(0, -REPORTS_MAX)) rmSync(join(reportDir, old));
}

watch(workerData);
