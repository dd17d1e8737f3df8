import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { CHECK_DEFAULTS } from "./check.ts";
import { MEMORY_GUARD_DEFAULTS } from "./memory-guard.ts";
import { WATCHDOG_DEFAULTS } from "./watchdog.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const readme = await readFile(here("../README.md"), "utf8");

test("the README's example, as it stands there: what it depends on may go, it stays ready; SIGTERM ends it", async (t) => {
  const api = createServer((_, response) => response.end()).listen(0, "127.0.0.1");
  t.after(() => api.close());
  await once(api, "listening");
  const folder = await mkdtemp(join(tmpdir(), "health-readme-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "node_modules", "@holdfast"), { recursive: true });
  await symlink(here(".."), join(folder, "node_modules", "@holdfast", "health"));
  const [, code = ""] = /<!-- example: server\.ts -->\n```ts\n(.*?)```/s.exec(readme) ?? [];
  await writeFile(join(folder, "server.ts"), `${code}\nprocess.stdout.write(JSON.stringify(server.address()));\n`);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const child = spawn(process.execPath, ["--conditions=holdfast-source", "server.ts"], {
    cwd: folder,
    env: { ...process.env, PORT: "0", API_URL: urlOf(api.address()) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [printed] = await once(child.stdout, "data");
  const base = urlOf(JSON.parse(String(printed)));
  const status = async (path: string) => (await fetch(base + path)).status;
  assert.equal(await status("/health"), 200);
  api.close();
  api.closeAllConnections();
  while ((await status("/health")) === 200) await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual([await status("/health/ready"), await status("/health/live")], [200, 200]);
  child.kill("SIGTERM");
  const [exitCode] = await once(child, "exit");
  assert.equal(exitCode, 0);
});

test("the README names the defaults", () => {
  const shown = (value: number) => value.toLocaleString("en-US");
  for (const name of ["intervalMs", "timeoutMs", "failAfter"] as const)
    assert.match(readme, new RegExp(`\\| \`${name}\` \\| ${shown(CHECK_DEFAULTS[name])} \\|`));
  assert.match(readme, new RegExp(`\\| \`kind\` \\| \`${CHECK_DEFAULTS.kind}\` \\|`));
  assert.ok(readme.includes(`\`stallMs\` (${shown(WATCHDOG_DEFAULTS.stallMs)})`));
  assert.ok(readme.includes(`${100 * MEMORY_GUARD_DEFAULTS.fullShare} % of the control group's limit`));
  assert.deepEqual([MEMORY_GUARD_DEFAULTS.looks, MEMORY_GUARD_DEFAULTS.intervalMs], [3, 1000]);
});

function urlOf(address: string | AddressInfo | null): string {
  return `http://127.0.0.1:${(address as AddressInfo).port}`;
}
