import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { lockHolder, takeLock } from "./lock.ts";

async function lockPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "simgen-lock-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "lock");
}

test("a lock is one process's; who has it is said; one that a dead process left is taken over", async (t) => {
  const path = await lockPath(t);
  assert.equal(await lockHolder(path), undefined);
  await writeFile(path, "1");
  assert.equal(await takeLock(path), 1);
  assert.equal(await lockHolder(path), 1);
  await writeFile(path, String(spawnSync("true").pid));
  assert.equal(await takeLock(path), undefined);
  assert.equal(await readFile(path, "utf8"), String(process.pid));
  assert.deepEqual(await readdir(join(path, "..")), ["lock"]);
});

test("of many that take a dead one's lock at once, one has it", async (t) => {
  const path = await lockPath(t);
  await writeFile(path, String(spawnSync("true").pid));
  const program = `
    import { takeLock } from ${JSON.stringify(fileURLToPath(new URL("./lock.ts", import.meta.url)))};
    process.stdin.once("data", async () => console.log((await takeLock(${JSON.stringify(path)})) ?? "mine"));
    process.stdin.once("end", () => process.exit());
    console.log("ready");`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  t.after(() => {
    for (const child of children) child.kill();
  });
  await Promise.all(children.map((child) => once(child.stdout, "data")));
  const answers = children.map(async (child) => String((await once(child.stdout, "data"))[0]).trim());
  for (const child of children) child.stdin.write("go");
  const said = await Promise.all(answers);
  const winner = children[said.indexOf("mine")];
  assert.ok(winner);
  const others = said.filter((answer) => answer !== "mine");
  assert.deepEqual(others, Array(5).fill(String(winner.pid)));
  for (const child of children) child.stdin.end();
});
