/** What the page says while a language model plans, a picture beside the prompt, and the way to stop it. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContextOptions, Page } from "playwright-core";
import { LlmStub, type StubRequest } from "../server/llm-stub.fixture.ts";
import type { ProgressMessage } from "../server/messages.ts";
import { startServer, Visitor } from "../server/server.fixture.ts";
import { advance, pill, type Visit, visit as visitUrl } from "./page.fixture.ts";
import { progressWords } from "./progress.ts";

const MODEL = "anthropic/claude-sonnet-4-5";
/** As the server takes it, in base64. */
const PICTURE_CHARS_MAX = 900_000;
/** On a busy machine. */
const HANGING_UP_MS_MAX = 20_000;

const SCENE = JSON.stringify({
  name: "A ball that falls",
  bodies: [
    { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [10, 10] }] },
    {
      id: "ball",
      pos: [0, 0, 2],
      joints: [{ id: "ball-free", type: "free" }],
      geoms: [{ type: "sphere", size: [0.2], bounce: 0.8 }],
    },
  ],
});

const stub = await LlmStub.start({ after });
const server = await startServer(
  { after },
  {
    ANTHROPIC_API_KEY: "k",
    ANTHROPIC_BASE_URL: stub.url,
    // A vendor that stalls is not given up within a test, unless somebody stops it.
    LLM_FIRST_WORD_MS: "300000",
    LLM_IDLE_MS: "300000",
    LLM_ANSWER_MS: "300000",
    LLM_DEADLINE_MS: "300000",
  },
);

/** Some 25 pieces: `chunkMs` apart, the whole takes 25 times that. */
const slowly = (chunkMs: number) =>
  ({ kind: "answer", text: SCENE, chunkChars: Math.ceil(SCENE.length / 25), chunkMs }) as const;

/** A page whose session is up. */
async function visit(t: TestContext, options: BrowserContextOptions = {}): Promise<Visit> {
  const visited = await visitUrl(t, server.url, options);
  await pill(visited.page, "live");
  return visited;
}

async function run(page: Page, prompt: string): Promise<void> {
  await page.getByTestId("prompt").fill(prompt);
  await page.getByTestId("run").click();
}

/** The first request from now on that the vendor gets. */
async function nextRequest(page: Page, had: number): Promise<StubRequest> {
  for (;;) {
    const request = stub.requests[had];
    if (request) return request;
    await page.waitForTimeout(10);
  }
}

/** Whether the server gives the request up, soon. */
async function hungUp(request: StubRequest): Promise<boolean> {
  await Promise.race([request.ended, sleep(HANGING_UP_MS_MAX, undefined, { ref: false })]);
  return request.aborted;
}

/** What the next create says. */
async function nextCreate(page: Page): Promise<{ session?: string; picture?: { mediaType: string; data: string } }> {
  const request = await page.waitForRequest((each) => each.method() === "POST" && each.url().endsWith("/simulations"));
  return request.postDataJSON();
}

/** Draws a picture in the page: one colour, or noise, which hardly compresses, below a clear strip. Returns it in base64. */
function draw(page: Page, kind: "noise" | "plain", width: number, height: number, type: string): Promise<string> {
  return page.evaluate(
    async ([kind, width, height, type]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d")!;
      context.fillStyle = "#3a86ff";
      context.fillRect(0, 0, width, height);
      if (kind === "noise") {
        const image = context.createImageData(width, height);
        for (let at = 0; at < image.data.length; at += 65_536)
          crypto.getRandomValues(image.data.subarray(at, at + 65_536));
        for (let at = 3; at < image.data.length; at += 4) image.data[at] = at > width * 4 * 64 ? 255 : 0;
        context.putImageData(image, 0, 0);
      }
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    },
    [kind, width, height, type] as const,
  );
}

/** A file comes to the prompt box by hand or by clipboard. */
function give(page: Page, how: "drop" | "paste", data: string, name: string, type: string): Promise<void> {
  return page.getByTestId("prompt").evaluate(
    (prompt, [how, data, name, type]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(data), (char) => char.charCodeAt(0))], name, { type }));
      const options = { bubbles: true, cancelable: true };
      prompt.dispatchEvent(
        how === "drop"
          ? new DragEvent("drop", { ...options, dataTransfer: transfer })
          : new ClipboardEvent("paste", { ...options, clipboardData: transfer }),
      );
    },
    [how, data, name, type] as const,
  );
}

