import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { HEALTH_PATHS, healthAnswer } from "./answers.ts";
import type { Check, Probe } from "./check.ts";
import { Health, type HealthChange } from "./health.ts";

const DOWN = new Error("connection refused");
const SOON = { intervalMs: 5, timeoutMs: 20 };

test("what is well, worth a look and broken is told apart, with why", async (t) => {
  const health = await started(t, {
    postgres: () => undefined,
    disk: () => "12 % free",
    cv: {
      kind: "optional",
      probe: () => {
        throw DOWN;
      },
    },
  });
  const { status, checks } = health.report();
  assert.equal(status, "degraded");
  assert.equal(checks.postgres?.status, "pass");
  assert.deepEqual([checks.disk?.status, checks.disk?.detail], ["warn", "12 % free"]);
  assert.deepEqual([checks.cv?.status, checks.cv?.detail], ["fail", "connection refused"]);
});

test("H2: a warning and an optional dependency that is down are 200; what is required is 503, and yet keeps this server in rotation", async (t) => {
  const down = () => Promise.reject(DOWN);
  const answers = async (checks: Record<string, Check | Probe>) => {
    const health = await started(t, checks);
    return HEALTH_PATHS.map((path) => healthAnswer(health, path).status);
  };
  assert.deepEqual(await answers({ memory: () => "nearly full" }), [200, 200, 200, 200]);
  assert.deepEqual(await answers({ memory: { kind: "local", probe: () => "nearly full" } }), [200, 200, 200, 200]);
  assert.deepEqual(await answers({ llm: { kind: "optional", probe: down } }), [200, 200, 200, 200]);
  assert.deepEqual(await answers({ postgres: { kind: "required", probe: down } }), [503, 200, 200, 200]);
  assert.deepEqual(await answers({ memory: { kind: "local", probe: down } }), [503, 200, 503, 200]);
});

test("a server that drains lives, is not ready, and looks at nothing any more", async (t) => {
  let looks = 0;
  const health = await started(t, { postgres: { ...SOON, probe: () => void looks++ } });
  health.drain("SIGTERM");
  const before = looks;
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(looks, before);
  assert.deepEqual(
    HEALTH_PATHS.map((path) => healthAnswer(health, path).status),
    [200, 200, 503, 200],
  );
  assert.match(healthAnswer(health, "/health/ready").body, /SIGTERM/);
});

test("a look that is under way when the server drains is called off, and what it finds is not told", async (t) => {
  let looks = 0;
  const looked = Promise.withResolvers<AbortSignal>();
  const found = Promise.withResolvers<undefined>();
  const probe = (signal: AbortSignal) => {
    looks++;
    looked.resolve(signal);
    return found.promise;
  };
  const health = new Health({ checks: { redis: { intervalMs: 1, probe } }, onChange: () => assert.fail("told") });
  t.after(() => health.close());
  const start = health.start();
  const signal = await looked.promise;
  health.drain();
  assert.ok(signal.aborted);
  found.reject(DOWN);
  await start;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(looks, 1);
});

test("who is not ready says all that keeps it from it, to a load balancer and to operators", async (t) => {
  const health = await started(t, { memory: { kind: "local", probe: () => Promise.reject(DOWN) } });
  health.drain("SIGTERM");
  const reasons = ["SIGTERM", "memory: connection refused"];
  const { body, headers } = healthAnswer(health, "/health/ready");
  assert.deepEqual(JSON.parse(body), { status: "unhealthy", detail: reasons.join("; "), reasons });
  assert.equal(headers["cache-control"], "no-store");
  const detailed = JSON.parse(healthAnswer(health, "/health/detailed").body);
  assert.deepEqual([detailed.ready, detailed.draining, detailed.reasons], [false, true, reasons]);
});

test("H3: a thousand who ask at once reach no dependency", async (t) => {
  let looks = 0;
  const health = await started(t, { postgres: () => void looks++ });
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async () => HEALTH_PATHS.map((path) => healthAnswer(health, path).status)),
  );
  assert.ok(answers.flat().every((status) => status === 200));
  assert.equal(looks, 1);
});

