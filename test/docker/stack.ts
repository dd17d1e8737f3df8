/**
 * The stack as a person starts it, on a real engine: a copy of this repository, first-run.sh, build, up. `npm run test:docker`
 * brings the engine and the images.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Agent, get } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { type Talk, Visitor } from "../../apps/simgen/server/server.fixture.ts";
import { CHROMIUM } from "../../apps/simgen/web/chromium.ts";
import { Installation, wellAt } from "./installation.ts";
import { startIssuer } from "./issuer.ts";

/** Pictures are drawn by the processor. */
const PAGE_MS_MAX = 60_000;
const NAME = "sim.holdfast.test";

const stack = new Installation("stack");

describe("the stack on one host", () => {
  before(() => stack.start());
  after(() => stack.remove());

  test("K1: it is up with nothing but what first-run.sh made, and every container is healthy", async () => {
    const states = (await stack.containers())
      .filter(({ Name }) => !Name.includes("migrate"))
      .map(({ Name, State }) => [Name, State.Health?.Status]);
    assert.equal(states.length, 9);
    assert.ok(
      states.every(([, status]) => status === "healthy"),
      JSON.stringify(states),
    );
    const { checks } = await wellAt(stack.url);
    assert.deepEqual(Object.keys(checks).sort(), [
      "backup",
      "breakers",
      "cv",
      "event-loop",
      "memory",
      "postgres",
      "redis",
    ]);
  });

  test("a prompt becomes a live simulation through nginx", async (t) => {
    const talks: Talk[] = [];
    const visitor = new Visitor({ url: stack.url, talks });
    t.after(() => Promise.all(talks.map((talk) => talk.close())));
    const { id } = await visitor.create({ prompt: "a double pendulum" });
    const talk = await visitor.connect();
    talk.send({ type: "watch", simulation: id });
    const { step } = await talk.frame();
    await talk.frame((frame) => frame.step > step + 200);
  });

  test("the page opens in a browser, a prompt becomes a simulation that moves, and nothing is complained of", async (t) => {
    const browser = await chromium.launch(CHROMIUM);
    t.after(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 640, height: 480 } });
    page.setDefaultTimeout(PAGE_MS_MAX);
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", ({ message }) => complaints.push(message));
    await page.goto(stack.url);
    await page.getByTestId("prompt").fill("three red pendulums");
    await page.getByTestId("run").click();
    await page.waitForURL(/\/s\//);
    const view = page.getByTestId("view");
    for (const what of ["made", "opened again"]) {
      await page.locator("[data-testid=connection][data-state=live]").waitFor();
      await page.getByTestId("fps").waitFor();
      const first = await view.screenshot();
      await sleep(1_000);
      assert.notDeepEqual(await view.screenshot(), first, what);
      await page.reload();
    }
    assert.deepEqual(complaints, []);
  });

  test("a sketch is read by the CV service, and the page comes compressed", async () => {
    const strokes = [
      [
        [300, 100],
        [300, 300],
      ],
      [[300, 100]],
      [
        [300, 300],
        [340, 340],
        [300, 380],
        [260, 340],
        [300, 300],
      ],
    ];
    const seen = await fetch(`${stack.url}/api/v1/sketches`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ strokes }),
    });
    assert.equal((await seen.json()).by, "cv");
    const page = await (await fetch(stack.url)).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? "";
    const { headers } = await fetch(stack.url + script, { headers: { "accept-encoding": "br" } });
    assert.equal(headers.get("content-encoding"), "br");
    assert.match(headers.get("cache-control") ?? "", /immutable/);
  });

  test("what only operators may see is not published", async () => {
    for (const path of ["/metrics", "/health/detailed", "/health/ready", "/health/live"])
      assert.equal((await fetch(stack.url + path)).status, 404, path);
  });

  test("who floods is told so, and others of the same address go on soon after", async () => {
    const statuses = async (count: number, method: string) => {
      const answers = Array.from({ length: count }, async () => {
        const { status, body } = await fetch(`${stack.url}/api/v1/nothing`, { method });
        await body?.cancel();
        return status;
      });
      return [...new Set(await Promise.all(answers))].sort();
    };
    assert.deepEqual(await statuses(300, "GET"), [404]);
    assert.deepEqual(await statuses(600, "DELETE"), [404, 429]);
    await sleep(3_000);
    assert.deepEqual(await statuses(20, "DELETE"), [404]);
    assert.deepEqual(await statuses(1_500, "GET"), [404, 429]);
    await sleep(3_000);
    assert.deepEqual(await statuses(20, "GET"), [404]);
  });

  test("HTTPS with an issuer's certificate, without a restart; HTTP leads there", async (t) => {
    const [http, https] = stack.ports;
    const issuer = await startIssuer(stack, http);
    t.after(() => issuer.stop());
    const home = join(stack.folder, "certbot");
    await mkdir(join(home, "letsencrypt"), { recursive: true });
    const folders = ["config", "work", "logs"].map((name) => `${name}-dir = ${join(home, name)}`);
    await writeFile(join(home, "letsencrypt/cli.ini"), folders.join("\n"));
    const certificate = (...args: string[]) =>
      stack.run("env", `XDG_CONFIG_HOME=${home}`, `REQUESTS_CA_BUNDLE=${issuer.ca}`, "deploy/certificate.sh", ...args);
    await assert.rejects(certificate("check"), /there is none/);
    await certificate("issue", NAME, "somebody@holdfast.test", issuer.url);
    assert.match(await certificate("check"), /notAfter/);
    await assert.rejects(certificate("check", "99999"), /it ends soon/);
    await assert.rejects(
      certificate("own", issuer.ca, join(home, "config/live", NAME, "privkey.pem")),
      /is not the key of/,
    );

    const ask = (path: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const where = { host: "127.0.0.1", port: https, path, servername: NAME, ca: issuer.root };
        get({ ...where, headers: { host: NAME } }, resolve).on("error", reject);
      });
    const { statusCode, headers } = await ask("/health");
    assert.equal(statusCode, 200);
    assert.equal(headers["strict-transport-security"], "max-age=31536000");
    const moved = await fetch(`${stack.url}/s/1?x=2`, { redirect: "manual" });
    assert.deepEqual([moved.status, moved.headers.get("location")], [308, "https://127.0.0.1/s/1?x=2"]);
    assert.equal((await fetch(`${stack.url}/health`, { redirect: "manual" })).status, 200);
    const agent = new Agent({ servername: NAME, ca: issuer.root });
    const socket = new WebSocket(`wss://127.0.0.1:${https}/ws`, { agent, headers: { host: NAME } });
    await once(socket, "open");
    socket.close();
  });

  test("its files pass what checks them", async () => {
    await stack.compose("config", "--quiet");
    await stack.compose("run", "--rm", "--no-deps", "nginx", "nginx", "-t", "-c", "/etc/nginx/nginx-scalable.conf");
    for (const file of ["deploy/Dockerfile", "recovery/Dockerfile"])
      await stack.run("docker", "buildx", "build", "--check", "--file", file, ".");
    const versions = ["SECRETS", "CONFIGS", "POSTGRES", "ENV"].map((name) => `${name}_VERSION=1`);
    await stack.run("env", ...versions, "docker", "stack", "config", "--compose-file", "docker-compose.swarm.yml");
  });

  test("K1: no secret is in `docker inspect`, and no port but nginx's is published", async () => {
    const all = await stack.containers();
    const shown = JSON.stringify(all);
    const secrets = join(stack.folder, "deploy/secrets");
    for (const { name } of (await readdir(secrets, { withFileTypes: true })).filter((each) => each.isFile())) {
      const secret = (await readFile(join(secrets, name), "utf8")).trim();
      if (secret !== "") assert.ok(!shown.includes(secret), `${name} is shown`);
    }
    const publishing = all.filter(({ NetworkSettings }) => Object.values(NetworkSettings.Ports).some(Boolean));
    assert.deepEqual(
      publishing.map(({ Name }) => Name),
      [`/${stack.project}-nginx-1`],
    );
  });

  test("K4: each container has no root, no capabilities, a root that cannot be written, limits, and logs that end", async () => {
    for (const { Name, Config, HostConfig } of await stack.containers()) {
      const service = Name.replace(`/${stack.project}-`, "").replace(/-\d+$/, "");
      assert.equal(HostConfig.ReadonlyRootfs, true, Name);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"], Name);
      assert.equal(HostConfig.CapAdd, null, Name);
      assert.equal(HostConfig.Privileged, false, Name);
      assert.ok(HostConfig.SecurityOpt?.includes("no-new-privileges:true"), Name);
      assert.ok(HostConfig.Memory > 0 && (HostConfig.PidsLimit ?? 0) > 0, Name);
      assert.deepEqual(HostConfig.LogConfig, { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } });
      if (service === "migrate") continue;
      assert.ok(Config.Healthcheck, Name);
      // Requests in hand take less; WebSockets end with the servers they lead to.
      assert.ok(Config.StopTimeout >= (service === "nginx" ? 5 : 20), `${Name}: stopped after ${Config.StopTimeout} s`);
      const uid = await stack.compose("exec", "-T", service, "id", "-u");
      assert.notEqual(uid.trim(), "0", Name);
      await assert.rejects(
        stack.compose("exec", "-T", service, "touch", "/etc/written"),
        /Read-only file system/,
        Name,
      );
    }
  });
});
