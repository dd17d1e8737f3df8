/** The files of the stack, as far as they can be checked without an engine; test/docker runs them. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

const execute = promisify(execFile);
const ROOT = new URL("..", import.meta.url).pathname;

async function tracked(...patterns: string[]): Promise<string[]> {
  const { stdout } = await execute(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard", ...patterns],
    {
      cwd: ROOT,
    },
  );
  return stdout.split("\0").filter(Boolean);
}

const source = (path: string) => readFile(new URL(path, new URL("..", import.meta.url)), "utf8");

/** Names in `${NAME…}`. */
const settingsOf = (yaml: string) => new Set([...yaml.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = ""]) => name));

test("every shell script passes shellcheck, has --help, and fails on what it does not know", async () => {
  const scripts = [...(await tracked("*.sh")), ".ci/run"];
  await execute("shellcheck", scripts, { cwd: ROOT });
  for (const script of await tracked("deploy/*.sh", "recovery/*.sh")) {
    const isSourced = /^# Usage: \. /m.test(await source(script));
    if (isSourced) continue;
    const { stdout } = await execute(script, ["--help"], { cwd: ROOT });
    assert.match(stdout, /^Summary: .*\nUsage: /, script);
    assert.match(stdout, /Exits with: /, script);
    await assert.rejects(execute(script, ["--no-such-option"], { cwd: ROOT }), { code: 2 }, script);
  }
});

test("what can be set is in env.example, once, and nothing else is", async () => {
  const given = [...(await source("deploy/env.example")).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
  assert.deepEqual(given, [...new Set(given)]);
  // Compose's own.
  given.splice(given.indexOf("COMPOSE_FILE"), 1);
  const oneHost = settingsOf(await source("docker-compose.scalable.yml"));
  const several = settingsOf(await source("docker-compose.swarm.yml"));
  // Compose's own, and what deploy/swarm.sh finds out.
  for (const name of [
    "COMPOSE_PROJECT_NAME",
    "SECRETS_VERSION",
    "CONFIGS_VERSION",
    "POSTGRES_VERSION",
    "ENV_VERSION",
  ]) {
    oneHost.delete(name);
    several.delete(name);
  }
  assert.deepEqual(new Set(given), oneHost.union(several));
});

test("the swarm runs what one host runs: the same settings, probes and secrets", async () => {
  const [oneHost, several] = await Promise.all(["docker-compose.scalable.yml", "docker-compose.swarm.yml"].map(source));
  const linesOf = (yaml = "", wanted: RegExp) =>
    new Set(
      yaml
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => wanted.test(line)),
    );
  for (const wanted of [
    /^[A-Z_]+: /,
    /^test: /,
    /^(- --|command: )/,
    /^secrets: \[/,
    /^stop_/,
    /^(interval|retries|start_)/,
    /^user: /,
  ]) {
    const missing = linesOf(oneHost, wanted).difference(linesOf(several, wanted));
    // Migrations are the servers' own there, and backups are on another host.
    for (const line of missing)
      if (/migrate\.ts|^environment: \{|^secrets: \[database_url\]|^BACKUP_DIR: /.test(line)) missing.delete(line);
    assert.deepEqual([...missing], [], String(wanted));
  }
});

test("the crontab runs scripts that are there, with what they know", async () => {
  const crontab = await source("recovery/crontab.example");
  const runs = [...crontab.matchAll(/^#? ?[*0-9/]+ .*\$HOLDFAST\/(\S+\.sh) ?(\S*)/gm)];
  assert.ok(runs.length >= 4);
  for (const [, script = "", argument = ""] of runs) {
    const { stdout } = await execute(`recovery/${script}`, ["--help"], { cwd: ROOT });
    assert.ok(argument === ">/dev/null" || stdout.includes(argument), `${script} ${argument}`);
  }
});

test("a drill, which removes its project and its volumes, takes no name that could be a stack's", async () => {
  for (const name of ["holdfast", "drill", "holdfast-drill-2"])
    await assert.rejects(execute("recovery/drill.sh", ["--project", name], { cwd: ROOT }), {
      code: 2,
      stderr: new RegExp(`--project: expected a name that ends in -drill, .* got ${name}\\n`),
    });
});
