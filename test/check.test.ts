import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

// A test rather than a step before the tests: so a wrong type shows in the summary, and keeps nobody from the rest of it.
test("types, lint and format are right (npm run check)", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/setup.mjs", "check"], { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
