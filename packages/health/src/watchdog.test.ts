import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startWatchdog } from "./watchdog.ts";
import type { StallReport } from "./watchdog-thread.ts";

const FIXTURE = fileURLToPath(new URL("watchdog.fixture.ts", import.meta.url));

test("H4: an event loop that spins is ended, and the report says where", async (t) => {
  const reportDir = await folder(t);
  const { code, signal, stderr } = await ended(start(t, "spins", reportDir));
  assert.deepEqual([code, signal], [null, "SIGKILL"]);
  const report: StallReport = JSON.parse(stderr.split("\n")[0] ?? "");
  assert.equal(report.what, "event loop stalled");
  // What it calls of Node's own may be on top.
  const [own = ""] = report.stack.filter((frame) => !frame.includes("(node:"));
  assert.match(own, /^spinInHere \(file:.*watchdog\.fixture\.ts:\d+:\d+\)$/);
  assert.ok(report.stalledMs >= 600);
  const [file] = await readdir(reportDir);
  assert.deepEqual(JSON.parse(await readFile(join(reportDir, file ?? ""), "utf8")), report);
});

test("H4: one that waits for the system is ended as well", async (t) => {
  const { signal, stderr } = await ended(start(t, "waits"));
  assert.equal(signal, "SIGKILL");
  assert.deepEqual(JSON.parse(stderr.split("\n")[0] ?? "").stack, []);
});

test("a busy event loop is no hung one", async (t) => {
  assert.deepEqual(await ended(start(t, "is busy")), { code: 0, signal: null, stderr: "" });
});

test("a process that is frozen for a while goes on after it", async (t) => {
  const child = start(t, "idles");
  if (!child.stdout) throw new Error("no output");
  await once(child.stdout, "data");
  child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  child.kill("SIGCONT");
  assert.deepEqual(await ended(child), { code: 0, signal: null, stderr: "" });
});

test("the watchdog keeps no process that has nothing left to do", async (t) => {
  assert.deepEqual(await ended(start(t, "ends")), { code: 0, signal: null, stderr: "" });
});

test("ten reports are kept, the newest", async (t) => {
  const reportDir = await folder(t);
  for (let day = 10; day < 25; day++) await writeFile(join(reportDir, `stall-2020-01-${day}.json`), "{}");
  await ended(start(t, "spins", reportDir));
  const kept = (await readdir(reportDir)).sort();
  assert.equal(kept.length, 10);
  assert.equal(kept[0], "stall-2020-01-16.json");
  assert.doesNotMatch(kept.at(-1) ?? "", /2020/);
});

test("options out of bounds are refused by name", () => {
  assert.throws(() => startWatchdog({ stallMs: 1 }), {
    code: "option_invalid",
    message: /^watchdog: stallMs: expected a number from 100 to \d+, got 1$/,
  });
});

function start(t: TestContext, trouble: string, ...more: string[]): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, FIXTURE, trouble, ...more], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, stderr };
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "watchdog-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
