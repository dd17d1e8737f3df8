import assert from "node:assert/strict";
import { execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "redis";
import { DEFAULTS } from "./options.ts";
import type { BreakerSnapshot } from "./snapshot.ts";
import { httpVerdict } from "./verdict.ts";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const readme = await readFile(here("../README.md"), "utf8");

test("the README's first example, as it stands there, against a service that is well, down, and well again", async (t) => {
  const folder = await withExamples(t);
  let requests = 0;
  let answerAs = (response: ServerResponse) => {
    response.end(JSON.stringify({ choices: [{ message: { content: "42" } }] }));
  };
  process.env.LLM_URL = await serve(t, (_request, response) => {
    requests++;
    answerAs(response);
  });
  const said: string[] = [];
  for (const method of ["log", "error"] as const)
    t.mock.method(console, method, (...words: unknown[]) => said.push(words.map(String).join(" ").trim()));
  const { answer } = await import(join(folder, "answer.ts"));

  assert.equal(await answer("6 * 7?"), "42");
  const well = answerAs;
  answerAs = (response) => response.writeHead(401).end("no such key");
  assert.equal(await answer("6 * 7?"), "The assistant could not answer. See the handbook.");
  assert.deepEqual(said, ["llm: see to the key, or the bill: Error: no such key"]);
  answerAs = (response) => response.writeHead(429, { "retry-after": "8" }).end("too many");
  assert.equal(await answer("6 * 7?"), "The assistant could not answer. See the handbook.");
  assert.equal(said.at(-1), "llm: open retry_after");
  answerAs = well;
  requests = 0;
  assert.equal(await answer("6 * 7?"), "The assistant is away. See the handbook.");
  assert.equal(requests, 0);
  const { now } = performance;
  t.mock.method(performance, "now", () => now.call(performance) + 10_000);
  assert.equal(await answer("6 * 7?"), "42");
  assert.deepEqual(said.slice(2), ["llm: half-open", "llm: closed"]);
});

test("two servers with the README's store share a trip through Redis", async (t) => {
  const folder = await withExamples(t);
  const redis = await startRedis(t);
  const env = { ...process.env, REDIS_URL: redis.options?.url };
  await writeFile(join(folder, "server.ts"), SERVER);
  const start = () => {
    const server = fork(join(folder, "server.ts"), { execArgv: ["--conditions=holdfast-source"], env });
    t.after(() => server.kill("SIGKILL"));
    return async (what: "call" | "fail"): Promise<BreakerSnapshot> => {
      server.send(what);
      const [snapshot] = await once(server, "message");
      return snapshot;
    };
  };
  const [a, b] = [start(), start()];
  await until(async () => (await redis.clientList()).filter(({ resp }) => resp === 3).length === 3);
  assert.equal((await a("fail")).state, "open");
  await until(async () => (await b("call")).reason === "shared");
});

test("all of the README's code is valid TypeScript", async (t) => {
  const folder = await withExamples(t);
  const types = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
  assert.equal(types.length, 4);
  const before = 'import { httpVerdict, type IsFailure } from "@holdfast/breaker";\n';
  await writeFile(
    join(folder, "verdict.ts"),
    `${before}export ${types.find((code) => code.startsWith("const isFailure"))}`,
  );
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

test("the README's defaults are the defaults", () => {
  const documented = new Map<string, string>();
  for (const [names = "", defaults = ""] of rowsUnder("## Options")) {
    const options = [...names.matchAll(/`(\w+)`/g)].map(([, option]) => option ?? "");
    const values = options.length === 1 ? [defaults] : defaults.split(", ");
    options.forEach((option, i) => {
      documented.set(option, values[i] ?? "");
    });
  }
  const shown = (value: unknown) => {
    if (value === Number.POSITIVE_INFINITY) return "off";
    if (typeof value === "function") return value.name;
    return String(value);
  };
  const { window, share: _share, clock: _clock, ...plain } = DEFAULTS;
  assert.ok("calls" in window);
  const defaults = Object.entries(plain).map(([option, value]) => [option, shown(value)] as const);
  const expected = new Map([
    ...defaults,
    ["window", `\`{ calls: ${window.calls}, ageMsMax: ${window.ageMsMax} }\``],
    ["share", ""],
    ["clock", ""],
  ]);
  assert.deepEqual(new Map([...documented].sort()), new Map([...expected].sort()));
});

test("what the README says counts is what httpVerdict says", () => {
  let statuses = 0;
  for (const [outcome = "", counts, retried, remark = ""] of rowsUnder("## What counts"))
    for (const [status] of outcome.matchAll(/\b\d{3}\b/g)) {
      statuses++;
      const verdict = httpVerdict({ ok: false, error: { status: Number(status) } });
      assert.equal(verdict.isFailure ? "yes" : "no", counts, status);
      assert.equal(verdict.isRetryable ? "yes" : "no", retried, status);
      assert.equal(verdict.needsAttention ?? false, remark.includes("attention"), status);
    }
  assert.equal(statuses, 16);
});

const SERVER = `
  import { llm } from "./trips.ts";
  process.on("message", async (what) => {
    for (let i = 0; i < 5; i++) await llm.attempt(() => (what === "fail" ? Promise.reject(new Error("down")) : undefined));
    process.send(llm.snapshot());
  });
`;

function rowsUnder(heading: string): string[][] {
  const section = readme.split(`${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => /^\| (?!---)/.test(line));
  return rows.slice(1).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A folder with the README's examples, in which imports resolve as they do for whoever has installed the package. */
async function withExamples(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "breaker-readme-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules/@holdfast"), { recursive: true });
  await symlink(here(".."), join(folder, "node_modules/@holdfast/breaker"));
  await symlink(here("../../../node_modules/redis"), join(folder, "node_modules/redis"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const [, name, code] of readme.matchAll(/<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```/g))
    await writeFile(join(folder, name ?? ""), code ?? "");
  return folder;
}

async function serve(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return `http://127.0.0.1:${address.port}/`;
}

async function startRedis(t: TestContext) {
  const probe = createTcpServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  assert.ok(typeof address === "object" && address);
  probe.close();
  await once(probe, "close");
  const args = ["--port", String(address.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", args, { stdio: "ignore" });
  t.after(() => server.kill("SIGKILL"));
  const redis = createClient({ url: `redis://127.0.0.1:${address.port}`, socket: { reconnectStrategy: () => 10 } });
  redis.on("error", () => {});
  await redis.connect();
  t.after(() => redis.destroy());
  return redis;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it never came to be");
}
