/** Pictures of drawings: chosen, dropped and pasted on the pad, and what is none. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import sharp from "sharp";
import { startServer } from "../../server/server.fixture.ts";
import { advance } from "../page.fixture.ts";
import { circle, draw } from "./hand.fixture.ts";
import { give, kinds, loadExample, run, strokes, visitPad } from "./pad.fixture.ts";

const RAMP = `<svg xmlns="http://www.w3.org/2000/svg" width="1000" height="700" fill="none" stroke="#222" stroke-width="5">
  <rect width="1000" height="700" fill="white" stroke="none"/>
  <path d="M150 580 L150 260 L760 580 Z"/><path d="M290 245 L371 288 L338 350 L257 307 Z"/><path d="M60 590 L930 590"/>
</svg>`;
/** How far the box must come, m. */
const SLIDE = 0.2;

const server = await startServer({ after });
const ramp = { name: "ramp.png", mimeType: "image/png", buffer: await sharp(Buffer.from(RAMP)).png().toBuffer() };

function visit(t: TestContext) {
  return visitPad(t, server.url);
}

test("an uploaded picture of a box on a ramp becomes strokes over the picture, and the box slides", async (t) => {
  const { page, complaints } = await visit(t);
  await page.getByTestId("sketch-file").setInputFiles(ramp);
  await page.getByTestId("guess-box-1").waitFor();
  const found = await kinds(page);
  for (const kind of ["box", "polygon"]) assert.ok(found.includes(kind), `found ${found.join(", ")}`);
  assert.ok(
    await page.locator("#paper-picture").evaluate((image) => image instanceof HTMLImageElement && image.complete),
  );
  await run(page);
  await advance(page, 2);
  const start = await page.evaluate(() => window.simgen.pose("box-1")!.position);
  const at = () => page.evaluate(() => window.simgen.pose("box-1")!.position);
  while (Math.abs((await at())[0] - start[0]) < SLIDE) await advance(page, 50);
  assert.ok((await at())[2] < start[2], "it has come down");
  assert.deepEqual(complaints, []);
});

test("a picture dropped on the pad or pasted there is the sketch; on the prompt box it is the attachment", async (t) => {
  const { page } = await visit(t);
  for (const how of ["drop", "paste"] as const) {
    await give(page, how, "paper", ramp);
    await page.getByTestId("guess-box-1").waitFor();
    await page.getByTestId("clear").click();
    await page.getByTestId("guess-box-1").waitFor({ state: "detached" });
  }
  await loadExample(page, "pendulum");
  await give(page, "drop", "prompt", ramp);
  await page.getByTestId("picture").waitFor();
  assert.ok((await kinds(page)).includes("circle"), "the sketch is as it was");
  await page.getByTestId("run").click();
  await page.getByText("A sketch takes no picture beside it").waitFor();
});

test("what is no picture is refused, by the server or before it is sent, and the drawing stays", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 70));
  const error = page.getByTestId("error");
  const refused = async (file: { name: string; mimeType: string; buffer: Buffer }, says: RegExp) => {
    await page.getByTestId("sketch-file").setInputFiles(file);
    await error.getByText(says).waitFor();
    assert.equal(await strokes(page), 1);
    assert.equal(await page.locator("#pad-reading").isVisible(), false);
    await error.getByRole("button", { name: "Dismiss" }).click();
  };
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await refused({ name: "a.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF") }, /Expected a PNG/);
  await refused({ name: "big.png", mimeType: "image/png", buffer: Buffer.alloc(11e6) }, /at most 10 MB, got 11.0 MB/);
  assert.deepEqual(
    asked.filter((url) => url.includes("/sketches")),
    [],
  );
  await refused({ name: "a.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") }, /expected/i);
  const half = ramp.buffer.subarray(0, ramp.buffer.length / 2);
  await refused({ name: "half.png", mimeType: "image/png", buffer: Buffer.from(half) }, /cannot be decoded/);
  assert.equal(asked.filter((url) => url.includes("/sketches")).length, 2);
});

test("reading can be stopped, and a reader that is down is told", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 70));
  const held = Promise.withResolvers<void>();
  await page.route("**/api/v1/sketches", async (route) => {
    await held.promise;
    await route.abort().catch(() => {});
  });
  await page.getByTestId("sketch-file").setInputFiles(ramp);
  await page.getByText("Reading the picture").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator("#pad-reading").waitFor({ state: "hidden" });
  held.resolve();
  assert.equal(await strokes(page), 1);

  await page.unroute("**/api/v1/sketches");
  await page.route("**/api/v1/sketches", (route) => {
    const problem = {
      ...{ type: "/problems/sketch_reader_down", title: "Sketches cannot be read at the moment", status: 503 },
      ...{ code: "sketch_reader_down", detail: "images cannot be read at the moment; what is drawn here can" },
    };
    return route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) });
  });
  await page.getByTestId("sketch-file").setInputFiles(ramp);
  await page.getByText("Sketches cannot be read at the moment").waitFor();
  assert.equal(await strokes(page), 1);
});
