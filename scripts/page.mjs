import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runStep } from "./child.mjs";
import { root } from "./root.mjs";
import { ensure } from "./step.mjs";

export const PAGE = "apps/simgen/web";
export const VITE = join(root, "node_modules/vite/bin/vite.js");
/** What the built page is made of: its own files and those it imports. */
const SOURCES = [
  PAGE,
  "apps/simgen/sim",
  "apps/simgen/cv",
  "packages/protocol",
  "packages/client",
  "package-lock.json",
];
/** Kept inside the build, which Vite empties first: an interrupted build leaves none. */
const stamp = join(root, PAGE, "dist/.sources");

/** Builds the page with Vite when its sources are not those of the last build. */
export async function ensurePage(node) {
  if (!existsSync(join(root, PAGE, "index.html"))) return;
  const sources = hashOf(SOURCES);
  await ensure({
    title: "building the page (vite)",
    isDone: () => existsSync(stamp) && readFileSync(stamp, "utf8") === sources,
    work: async () => {
      await runStep("vite build", node, [VITE, "build", "--emptyOutDir", join(root, PAGE)]);
      writeFileSync(stamp, sources);
    },
  });
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap(filesIn))
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update("\0");
  return hash.digest("hex");
}

function filesIn(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return path.endsWith(".test.ts") ? [] : [path];
  const names = readdirSync(full).filter((name) => name !== "node_modules" && name !== "dist");
  return names.sort().flatMap((name) => filesIn(`${path}/${name}`));
}
