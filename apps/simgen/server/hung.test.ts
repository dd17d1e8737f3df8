import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { metric, startServer, Visitor } from "./server.fixture.ts";

/** A mistake in an event handler, to be made when the test wants it. */
const HANGS_ON_SIGNAL = `process.on("SIGUSR2", function hangs() { for (;;); });`;

test("H4: a server that hangs is ended with a report of where it hung, and what people made is there after it", async (t) => {
  const server = await startServer(t, {
    STALL_MS: "1500",
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HANGS_ON_SIGNAL)}`,
  });
  const visitor = new Visitor(server);
  const { id } = await visitor.create({ template: "pendulum" });
  server.process.kill("SIGUSR2");
  assert.equal(await server.stop("SIGUSR2"), null);
  assert.equal(server.process.signalCode, "SIGKILL");
  assert.match(server.output(), /"what":"event loop stalled"/);
  const [name] = await readdir(join(server.dataDir, "stalls"));
  const report = JSON.parse(await readFile(join(server.dataDir, "stalls", name ?? ""), "utf8"));
  assert.match(report.stack[0], /^hangs \(data:text\/javascript/);

  const again = await startServer(t, { DATA_DIR: server.dataDir });
  const back = new Visitor(again, visitor.headers);
  assert.equal((await back.request("GET", `/api/v1/simulations/${id}`)).body.id, id);
});

test("H5: what a server depends on, and what it has itself, is checked, and counted in its metrics", async (t) => {
  const server = await startServer(t, { BACKUP_DIR: "/nowhere" });
  const { body } = await new Visitor(server).request("GET", "/health/detailed");
  const checks = Object.keys(body.checks);
  assert.deepEqual(checks.sort(), ["backup", "disk", "event-loop", "memory", "postgres"]);
  assert.equal(body.checks.backup?.detail, "never yet");
  assert.equal(await metric(server, 'simgen_health_check{check="postgres",status="pass"}'), 1);
  assert.equal(await metric(server, 'simgen_health_check{check="backup",status="warn"}'), 1);
});
