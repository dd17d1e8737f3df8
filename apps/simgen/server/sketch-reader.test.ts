import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Resources } from "@holdfast/resources";
import type { AnalysisInput } from "../cv/analysis.ts";
import { PENDULUM, pictureOf, post, startCv } from "../cv/service.fixture.ts";
import { freePort } from "./port.fixture.ts";
import { metric, startServer, Visitor } from "./server.fixture.ts";
import { SketchReader, type SketchReaderOptions } from "./sketch-reader.ts";

const never = new AbortController().signal;
const strokes: AnalysisInput = { drawing: { ...PENDULUM, texts: [] } };
const image: AnalysisInput = { image: await pictureOf(PENDULUM) };

function readerOf(t: TestContext, options: Partial<SketchReaderOptions> = {}): SketchReader {
  const reader = new SketchReader({ resources: new Resources(), cvUrl: undefined, onError() {}, ...options });
  t.after(() => reader.close());
  return reader;
}

/** Something that listens where the CV service should. */
async function standIn(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address);
  return `http://127.0.0.1:${address.port}`;
}

function* endless() {
  for (;;) yield Buffer.alloc(1e6, 32);
}

test("without a service, this process reads all, in a thread that starts when it is needed", async (t) => {
  const reader = readerOf(t);
  assert.equal(reader.snapshot().threads.length, 0);
  for (const sketch of [strokes, image]) {
    const { by, recognition, scene } = await reader.read(sketch, never);
    assert.equal(by, "embedded");
    assert.ok(recognition.shapes.some(({ kind }) => kind === "circle"));
    assert.ok(scene && scene.bodies.length > 0);
  }
  await assert.rejects(reader.read({ image: Uint8Array.of(1, 2, 3) }, never), { code: "image_unsupported" });
  assert.equal(reader.snapshot().threads.length, 1);
  assert.equal(await reader.check(), undefined);
  assert.deepEqual(
    [...reader.counts.values()],
    [
      { by: "embedded", outcome: "ok", count: 2 },
      { by: "embedded", outcome: "image_unsupported", count: 1 },
    ],
  );
});

for (const [what, answer] of [
  ["breaks the line", (_, response) => response.destroy()],
  ["never answers", () => {}],
  ["answers with a page for people", (_, response) => response.writeHead(502).end("<h1>Bad gateway</h1>")],
  ["is something else", (_, response) => response.writeHead(404).end('{"code":"not_found","detail":"?"}')],
  ["answers with nonsense", (_, response) => response.end('{"scene":{},"recognition":7}')],
  ["answers without end", (_, response) => Readable.from(endless()).pipe(response)],
  ["is going away", (_, response) => response.writeHead(503).end('{"code":"shutting_down","detail":"?"}')],
] satisfies [string, (request: IncomingMessage, response: ServerResponse) => void][])
  test(`a service that ${what}: strokes are read here, images are refused, the breaker opens`, async (t) => {
    const cvUrl = await standIn(t, answer);
    const told: string[] = [];
    const reader = readerOf(t, {
      ...{ cvUrl, cv: { strokesMs: 300, imageMs: 300, openMs: 60_000, openMsMax: 60_000 } },
      onError: (_, what) => told.push(what),
    });
    await assert.rejects(reader.read(image, never), (error: { code?: string; details?: object }) => {
      assert.equal(error.code, "sketch_reader_down");
      assert.deepEqual(error.details, { retryAfterSeconds: 1 });
      return true;
    });
    assert.match(told.join(), /^the CV service did not read an image: ./);
    for (let at = 0; at < 4; at++) assert.equal((await reader.read(strokes, never)).by, "embedded");
    assert.equal(reader.breaker?.state, "open");
    assert.match((await reader.check()) ?? "", /out of order.*; strokes are read here, images are refused/);
    const startedMs = performance.now();
    assert.equal((await reader.read(strokes, never)).by, "embedded");
    await assert.rejects(reader.read(image, never), { code: "sketch_reader_down" });
    assert.ok(performance.now() - startedMs < 250, "nobody waits for it any more");
  });

test("strokes are not kept waiting as long as images may be", async (t) => {
  const cvUrl = await standIn(t, () => {});
  const reader = readerOf(t, { cvUrl, cv: { strokesMs: 100, imageMs: 60_000 } });
  assert.equal((await reader.read(strokes, AbortSignal.timeout(20_000))).by, "embedded");
});

test("an answer that is too long is not read to its end", async (t) => {
  const cvUrl = await standIn(t, (_, response) => response.write(Buffer.alloc(9 * 1024 * 1024, 32)));
  const reader = readerOf(t, { cvUrl, cv: { imageMs: 60_000 } });
  await assert.rejects(reader.read(image, AbortSignal.timeout(20_000)), { code: "sketch_reader_down" });
});

test("what the service says of a sketch is passed on, and is no reason to leave it alone", async (t) => {
  let code = "sketch_failed";
  const cvUrl = await standIn(t, (_, response) => {
    response
      .writeHead(code === "image_empty" ? 422 : 503)
      .end(`{"code":"${code}","detail":"so","retryAfterSeconds":3}`);
  });
  const reader = readerOf(t, { cvUrl });
  for (const each of ["sketch_failed", "sketch_too_slow", "internal_error", "image_empty", "sketch_queue_full"])
    for (let at = 0; at < 6; at++) {
      code = each;
      await assert.rejects(reader.read(image, never), { code, message: "so" });
    }
  assert.equal((await reader.read(strokes, never)).by, "embedded", "strokes need not wait there");
  code = "sketch_too_slow";
  await assert.rejects(reader.read(strokes, never), { code });
  assert.equal(reader.breaker?.state, "closed");
});

