import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

// The real scripts, in a small repository of their own, with an npm that takes its time and notes what it was asked for.
const NPM = `
import { appendFileSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
const [command, prefix] = process.argv.slice(2);
appendFileSync("npm.log", command + "\\n");
if (process.env.NPM_BREAKS) { console.log("no network"); process.exit(3); }
await new Promise((done) => setTimeout(done, Number(process.env.NPM_MS ?? 100)));
if (command === "ci") {
  mkdirSync("node_modules", { recursive: true });
  copyFileSync("package-lock.json", "node_modules/.package-lock.json");
} else {
  const folder = prefix.slice("--prefix=".length) + "/node_modules/node-" + process.platform + "-" + process.arch;
  mkdirSync(folder + "/bin", { recursive: true });
  writeFileSync(folder + "/package.json", JSON.stringify({ version: process.argv.at(-1).split("@")[1] }));
  symlinkSync(process.execPath, folder + "/bin/node");
}
`;
const OLD_NODE = `Object.defineProperty(process.versions, "node", { value: "18.20.0" });`;

test("dependencies are installed when the lock file changed, and nothing is said or done when it did not", async (t) => {
  const repository = sandbox(t);
  assert.match((await repository.setup("bench")).stderr, /installing dependencies.*done in/s);
  assert.equal((await repository.setup("bench")).stderr, "");
  assert.deepEqual(repository.npmCalls(), ["ci"]);
  repository.write("package-lock.json", lockFile("2.0.0"));
  await repository.setup("bench");
  assert.deepEqual(repository.npmCalls(), ["ci", "ci"]);
});

test("two runs at once install once", async (t) => {
  const repository = sandbox(t);
  const runs = await Promise.all([1, 2, 3].map(() => repository.setup("bench", { NPM_MS: "800" })));
  assert.deepEqual(
    runs.map(({ status }) => status),
    [0, 0, 0],
  );
  assert.deepEqual(repository.npmCalls(), ["ci"]);
});

test("an interrupted installation is done again", async (t) => {
  const repository = sandbox(t);
  await repository.setup("bench");
  repository.write("package-lock.json", lockFile("2.0.0"));
  const run = repository.start("bench", { NPM_MS: "60000" });
  while (repository.npmCalls().length < 2) await sleep(20);
  run.kill("SIGTERM");
  assert.deepEqual(await once(run, "close"), [143, null]);
  assert.equal((await repository.setup("bench")).status, 0);
  assert.equal(repository.npmCalls().length, 3);
});

test("a killed run's lock is taken over", async (t) => {
  const repository = sandbox(t);
  repository.write(".node/setup.lock", String(spawnSync("true").pid));
  assert.equal((await repository.setup("bench")).status, 0);
  assert.ok(!existsSync(join(repository.root, ".node/setup.lock")));
});

test("a failing installation shows what npm said", async (t) => {
  const { status, stderr } = await sandbox(t).setup("bench", { NPM_BREAKS: "1" });
  assert.equal(status, 1);
  assert.match(stderr, /^holdfast: npm ci failed \(exit status 3\).*\nno network\n$/m);
});

test("under an older Node, Node 24 is fetched once and runs the program", async (t) => {
  const repository = sandbox(t);
  repository.write("bench/which.ts", "/** Prints its Node. */\nconsole.log(process.execPath, process.argv[2]);\n");
  const env = { NODE_OPTIONS: `--require=${repository.write("old-node.cjs", OLD_NODE)}` };
  const run = await repository.setup("bench which --quick", env);
  assert.equal(run.stdout.trim(), `${process.execPath} --quick`);
  assert.match(run.stderr, /fetching Node 24\.\d+\.\d+ \(this is 18\.20\.0\) into \.node: done/);
  assert.equal((await repository.setup("bench which", env)).stderr, "");
  assert.deepEqual(repository.npmCalls(), ["install", "ci"]);
});

test("start passes SIGTERM on and ends with the server's status", async (t) => {
  const repository = sandbox(t);
  repository.write(
    "apps/simgen/server/main.ts",
    `process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000); console.log("up");`,
  );
  const run = repository.start("start");
  assert.equal(String((await once(run.stdout ?? run, "data"))[0]), "up\n");
  run.kill("SIGTERM");
  assert.deepEqual(await once(run, "close"), [7, null]);
});

test("the server ends with the npm that started it, even when that is killed", async (t) => {
  const repository = sandbox(t);
  repository.write(
    "apps/simgen/server/main.ts",
    `process.on("SIGTERM", () => { console.log("down"); process.exit(); }); setInterval(() => {}, 1000); console.log("up");`,
  );
  const script = `
    const { spawn } = require("node:child_process");
    spawn(process.execPath, ["scripts/setup.mjs", "start"], { stdio: "inherit" });`;
  const npm = spawn(process.execPath, ["--eval", script], {
    cwd: repository.root,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, npm_execpath: join(repository.root, "npm-cli.js"), npm_lifecycle_event: "start" },
  });
  assert.equal(String((await once(npm.stdout, "data"))[0]), "up\n");
  npm.kill("SIGKILL");
  assert.equal(String((await once(npm.stdout, "data"))[0]), "down\n");
});

test("what is not understood is refused with what was expected", async (t) => {
  const repository = sandbox(t);
  repository.write("bench/sim.ts", "/** How many simulations a core carries. */\n");
  repository.write("drills/server-killed.ts", "/** kill -9 of a server. */\n");
  for (const [line, said] of [
    [
      "stop",
      /unknown command "stop": expected one of start, dev, test, test:docker, check, bench, drill, backup, restore/,
    ],
    ["start now", /"start" takes no arguments, got now/],
    ["bench simm", /no benchmark "simm": expected one of\nsim +How many simulations a core carries\./],
    ["drill server", /no drill "server": expected one of\nserver-killed +kill -9 of a server\./],
  ] as const) {
    const { status, stderr } = await repository.setup(line);
    assert.equal(status, 2, line);
    assert.match(stderr, said);
  }
  assert.match((await repository.setup("drill --list")).stdout, /^server-killed +kill -9 of a server\.$/m);
  const { status, stdout } = await repository.setup("test --help");
  assert.equal(status, 0);
  assert.match(stdout, /^npm test \[-- FILE/);
});

function sandbox(t: { after: typeof after }) {
  const root = mkdtempSync(join(tmpdir(), "holdfast-setup-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  cpSync(new URL("../scripts", import.meta.url), join(root, "scripts"), { recursive: true });
  const write = (path: string, text: string): string => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  write("package.json", `{ "type": "module" }`);
  write("package-lock.json", lockFile("1.0.0"));
  const npm = write("npm-cli.js", NPM);

  const start = (line: string, env: Record<string, string> = {}): ChildProcess =>
    spawn(process.execPath, [join(root, "scripts/setup.mjs"), ...line.split(" ")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, npm_execpath: npm, ...env },
    });
  const setup = async (line: string, env?: Record<string, string>) => {
    const run = start(line, env);
    const printed = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      run[name]?.on("data", (data) => {
        printed[name] += data;
      });
    const [status] = await once(run, "close");
    return { status, ...printed };
  };
  const npmCalls = (): string[] =>
    existsSync(join(root, "npm.log")) ? readFileSync(join(root, "npm.log"), "utf8").trim().split("\n") : [];
  return { root, write, start, setup, npmCalls };
}

function lockFile(version: string): string {
  return JSON.stringify({ packages: { "": {}, "node_modules/a": { version } } });
}
