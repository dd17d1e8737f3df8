/** backup.sh, ended at any of its steps (D1): there is no backup, or a whole one, and the next run works. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { startRedis } from "../apps/simgen/server/redis.fixture.ts";
import { kill, type Recovery, shared, startRecovery, stepsOf, until } from "./recovery.fixture.ts";

const KILLED_BEFORE = ["pg_dump", "pg_dumpall", "gzip", "openssl", "pg_basebackup", "sync", "mv"];

const file = shared();
let recovery: Recovery;

before(async () => {
  recovery = await startRecovery(file);
});

const complete = (folder: string) => readdirSync(folder).filter((name) => /^\d/.test(name));

for (const whole of [true, false])
  test(`D1: killed at any step, ${whole ? "with all it has started" : "alone"}, it leaves no backup or a whole one`, async (t) => {
    const redis = await startRedis(t);
    const folder = recovery.backups(whole ? "whole" : "alone");
    const environment = { BACKUP_DIR: folder };
    const settings = { ...environment, REDIS_URL: redis.url, CONFIG_PATHS: "config" };
    const steps = stepsOf(recovery, KILLED_BEFORE);
    const killed: string[] = [];
    let found: string[] = [];
    // Whether what was started goes on alone is the same at each step: a few of them will do.
    for (let number = 1; ; number += whole ? 1 : 3) {
      const script = recovery.start("backup", ["--wait", "20"], { ...settings, ...steps.environment(number) });
      await until(() => steps.reached() !== undefined || script.child.exitCode !== null, "the step, or the end");
      const step = steps.reached();
      if (step === undefined) {
        assert.equal((await script.ended).code, 0, "it got through");
        break;
      }
      kill(script, "SIGKILL", whole);
      steps.goOn();
      await script.ended;
      killed.push(step.replace(/ .*/, ""));
      const now = complete(folder);
      for (const name of now.filter((name) => !found.includes(name)))
        assert.equal(
          (await recovery.run("verify", [name, "--wait", "20"], settings)).said.at(-1)?.replace(/ \(.*/, ""),
          `the log of changes since the base backup ${name} is missing`,
          `${name}, after ${step}`,
        );
      found = now;
    }
    if (whole) assert.deepEqual([...new Set(killed)].sort(), KILLED_BEFORE.toSorted(), "every step was tried");
    assert.ok(killed.length > (whole ? 15 : 4), `${killed.length} steps`);
    // The newest is the one that got through; the one before, if any, was killed when all was done.
    assert.ok(complete(folder).length - found.length === 1 && found.length <= (whole ? 3 : 2), found.join());
    for (const place of [folder, join(folder, "base")])
      assert.deepEqual(
        readdirSync(place).filter((name) => name.startsWith(".incomplete")),
        [],
        place,
      );
    t.diagnostic(`killed before each of ${killed.length} commands; ${found.length} were whole by then`);
  });

test("D1: told to end, it ends what it has started, and takes away what is incomplete", async () => {
  const folder = recovery.backups("told");
  const environment = { BACKUP_DIR: folder };
  const steps = stepsOf(recovery, ["pg_dump", "pg_basebackup"]);
  for (const [number, command] of [
    [2, "pg_dump"],
    [3, "pg_basebackup"],
  ] as const) {
    const script = recovery.start("backup", [], { ...environment, ...steps.environment(number) });
    await until(() => steps.reached() !== undefined, command);
    assert.match(steps.reached() ?? "", new RegExp(`^${command} `));
    const told = Date.now();
    kill(script, "SIGTERM");
    const { code, said } = await script.ended;
    assert.equal(code, 1);
    assert.equal(said.at(-1), "interrupted: no backup was made");
    assert.ok(Date.now() - told < 2000, `${Date.now() - told} ms`);
    assert.deepEqual([readdirSync(folder).sort(), readdirSync(join(folder, "base"))], [[".lock", "base"], []]);
  }
  // Nothing holds the lock.
  assert.equal((await recovery.run("retention", ["--dry-run"], environment)).code, 0);
});
