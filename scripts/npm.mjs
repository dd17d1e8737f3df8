import { readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { runStep } from "./child.mjs";
import { root } from "./root.mjs";
import { ensure } from "./step.mjs";

/** npm's own record of what it installed; it writes it last. */
const installed = join(root, "node_modules/.package-lock.json");

/** The command that runs npm under `node`: the npm this was called from, or the one on the PATH when called by hand. */
export function npm(node) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith(".js") ? [node, cli] : ["npm"];
}

/** Installs the dependencies with `npm ci` when `node_modules` is not what package-lock.json asks for. */
export async function ensureDependencies(node) {
  await ensure({
    title: "installing dependencies (npm ci)",
    isDone: isInstalled,
    work: async () => {
      // Were npm interrupted with this left behind, the next run would take half a tree for a whole one.
      rmSync(installed, { force: true });
      const [command, ...args] = npm(node);
      const PATH = `${dirname(node)}${delimiter}${process.env.PATH}`;
      await runStep("npm ci", command, [...args, "ci"], { ...process.env, PATH });
    },
  });
}

/** True when every installed package is the one that the lock file names, built for this machine, and none is missing. */
function isInstalled() {
  const wanted = packagesIn(join(root, "package-lock.json"));
  const present = packagesIn(installed);
  if (!wanted || !present) return false;
  const isHere = ([path, entry]) => {
    const here = present[path];
    if (!here) return entry.optional === true;
    return here.version === entry.version && here.integrity === entry.integrity;
  };
  return (
    Object.entries(wanted).filter(isDependency).every(isHere) &&
    Object.entries(present)
      .filter(isDependency)
      .every(([path, entry]) => path in wanted && suitsThisMachine(entry))
  );
}

function isDependency([path]) {
  return path.includes("node_modules/");
}

function suitsThisMachine({ os = [], cpu = [] }) {
  const suits = (names, name) => names.length === 0 || names.includes(name) || names[0].startsWith("!");
  return suits([os].flat(), process.platform) && suits([cpu].flat(), process.arch);
}

function packagesIn(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")).packages;
  } catch {
    return undefined;
  }
}