/** Of a picture in base64, as the browser reads it, the size and the colour of the first pixel. */
function look(
  page: Page,
  picture: { mediaType: string; data: string },
): Promise<{ width: number; height: number; first: number[] }> {
  return page.evaluate(async ({ mediaType, data }) => {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: mediaType }));
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(1, 1).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    return { width, height, first: [...context.getImageData(0, 0, 1, 1).data] };
  }, picture);
}

test("while a language model plans, the page says so and how much has come; then it shows who planned", async (t) => {
  const { page, complaints } = await visit(t);
  stub.script = () => slowly(150);
  const sent = nextCreate(page);
  await run(page, "a ball that falls, slowly");
  const progress = page.getByTestId("progress");
  await progress.getByText("Writing the scene").waitFor();
  const status = page.getByRole("status").filter({ hasText: "Writing the scene" });
  assert.equal(await status.getAttribute("aria-live"), "polite");
  assert.match((await status.textContent()) ?? "", new RegExp(MODEL));
  const grown = page.locator("#progress-grown");
  const chars = async () => Number((await grown.textContent())?.replaceAll(/\D/g, ""));
  await grown.getByText("characters").waitFor();
  const first = await chars();
  await page.waitForFunction(
    (from) => Number(document.getElementById("progress-grown")?.textContent?.replaceAll(/\D/g, "")) > from,
    first,
  );
  assert.equal(await grown.getAttribute("aria-hidden"), "true", "nobody has every count read out");
  assert.ok(await page.getByTestId("template-pendulum").isEnabled(), "the rest of the page can be used");
  assert.match((await sent).session ?? "", /./, "the page's session is told");

  await page.waitForURL(/\/s\//);
  await progress.waitFor({ state: "hidden" });
  assert.equal(await progress.textContent().then((text) => text?.trim()), "");
  assert.equal(await page.getByTestId("maker").textContent(), `Planned by ${MODEL}`);
  assert.match((await page.locator("#mine small").first().textContent()) ?? "", /^claude-sonnet-4-5, /);
  assert.equal(
    await page
      .getByTestId("run")
      .textContent()
      .then((text) => text?.trim()),
    "Run",
  );
  await advance(page, 20);
  await page.reload();
  await page.getByText(`Planned by ${MODEL}`, { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test("Stop ends the request and the language model's work, and keeps the prompt; so does Escape", async (t) => {
  const { page, complaints } = await visit(t);
  stub.script = () => ({ kind: "stall", text: SCENE, afterChars: 60 });
  const stops = {
    button: () => page.getByRole("button", { name: "Stop" }).click(),
    "Escape in the prompt": () => page.getByTestId("prompt").press("Escape"),
    "Escape elsewhere": () => page.getByTestId("view").press("Escape"),
  };
  for (const [how, stop] of Object.entries(stops)) {
    const had = stub.requests.length;
    await run(page, `a ball, stopped by ${how}`);
    await page.getByTestId("progress").getByText("Writing the scene").waitFor();
    await stop();
    await page.getByTestId("progress").waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Run" }).waitFor();
    const request = await nextRequest(page, had);
    assert.ok(await hungUp(request), `the server hung up on the vendor after ${how}`);
    assert.equal(await page.getByTestId("prompt").inputValue(), `a ball, stopped by ${how}`);
    assert.equal(await page.getByTestId("error").isHidden(), true, "to stop is no error");
  }
  assert.equal(new URL(page.url()).pathname, "/");

  stub.script = () => slowly(0);
  await page.getByTestId("run").click();
  await page.waitForURL(/\/s\//);
  assert.deepEqual(
    complaints.filter((text) => !/ERR_ABORTED/.test(text)),
    [],
  );
});

test("a double click on Run runs", async (t) => {
  const { page } = await visit(t);
  stub.script = () => slowly(20);
  await page.getByTestId("prompt").fill("a ball for those who click twice");
  await page.getByTestId("run").dblclick();
  await page.waitForURL(/\/s\//);
});

test("another simulation takes the place of the one in the making", async (t) => {
  // Templates beside the view: on a low, narrow page the view would lie over the one to click.
  const { page } = await visit(t, { viewport: { width: 900, height: 420 } });
  stub.script = () => ({ kind: "stall", text: SCENE, afterChars: 60 });
  const had = stub.requests.length;
  await run(page, "a ball that nobody waits for");
  const request = await nextRequest(page, had);
  await page.getByTestId("template-pendulum").click();
  await page.waitForURL(/\/s\//);
  assert.ok(await hungUp(request), "nobody waits for it");
  await page.getByRole("button", { name: "Run" }).waitFor();
  assert.equal(await page.getByTestId("prompt").inputValue(), "a ball that nobody waits for", "it was not made");
});

test("progress that this page did not ask for is not shown", async (t) => {
  const told: string[] = [];
  const { page } = await visit(t);
  // From now on, so that the lines of later sessions are heard.
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => told.push(String(payload))));
  await page.reload();
  await pill(page, "live");
  const sent = nextCreate(page);
  stub.script = () => slowly(0);
  await run(page, "a ball whose session is overheard");
  const { session } = await sent;
  await page.waitForURL(/\/s\//);
  await page.getByTestId("progress").waitFor({ state: "hidden" });

  await page.locator("#progress").evaluate((line) => {
    new MutationObserver(() => {
      document.body.dataset.told = line.textContent ?? "";
    }).observe(line, { subtree: true, childList: true, characterData: true });
  });
  const cookies = await page.context().cookies();
  const visitor = new Visitor(server, { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") });
  stub.script = () => slowly(40);
  told.length = 0;
  await visitor.create({ prompt: "a ball of another tab", session });
  while (!told.some((text) => text.includes('"running"') && text.includes(MODEL))) await page.waitForTimeout(20);
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
  assert.equal(await page.locator("body").getAttribute("data-told"), null);
});

test("a page without a session makes simulations too", async (t) => {
  const { page } = await visitUrl(t, "about:blank");
  await page.routeWebSocket(/\/ws$/, () => {
    // Is never answered.
  });
  await page.goto(server.url);
  await page.getByTestId("template-pendulum").waitFor();
  stub.script = () => slowly(40);
  const sent = nextCreate(page);
  await run(page, "a ball without a session");
  assert.equal("session" in (await sent), false);
  await page.getByTestId("progress").getByText("Waiting for the planner").waitFor();
  await page.waitForURL(/\/s\//);
});

test("a picture is pasted, shown, sent scaled down, and gone when the simulation is there", async (t) => {
  const { page, complaints } = await visit(t);
  stub.script = () => slowly(0);
  await give(page, "paste", await draw(page, "plain", 2048, 1000, "image/png"), "image.png", "image/png");
  const picture = page.getByTestId("picture");
  const thumbnail = picture.locator("img");
  await thumbnail.waitFor();
  assert.ok(await thumbnail.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth > 0)));
  const had = stub.requests.length;
  const sent = nextCreate(page);
  await run(page, "what the picture shows");
  const body = await sent;
  assert.equal(body.picture?.mediaType, "image/png", "a drawing stays sharp");
  const { width, height } = await look(page, body.picture!);
  assert.deepEqual([width, height], [1024, 500]);
  const request = await nextRequest(page, had);
  assert.ok(JSON.stringify(request.body).includes(body.picture!.data.slice(0, 200)), "the model gets to see it");
  await page.waitForURL(/\/s\//);
  await picture.waitFor({ state: "hidden" });

  const plain = nextCreate(page);
  await page.getByTestId("prompt").fill("a ball without a picture");
  await page.getByTestId("prompt").press("Enter");
  assert.equal((await plain).picture, undefined);
  assert.deepEqual(complaints, []);
});

test("a picture that hardly compresses is sent small enough, on white where it was clear", async (t) => {
  const { page } = await visit(t);
  stub.script = () => slowly(0);
  await give(page, "drop", await draw(page, "noise", 1040, 1040, "image/png"), "noise.png", "image/png");
  const sent = nextCreate(page);
  // At once: the prompt waits for the picture, not the person.
  await run(page, "noise");
  const { picture } = await sent;
  assert.equal(picture?.mediaType, "image/jpeg");
  assert.ok(picture.data.length <= PICTURE_CHARS_MAX, `${picture.data.length} characters`);
  assert.ok(picture.data.length > 100_000);
  const { width, height, first } = await look(page, picture);
  assert.deepEqual([width, height], [1024, 1024]);
  assert.ok(Math.min(...first) > 240, `the first pixel is ${first}`);
  await page.waitForURL(/\/s\//);
});

test("a picture is chosen by button, removed again, and what is none is said to be none", async (t) => {
  const { page } = await visit(t);
  const data = await draw(page, "plain", 300, 200, "image/jpeg");
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Add a picture" }).click();
  const chooser = await choosing;
  await chooser.setFiles({ name: "blue.jpg", mimeType: "image/jpeg", buffer: Buffer.from(data, "base64") });
  await page.getByRole("img", { name: "blue.jpg" }).waitFor();
  await page.getByRole("button", { name: "Remove the picture" }).click();
  await page.getByTestId("picture").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.id), "prompt");

  const error = page.getByTestId("error");
  for (const [name, type] of [
    ["notes.txt", "text/plain"],
    ["broken.png", "image/png"],
  ] as const) {
    await give(page, "drop", btoa("not a picture"), name, type);
    await error.getByText("The picture cannot be used").waitFor();
    assert.match((await error.textContent()) ?? "", new RegExp(`PNG, JPEG, WebP or GIF.*got ${name}`));
    assert.equal(await page.getByTestId("picture").isHidden(), true);
    await error.getByRole("button", { name: "Dismiss" }).click();
  }

  stub.script = () => slowly(0);
  const sent = nextCreate(page);
  await run(page, "a ball after all that");
  assert.equal((await sent).picture, undefined);
});

test("what cannot be made keeps its picture; what is written meanwhile is kept too", async (t) => {
  const { page } = await visit(t);
  await give(page, "paste", await draw(page, "plain", 40, 40, "image/png"), "image.png", "image/png");
  await page.getByTestId("picture").locator("img").waitFor();
  stub.script = () => ({ kind: "answer", text: '{"cannot": "it is a plain colour"}' });
  await run(page, "qwertyuiop zxcvb");
  const error = page.getByTestId("error");
  await error.getByText("could not be made into a scene").waitFor();
  assert.match((await error.textContent()) ?? "", /it is a plain colour/);
  assert.equal(await page.getByTestId("picture").isVisible(), true);

  stub.script = () => slowly(40);
  await run(page, "a ball like this picture");
  await page.getByTestId("prompt").fill("the next idea");
  await page.waitForURL(/\/s\//);
  await page.getByTestId("picture").waitFor({ state: "hidden" });
  assert.equal(await page.getByTestId("prompt").inputValue(), "the next idea");
});

test("when the language model is overloaded the rules plan, and the page says why and that nobody saw the picture", async (t) => {
  const { page } = await visit(t);
  await give(page, "paste", await draw(page, "plain", 40, 40, "image/png"), "image.png", "image/png");
  stub.script = () => ({ kind: "status", status: 529 });
  await run(page, "two red pendulums of 50 cm");
  await page.waitForURL(/\/s\//);
  const warnings = (await page.getByTestId("warnings").textContent()) ?? "";
  assert.match(warnings, new RegExp(`planned by rules: ${MODEL} `));
  assert.match(warnings, /picture was not looked at/);
  assert.equal(await page.getByTestId("maker").textContent(), "Planned by rules");
  assert.match((await page.locator("#mine small").first().textContent()) ?? "", /^Prompt, /);
});

test("every stage has its words, an unknown one has none", () => {
  const words = (stage: string, planner: string, chars?: number) =>
    progressWords({ type: "progress", stage, planner, ...(chars === undefined ? {} : { chars }) } as ProgressMessage);
  for (const stage of ["planning", "validating", "compiling", "repairing", "running"]) {
    assert.notEqual(words(stage, MODEL).what, "");
    assert.equal(words(stage, MODEL).by, MODEL);
  }
  assert.deepEqual(words("planning", MODEL, 1_240), {
    what: "Writing the scene",
    by: MODEL,
    grown: "1,240 characters",
  });
  assert.equal(words("planning", "rules", 0).by, "built-in rules");
  for (const unknown of ["dreaming", "constructor", ""])
    assert.deepEqual(words(unknown, MODEL, 5), { what: "", by: "", grown: "" });
});
