import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Resources } from "./resources.ts";
import { closeAtShutdown } from "./shutdown.ts";

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`at ${signal}, a server drains, gives back what it holds, and exits with 0`, async (t) => {
    const server = await start(t, "as it should");
    server.kill(signal);
    assert.deepEqual(await server.exit, { code: 0, signal: null });
    assert.deepEqual(server.lines(), ["up", "before", "drained", "released"]);
  });

test("if a release fails, the others are done, the error is printed, and it exits with 1", async (t) => {
  const server = await start(t, "release fails");
  server.kill("SIGTERM");
  assert.deepEqual(await server.exit, { code: 1, signal: null });
  assert.deepEqual(server.lines(), ["up", "before", "drained", "released"]);
  assert.match(server.errors(), /^shutdown: Error: the socket is stuck/);
});

test("if it cannot drain, it gives back what it holds all the same, and exits with 1", async (t) => {
  const server = await start(t, "before fails");
  server.kill("SIGTERM");
  assert.deepEqual(await server.exit, { code: 1, signal: null });
  assert.deepEqual(server.lines(), ["up", "before", "drained", "released"]);
  assert.match(server.errors(), /^shutdown: Error: some would not go/);
});

test("after limitMs it says what is still held, and exits with 1", async (t) => {
  const server = await start(t, "release hangs");
  server.kill("SIGTERM");
  assert.deepEqual(await server.exit, { code: 1, signal: null });
  const held = '1 of kind "scope", 1 of kind "timer", 1 of kind "client", 1 of kind "socket"';
  assert.equal(server.errors(), `shutdown: not done after 100 ms, still held: ${held}\n`);
});

test("a process with nothing to do but to wait for what never ends exits with 1 after limitMs", async (t) => {
  const server = await start(t, "idle before");
  server.kill("SIGTERM");
  assert.deepEqual(await server.exit, { code: 1, signal: null });
  assert.match(server.errors(), /^shutdown: not done after 100 ms, still held: 1 of kind "scope", 1 of kind "client"/);
});

for (const [second, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)
  test(`a second signal, ${second}, ends it at once with ${code}`, async (t) => {
    const server = await start(t, "before hangs");
    server.kill("SIGTERM");
    await server.says("before");
    server.kill(second);
    assert.deepEqual(await server.exit, { code, signal: null });
    assert.deepEqual(server.lines(), ["up", "before"]);
  });

test("when its listeners are removed, a signal does what it always does", async (t) => {
  const server = await start(t, "listeners removed");
  server.kill("SIGTERM");
  assert.deepEqual(await server.exit, { code: null, signal: "SIGTERM" });
  assert.deepEqual(server.lines(), ["up"]);
});

test("options out of bounds are refused", () => {
  const resources = new Resources();
  const options = { limitMs: 1, limit: 1 };
  assert.throws(() => closeAtShutdown(resources, options), { code: "option_invalid", message: /limit: expected/ });
  assert.throws(() => closeAtShutdown(resources, { limitMs: -1 }), { code: "option_invalid", message: /limitMs/ });
  assert.equal(process.listenerCount("SIGTERM"), 0);
});

async function start(t: TestContext, how: string) {
  const server = spawn(process.execPath, [fileURLToPath(new URL("shutdown.fixture.ts", import.meta.url)), how]);
  t.after(() => server.kill("SIGKILL"));
  const exit = once(server, "close").then(([code, signal]) => ({ code, signal }));
  let said = "";
  let errors = "";
  server.stderr.on("data", (data) => {
    errors += data;
  });
  server.stdout.on("data", (data) => {
    said += data;
  });
  const lines = () => said.split("\n").filter(Boolean);
  const says = async (line: string) => {
    while (!lines().includes(line)) await once(server.stdout, "data");
  };
  await says("up");
  return { exit, lines, says, errors: () => errors, kill: (signal: NodeJS.Signals) => server.kill(signal) };
}
