/** D5: copies leave the host encrypted, and come back whole, or with a word on why not. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Recovery, SECRET, startRecovery } from "./recovery.fixture.ts";

describe("offsite.sh", () => {
  let recovery: Recovery;
  const ends: (() => Promise<void>)[] = [];
  let name: string;
  const elsewhere = () => join(recovery.dir, "elsewhere");
  const offsite = (args: string[], more: Record<string, string> = {}) =>
    recovery.run("offsite", args, { OFFSITE_REPOSITORY: elsewhere(), ...more });
  const filesOf = (folder: string) =>
    execFileSync("bash", ["-c", "find . -path './.*' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum"], {
      cwd: folder,
      encoding: "utf8",
    });

  before(async () => {
    recovery = await startRecovery({ after: (end) => ends.unshift(end) });
    name = await recovery.backup();
  });
  after(async () => {
    for (const end of ends) await end();
  });

  test("settings that are wrong or missing are named", async () => {
    for (const [args, more, words] of [
      [["push"], { OFFSITE_REPOSITORY: "" }, "OFFSITE_REPOSITORY: expected a place as restic takes it, got nothing"],
      [["push"], { RECOVERY_KEY: "" }, "RECOVERY_KEY: expected the key that copies are encrypted with, got nothing"],
      [["push"], { OFFSITE_ENV: "no setting" }, "OFFSITE_ENV: expected lines NAME=VALUE, got something else"],
      [["pull"], {}, "expected push, check, forget, list or fetch, got pull"],
      [[], {}, "expected push, check, forget, list or fetch, got nothing"],
      [["push", "more"], {}, "push: unexpected more"],
    ] as [string[], Record<string, string>, string][]) {
      const { code, said } = await offsite(args, more);
      assert.equal(code, 2);
      assert.equal(said[0], words);
    }
  });

  test("there is none before the first copy, and it is out of reach where there can be none", async () => {
    const none = await offsite(["check"]);
    assert.equal(none.code, 5);
    assert.equal(none.said[0], `there is no repository at ${elsewhere()}: offsite.sh push makes one`);
    const away = await offsite(["check"], { OFFSITE_REPOSITORY: "rest:http://127.0.0.1:1/" });
    assert.equal(away.code, 5);
    assert.match(away.said[0] ?? "", /^rest:http:\/\/127.0.0.1:1\/ is out of reach: /);
  });

  test("what is copied is all there is, of no use to whoever finds it, and comes back as it was", async () => {
    assert.equal((await offsite(["push"])).code, 0);
    assert.equal((await offsite(["check"])).code, 0);
    assert.match((await offsite(["list"])).stdout, /holdfast/);
    for (const word of [SECRET, "owner-3", name, "manifest.json"])
      assert.throws(() => execFileSync("grep", ["-rqa", word, elsewhere()]), word);
    const back = join(recovery.dir, "back");
    const fetched = await offsite(["fetch"], { BACKUP_DIR: back });
    assert.equal(fetched.code, 0, fetched.stderr);
    assert.equal(filesOf(back), filesOf(recovery.backups()));
    assert.equal((await recovery.run("verify", [name], { BACKUP_DIR: back })).code, 0);
    const there = { BACKUP_DIR: join(recovery.dir, "there"), OFFSITE_REPOSITORY: elsewhere() };
    assert.match((await recovery.run("restore", ["--fetch", "--list"], there)).stdout, new RegExp(`^${name} `));
  });

  test("a second copy takes only what is new, and what is not needed any more is forgotten", async () => {
    const packs = () => globSync("data/*/*", { cwd: elsewhere() }).length;
    const before = packs();
    assert.equal((await offsite(["push"])).code, 0);
    assert.ok(packs() <= before + 1, `${before} files, then ${packs()}`);
    assert.equal((await offsite(["forget"])).code, 0);
    assert.equal((await offsite(["check"])).code, 0);
  });

  test("a wrong key fails loudly, for all it is asked, and changes nothing", async () => {
    const before = filesOf(elsewhere());
    for (const command of ["push", "check", "list", "forget", "fetch"]) {
      const { code, said } = await offsite([command], {
        RECOVERY_KEY: "another key",
        BACKUP_DIR: join(recovery.dir, "x"),
      });
      assert.equal(code, 8, command);
      assert.equal(
        said[0],
        `RECOVERY_KEY does not open ${elsewhere()}: the copies there were made with another key; NOTHING can be restored from them with this one`,
      );
    }
    assert.equal(filesOf(elsewhere()), before);
  });

  test("a copy that is damaged is found", async () => {
    const [pack = ""] = globSync("data/*/*", { cwd: elsewhere() });
    const file = join(elsewhere(), pack);
    const bytes = readFileSync(file);
    rmSync(file);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    writeFileSync(file, bytes.subarray(0, bytes.length - 100), { mode: 0o644 });
    const { code, said } = await offsite(["check"]);
    assert.equal(code, 6);
    assert.match(said.at(-1) ?? "", /is damaged: restic repair may help; backups here are as they were$/);
    assert.ok(readdirSync(recovery.backups()).includes(name));
  });
});
