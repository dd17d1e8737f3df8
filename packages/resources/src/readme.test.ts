import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "redis";
import { KEYED_DEFAULTS } from "./keyed.ts";
import { KIND_DEFAULTS } from "./options.ts";
import { RESOURCES_DEFAULTS } from "./resources.ts";
import { SHUTDOWN_DEFAULTS } from "./shutdown.ts";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const readme = await readFile(here("../README.md"), "utf8");

test("the README's first example, as it stands there: a client is given back however the work ends, and eight are the limit", async (t) => {
  const folder = await withExamples(t);
  const redis = await startRedis(t);
  const { edit, resources } = await import(join(folder, "edit.ts"));
  const clients = () => resources.snapshot().kinds.find(({ kind }: { kind: string }) => kind === "database client");

  await edit("poem", async () => "roses");
  await edit("poem", async (text: string) => `${text} are red`);
  assert.equal(await redis.get("poem"), "roses are red");
  const down = new Error("the poet has gone");
  await assert.rejects(
    edit("poem", () => Promise.reject(down)),
    down,
  );
  await assert.rejects(
    edit("poem", async () => {
      await redis.set("poem", "violets");
      return "daisies";
    }),
    /watch/i,
  );
  assert.equal(await redis.get("poem"), "violets");
  assert.equal(clients().inUse, 0);
  assert.equal(clients().acquired, 4);

  const open = Promise.withResolvers<string>();
  const edits = Array.from({ length: 9 }, (_, i) => edit(`poem ${i}`, () => open.promise));
  assert.equal(clients().inUse, 8);
  assert.equal(clients().queued, 1);
  open.resolve("the same");
  await Promise.all(edits);
  assert.equal(await redis.get("poem 8"), "the same");
  assert.equal(clients().inUse, 0);
});

test("the README's first example reports a client that is held for too long, and where it was acquired", async (t) => {
  const folder = await withExamples(t);
  await startRedis(t);
  const example = await readFile(join(folder, "edit.ts"), "utf8");
  await writeFile(join(folder, "impatient.ts"), example.replace("leakMs: 30_000", "leakMs: 20"));
  const { edit, resources } = await import(join(folder, "impatient.ts"));
  const said: string[][] = [];
  const error = t.mock.method(console, "error", (...words: unknown[]) => said.push(words.map(String)));
  const leaked = new Promise((resolve) => resources.on("news", resolve));
  await edit("poem", async () => {
    await leaked;
    return "late";
  });
  error.mock.restore();
  const [[what, stack] = []] = said;
  assert.match(what ?? "", /^edit of poem has held a database client for \d+ s$/);
  assert.match(stack ?? "", /impatient\.ts/);
});

test("the README's test passes", async (t) => {
  const folder = await withExamples(t);
  await startRedis(t);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["--conditions=holdfast-source", "--test", join(folder, "leaks.test.ts")];
  const { stdout } = await run(process.execPath, args, { env, timeout: 60_000 });
  assert.match(stdout, /pass 1\b/);
});

test("all of the README's code is valid TypeScript", async (t) => {
  const folder = await withExamples(t);
  const all = [...readme.matchAll(/```ts\n/g)];
  const examples = [...readme.matchAll(/<!-- example: \S+ -->\n```ts\n/g)];
  assert.ok(examples.length >= 3);
  assert.equal(examples.length, all.length, "a block of code without a name");
  const config = {
    extends: here("../../../tsconfig.json"),
    compilerOptions: { typeRoots: [here("../../../node_modules/@types")] },
    include: [`${folder}/*.ts`],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await run(process.execPath, [here("../../../node_modules/typescript/bin/tsc"), "-p", folder], {
    timeout: 60_000,
  }).catch((error) => assert.fail(error.stdout));
});

test("the README's defaults are the defaults", async () => {
  const shown = (value: unknown) => (value === Number.POSITIVE_INFINITY ? "off" : String(value));
  assert.deepEqual(
    documentedUnder("## Budgets"),
    Object.entries(KIND_DEFAULTS).map(([option, value]) => [option, shown(value)]),
  );
  const { signals, limitMs } = SHUTDOWN_DEFAULTS;
  const shutdown = [
    ["signals", signals.join(", ")],
    ["limitMs", shown(limitMs)],
    ["before", ""],
  ];
  assert.deepEqual(documentedUnder("## Shutting down").slice(0, 3), shutdown);
  const inProse = (option: string) => readme.match(new RegExp(`\`${option}\` \\((\\d+)\\)`))?.[1];
  assert.equal(inProse("idleMs"), shown(KEYED_DEFAULTS.idleMs));
  assert.equal(inProse("traceOneIn"), shown(RESOURCES_DEFAULTS.traceOneIn));
  const managed = await readFile(here("managed.ts"), "utf8");
  assert.equal(inProse("graceMs"), managed.match(/CHILD_GRACE_MS = (\d+)/)?.[1]);
  assert.equal(readme.match(/by force after (\d+) ms/)?.[1], managed.match(/SOCKET_GRACE_MS = (\d+)/)?.[1]);
});

test("the README's error codes are those of the code", async () => {
  const source = await readFile(here("resource-error.ts"), "utf8");
  const codes = source.match(/ResourceErrorCode =[\s\S]*?";/)?.[0].match(/(?<=\| ")\w+(?=")/g);
  assert.ok(codes?.includes("option_invalid"));
  assert.deepEqual(
    documentedUnder("## Errors").map(([code]) => code),
    codes,
  );
});

test("the README's managed resources are those that there are", async () => {
  const exported = Object.keys(await import("./managed.ts"));
  const documented = documentedUnder("## What people hold").map(([name]) => name);
  assert.deepEqual(documented.sort(), exported.sort());
});

/** Of each row the name that it begins with, and what stands in the second column. */
function documentedUnder(heading: string): string[][] {
  const section = readme.split(`${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `(\w+)[^|]*\| ([^|]*?) ?\|/gm)].map(([, name = "", second = ""]) => [name, second]);
}

/** A folder with the README's examples, in which imports resolve as they do for whoever has installed the package. */
async function withExamples(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "resources-readme-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules/@holdfast"), { recursive: true });
  await symlink(here(".."), join(folder, "node_modules/@holdfast/resources"));
  for (const name of ["redis", "ws", "@types"])
    await symlink(here(`../../../node_modules/${name}`), join(folder, "node_modules", name));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const [, name, code] of readme.matchAll(/<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```/g))
    await writeFile(join(folder, name ?? ""), code ?? "");
  return folder;
}

async function startRedis(t: TestContext) {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  assert.ok(typeof address === "object" && address);
  probe.close();
  await once(probe, "close");
  const args = ["--port", String(address.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", args, { stdio: "ignore" });
  t.after(() => server.kill("SIGKILL"));
  const url = `redis://127.0.0.1:${address.port}`;
  const redis = createClient({ url, socket: { reconnectStrategy: () => 10 } });
  redis.on("error", () => {});
  await redis.connect();
  t.after(() => redis.destroy());
  process.env.REDIS_URL = url;
  return redis;
}