test("the prompt beside an image goes with it, and when to come again comes back", async (t) => {
  const urls: (string | undefined)[] = [];
  const cvUrl = await standIn(t, ({ url }, response) => {
    urls.push(url);
    response.writeHead(503).end('{"code":"sketch_queue_full","detail":"so","retryAfterSeconds":3}');
  });
  const reader = readerOf(t, { cvUrl });
  await assert.rejects(reader.read({ ...image, prompt: "on the Moon" }, never), (error: { details?: object }) => {
    assert.deepEqual(error.details, { retryAfterSeconds: 3 });
    return true;
  });
  assert.deepEqual(urls, ["/analyze?prompt=on+the+Moon"]);
  assert.match((await reader.check()) ?? "", /^it answers with 503; strokes are read here/);
});

test("a sketch goes to no other address than the one that was given", async (t) => {
  let asked = 0;
  const other = await standIn(t, (_, response) => {
    asked++;
    response.writeHead(422).end('{"code":"image_empty","detail":"so"}');
  });
  const cvUrl = await standIn(t, (_, response) => response.writeHead(307, { location: `${other}/analyze` }).end());
  await assert.rejects(readerOf(t, { cvUrl }).read(image, never), { code: "sketch_reader_down" });
  assert.equal(asked, 0);
});

test("only so many are asked of the service at once; for strokes there is this process", async (t) => {
  const asked = Promise.withResolvers<void>();
  const cvUrl = await standIn(t, () => asked.resolve());
  const reader = readerOf(t, { cvUrl, cv: { concurrentMax: 1 } });
  const gone = new AbortController();
  const held = reader.read(image, gone.signal);
  held.catch(() => {});
  await asked.promise;
  await assert.rejects(reader.read(image, never), { code: "sketch_queue_full" });
  assert.equal((await reader.read(strokes, never)).by, "embedded");
  gone.abort();
});

test("a caller who hangs up ends the call, and says nothing of the service", async (t) => {
  const asked = Promise.withResolvers<IncomingMessage>();
  const cvUrl = await standIn(t, (request) => asked.resolve(request));
  const reader = readerOf(t, { cvUrl });
  const gone = new AbortController();
  const reading = reader.read(image, gone.signal);
  const request = await asked.promise;
  const closed = once(request.socket, "close");
  gone.abort(new Error("hung up"));
  await assert.rejects(reading, /hung up/);
  await closed;
  assert.equal(reader.breaker?.counters.failed, 0);
});

test("the CV service killed under requests: strokes go on, images are refused, and then it is used again", async (t) => {
  const port = await freePort();
  const env = { PORT: String(port), CV_WORKERS: "1" };
  const cv = await startCv(t, env);
  const server = await startServer(t, { CV_URL: cv.url });
  const visitor = new Visitor(server);
  const { image: bytes } = image as { image: Uint8Array };
  const sketches = `${server.url}/api/v1/sketches`;
  const health = async () => (await visitor.request("GET", "/health/detailed")).body;

  assert.equal((await post(sketches, PENDULUM)).body.by, "cv");
  assert.equal((await post(sketches, bytes, "image/png")).body.by, "cv");
  const made = await visitor.create({ sketch: PENDULUM });
  assert.equal(made.planner, "cv");
  assert.equal((await health()).status, "healthy");

  let isOver = false;
  const bys: unknown[] = [];
  const codes: unknown[] = [];
  const lines = [
    (async () => {
      while (!isOver) {
        const { status, body } = await post(sketches, PENDULUM);
        assert.equal(status, 200, JSON.stringify(body));
        bys.push(body.by);
        await sleep(20);
      }
    })(),
    (async () => {
      while (!isOver) {
        const { status, body, headers } = await post(sketches, bytes, "image/png");
        codes.push(body.code ?? "ok");
        if (body.code !== undefined) {
          assert.deepEqual([status, body.code], [503, "sketch_reader_down"]);
          assert.ok(Number(headers.get("retry-after")) >= 1);
        }
        await sleep(20);
      }
    })(),
  ];
  const until = async (what: () => Promise<boolean> | boolean) => {
    const dueMs = performance.now() + 20_000;
    while (!(await what())) {
      assert.ok(performance.now() < dueMs, `${what}`);
      await Promise.race([sleep(50), ...lines]);
    }
  };
  await until(() => bys.length > 5 && codes.length > 5);
  await cv.stop("SIGKILL");
  await until(() => metric(server, 'simgen_breaker_state{breaker="cv",state="open"}').then((is) => is === 1));
  await until(async () => (await health()).status === "degraded");
  assert.equal((await visitor.create({ sketch: PENDULUM })).planner, "cv");
  assert.equal((await visitor.create({ template: "pendulum" })).planner, "template");
  assert.equal(bys.at(-1), "embedded");
  assert.equal(codes.at(-1), "sketch_reader_down");

  await startCv(t, env);
  await until(() => bys.at(-1) === "cv" && codes.at(-1) === "ok");
  await until(async () => (await health()).status === "healthy");
  isOver = true;
  await Promise.all(lines);
  assert.ok((await metric(server, 'simgen_sketches_total{by="embedded",outcome="ok"}')) > 0);
  assert.ok((await metric(server, 'simgen_sketches_total{by="cv",outcome="sketch_reader_down"}')) > 0);
  assert.equal(await server.stop(), 0);
});
