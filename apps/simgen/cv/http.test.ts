import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Health } from "@holdfast/health";
import { Resources } from "@holdfast/resources";
import { pino } from "pino";
import { Analyzer, type AnalyzerOptions } from "./analyzer.ts";
import { createCvHttp } from "./http.ts";
import { createCvMetrics } from "./metrics.ts";
import { post } from "./service.fixture.ts";

const analysis = new URL("./analysis.fixture.ts", import.meta.url);

/** Its address. */
async function service(t: TestContext, options: Partial<AnalyzerOptions> = {}): Promise<string> {
  const resources = new Resources();
  const analyzer = new Analyzer(resources, { analysis, threads: 1, ...options });
  const health = new Health();
  const metrics = createCvMetrics(analyzer, resources, health);
  const app = createCvHttp({ logger: pino({ level: "silent" }), analyzer, health, metrics });
  t.after(async () => {
    health.close();
    await app.close();
    await analyzer.close();
  });
  await analyzer.ready();
  return app.listen({ host: "127.0.0.1", port: 0 });
}

function ask(url: string, prompt: string) {
  return post(`${url}/analyze`, { strokes: [[[1, 2]]], prompt });
}

/** Resolves when the metrics have such a line. */
async function metric(url: string, line: RegExp): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (line.test(await (await fetch(`${url}/metrics`)).text())) return;
    await sleep(10);
  }
  assert.fail(`no metric ${line}`);
}

test("a sketch that hangs, kills or breaks its thread gets its code; those beside it go on; all is counted", async (t) => {
  const url = await service(t, { deadlineMs: 500, queueMsMax: 10_000 });
  for (const [prompt, status, code] of [
    ["spin", 504, "sketch_too_slow"],
    ["crash", 500, "sketch_failed"],
    ["throw", 500, "internal_error"],
    ["refuse", 422, "sketch_not_understood"],
  ] as const) {
    const [bad, good] = await Promise.all([ask(url, prompt), ask(url, "fine")]);
    assert.deepEqual([bad.status, bad.body.code], [status, code]);
    assert.doesNotMatch(JSON.stringify(bad.body), /fixture/, "where we broke is nobody's business");
    assert.equal(good.status, 200);
    await metric(url, new RegExp(`^cv_requests_total\\{input="drawing",outcome="${code}"\\} 1$`, "m"));
  }
  await metric(url, /^cv_requests_total\{input="drawing",outcome="ok"\} 4$/m);
  await metric(url, /^cv_threads_recycled_total 2$/m);
});

test("a full queue says when to come back", async (t) => {
  const url = await service(t, { queueMax: 1, queueMsMax: 10_000 });
  const held = ask(url, "wait 3000");
  await metric(url, /^cv_threads_busy 1$/m);
  const waits = ask(url, "waits");
  await metric(url, /^cv_queue 1$/m);
  const refused = await ask(url, "too many");
  assert.deepEqual([refused.status, refused.body.code], [503, "sketch_queue_full"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  for (const answer of [held, waits]) assert.equal((await answer).status, 200);
});

test("whoever hangs up is not waited for", async (t) => {
  const url = await service(t, { deadlineMs: 30_000, queueMsMax: 30_000 });
  const gone = new AbortController();
  const asking = fetch(`${url}/analyze`, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, signal: gone.signal },
    body: JSON.stringify({ strokes: [[[1, 2]]], prompt: "wait 20000" }),
  });
  asking.catch(() => {});
  await metric(url, /^cv_threads_busy 1$/m);
  const queued = fetch(`${url}/analyze`, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, signal: gone.signal },
    body: JSON.stringify({ strokes: [[[1, 2]]], prompt: "never" }),
  });
  queued.catch(() => {});
  await metric(url, /^cv_queue 1$/m);
  gone.abort();
  await metric(url, /^cv_requests_total\{input="drawing",outcome="caller_gone"\} 2$/m);
  await metric(url, /^cv_queue 0$/m);
  await metric(url, /^cv_threads_busy 1$/m);
});
