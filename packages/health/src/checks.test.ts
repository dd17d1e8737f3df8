import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Check } from "./check.ts";
import { ageCheck, diskCheck, eventLoopCheck, memoryCheck } from "./checks.ts";
import { memoryUse } from "./memory-use.ts";

test("memory near its limit is a warning, at it a failure, and without a limit neither", async () => {
  const found = (usedBytes: number, limitBytes: number) =>
    outcome(memoryCheck({ read: () => ({ usedBytes: usedBytes * 2 ** 20, limitBytes: limitBytes * 2 ** 20 }) }));
  assert.equal(await found(79, 100), undefined);
  assert.equal(await found(80, 100), "80 of 100 MiB");
  await assert.rejects(found(95, 100), { message: "95 of 100 MiB" });
  assert.equal(await found(1e6, Number.POSITIVE_INFINITY), undefined);
});

test("a control group's memory counts without the file pages that the kernel can drop", async (t) => {
  const root = await folder(t);
  await writeFile(join(root, "memory.current"), "1000\n");
  await writeFile(join(root, "memory.stat"), "anon 300\ninactive_file 600\nactive_file 100\n");
  await writeFile(join(root, "memory.max"), "2000\n");
  assert.deepEqual(memoryUse(root), { usedBytes: 400, limitBytes: 2000 });
});

test("without a control group, resident memory counts", async (t) => {
  const { usedBytes } = memoryUse(await folder(t));
  assert.ok(usedBytes > 2 ** 20);
});

test("an event loop that is held up warns, then is well again", async () => {
  const check = eventLoopCheck({ warnMs: 100, failMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await outcome(check);
  await new Promise((resolve) => setTimeout(resolve, 50));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match((await outcome(check)) ?? "", /^timers are \d{3} ms late$/);
});

test("an event loop that nobody can wait for fails", async () => {
  const check = eventLoopCheck({ failMs: 200 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await assert.rejects(outcome(check), /^Error: timers are \d{3} ms late$/);
});

test("a disk with too little room warns or fails, one that is not there fails", async (t) => {
  const path = await folder(t);
  assert.equal(await outcome(diskCheck(path, { warnBytes: 0, failBytes: 0 })), undefined);
  assert.match((await outcome(diskCheck(path, { warnBytes: 2 ** 60, failBytes: 0 }))) ?? "", /^\d+ MiB free$/);
  await assert.rejects(outcome(diskCheck(path, { failBytes: 2 ** 60 })), /^Error: \d+ MiB free$/);
  await assert.rejects(outcome(diskCheck(join(path, "gone"))), { code: "ENOENT" });
});

test("what has not happened for too long warns, then fails", async (t) => {
  const file = join(await folder(t), "verified");
  const check = ageCheck(file, { warnMs: 3_600_000, failMs: 2 * 3_600_000 });
  assert.equal(await outcome(check), "never yet");
  const agoMs = (ms: number) => writeFile(file, `${new Date(Date.now() - ms).toISOString()}\n`);
  await agoMs(1_800_000);
  assert.equal(await outcome(check), undefined);
  await agoMs(1.5 * 3_600_000);
  assert.equal(await outcome(check), "1.5 hours ago");
  await agoMs(3 * 3_600_000);
  await assert.rejects(outcome(check), { message: "3.0 hours ago" });
  await writeFile(file, "yesterday");
  await assert.rejects(outcome(check), /expected a time in .*, got yesterday/);
});

async function outcome({ probe }: Check): Promise<string | undefined> {
  return probe(new AbortController().signal);
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "health-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
