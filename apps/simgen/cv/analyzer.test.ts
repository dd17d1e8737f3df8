import assert from "node:assert/strict";
import { test } from "node:test";
import { Resources } from "@holdfast/resources";
import type { AnalysisInput } from "./analysis.ts";
import { Analyzer, type AnalyzerOptions } from "./analyzer.ts";
import { SketchError } from "./sketch-error.ts";

const analysis = new URL("./analysis.fixture.ts", import.meta.url);
const never = new AbortController().signal;

function analyzerOf(t: { after(end: () => Promise<void>): unknown }, options: Partial<AnalyzerOptions> = {}): Analyzer {
  const analyzer = new Analyzer(new Resources(), { analysis, threads: 1, ...options });
  t.after(() => analyzer.close());
  return analyzer;
}

function sketch(prompt: string, image = Uint8Array.of(1, 2, 3)): AnalysisInput {
  return { prompt, image };
}

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof SketchError && error.code === expected;
}

/** Resolves once so many sketches are in threads, and so many wait. */
async function untilBusy(analyzer: Analyzer, busy: number, queued = 0): Promise<void> {
  for (;;) {
    const now = analyzer.snapshot();
    const leases = now.threads.reduce((sum, thread) => sum + thread.leases, 0);
    if (leases === busy && now.queued === queued) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("sketches are read in threads, one each at a time; their caller keeps the bytes", async (t) => {
  const analyzer = analyzerOf(t, { threads: 2 });
  const image = Uint8Array.of(1, 2, 3);
  const answers = await Promise.all(["a", "b", "c"].map((prompt) => analyzer.analyze(sketch(prompt, image), never)));
  assert.deepEqual(
    answers.map(({ understood }) => understood),
    [
      ["a", "6"],
      ["b", "6"],
      ["c", "6"],
    ],
  );
  assert.equal(image.length, 3);
});

test("what the sketch is to blame for comes with its code, what we are with a stack", async (t) => {
  const analyzer = analyzerOf(t);
  await assert.rejects(analyzer.analyze(sketch("refuse"), never), { code: "sketch_not_understood" });
  await assert.rejects(analyzer.analyze(sketch("throw"), never), /a mistake of ours\n +at analyze/);
  assert.equal((await analyzer.analyze(sketch("fine"), never)).understood[0], "fine", "the thread is none the worse");
  assert.equal(analyzer.snapshot().threads[0]?.uses, 3);
});

test("a thread that hangs is ended at the deadline and replaced; those who wait go on", async (t) => {
  const analyzer = analyzerOf(t, { deadlineMs: 500, queueMsMax: 10_000 });
  const startedMs = performance.now();
  const hung = analyzer.analyze(sketch("spin"), never);
  const next = analyzer.analyze(sketch("next"), never);
  await assert.rejects(hung, code("sketch_too_slow"));
  assert.ok(performance.now() - startedMs < 5_000);
  assert.equal((await next).understood[0], "next");
});

test("so is one that only waits, which turns its event loop all the time", async (t) => {
  const analyzer = analyzerOf(t, { deadlineMs: 300 });
  await assert.rejects(analyzer.analyze(sketch("wait 60000"), never), code("sketch_too_slow"));
  assert.equal((await analyzer.analyze(sketch("next"), never)).understood[0], "next");
});

for (const how of ["crash", "exit", "grow"])
  test(`a sketch that brings down its thread (${how}) fails alone`, async (t) => {
    const analyzer = analyzerOf(t, {
      threads: 2,
      memoryBytesMax: 64 * 1024 ** 2,
      queueMsMax: 20_000,
      deadlineMs: 20_000,
    });
    const bad = analyzer.analyze(sketch(how), never);
    const others = Array.from({ length: 6 }, (_, at) => analyzer.analyze(sketch(`wait ${at}`), never));
    await assert.rejects(bad, code("sketch_failed"));
    for (const other of others) assert.equal((await other).understood[0], "wait");
  });

test("a thread that somebody ends in mid-image is replaced, and the image is read after all", async (t) => {
  const analyzer = analyzerOf(t, { queueMsMax: 10_000 });
  const image = new Uint8Array(10_000_000).fill(1);
  const held = analyzer.analyze(sketch("wait 500", image), never);
  const queued = analyzer.analyze(sketch("next"), never);
  await untilBusy(analyzer, 1, 1);
  await analyzer.threads[0]?.end();
  assert.deepEqual((await held).understood, ["wait", "10000000"]);
  assert.equal((await queued).understood[0], "next");
});

test("once: whoever loses a second thread is told", async (t) => {
  const analyzer = analyzerOf(t);
  const held = analyzer.analyze(sketch("wait 4000"), never);
  held.catch(() => {});
  for (let ended = 0; ended < 2; ended++) {
    await untilBusy(analyzer, 1);
    await analyzer.threads[0]?.end();
  }
  await assert.rejects(held, code("sketch_failed"));
});

test("a queue that is full refuses at once, one that is slow after its time", async (t) => {
  const analyzer = analyzerOf(t, { queueMax: 1, queueMsMax: 200 });
  await analyzer.analyze(sketch("up"), never);
  const held = analyzer.analyze(sketch("wait 1000"), never);
  await untilBusy(analyzer, 1);
  const waits = analyzer.analyze(sketch("late"), never);
  waits.catch(() => {});
  const startedMs = performance.now();
  await assert.rejects(analyzer.analyze(sketch("too many"), never), code("sketch_queue_full"));
  assert.ok(performance.now() - startedMs < 150);
  await assert.rejects(waits, code("sketch_queue_full"));
  assert.equal((await held).understood[0], "wait");
});

test("who is gone leaves the queue, and a thread that reads for nobody takes the next when it is done", async (t) => {
  const analyzer = analyzerOf(t);
  const gone = new AbortController();
  const reason = new Error("hung up");
  const held = analyzer.analyze(sketch("wait 300"), gone.signal);
  const waits = analyzer.analyze(sketch("never"), gone.signal);
  await untilBusy(analyzer, 1, 1);
  const next = analyzer.analyze(sketch("next"), never);
  gone.abort(reason);
  await assert.rejects(held, reason);
  await assert.rejects(waits, reason);
  assert.equal(analyzer.snapshot().queued, 1);
  assert.equal((await next).understood[0], "next");
  assert.equal(analyzer.snapshot().threads[0]?.uses, 2, "the one in the queue was never begun");
  await assert.rejects(analyzer.analyze(sketch("late"), gone.signal), reason);
});

test("threads that have read their share are replaced, without anybody noticing", async (t) => {
  const analyzer = analyzerOf(t, { usesMax: 5 });
  const first = analyzer.threads[0];
  for (;;) {
    assert.equal((await analyzer.analyze(sketch("wait 20"), never)).understood[0], "wait");
    if (!analyzer.threads.some((thread) => thread === first)) break;
  }
  assert.equal(analyzer.threads.length, 1);
});

test("so are threads that keep too much memory, outside of their heap as well", async (t) => {
  const analyzer = analyzerOf(t, { memoryBytesMax: 64 * 1024 ** 2 });
  const [first] = analyzer.threads;
  assert.equal((await analyzer.analyze(sketch("keep 100"), never)).understood[0], "keep");
  const dueMs = performance.now() + 20_000;
  while (analyzer.threads.some((thread) => thread === first)) {
    assert.ok(performance.now() < dueMs, "it is not replaced");
    assert.equal((await analyzer.analyze(sketch("wait 20"), never)).understood[0], "wait");
  }
});

test("when it is closed, those who wait are told", async (t) => {
  const analyzer = analyzerOf(t);
  const held = analyzer.analyze(sketch("wait 60000"), never);
  held.catch(() => {});
  await untilBusy(analyzer, 1);
  await analyzer.close();
  await assert.rejects(held, code("sketch_reader_down"));
  await assert.rejects(analyzer.analyze(sketch("late"), never), code("sketch_reader_down"));
});
