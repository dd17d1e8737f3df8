import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runStep, StepError } from "./child.mjs";
import { npm } from "./npm.mjs";
import { root } from "./root.mjs";
import { ensure } from "./step.mjs";

const NODE_VERSION = "24.21.0";
const NODE_MAJOR_MIN = 24;
/** Where the npm registry has Node itself as a package, `bin/node` and no install script. */
const PLATFORMS = ["linux-x64", "linux-arm64"];

/** The Node that runs this repository: the one running now when it is new enough, else one fetched into `.node/`. */
export async function ensureNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const folder = join(root, ".node/node_modules", `node-${platform}`);
  await ensure({
    title: `fetching Node ${NODE_VERSION} (this is ${process.versions.node}) into .node`,
    isDone: () => versionIn(folder) === NODE_VERSION,
    work: () => fetchNode(platform),
  });
  return join(folder, "bin/node");
}

async function fetchNode(platform) {
  if (!PLATFORMS.includes(platform) || isMusl())
    throw new StepError(
      `needs Node ${NODE_MAJOR_MIN} or later, this is ${process.versions.node}; install Node ${NODE_VERSION} by hand (https://nodejs.org): none to fetch for ${platform}${isMusl() ? " with musl" : ""}`,
    );
  // Fetched aside, tried, then renamed: a half-written Node is never taken for a whole one.
  const aside = join(root, ".node/fetching");
  rmSync(aside, { recursive: true, force: true });
  const [command, ...args] = npm(process.execPath);
  await runStep("fetching Node", command, [
    ...args,
    "install",
    `--prefix=${aside}`,
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    `node-${platform}@${NODE_VERSION}`,
  ]);
  await runStep("trying the fetched Node", join(aside, "node_modules", `node-${platform}`, "bin/node"), ["--version"]);
  rmSync(join(root, ".node/node_modules"), { recursive: true, force: true });
  renameSync(join(aside, "node_modules"), join(root, ".node/node_modules"));
  rmSync(aside, { recursive: true, force: true });
}

function versionIn(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
  } catch {
    return undefined;
  }
}

function isMusl() {
  return process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
}
