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
  const outcomes: (Error | undefined)[] = [undefined, DOWN, undefined, DOWN, DOWN, DOWN, undefined];
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
  assert.deepEqual(
    changes.map(({ from, to }) => `${from} ${to}`),
    ["pass warn", "warn pass", "pass warn", "warn fail", "fail pass"],
  );
  assert.equal(changes[3]?.detail, "connection refused");
});

test("a check that fails from the first look on has failed", async (t) => {
  const changes: HealthChange[] = [];
  const health = await started(t, { redis: () => Promise.reject(DOWN) }, (change) => changes.push(change));
  assert.equal(health.report().status, "unhealthy");
  assert.deepEqual(changes, [{ check: "redis", from: undefined, to: "fail", detail: "connection refused" }]);
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

test("options out of bounds are refused by name", () => {
  const refused = (check: Partial<Check>, message: RegExp) =>
    assert.throws(() => new Health({ checks: { redis: { probe: () => undefined, ...check } } }), {
      name: "HealthError",
      code: "option_invalid",
      message,
    });
  refused({ intervalMs: 0 }, /^redis: intervalMs: expected a number from 1 to \d+(\.\d+)?, got 0$/);
  refused({ timeoutMs: Number.NaN }, /^redis: timeoutMs: .* got NaN$/);
  refused({ kind: "vital" as "local" }, /^redis: kind: expected required, optional or local, got vital$/);
});

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
