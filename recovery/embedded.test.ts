import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { emptyDataDir, metric, startServer, Visitor } from "../apps/simgen/server/server.fixture.ts";

const EMBEDDED = fileURLToPath(new URL("./embedded.ts", import.meta.url));
const BACKUP_SECONDS_MAX = 60;

interface Ended {
  code: number | null;
  stderr: string;
  /** The line for machines. */
  line: Record<string, unknown>;
}

async function ended(child: ReturnType<typeof spawn>, typed = ""): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  child.stdin?.end(typed);
  const [code] = await once(child, "close");
  return { code, stderr, line: stdout.startsWith("{") ? JSON.parse(stdout) : {} };
}

function embedded(dataDir: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", EMBEDDED, ...args], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...env },
    timeout: BACKUP_SECONDS_MAX * 1000,
  });
  return ended(child);
}

async function emptyData(t: TestContext): Promise<string> {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

test("npm start, backup while it runs, kill -9, restore: what was there is back, and people know their own (D1, D3)", async (t) => {
  const dataDir = await emptyData(t);
  const env = { DATA_DIR: dataDir };
  const server = await startServer(t, env);
  const visitor = new Visitor(server);
  const then = await visitor.create({ template: "pendulum" });

  const made = await embedded(dataDir, ["backup"]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(
    made.stderr,
    /^\S+Z \d+\.\d MB copied, while changes waited for \d+ ms\n.*\n.*restored and compared: \d+ rows in \d+ tables\n/,
  );
  assert.partialDeepStrictEqual(made.line, { ok: true, simulations: 1, removed: [] });
  assert.match(server.output(), /the database was held still for a backup/);

  const later = await visitor.create({ template: "pendulum" });
  const busy = await embedded(dataDir, ["restore", "--yes"]);
  assert.equal(busy.code, 3);
  assert.match(
    busy.stderr,
    new RegExp(`process ${server.process.pid} has the database in .*: stop it \\(kill ${server.process.pid}\\)`),
  );
  const tried = await embedded(dataDir, ["restore", "--dry-run"]);
  assert.equal(tried.code, 0, tried.stderr);
  assert.equal((await visitor.request("GET", `/api/v1/simulations/${later.id}`)).status, 200, "and it serves on");

  await server.stop("SIGKILL");
  const restored = await embedded(dataDir, ["restore", "--yes"]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stderr, /now 2 simulations; after this 1 simulations\. What is there is kept beside it\n/);
  assert.partialDeepStrictEqual(restored.line, {
    ok: true,
    name: made.line.name,
    simulationsThen: 1,
    simulationsNow: 2,
  });

  const again = await startServer(t, env);
  const same = new Visitor(again, visitor.headers);
  const { simulations } = (await same.request("GET", "/api/v1/simulations")).body;
  assert.deepEqual(
    simulations.map(({ id }) => id),
    [then.id],
  );
  assert.equal(await metric(again, 'simgen_health_check{check="backup",status="pass"}'), 1);
  assert.equal(await again.stop(), 0);
  assert.ok(!(await readdir(dataDir)).includes("backup.sock"));
});

test("without a server it opens the data itself, and gives it back", async (t) => {
  const dataDir = await emptyData(t);
  const made = await embedded(dataDir, ["backup"]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual((await readdir(dataDir)).sort(), ["backups", "postgres"]);
  const listed = await embedded(dataDir, ["backup", "--list"]);
  assert.match(
    listed.stderr,
    new RegExp(`^\\S+ ${made.line.name}  verified, 0\\.0 hours old, \\d\\.\\d MB, 0 simulations\n$`),
  );
  assert.partialDeepStrictEqual(listed.line, { backups: [{ name: made.line.name, verified: true }] });
});

test("the age of the last backup is in the health, by BACKUP_DIR", async (t) => {
  const dataDir = await emptyData(t);
  const backupDir = join(dataDir, "elsewhere");
  const made = await embedded(dataDir, ["backup"], { BACKUP_DIR: backupDir });
  assert.equal(made.code, 0, made.stderr);
  await writeFile(join(backupDir, "last-verified"), `${new Date(Date.now() - 30 * 3_600_000).toISOString()}\n`);
  const server = await startServer(t, { DATA_DIR: dataDir, BACKUP_DIR: backupDir });
  const key = new Visitor(server);
  assert.equal((await key.request("GET", "/health/detailed")).body.checks.backup?.detail, "30.0 hours ago");
});

test("two at once: one backup is made, and the other ends with 3", async (t) => {
  const dataDir = await emptyData(t);
  const both = await Promise.all([embedded(dataDir, ["backup"]), embedded(dataDir, ["backup"])]);
  assert.deepEqual(both.map(({ code }) => code).sort(), [0, 3], both.map(({ stderr }) => stderr).join("\n"));
  assert.match(both.find(({ code }) => code === 3)?.stderr ?? "", /process \d+ is working on the backups in /);
});

test("a restore is confirmed by the backup's name, or by --yes; otherwise nothing is changed, with 7 (D3)", async (t) => {
  const dataDir = await emptyData(t);
  const name = String((await embedded(dataDir, ["backup"])).line.name);
  const refused = await embedded(dataDir, ["restore"]);
  assert.equal(refused.code, 7);
  assert.match(
    refused.stderr,
    /this is no terminal, so nobody can confirm it: --yes does\n.*not confirmed: nothing was changed\n$/,
  );
  assert.deepEqual(refused.line, { ok: false, code: "restore_refused", message: "not confirmed: nothing was changed" });
  const terminal = (typed: string) => {
    const command = `${process.execPath} --conditions=holdfast-source ${EMBEDDED} restore`;
    const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { PATH: process.env.PATH, DATA_DIR: dataDir },
    });
    return ended(child, typed);
  };
  for (const typed of ["yes\n", "\n", `${name}x\n`]) assert.equal((await terminal(typed)).code, 7, typed);
  assert.deepEqual((await readdir(dataDir)).sort(), ["backups", "postgres"]);
  assert.equal((await terminal(`${name}\n`)).code, 0);
  assert.equal((await readdir(dataDir)).filter((each) => each.startsWith("before-")).length, 1);
});

test("a damaged backup ends with 6, a server that does not answer with 5, and wrong usage with 2", async (t) => {
  const dataDir = await emptyData(t);
  const { line } = await embedded(dataDir, ["backup"]);
  await truncate(join(String(line.folder), "postgres.tar.gz"), 99);
  const damaged = await embedded(dataDir, ["restore", "--yes"]);
  assert.equal(damaged.code, 6);
  assert.match(damaged.stderr, /is damaged: postgres\.tar\.gz has 99 bytes, expected \d+\n$/);
  const listed = await embedded(dataDir, ["backup", "--list"]);
  assert.partialDeepStrictEqual(listed.line, { backups: [{ verified: false }] });
  assert.match(listed.stderr, /is damaged: postgres\.tar\.gz has 99 bytes/);

  // A server of an older version: it has the lock, and nothing to ask.
  await writeFile(join(dataDir, "lock"), String(process.pid));
  const deaf = await embedded(dataDir, ["backup"]);
  assert.equal(deaf.code, 5);
  assert.match(deaf.stderr, new RegExp(`process ${process.pid} has the database and offers no backup at `));
  assert.deepEqual((await readdir(join(dataDir, "backups"))).sort(), ["last-verified", line.name].sort());
  await rm(join(dataDir, "lock"));

  for (const [args, env, said] of [
    [["backup", "--lst"], {}, /expected --list or nothing, got --lst\nnpm run backup/],
    [["restore", "yesterday"], {}, /expected a backup's name, a date or latest, got yesterday\n/],
    [["restore", "2026-13-01"], {}, /expected a backup's name, a date or latest, got 2026-13-01\n/],
    [["restore", "latest", "latest"], {}, /expected one backup, --yes and --dry-run, got latest\n/],
    [["dump"], {}, /expected backup or restore, got dump\n/],
    [
      ["backup"],
      { DATABASE_URL: "postgres://db/x" },
      /DATABASE_URL is set, and this is for the embedded database: see recovery\/backup\.sh/,
    ],
    [["backup"], { PORT: "x" }, /PORT: expected number, got "x"\n$/],
  ] as const) {
    const { code, stderr } = await embedded(dataDir, [...args], env);
    assert.equal(code, 2, stderr);
    assert.match(stderr, said);
  }
  const nothing = await embedded(dataDir, ["restore", "--yes", "2020-01-01"]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /there is no backup 2020-01-01 in /);
});
