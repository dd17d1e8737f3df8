// Summary: gets this repository ready to run, then runs it: Node 24, the npm dependencies, the built page.
// Plain JavaScript for any Node from 18 on: it is what runs before the right Node is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { run, StepError, say, stopAll } from "./child.mjs";
import { ensureNode } from "./node.mjs";
import { ensureDependencies } from "./npm.mjs";
import { ensurePage, PAGE, VITE } from "./page.mjs";
import { root } from "./root.mjs";
import { ensureSystemPackages } from "./system.mjs";

const SERVER = ["--conditions=holdfast-source", "apps/simgen/server/main.ts"];
const RECOVERY = ["--conditions=holdfast-source", "recovery/embedded.ts"];
const TESTS = ["packages", "apps", "test", "bench", "drills", "recovery"].map((folder) => `${folder}/**/*.test.ts`);
const TEST_SECONDS_MAX = 120;
/** A file whose timers or sockets outlive its tests hangs for ever: then the runner is told to end, and names it. */
const TEST_RUN_MINUTES_MAX = 30;

const COMMANDS = {
  start: {
    usage: "npm start",
    does: "Runs SimGen in one process on http://localhost:8080. Settings come from the environment: PORT=3000 npm start",
    work: start,
  },
  dev: {
    usage: "npm run dev",
    does: "Runs the server, restarted when its files change, and Vite's page server beside it.",
    work: dev,
  },
  test: {
    usage: "npm test [-- FILE… --test-OPTION=VALUE…]",
    does: "Runs all tests, or those in the given files: npm test -- apps/simgen/sim/scene.test.ts --test-name-pattern=weld",
    takesArguments: true,
    work: test,
  },
  "test:docker": {
    usage: "npm run test:docker [-- SUITE…]",
    does: "Tests the stack on a real Docker engine: the machine's own, or one that is fetched and stopped again. SUITE: stack, recovery, scale (these by default), faults, runbooks, swarm, all",
    takesArguments: true,
    work: testDocker,
  },
  check: { usage: "npm run check", does: "Checks types (tsc), lint and format (biome).", work: check },
  bench: {
    usage: "npm run bench [-- NAME [--quick] [--json]]",
    does: "Runs bench/NAME.ts with the options given, or lists what there is.",
    takesArguments: true,
    work: bench,
  },
  drill: {
    usage: "npm run drill [-- NAME [--json] [--help] | -- --list]",
    does: "Breaks something in running services and says what was lost: drills/NAME.ts with the options given, or lists what there is.",
    takesArguments: true,
    work: drill,
  },
  backup: {
    usage: "npm run backup [-- --list]",
    does: "Backs up the embedded database of npm start, also while it runs, restores the copy and compares it. --list: what there is.",
    takesArguments: true,
    work: (node, args) => run(node, [...RECOVERY, "backup", ...args]),
  },
  restore: {
    usage: "npm run restore [-- NAME|DATE|latest] [--yes] [--dry-run]",
    does: "Puts a backup in place of the embedded database; what was there is kept beside it. --dry-run: only tries whether it could.",
    takesArguments: true,
    work: (node, args) => run(node, [...RECOVERY, "restore", ...args]),
  },
};

process.chdir(root);
process.exitCode = await main(process.argv.slice(2));

async function main([name, ...args]) {
  if (name === undefined || name === "--help") {
    console.log(
      Object.values(COMMANDS)
        .map(({ usage, does }) => `${usage}\n  ${does}`)
        .join("\n"),
    );
    return name ? 0 : 2;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    say(`unknown command "${name}": expected one of ${Object.keys(COMMANDS).join(", ")} (--help explains them)`);
    return 2;
  }
  const { usage, does, takesArguments, work } = COMMANDS[name];
  if (args[0] === "--help") {
    console.log(`${usage}\n  ${does}`);
    return 0;
  }
  if (args.length > 0 && !takesArguments) {
    say(`"${name}" takes no arguments, got ${args.join(" ")} (usage: ${usage})`);
    return 2;
  }
  try {
    const node = await ensureNode();
    await ensureDependencies(node);
    return await work(node, args);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    say(error.message);
    if (error.output) process.stderr.write(`${error.output}\n`);
    return 1;
  }
}

async function start(node) {
  await ensurePage(node);
  return run(node, SERVER);
}

async function dev(node) {
  const programs = [run(node, ["--watch", ...SERVER]), run(node, [VITE, PAGE])];
  const status = await Promise.race(programs);
  stopAll();
  await Promise.all(programs);
  return status;
}

async function test(node, args) {
  await ensureSystemPackages();
  await ensurePage(node);
  const options = args.filter((arg) => arg.startsWith("-"));
  const files = args.filter((arg) => !arg.startsWith("-"));
  return run(
    node,
    [
      "--conditions=holdfast-source",
      "--test",
      `--test-timeout=${TEST_SECONDS_MAX * 1000}`,
      "--test-concurrency=2",
      ...options,
      ...(files.length > 0 ? files : TESTS),
    ],
    { timeoutMs: TEST_RUN_MINUTES_MAX * 60_000 },
  );
}

async function testDocker(node, suites) {
  await ensureSystemPackages();
  return run("test/docker/run.sh", [node, ...suites]);
}

async function check(node) {
  const projects = [".", PAGE].filter((folder) => existsSync(`${folder}/tsconfig.json`));
  const checks = [
    ...projects.map((folder) => ["node_modules/typescript/bin/tsc", "-p", folder]),
    ["node_modules/@biomejs/biome/bin/biome", "check"],
  ];
  let status = 0;
  for (const args of checks) status = Math.max(status, await run(node, args));
  return status;
}

async function bench(node, args) {
  return runNamed(node, "bench", "benchmark", args);
}

async function drill(node, args) {
  const [name] = args;
  if (programsIn("drills").includes(name)) await ensureSystemPackages();
  return runNamed(node, "drills", "drill", name === "--list" ? [] : args);
}

/** Runs a folder's program of this name; without a name lists them. */
async function runNamed(node, folder, noun, [name, ...args]) {
  const names = programsIn(folder);
  if (names.includes(name)) return run(node, ["--conditions=holdfast-source", `${folder}/${name}.ts`, ...args]);
  if (name !== undefined) say(`no ${noun} "${name}": expected one of`);
  const width = Math.max(...names.map((each) => each.length)) + 2;
  const list = names.map((each) => `${each.padEnd(width)}${firstDocLine(`${folder}/${each}.ts`)}`).join("\n");
  (name === undefined ? console.log : console.error)(list || `there are no ${noun}s yet`);
  return name === undefined ? 0 : 2;
}

function programsIn(folder) {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  return files.map((file) => file.slice(0, -".ts".length)).sort();
}

function firstDocLine(file) {
  return readFileSync(file, "utf8").match(/^(?:\/\*\*|\/\/| \*)\s*(\S.*?)\s*(?:\*\/)?$/m)?.[1] ?? "";
}
