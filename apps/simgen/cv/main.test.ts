import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { type CvService, PENDULUM, pictureOf, post, startCv } from "./service.fixture.ts";

const DEADLINE_MS = 6_000;

describe("the CV service", () => {
  const ends: (() => Promise<void>)[] = [];
  let cv: CvService;
  before(async () => {
    cv = await startCv({ after: (end) => ends.push(end) }, { CV_WORKERS: "2" });
  });
  after(async () => {
    for (const end of ends) await end();
  });
  const analyze = (body: unknown, type?: string) => post(`${cv.url}/analyze`, body, type);

  test("reads strokes, images of three types, and what was put right by hand", async () => {
    const { body: strokes } = await analyze(PENDULUM);
    assert.ok(
      strokes.recognition?.shapes.some(({ kind }) => kind === "circle"),
      JSON.stringify(strokes),
    );
    assert.ok((strokes.scene?.bodies.length ?? 0) > 0);
    for (const type of ["png", "jpeg", "webp"] as const) {
      const { status, body } = await analyze(await pictureOf(PENDULUM, type), `image/${type}`);
      assert.equal(status, 200, JSON.stringify(body));
      assert.ok(body.recognition?.shapes.some(({ kind }) => kind === "circle"));
    }
    const { status, body } = await analyze({ recognition: strokes.recognition });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.scene, strokes.scene);
  });

  test("a prompt refines it: in the JSON, or beside an image", async () => {
    const { body: json } = await analyze({ ...PENDULUM, prompt: "on the Moon" });
    const image = await pictureOf(PENDULUM);
    const { body: beside } = await post(`${cv.url}/analyze?prompt=on%20the%20Moon`, image, "image/png");
    for (const { scene } of [json, beside]) assert.deepEqual(scene?.gravity, [0, 0, -1.62]);
  });

  const [x, y] = [0, 1e308];
  const table: [what: string, body: unknown, type: string, status: number, code: string, detail: RegExp][] = [
    ["an SVG that poses as a PNG", "<svg xmlns='x'/>", "image/png", 415, "image_unsupported", /image\/png.*got an SVG/],
    ["a PDF that poses as a PNG", "%PDF-1.7\n", "image/png", 415, "image_unsupported", /got a PDF/],
    ["a GIF", "GIF89a", "image/gif", 415, "media_type_unsupported", /image\/webp, got image\/gif/],
    ["no bytes", "", "image/png", 415, "image_unsupported", /got 0 bytes/],
    ["a PNG of 0x0 pixels", png(0, 0), "image/png", 422, "image_empty", /got one of no width or height/],
    ["a decompression bomb", png(60_000, 60_000), "image/png", 413, "image_too_large", /60000/],
    [
      "a few pixels too many",
      png(9_000, 9_000),
      "image/png",
      413,
      "image_too_large",
      /65000000 pixels, got 9000 x 9000/,
    ],
    ["more than 10 MiB", new Uint8Array(11_000_000), "image/png", 413, "body_too_large", /at most 10485760 bytes/],
    ["no strokes", { strokes: [] }, "application/json", 400, "request_invalid", /strokes: expected at least 1 items/],
    [
      "100,000 strokes",
      { strokes: Array(100_000).fill([[1, 2]]) },
      "application/json",
      400,
      "request_invalid",
      /at most 400/,
    ],
    [
      "a point at 1e308",
      { strokes: [[[x, y]]] },
      "application/json",
      400,
      "request_invalid",
      /strokes\[0\]\[0\]\[1\]: .* got 1e\+308/,
    ],
    ["a point at infinity", '{"strokes":[[[1e999,0]]]}', "application/json", 400, "request_invalid", /got Infinity/],
    ["a point that is no number", '{"strokes":[[[NaN,0]]]}', "application/json", 400, "json_malformed", /./],
    [
      "null for a point",
      '{"strokes":[[[null,0]]]}',
      "application/json",
      400,
      "request_invalid",
      /expected number, got null/,
    ],
    [
      "JSON 10,000 deep",
      `{"strokes":${"[".repeat(1e4)}${"]".repeat(1e4)}}`,
      "application/json",
      400,
      "request_invalid",
      /got \[/,
    ],
    [
      "objects 10,000 deep",
      `{"recognition":${'{"a":'.repeat(1e4)}1${"}".repeat(1e4)}}`,
      "application/json",
      400,
      "request_invalid",
      /recognition/,
    ],
    [
      "neither",
      { prompt: "a ball" },
      "application/json",
      400,
      "request_invalid",
      /one of the fields strokes, recognition/,
    ],
    ["both", { ...PENDULUM, recognition: {} }, "application/json", 400, "request_invalid", /also recognition/],
    ["an image in JSON", { image: {} }, "application/json", 400, "request_invalid", /image/],
    ["a list", [], "application/json", 400, "request_invalid", /./],
    [
      "a recognition without shapes",
      { recognition: { width: 9, height: 9 } },
      "application/json",
      400,
      "request_invalid",
      /shapes/,
    ],
    [
      "an endless prompt",
      { ...PENDULUM, prompt: "x".repeat(3000) },
      "application/json",
      400,
      "request_invalid",
      /prompt: expected at most 2000/,
    ],
    ["text", "hello", "text/plain", 415, "media_type_unsupported", /./],
  ];
  for (const [what, body, type, status, code, detail] of table)
    test(`${what}: ${status} ${code}`, () => refused(body, type, status, code, detail));

  test("images that are cut off, empty, or full of lines", async () => {
    const [whole, jpeg] = [await pictureOf(PENDULUM), await pictureOf(PENDULUM, "jpeg")];
    await refused(whole.subarray(0, whole.length / 2), "image/png", 422, "image_damaged", /./);
    await refused(jpeg.subarray(0, jpeg.length / 3), "image/jpeg", 422, "image_damaged", /./);
    for (const background of ["#000", "#fff"]) {
      const blank = await sharp({ create: { width: 800, height: 600, channels: 3, background } })
        .png()
        .toBuffer();
      await refused(blank, "image/png", 422, "image_empty", /./);
    }
    const lines = Array.from({ length: 1200 }, (_, at) => `M${40 * (at % 40)} ${40 * Math.floor(at / 40)}l24 20`);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="1200"><rect width="100%" height="100%" fill="#fff"/><path d="${lines.join("")}" stroke="#000" stroke-width="4"/></svg>`;
    const crowded = await analyze(new Uint8Array(await sharp(Buffer.from(svg)).png().toBuffer()), "image/png");
    assert.equal(crowded.status, 422);
    assert.match(crowded.body.code ?? "", /^image_(too_complex|empty)$/);
  });

  test("a caller who hangs up in mid-upload, and garbage instead of HTTP", async () => {
    const { port } = new URL(cv.url);
    for (const opening of [
      "POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\n\x89PNG",
      "\x16\x03\x01 garbage\r\n\r\n",
    ]) {
      const socket = connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      await new Promise((resolve) => socket.write(opening, "latin1", resolve));
      socket.destroy();
    }
    assert.equal((await analyze(PENDULUM)).status, 200);
  });

  test("after all of that it is well, and has counted it", async () => {
    for (const path of ["/health", "/health/live", "/health/ready", "/health/detailed"])
      assert.equal((await (await fetch(cv.url + path)).json()).status, "healthy", path);
    const metrics = await (await fetch(`${cv.url}/metrics`)).text();
    assert.match(metrics, /^cv_requests_total\{input="image",outcome="ok"\} \d+$/m);
    assert.match(metrics, /^cv_requests_total\{input="image",outcome="image_empty"\} [1-9]$/m);
    assert.match(metrics, /^cv_requests_total\{input="image",outcome="image_unsupported"\} [1-9]$/m);
    assert.match(metrics, /^cv_requests_total\{input="drawing",outcome="request_invalid"\} [1-9]$/m);
    assert.match(metrics, /^cv_requests_total\{input="unknown",outcome="json_malformed"\} 1$/m);
    assert.match(metrics, /^cv_request_duration_seconds_count\{input="drawing"\} \d+$/m);
    assert.match(metrics, /^cv_threads 2$/m);
    assert.match(metrics, /^cv_threads_recycled_total 0$/m);
    assert.match(metrics, /^cv_queue 0$/m);
    assert.match(metrics, /^cv_thread_memory_bytes\{thread="1"\} \d{6,}$/m);
    assert.doesNotMatch(cv.output(), /internal_error/);
  });

  async function refused(body: unknown, type: string, status: number, code: string, detail: RegExp): Promise<void> {
    const startedMs = performance.now();
    const answer = await analyze(body, type);
    assert.equal(answer.body.code, code, JSON.stringify(answer.body).slice(0, 400));
    assert.equal(answer.status, status);
    assert.match(answer.body.detail ?? "", detail);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
    assert.ok(performance.now() - startedMs < DEADLINE_MS);
  }
});

test("SIGTERM lets what is under way finish, and ends with 0", async (t) => {
  const cv = await startCv(t, { CV_WORKERS: "1" });
  const image = await pictureOf(PENDULUM);
  const answers = Array.from({ length: 6 }, () => post(`${cv.url}/analyze`, image, "image/png"));
  await Promise.race(answers);
  const code = cv.stop("SIGTERM");
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  assert.equal(await code, 0);
  await assert.rejects(fetch(cv.url));
});

for (const [env, message] of [
  [{ CV_WORKERS: "0" }, /^cv: CV_WORKERS: expected at least 1, got "0"\n$/],
  [{ PORT: "x" }, /^cv: PORT: expected number, got "x"\n$/],
  [{ LOG_LEVEL: "loud" }, /^cv: LOG_LEVEL: expected one of /],
] as const)
  test(`a bad variable stops the start with one line: ${JSON.stringify(env)}`, async (t) => {
    await assert.rejects(
      startCv(t, env),
      (error) => error instanceof Error && message.test(error.message.replace(/^.*\n/, "")),
    );
  });

/** A PNG of one bit a pixel that says it is so large; only its first megabytes are there. */
function png(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const body = Buffer.concat([Buffer.from(type), data]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(4_000_000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
