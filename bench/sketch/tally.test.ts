import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const TALLY = new URL("./tally.ts", import.meta.url);
const LOOK = new URL("./look.ts", import.meta.url);

test("the tally counts what is right by wobble", () => {
  const { stdout, status } = run(TALLY, "--kind", "stack", "--seeds", "1-2", "--wobble", "0,2");
  assert.equal(status, 0);
  assert.match(stdout, /^stack +\d\/4 .* 0: \d\/2 +2: \d\/2/m);
  assert.match(stdout, /^all +\d\/4 /m);
});

test("the tally refuses what no recogniser may be tuned on", () => {
  assert.match(
    run(TALLY, "--kind", "four-bar-linkage").stderr,
    /--kind: expected some of pendulum,.*; got four-bar-linkage/,
  );
  assert.match(run(TALLY, "--seeds", "1000000-1000001").stderr, /--seeds: expected FIRST-LAST, below 1000000/);
});

test("a look at a sketch is a picture", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-look-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, "look.png");
  const { stdout, status } = run(LOOK, "stack", "1", "0", out);
  assert.equal(status, 0);
  assert.match(stdout, /^box-1 in strokes /m);
  assert.equal(readFileSync(out).subarray(1, 4).toString(), "PNG");
});

function run(program: URL, ...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const file = fileURLToPath(program);
  return spawnSync(process.execPath, ["--conditions=holdfast-source", file, ...args], { encoding: "utf8" });
}
