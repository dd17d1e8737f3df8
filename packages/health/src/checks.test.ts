import assert from "node:assert/strict";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Check } from "./check.ts";
import { ageCheck, diskCheck, eventLoopCheck, memoryCheck } from "./checks.ts";
import { memoryUse } from "./memory-use.ts";

test("H5: memory and the event loop are this server's own trouble, a disk and a backup nobody's outage", () => {
  const kinds = [memoryCheck(), eventLoopCheck(), diskCheck("/"), ageCheck("/verified")].map(({ kind }) => kind);
  assert.deepEqual(kinds, ["local", "local", "optional", "optional"]);
});

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

test("without a control group, or a limit in it, resident memory counts, and the limit that Node knows of", async (t) => {
  const root = await folder(t);
  const constrained = t.mock.method(process, "constrainedMemory", () => 2 ** 40);
  assert.ok(memoryUse(root).usedBytes > 2 ** 20);
  assert.equal(memoryUse(root).limitBytes, 2 ** 40);
  await writeFile(join(root, "memory.current"), "1000\n");
  await writeFile(join(root, "memory.stat"), "");
  await writeFile(join(root, "memory.max"), "max\n");
  assert.ok(memoryUse(root).usedBytes > 2 ** 20);
  for (const none of [0, 2 ** 64]) {
    constrained.mock.mockImplementation(() => none);
    assert.equal(memoryUse(root).limitBytes, Number.POSITIVE_INFINITY);
  }
});

test("an event loop that is held up warns, then is well again", async () => {
  const check = eventLoopCheck({ warnMs: 1_500, failMs: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await outcome(check);
  await new Promise((resolve) => setTimeout(resolve, 50));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_700);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match((await outcome(check)) ?? "", /^timers are \d+ ms late$/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await outcome(check), undefined);
});

test("an event loop that nobody can wait for fails", async () => {
  const check = eventLoopCheck();
  await new Promise((resolve) => setTimeout(resolve, 50));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await assert.rejects(outcome(check), /^Error: timers are \d+ ms late$/);
});

test("a disk with too little room warns or fails, one that is not there fails", async (t) => {
  const path = await folder(t);
  assert.equal(await outcome(diskCheck(path, { warnBytes: 0, failBytes: 0 })), undefined);
  const [, freeMib] = /^(\d+) MiB free$/.exec((await outcome(diskCheck(path, { warnBytes: 2 ** 60 }))) ?? "") ?? [];
  const { bavail, bsize } = await statfs(path);
  assert.ok(Math.abs(Number(freeMib) - (bavail * bsize) / 2 ** 20) < 1024, "what others may write, not what root may");
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

test("a backup is verified once a day: an hour or two late is well, two days are not", async (t) => {
  const file = join(await folder(t), "verified");
  const found = async (hours: number) => {
    await writeFile(file, new Date(Date.now() - hours * 3_600_000).toISOString());
    return outcome(ageCheck(file));
  };
  assert.equal(await found(25.9), undefined);
  assert.equal(await found(26.1), "26.1 hours ago");
  assert.equal(await found(49.9), "49.9 hours ago");
  await assert.rejects(found(50.1), { message: "50.1 hours ago" });
});

test('a time that cannot be read is no "never yet"', async (t) => {
  await assert.rejects(outcome(ageCheck(await folder(t))), { code: "EISDIR" });
});

async function outcome({ probe }: Check): Promise<string | undefined> {
  return probe(new AbortController().signal);
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "health-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}
