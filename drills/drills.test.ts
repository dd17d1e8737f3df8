import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type after, test } from "node:test";
import { fileURLToPath } from "node:url";

// Small and short here; at full size with npm run drill. What the oracle finds, rig/oracle.test.ts shows.
const SMALL = ["--clients", "20", "--warm-seconds", "3", "--seconds", "4", "--counts-only"];

interface Outcome {
  rows: { metric: string; value: number }[];
}

test("kill -9 of a server loses, doubles and reorders nothing (S1, S2, S3, S7)", async (t) => {
  const { status, printed, value, left } = await finished(t, "server-killed", ...SMALL, "--json");
  assert.equal(status, 0, printed);
  assert.ok(value("connections broken") > 0, printed);
  assert.ok(value("ticks arrived") > 400 && value("echoes arrived") > 400, printed);
  assert.deepEqual(left(), []);
});

test("Redis comes back empty: nothing is lost unsaid, and no connection breaks (S1, S5, S6, S7)", async (t) => {
  const { status, printed, value, left } = await finished(t, "redis-emptied", ...SMALL, "--json");
  assert.equal(status, 0, printed);
  assert.ok(value("ticks arrived") > 400 && value("echoes arrived") > 400, printed);
  assert.deepEqual(left(), []);
});

test("the language model's vendor fails: the rules stand in, and only probes reach it (B2, B5, H2)", async (t) => {
  const options = ["--rate", "10", "--seconds", "4", "--counts-only", "--json"];
  const { status, printed, value, left } = await finished(t, "llm-down", ...options);
  assert.equal(status, 0, printed);
  assert.ok(value("while open: prompts") > 10, printed);
  assert.deepEqual(left(), []);
});

test("a drill that is interrupted leaves nothing behind", async (t) => {
  const drill = started(t, "server-frozen", "--clients", "5", "--warm-seconds", "1");
  while (!drill.printed().includes("SIGSTOP")) await once(drill.process.stderr ?? drill.process, "data");
  drill.process.kill("SIGTERM");
  assert.deepEqual(await once(drill.process, "close"), [143, null]);
  assert.deepEqual(drill.left(), []);
});

test("an option that is not understood is refused with what was expected", async (t) => {
  const { status, printed } = await finished(t, "server-killed", "--clients", "many");
  assert.equal(status, 2);
  assert.match(printed, /--clients: expected a whole number from 1 on, got "many"/);
});

// ---- a drill as a process; its temporary folder is one of its own ----

function started(t: { after: typeof after }, name: string, ...options: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-drills-"));
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const drill: ChildProcess = spawn(process.execPath, ["--conditions=holdfast-source", file, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: folder },
  });
  t.after(() => {
    drill.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  let printed = "";
  for (const stream of [drill.stdout, drill.stderr])
    stream?.setEncoding("utf8").on("data", (text) => {
      printed += text;
    });
  return {
    process: drill,
    printed: () => printed,
    /** Files, and processes that have inherited the folder. */
    left: () => [...readdirSync(folder), ...processesWith(`TMPDIR=${folder}`)],
  };
}

async function finished(t: { after: typeof after }, name: string, ...options: string[]) {
  const drill = started(t, name, ...options);
  let output = "";
  drill.process.stdout?.on("data", (text) => {
    output += text;
  });
  const [status] = await once(drill.process, "close");
  const value = (metric: string): number => {
    const { rows }: Outcome = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
    return rows.find((row) => row.metric === metric)?.value ?? Number.NaN;
  };
  return { ...drill, status, printed: drill.printed(), value };
}

function processesWith(variable: string): string[] {
  if (!existsSync("/proc")) return [];
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(variable);
      } catch {
        return false;
      }
    });
}
