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
  const reportDir = join(await folder(t), "made", "by it");
  const child = start(t, "spins", reportDir);
  const { pid } = child;
  const { code, signal, stderr } = await ended(child);
  assert.deepEqual([code, signal], [null, "SIGKILL"]);
  const report: StallReport = JSON.parse(stderr.split("\n")[0] ?? "");
  assert.equal(report.what, "event loop stalled");
  // What it calls of Node's own may be on top.
  const [own = ""] = report.stack.filter((frame) => !frame.includes("(node:"));
  const [, line] = /^spinInHere \(file:.*watchdog\.fixture\.ts:(\d+):\d+\)$/.exec(own) ?? [];
  assert.match((await readFile(FIXTURE, "utf8")).split("\n")[Number(line) - 1] ?? "", /^ {2}while .* holdMs/);
  assert.equal(report.pid, pid);
  assert.ok(report.stalledMs >= 600 && report.stalledMs <= 720, "the limit, and two ticks at most");
  const [file] = await readdir(reportDir);
  assert.deepEqual(JSON.parse(await readFile(join(reportDir, file ?? ""), "utf8")), report);
});

test("H4: one that waits for the system is ended as well", async (t) => {
  const { signal, stderr } = await ended(start(t, "waits"));
  assert.equal(signal, "SIGKILL");
  assert.deepEqual(JSON.parse(stderr.split("\n")[0] ?? "").stack, []);
});

test("H4: one that hangs because nobody reads its standard error is ended, and its report is kept", async (t) => {
  const reportDir = await folder(t);
  const [, signal] = await once(start(t, "writes to nobody", reportDir), "exit");
  assert.equal(signal, "SIGKILL");
  assert.match((await readdir(reportDir)).join(), /^stall-[^,]*\.json$/);
});

test("H4: a report that cannot be kept is printed, and the process ends", async (t) => {
  const file = join(await folder(t), "file");
  await writeFile(file, "");
  const { signal, stderr } = await ended(start(t, "spins", file));
  assert.equal(signal, "SIGKILL");
  const [report = "", trouble = ""] = stderr.split("\n");
  assert.equal(JSON.parse(report).what, "event loop stalled");
  assert.match(trouble, /^the report could not be kept: Error: EEXIST/);
});

test("a busy event loop is no hung one", async (t) => {
  assert.deepEqual(await ended(start(t, "is busy")), { code: 0, signal: null, stderr: "" });
});

test("a process that is frozen for a while goes on after it", async (t) => {
  const child = start(t, "counts");
  if (!child.stdout) throw new Error("no output");
  await once(child.stdout, "data");
  const end = ended(child);
  // Only where it was frozen between two beats could that be taken for a stall.
  for (let frozen = 0; frozen < 4; frozen++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 800));
    child.kill("SIGCONT");
  }
  assert.deepEqual(await end, { code: 0, signal: null, stderr: "" });
});

test("a process that sits in a debugger, and one that is watched no more, may stand still", async (t) => {
  const { code, signal } = await ended(start(t, "is debugged"));
  assert.deepEqual([code, signal], [0, null]);
  assert.deepEqual(await ended(start(t, "is watched no more")), { code: 0, signal: null, stderr: "" });
});

test("the watchdog's thread does not load what the application loads first", async (t) => {
  const first = `data:text/javascript,${encodeURIComponent('import fs from "node:fs"; fs.writeSync(2, "loaded\\n")')}`;
  const { code, stderr } = await ended(start(t, "idles", undefined, ["--import", first]));
  assert.deepEqual([code, stderr], [0, "loaded\n"]);
});

test("the watchdog keeps no process that has nothing left to do", async (t) => {
  assert.deepEqual(await ended(start(t, "ends")), { code: 0, signal: null, stderr: "" });
});

test("ten reports are kept, the newest, and whatever else is there", async (t) => {
  const reportDir = await folder(t);
  for (let day = 10; day < 25; day++) await writeFile(join(reportDir, `stall-2020-01-${day}.json`), "{}");
  await writeFile(join(reportDir, "notes.json"), "{}");
  await ended(start(t, "spins", reportDir));
  const [other, ...kept] = (await readdir(reportDir)).sort();
  assert.equal(other, "notes.json");
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

function start(t: TestContext, trouble: string, reportDir?: string, execArgv: string[] = []): ChildProcess {
  const args = [...process.execArgv, ...execArgv, FIXTURE, trouble, ...(reportDir === undefined ? [] : [reportDir])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
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
