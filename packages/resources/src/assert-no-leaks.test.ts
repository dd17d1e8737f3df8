import assert, { AssertionError } from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assertNoLeaks } from "./assert-no-leaks.ts";
import { processResources } from "./default-resources.ts";
import { Resources } from "./resources.ts";

const gone = () => {};

test("a test that gives everything back passes, at once", async () => {
  const { t, end } = fakeTest();
  const resources = new Resources();
  assertNoLeaks(t, resources);
  await resources.scope("a").use((scope) => scope.acquire("db", gone, gone));
  await end();
});

test("what a test still holds is listed, with whose it is and the line that acquired it", async () => {
  const { t, end } = fakeTest();
  const resources = new Resources();
  assertNoLeaks(t, resources);
  const scope = resources.scope("job 17");
  await scope.acquire("socket", async () => 1, gone);
  await assert.rejects(end(), (error) => {
    assert.ok(error instanceof AssertionError);
    const lines = error.message.split("\n");
    assert.equal(lines[0], "2 still held after the test");
    for (const owned of ["scope of job 17", "socket of job 17"]) {
      const at = lines.indexOf(owned);
      assert.ok(at > 0, error.message);
      assert.match(lines[at + 1] ?? "", /^ {4}at .*assert-no-leaks\.test\.ts:\d+:\d+/);
    }
    return true;
  });
  await scope.close();
});

test("what is still ending has a second", async () => {
  const { t, end } = fakeTest();
  const resources = new Resources();
  assertNoLeaks(t, resources);
  const scope = resources.scope("a");
  await scope.acquire("db", gone, () => new Promise((resolve) => setTimeout(resolve, 100)));
  void scope.close();
  await end();
});

test("what was held before the test, and is watched anyway, is not the test's", async () => {
  const { t, end } = fakeTest();
  const resources = new Resources({ kinds: { db: { leakMs: 60_000 } } });
  const before = resources.scope("before");
  await before.acquire("db", gone, gone);
  assertNoLeaks(t, resources);
  await end();
  await before.close();
});

test("everything is traced during the test, and after it as before", async () => {
  for (const before of [false, true]) {
    const { t, end } = fakeTest();
    const resources = new Resources();
    resources.watch.tracesAll = before;
    assertNoLeaks(t, resources);
    assert.equal(resources.watch.tracesAll, true);
    const scope = resources.scope("a");
    const failing = end();
    await assert.rejects(failing, AssertionError);
    assert.equal(resources.watch.tracesAll, before);
    await scope.close();
  }
});

test("unless told otherwise, it is about what the process holds", async () => {
  const { t, end } = fakeTest();
  assertNoLeaks(t);
  const scope = processResources.scope("a");
  await assert.rejects(end(), /scope of a\n/);
  await scope.close();
});

test("node:test shows the line that acquired what leaks, and passes the test that does not leak", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-leaks-"));
  t.after(() => rm(folder, { recursive: true }));
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url));
  const file = join(folder, "leaky.test.mjs");
  await writeFile(
    file,
    `import { test } from "node:test";
import { assertNoLeaks } from ${url("./assert-no-leaks.ts")};
import { scope } from ${url("./default-resources.ts")};
test("leaks", async (t) => {
  assertNoLeaks(t);
  const job = scope("job 17");
  await job.acquire("socket", async () => 1, () => {});
});
test("does not leak", async (t) => {
  assertNoLeaks(t);
  await using job = scope("job 18");
  await job.acquire("socket", async () => 1, () => {});
});
`,
  );
  const { code, output } = await run(["--conditions=holdfast-source", "--test", "--test-reporter=spec", file]);
  assert.equal(code, 1);
  assert.match(output, /2 still held after the test/);
  assert.match(output, /socket of job 17\n.*leaky\.test\.mjs:7:\d+/);
  assert.match(output, /scope of job 17\n.*leaky\.test\.mjs:6:\d+/);
  assert.match(output, /✔ does not leak/);
  assert.doesNotMatch(output, /job 18/);
});

/** What a test is to `assertNoLeaks`; it ends when `end` is called. */
function fakeTest() {
  const after: (() => unknown)[] = [];
  const end = async () => {
    for (const fn of after) await fn();
  };
  return { t: { after: (fn: () => unknown) => void after.push(fn) }, end };
}

function run(args: string[]): Promise<{ code: unknown; output: string }> {
  // A test within a test would report to it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: 30_000 }, (error, stdout) =>
      resolve({ code: error?.code ?? 0, output: stdout }),
    );
  });
}
