import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type after, test } from "node:test";
import { Redis } from "./redis.ts";

test("Redis comes back empty, under the same address", async (t) => {
  const { redis } = await started(t, { keeps: false });
  await redis.command("SET key value");
  await redis.restartEmpty();
  assert.equal(await redis.command("EXISTS key"), ":0");
});

test("Redis comes back with what it had at the snapshot", async (t) => {
  const { redis } = await started(t, { keeps: false });
  await redis.command("SET before 1");
  await redis.snapshot();
  await redis.command("SET after 1");
  await redis.restore();
  assert.equal(await redis.command("EXISTS before"), ":1");
  assert.equal(await redis.command("EXISTS after"), ":0");
});

test("one that keeps comes back with what it had", async (t) => {
  const { redis } = await started(t, { keeps: true });
  await redis.command("SET key value");
  await redis.kill();
  await assert.rejects(redis.command("PING"), /ECONNREFUSED/);
  await redis.start();
  assert.equal(await redis.command("EXISTS key"), ":1");
});

test("a frozen Redis answers when it thaws", async (t) => {
  const { redis } = await started(t, { keeps: false });
  redis.freeze();
  let answered = false;
  const answer = redis.command("PING").then((text) => {
    answered = true;
    return text;
  });
  await new Promise((later) => setTimeout(later, 200));
  assert.equal(answered, false);
  redis.thaw();
  assert.equal(await answer, "+PONG");
});

test("each process is told of when it starts and when it has ended", async (t) => {
  const { redis, watched } = await started(t, { keeps: false });
  assert.equal(watched.size, 1);
  await redis.kill();
  assert.equal(watched.size, 0);
});

async function started(t: { after: typeof after }, { keeps }: { keeps: boolean }) {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-redis-"));
  const watched = new Set<number>();
  const redis = await Redis.start(join(folder, "data"), {
    keeps,
    watch: (pid) => watched.add(pid),
    forget: (pid) => watched.delete(pid),
  });
  t.after(async () => {
    await redis.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return { redis, watched };
}
