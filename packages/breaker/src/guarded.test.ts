import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test("a method under @guarded goes through the breaker, as itself, on its own object", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "guarded-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = {
    extends: here("../../../tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      target: "es2022",
      rootDir: here("."),
      outDir: folder,
      typeRoots: [here("../../../node_modules/@types")],
    },
    files: [here("guarded.fixture.ts")],
    include: [],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await run(process.execPath, [here("../../../node_modules/typescript/bin/tsc"), "-p", folder], { timeout: 60_000 });
  const { stdout } = await run(process.execPath, [join(folder, "guarded.fixture.js")], { timeout: 20_000 });
  assert.deepEqual(JSON.parse(stdout), [
    "3 X in EUR",
    "no such symbol",
    "no such symbol",
    "circuit_open",
    3,
    "open",
    0,
  ]);
});