test("H1: a check that never answers fails within its time limit, and is not joined by another while it hangs", async (t) => {
  let looks = 0;
  const aborted = Promise.withResolvers<void>();
  const health = await started(t, {
    redis: {
      ...SOON,
      probe(signal) {
        looks++;
        signal.addEventListener("abort", () => aborted.resolve());
        return new Promise(() => {});
      },
    },
  });
  await aborted.promise;
  const { status, detail } = health.report().checks.redis ?? {};
  assert.deepEqual([status, detail], ["fail", "no answer within 20 ms"]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(looks, 1);
});

test("one failure after a success is a warning, two in a row are a failure, and each change is told once", async (t) => {
  const changes = await changesOf(t, [undefined, DOWN, undefined, DOWN, DOWN, DOWN, undefined, DOWN, DOWN, undefined]);
  assert.deepEqual(
    changes.map(({ from, to }) => `${from} ${to}`),
    ["pass warn", "warn pass", "pass warn", "warn fail", "fail pass", "pass warn", "warn fail", "fail pass"],
  );
  assert.equal(changes[3]?.detail, "connection refused");
});

test("a check that fails from the first look on has failed, until it passes", async (t) => {
  const changes: HealthChange[] = [];
  const health = await started(t, { redis: () => Promise.reject(DOWN) }, (change) => changes.push(change));
  assert.equal(health.report().status, "unhealthy");
  assert.deepEqual(changes, [{ check: "redis", from: undefined, to: "fail", detail: "connection refused" }]);
  assert.deepEqual(
    (await changesOf(t, [DOWN, DOWN, DOWN, undefined])).map(({ from, to }) => `${from} ${to}`),
    ["undefined fail", "fail pass"],
  );
});

test("H1: a check is looked at once an interval, give or take a tenth, and says since when it is as it is", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const random = t.mock.method(Math, "random", () => 0);
  const looks: AbortSignal[] = [];
  let warning: string | undefined;
  const probe = (signal: AbortSignal) => {
    looks.push(signal);
    return warning;
  };
  const health = await started(t, { redis: { intervalMs: 1_000, probe } });
  const look = async (afterMs: number) => {
    const before = looks.length;
    t.mock.timers.tick(afterMs - 1);
    assert.equal(looks.length, before);
    t.mock.timers.tick(1);
    assert.equal(looks.length, before + 1);
    await new Promise((resolve) => setImmediate(resolve));
    const { since = "", checkedAt = "" } = health.report().checks.redis ?? {};
    return [Date.parse(since), Date.parse(checkedAt)];
  };
  random.mock.mockImplementation(() => 1);
  assert.deepEqual(await look(900), [0, 900]);
  warning = "slow";
  assert.deepEqual(await look(1_100), [2_000, 2_000]);
  assert.deepEqual(await look(1_100), [2_000, 3_100]);
  assert.ok(looks.every(({ aborted }) => !aborted));
});

test("a check says how long it took", async (t) => {
  const probe = () => new Promise<undefined>((resolve) => setTimeout(resolve, 20));
  const health = await started(t, { redis: probe });
  assert.ok((health.report().checks.redis?.durationMs ?? 0) >= 15);
});

test("an error without a message shows its code", async (t) => {
  const refused = Object.assign(new Error(""), { code: "ECONNREFUSED" });
  const health = await started(t, { redis: () => Promise.reject(refused) });
  assert.equal(health.report().checks.redis?.detail, "ECONNREFUSED");
});

test("everybody sees statuses, only operators see details", async (t) => {
  const health = await started(t, { disk: () => "12 % free on /var/lib" });
  const shown = healthAnswer(health, "/health").body;
  assert.deepEqual(JSON.parse(shown), { status: "degraded", checks: { disk: { status: "warn" } } });
  const detailed = JSON.parse(healthAnswer(health, "/health/detailed", () => ({ version: "1.2.3" })).body);
  assert.equal(detailed.checks.disk.detail, "12 % free on /var/lib");
  assert.equal(detailed.version, "1.2.3");
  assert.ok(detailed.memory.rss > 0);
});

test("everybody sees what was found last", async (t) => {
  let warning: string | undefined = "slow";
  const changed = Promise.withResolvers<void>();
  const health = await started(t, { redis: { ...SOON, probe: () => warning } }, ({ to }) => {
    if (to === "pass") changed.resolve();
  });
  const shown = () => JSON.parse(healthAnswer(health, "/health").body);
  assert.deepEqual(shown(), { status: "degraded", checks: { redis: { status: "warn" } } });
  warning = undefined;
  await changed.promise;
  assert.deepEqual(shown(), { status: "healthy", checks: { redis: { status: "pass" } } });
});

test("options out of bounds are refused by name", () => {
  const refused = (check: Partial<Check>, message: RegExp) =>
    assert.throws(() => new Health({ checks: { redis: { probe: () => undefined, ...check } } }), {
      name: "HealthError",
      code: "option_invalid",
      message,
    });
  refused({ intervalMs: 0 }, /^redis: intervalMs: expected a number from 1 to \d+(\.\d+)?, got 0$/);
  refused({ intervalMs: 2 ** 31 - 1 }, /^redis: intervalMs: /);
  refused({ failAfter: 0 }, /^redis: failAfter: .* got 0$/);
  refused({ timeoutMs: Number.NaN }, /^redis: timeoutMs: .* got NaN$/);
  refused({ kind: "vital" as "local" }, /^redis: kind: expected required, optional or local, got vital$/);
});

/** What is told of a check that finds these, one after another. */
async function changesOf(t: TestContext, outcomes: (Error | undefined)[]): Promise<HealthChange[]> {
  const changes: HealthChange[] = [];
  const done = Promise.withResolvers<void>();
  const probe = () => {
    const outcome = outcomes.shift();
    if (outcomes.length === 0) done.resolve();
    if (outcome) throw outcome;
    return undefined;
  };
  await started(t, { redis: { ...SOON, probe } }, (change) => changes.push(change));
  await done.promise;
  await new Promise((resolve) => setImmediate(resolve));
  return changes;
}

async function started(
  t: TestContext,
  checks: Record<string, Check | Probe>,
  onChange?: (change: HealthChange) => void,
): Promise<Health> {
  const health = new Health({ checks, ...(onChange && { onChange }) });
  t.after(() => health.close());
  await health.start();
  return health;
}
