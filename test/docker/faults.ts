/**
 * What people notice, and for how long, when a part of the stack is killed, stopped, frozen, hung or full: prints a table.
 * `npm run test:docker` brings the engine.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Installation, type Service } from "./installation.ts";
import { Load } from "./load.ts";

/** How long a part is away that does not come back by itself. */
const AWAY_MS = 5_000;
const SETTLE_MS = 3_000;
/** By then all is well again. */
const MENDED_MS_MAX = 60_000;
const TRY_MS = 100;
const ANSWER_MS_MAX = 2_000;
const STROKES = JSON.stringify({
  strokes: [
    [
      [100, 100],
      [300, 100],
      [300, 200],
      [100, 200],
      [100, 100],
    ],
  ],
});

/** In the servers of this installation: two signals that do to them what bugs do. */
const BUGS = `
  process.on("SIGUSR2", () => { for (;;); });
  const leak = [];
  process.on("SIGWINCH", () => setInterval(() => leak.push(Buffer.alloc(2e6, 1)), 100));
`;
const OVERRIDE = `services:
  api:
    environment:
      NODE_OPTIONS: "--import=data:text/javascript;base64,${Buffer.from(BUGS).toString("base64")}"
`;

interface Fault {
  name: string;
  /** Nothing starts anew, and it is looked at every ten seconds only. */
  isFreeze?: boolean;
  /** Resolves when what was broken is on its way back. */
  work(): Promise<void>;
}

/** Asks again and again; the longest time without an answer is how long people were without. */
class Prober {
  readonly #ask: () => Promise<Response>;
  #isOver = false;
  #goodAtMs = performance.now();
  #awayMs = 0;
  readonly #statuses = new Set<string>();
  readonly #done: Promise<void>;

  constructor(ask: (signal: AbortSignal) => Promise<Response>) {
    this.#ask = () => ask(AbortSignal.timeout(ANSWER_MS_MAX));
    this.#done = this.#work();
  }

