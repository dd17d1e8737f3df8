/** D1, D2: backups are made and proven by themselves, again when they fail, and at once when there is no good one. */
import assert from "node:assert/strict";
import { globSync, mkdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { kill, type Recovery, type Started, shared, startRecovery, until } from "./recovery.fixture.ts";

describe("schedule.sh", () => {
  let recovery: Recovery;
  const suite = shared();
  const running: Started[] = [];
  const start = (more: Record<string, string> = {}) => {
    const started = recovery.start("schedule", [], more);
    running.push(started);
    return started;
  };
  const stop = async (started: Started) => {
    kill(started, "SIGTERM");
    return started.ended;
  };

  before(async () => {
    recovery = await startRecovery(suite);
  });
  // A base backup is good only with the changes since.
  beforeEach(async () => {
    await rm(recovery.backups(), { recursive: true, force: true });
    const stream = recovery.start("wal");
    running.push(stream);
    await until(() => globSync("wal/*/*/*", { cwd: recovery.backups() }).length > 0, "changes are streamed");
  });
  afterEach(async () => {
    for (const started of running.splice(0)) await stop(started);
  });

  test("settings that are wrong are named", async () => {
    for (const [more, words] of [
      [{ BACKUP_AT: "25:00" }, "BACKUP_AT: expected a time such as 02:00, got 25:00"],
      [{ RETRY_MINUTES: "0" }, "RETRY_MINUTES: expected a whole number of 1 or more, got 0"],
      [{ BACKUP_HOURS_MAX: "six" }, "BACKUP_HOURS_MAX: expected a whole number of 1 or more, got six"],
    ] as [Record<string, string>, string][]) {
      const { code, said } = await recovery.run("schedule", [], more);
      assert.equal(code, 2);
      assert.equal(said[0], words);
    }
    assert.equal((await recovery.run("schedule", ["--nightly"])).code, 2);
  });

  test("with no good backup one is made and proven at once; it says that it is alive, and ends when told to", async () => {
    const started = start();
    await until(() => started.stderr().includes("retention: keeping"), "a night's work");
    const [name = ""] = recovery.names();
    assert.match(started.stderr(), new RegExp(`verify: ${name} is good`));
    assert.equal((await recovery.run("schedule", ["--alive"])).code, 0);
    assert.equal((await stop(started)).code, 0);
    assert.equal(recovery.names().length, 1);
  });

  test("with a good one of this database, it waits for the night", async () => {
    await recovery.backup({ args: [] });
    const started = start();
    await until(() => started.stderr().includes("a backup every day"), "it has started");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(recovery.names().length, 1);
    assert.equal((await stop(started)).code, 0);
  });

  test("a gap in the changes since the last base backup is reason enough for another one", async () => {
    await recovery.backup({ args: [] });
    const [stretch = ""] = globSync("wal/*/*", { cwd: recovery.backups() });
    const later = new Date(Date.now() + 3_600_000).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    mkdirSync(recovery.backups(dirname(stretch), later));
    const started = start();
    await until(() => recovery.names().length === 2, "another one");
    assert.equal((await stop(started)).code, 0);
  });

  test("a night's work that fails is said, does not keep the next from being tried, and proves no old backup again", async () => {
    renameSync(recovery.backups(await recovery.backup()), recovery.backups("20200101T020000Z"));
    const started = start({ DATABASE_URL: "postgres://simgen@127.0.0.1:1/simgen" });
    await until(() => started.stderr().includes("the night's work failed: again in 15 minutes"), "it has failed");
    assert.match(started.stderr(), /backup: the database is out of reach/);
    assert.doesNotMatch(started.stderr(), /verif/);
    assert.equal(started.child.exitCode, null);
    assert.equal((await stop(started)).code, 0);
  });

  test("told to end in the middle of a backup, it leaves nothing of it, and nobody", async () => {
    const started = start();
    await until(() => started.stderr().includes("backing up"), "it has begun");
    assert.equal((await stop(started)).code, 0);
    assert.deepEqual(recovery.names(), []);
    // It can be locked at once: nobody is at it.
    assert.equal((await recovery.run("schedule", ["--once"])).code, 0);
    assert.equal(recovery.names().length, 1);
  });
});
