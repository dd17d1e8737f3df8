import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { freePort, TestRedis } from "./redis.fixture.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

function example(name: string): string {
  const code = new RegExp(`<!-- example: ${name} -->\\n\`\`\`ts\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  assert.ok(code, `the README has ${name}`);
  return code;
}

test("the README's chat, as it stands there: 40 lines, and it survives kill -9", async (t) => {
  const lines = [example("server.ts"), example("chat.ts")]
    .join("")
    .split("\n")
    .filter((line) => line.trim() !== "");
  assert.ok(lines.length <= 40, `${lines.length} lines`);
  // Within the package, where its imports resolve.
  const folder = new URL(`../.readme-${process.pid}/`, import.meta.url);
  await mkdir(folder, { recursive: true });
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const name of ["server.ts", "chat.ts"]) await writeFile(new URL(name, folder), example(name));

  const redis = await TestRedis.start();
  t.after(() => redis.stop());
  const servers = new Map<number, ChildProcess>();
  const startServer = async (port: number) => {
    const server = run(t, folder, "server.ts", { REDIS_URL: redis.url, PORT: String(port) });
    servers.set(port, server);
    await accepting(port, server);
  };
  const ports = [await freePort(), await freePort()] as const;
  for (const port of ports) await startServer(port);
  const balancer = await balance(t, ports);
  const env = { URL: `ws://127.0.0.1:${balancer.port}/ws` };
  const ann = new Person("ann", run(t, folder, "chat.ts", { ...env, NAME: "ann" }));
  const bob = new Person("bob", run(t, folder, "chat.ts", { ...env, NAME: "bob" }));

  // Nobody hears what was said before they came in.
  for (const [one, other] of [
    [ann, bob],
    [bob, ann],
  ] as const)
    for (let n = 0; n < 100 && !other.heard.some((line) => line.endsWith("anybody there?")); n++) {
      one.say("anybody there?");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  for (let round = 0; round < 3; round++) {
    const port = ports[round % 2] as number;
    servers.get(port)?.kill("SIGKILL");
    for (let n = 0; n < 5; n++) (n % 2 ? ann : bob).say(`round ${round} line ${n}`);
    for (let n = 0; n < 5; n++)
      for (const person of [ann, bob]) await person.hears(`${n % 2 ? "ann" : "bob"}: round ${round} line ${n}`);
    await startServer(port);
  }
  assert.ok([...ann.heard, ...bob.heard].includes("(back)"), "somebody was on a server that died");
  for (const { heard } of [ann, bob]) {
    const said = heard.filter((line) => line.includes("round"));
    assert.deepEqual(said, [...new Set(said)], "nothing is heard twice");
  }
});

/** Somebody at a terminal. */
class Person {
  readonly heard: string[] = [];
  readonly #name: string;
  readonly #process: ChildProcess;

  constructor(name: string, process: ChildProcess) {
    this.#name = name;
    this.#process = process;
    let rest = "";
    process.stdout?.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      this.heard.push(...lines);
    });
  }

  say(text: string): void {
    this.#process.stdin?.write(`${text}\n`);
  }

  async hears(line: string): Promise<void> {
    for (let i = 0; i < 1000 && !this.heard.includes(line); i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(this.heard.includes(line), `${this.#name} heard ${line} among ${JSON.stringify(this.heard)}`);
  }
}

function run(t: TestContext, folder: URL, name: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ["--conditions=holdfast-source", new URL(name, folder).pathname], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.once("exit", (code) => code !== null && t.diagnostic(`${name} ended by itself, with ${code}`));
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Each connection to the next server that takes it. */
async function balance(t: TestContext, ports: readonly number[]): Promise<{ port: number }> {
  let turn = 0;
  const open = new Set<Socket>();
  const server = createTcpServer((client) => {
    const dial = (attempts: number) => {
      const upstream = connectTcp(ports[turn++ % ports.length] as number, "127.0.0.1");
      const redial = () => (attempts > 1 ? dial(attempts - 1) : client.destroy());
      upstream.once("error", redial);
      upstream.once("connect", () => {
        upstream.off("error", redial).on("error", () => client.destroy());
        client.pipe(upstream).pipe(client);
        upstream.on("close", () => client.destroy());
        client.on("close", () => upstream.destroy());
      });
    };
    client.on("error", () => client.destroy());
    open.add(client);
    client.on("close", () => open.delete(client));
    dial(ports.length);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port };
}

async function accepting(port: number, server: ChildProcess): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (server.exitCode !== null) throw new Error(`the server for ${port} ended with ${server.exitCode}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`expected a server on ${port} within 20 s`);
}