  /** "1.2 s (502)": how long, and what was answered meanwhile. */
  async end(): Promise<string> {
    this.#isOver = true;
    await this.#done;
    if (this.#awayMs < 1_000 && this.#statuses.size === 0) return "-";
    const statuses = [...this.#statuses].join(", ");
    return `${(this.#awayMs / 1000).toFixed(1)} s${statuses === "" ? "" : ` (${statuses})`}`;
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      try {
        const response = await this.#ask();
        await response.arrayBuffer();
        if (response.ok) {
          const now = performance.now();
          this.#awayMs = Math.max(this.#awayMs, now - this.#goodAtMs);
          this.#goodAtMs = now;
        } else this.#statuses.add(String(response.status));
      } catch (error) {
        this.#statuses.add(error instanceof DOMException ? "no answer" : "no connection");
      }
      await sleep(TRY_MS);
    }
  }
}

const stack = new Installation("faults");

describe("what people notice when a part fails", () => {
  let load: Load | undefined;
  const table: string[] = [];

  before(async () => {
    await stack.prepare();
    await writeFile(join(stack.folder, "bugs.yml"), OVERRIDE);
    await stack.compose("build");
    await stack.up("bugs.yml");
    load = new Load(stack.url, { sessions: 20, requestsPerSecond: 10 });
    await load.start();
  });
  after(async () => {
    await load?.stop();
    await stack.remove();
  });

  /** The one of them that has the most sessions, if they have any. */
  const one = async (service: Service) => {
    const sized = await Promise.all(
      (await stack.containers(service)).map(async (container) => {
        if (service !== "api") return { container, connections: 0 };
        const metrics = await stack.run("docker", "exec", container.Id, "node", "deploy/probe.mjs", "/metrics");
        return { container, connections: Number(/^simgen_connections (\d+)$/m.exec(metrics)?.[1]) };
      }),
    );
    const [most] = sized.sort((a, b) => b.connections - a.connections);
    assert.ok(most, service);
    return most.container;
  };
  /** The signal goes to the first process of the container, which hands it on, and to whoever is killed. */
  const signal = async (service: Service, name: NodeJS.Signals) => {
    process.kill((await one(service)).State.Pid, name);
  };
  const away = async (service: Service, ...[begin, end]: [string, string]) => {
    const { Id } = await one(service);
    await stack.run("docker", begin, Id);
    await sleep(AWAY_MS);
    await stack.run("docker", end, Id);
  };
  const named = (service: Service) => (service === "api" ? "one api of two" : service);
  const faults: Fault[] = (["nginx", "api", "cv", "redis", "postgres"] as const).flatMap((service) => [
    {
      name: `\`kill -9\` of ${named(service)}`,
      work: () => signal(service, "SIGKILL"),
    },
    { name: `${named(service)} stopped for ${AWAY_MS / 1000} s`, work: () => away(service, "stop", "start") },
    {
      name: `${named(service)} frozen for ${AWAY_MS / 1000} s`,
      isFreeze: true,
      work: () => away(service, "pause", "unpause"),
    },
  ]);
  /** Resolves when it has been started again, with what it had printed before. */
  const restarted = async (name: NodeJS.Signals) => {
    const { Id, State, RestartCount } = await one("api");
    process.kill(State.Pid, name);
    for (const deadline = Date.now() + MENDED_MS_MAX; ; await sleep(200)) {
      const [again] = (await stack.containers("api")).filter((each) => each.Id === Id);
      if (again && again.RestartCount > RestartCount) break;
      assert.ok(Date.now() < deadline, "it was not started again");
    }
    return stack.run("bash", "-c", `docker logs --tail 200 ${Id} 2>&1`);
  };

  const trial = async ({ name, isFreeze = false, work }: Fault) => {
    assert.ok(load);
    load.report();
    const probers = [
      new Prober((signal) => fetch(stack.url, { signal })),
      new Prober((signal) => fetch(`${stack.url}/api/v1/simulations`, { signal })),
      new Prober((signal) =>
        fetch(`${stack.url}/api/v1/sketches`, {
          ...{ signal, method: "POST", body: STROKES },
          headers: { "content-type": "application/json" },
        }),
      ),
    ];
    await work();
    await sleep(SETTLE_MS);
    if (!isFreeze) await stack.untilHealthy();
    // The last answers.
    await sleep(1_000);
    const [page, api, sketch] = await Promise.all(probers.map((prober) => prober.end()));
    const { broken, silenceMs, answerMs, resumedAfterSeconds } = load.report();
    const shown = ({ median, max }: { median: number; max: number }) =>
      max < 1_000 ? "-" : `${(median / 1000).toFixed(1)} s, ${(max / 1000).toFixed(1)} s`;
    table.push(
      `| ${name} | ${page} | ${api} | ${sketch} | ${shown(silenceMs)} | ${shown(answerMs)} | ${resumedAfterSeconds.length} |`,
    );
    assert.deepEqual(broken, [], name);
  };

  for (const fault of faults) test(`${fault.name}: every session goes on`, () => trial(fault));

  test("H4: an api whose event loop hangs is ended by its watchdog, and started again", () =>
    trial({
      name: "the event loop of one api of two hangs",
      async work() {
        assert.match(await restarted("SIGUSR2"), /"what":"event loop stalled"/);
      },
    }));

  test("an api whose memory runs out leaves before the kernel kills it, and is started again", () =>
    trial({
      name: "one api of two leaks memory until it leaves",
      async work() {
        assert.match(await restarted("SIGWINCH"), /memory has nearly run out"[\s\S]*"shutting down"/);
      },
    }));

  test("each message was answered once", async (t) => {
    t.diagnostic(
      [
        "what happens | page | API | sketches | live picture: median, worst | answer to a message: the same | sessions resumed",
        "---|---|---|---|---|---|---",
        ...table,
      ].join("\n"),
    );
    assert.deepEqual(await load?.stop(), []);
    load = undefined;
  });
});
