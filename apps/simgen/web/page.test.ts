import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { emptyDataDir, startServer } from "../server/server.fixture.ts";
import { CHROMIUM } from "./chromium.ts";

const DIST = fileURLToPath(new URL("./dist/index.html", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Software rendering on a busy machine takes its time. */
const TIMEOUT_MS = 120_000;
/** WCAG 2.2, level AA, for text. */
const CONTRAST_MIN = 4.5;

if (!existsSync(DIST)) execFileSync("npx", ["vite", "build", "apps/simgen/web"], { cwd: ROOT, stdio: "ignore" });
const server = await startServer({ after });
const browser = await chromium.launch(CHROMIUM);
after(() => browser.close());

interface Visit {
  page: Page;
  /** Console errors, uncaught errors and requests to other origins. */
  complaints: string[];
}

/** A small picture unless the size matters: it is drawn by the processor. */
async function visit(t: TestContext, options: BrowserContextOptions = {}, path = "/"): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 480, height: 360 }, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith("http") && host !== new URL(server.url).host)
      complaints.push(`request to ${request.url()}`);
  });
  await page.goto(new URL(path, server.url).href);
  return { page, complaints };
}

async function run(page: Page, prompt: string): Promise<void> {
  await page.getByTestId("prompt").fill(prompt);
  await page.getByTestId("run").click();
}

/** Waits until the simulation has been seen to advance by `steps` physics steps. */
async function advance(page: Page, steps: number): Promise<void> {
  const from = await page.evaluate(() => window.simgen.step());
  await page.waitForFunction((until) => window.simgen.step() >= until, from + steps);
}

/** The id of a body that moves while the page is watched. */
async function movingBody(page: Page): Promise<string> {
  const scene = await openScene(page);
  const ids = scene.bodies.filter((body) => body.joints.length > 0).map((body) => body.id);
  const before = await poses(page, ids);
  await advance(page, 100);
  const now = await poses(page, ids);
  const moved = ids.find((id) => JSON.stringify(before[id]) !== JSON.stringify(now[id]));
  assert.ok(moved, `none of ${ids.join(", ")} moved`);
  return moved;
}

async function openScene(page: Page): Promise<{ bodies: { id: string; joints: unknown[] }[] }> {
  return page.evaluate(async () => {
    const id = location.pathname.split("/").at(-1);
    const simulation: { scene: { bodies: { id: string; joints: unknown[] }[] } } = await (
      await fetch(`/api/v1/simulations/${id}`)
    ).json();
    return simulation.scene;
  });
}

/** Waits until the page shows this state of its connection. */
function pill(page: Page, state: string): Promise<void> {
  return page.locator(`[data-testid=connection][data-state=${state}]`).waitFor();
}

function poses(page: Page, ids: string[]): Promise<Record<string, unknown>> {
  return page.evaluate((all) => Object.fromEntries(all.map((id) => [id, window.simgen.pose(id)])), ids);
}

test("a prompt becomes a simulation that is seen to move (M3)", async (t) => {
  const { page, complaints } = await visit(t);
  await run(page, "two red pendulums of 50 cm");
  await page.waitForURL(/\/s\//);
  await page.getByTestId("understood").waitFor();
  await advance(page, 50);
  const view = page.getByTestId("view");
  const first = await view.screenshot();
  await movingBody(page);
  const second = await view.screenshot();
  assert.notDeepEqual(first, second, "the picture changes");
  assert.equal(await page.getByTestId("connection").textContent(), "Live");
  assert.match((await page.getByTestId("fps").textContent()) ?? "", /\d+ fps/);

  await page.reload();
  await advance(page, 50);
  assert.deepEqual(complaints, []);
});

test("an actuator is driven from the keyboard", async (t) => {
  const { page, complaints } = await visit(t);
  await page.getByTestId("template-two-link-arm").click();
  await page.waitForURL(/\/s\//);
  await advance(page, 20);
  const slider = page.locator("[data-testid^=actuator-]").first();
  await slider.focus();
  await page.keyboard.press("Home");
  await advance(page, 2_000);
  const sensor = page.locator(".readout .figure").first();
  const low = await sensor.textContent();
  await page.keyboard.press("End");
  await advance(page, 2_000);
  const high = await sensor.textContent();
  const degrees = (text: string | null) => Number(text?.replace("−", "-"));
  assert.ok(degrees(high) - degrees(low) > 60, `the shoulder went from ${low}° to ${high}°`);
  assert.deepEqual(complaints, []);
});

test("pause stops the motion, reset brings back the start", async (t) => {
  const { page } = await visit(t);
  await page.getByTestId("template-pendulum").click();
  await page.waitForURL(/\/s\//);
  const body = await movingBody(page);
  await page.getByTestId("pause").click();
  await page.getByText("Paused", { exact: true }).waitFor();
  // What was buffered is still played; then, for longer than a status takes to come, nothing moves.
  const pose = () => page.evaluate((id) => JSON.stringify([window.simgen.pose(id), window.simgen.step()]), body);
  let before: string;
  do {
    before = await pose();
    await sleep(1_500);
  } while ((await pose()) !== before);

  await page.getByTestId("reset").click();
  await page.waitForFunction(() => window.simgen.step() < 20);
  await page.getByTestId("view").focus();
  await page.keyboard.press("Space");
  const step = await page.evaluate(() => window.simgen.step());
  await page.waitForFunction((from) => window.simgen.step() !== from, step);
});

test("a page whose server is killed says so; when it is back, with nothing kept, the page starts anew by itself", async (t) => {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const killed = await startServer(t, { DATA_DIR: dataDir });
  const { page } = await visit(t, {}, killed.url);
  await page.getByTestId("template-pendulum").click();
  await page.waitForURL(/\/s\//);
  await movingBody(page);
  await pill(page, "live");

  await killed.stop("SIGKILL");
  await pill(page, "reconnecting");

  await startServer(t, { DATA_DIR: dataDir, PORT: new URL(killed.url).port });
  await page.getByText("Connected again. What you did while the line was down may be lost.").waitFor();
  await pill(page, "live");
  await movingBody(page);
});

test("nonsense gets a clear error and suggestions that work", async (t) => {
  const { page } = await visit(t);
  await run(page, "qwertyuiop zxcvb");
  const error = page.getByTestId("error");
  await error.locator("strong").waitFor();
  assert.match((await error.textContent()) ?? "", /could not be made into a scene/);
  assert.equal(await page.getByTestId("prompt").inputValue(), "qwertyuiop zxcvb", "nothing typed is lost");
  await error.locator(".chip").first().click();
  await page.waitForURL(/\/s\//);
  await error.waitFor({ state: "hidden" });
});

test("a simulation that is not one's own is clearly not there", async (t) => {
  const { page } = await visit(t, {}, "/s/nobody-has-this");
  await page.getByText("This simulation is not here").waitFor();
  await page.getByRole("button", { name: "Make a new one" }).click();
  await page.getByText("Describe it. Watch it move.").waitFor();
});

test("a deleted simulation leaves the list and the page", async (t) => {
  const { page } = await visit(t);
  await page.getByTestId("template-spinning-top").click();
  await page.waitForURL(/\/s\//);
  const remove = page.locator("#mine button");
  await remove.click();
  await remove.click();
  await page.getByText("What you make is kept here.").waitFor();
  assert.equal(new URL(page.url()).pathname, "/");
});

test("a phone needs no sideways scrolling", async (t) => {
  const { page } = await visit(t, { viewport: { width: 375, height: 812 } });
  await page.getByTestId("template-cart-pole").click();
  await page.waitForURL(/\/s\//);
  await page.locator("[data-testid^=actuator-]").first().waitFor();
  await advance(page, 20);
  const { content, screen } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    screen: innerWidth,
  }));
  assert.ok(content <= screen, `${content} px of content on ${screen} px`);
});

for (const colorScheme of ["light", "dark"] as const)
  test(`text is readable in ${colorScheme}, and the choice is remembered`, async (t) => {
    const { page } = await visit(t, { colorScheme });
    await page.locator(".card strong").first().waitFor();
    for (const scheme of [colorScheme, colorScheme === "dark" ? "light" : "dark"]) {
      const texts = [".brand", ".card strong", ".card small", ".panel h2", ".chip", ".cover > p", "#run", ".pill"];
      // Narrow panels lie on the page, wide ones on a surface of their own.
      for (const width of [480, 900]) {
        await page.setViewportSize({ width, height: 360 });
        for (const selector of texts) {
          const ratio = await contrast(page, selector);
          assert.ok(ratio >= CONTRAST_MIN, `${selector} in ${scheme}, ${width} px: contrast ${ratio.toFixed(2)}`);
        }
      }
      await page.getByRole("button", { name: /^Switch to/ }).click();
    }
    await page.getByRole("button", { name: /^Switch to/ }).click();
    const chosen = await page.evaluate(() => document.documentElement.dataset.theme);
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), chosen);
  });

test("twenty simulations later the graphics card holds no more than after one", async (t) => {
  // Templates beside the view: on a low, narrow page the view would lie over the one to click.
  const { page } = await visit(t, { viewport: { width: 900, height: 560 } });
  await page.getByTestId("template-pendulum").click();
  await page.waitForURL(/\/s\//);
  await advance(page, 10);
  const other = new URL(page.url()).pathname;
  await page.getByTestId("template-spinning-top").click();
  await page.waitForURL((url) => url.pathname !== other && url.pathname.startsWith("/s/"));
  await advance(page, 10);
  const links = page.locator("#mine a");
  const memory = () => page.evaluate(() => window.simgen.memory());
  const visitBoth = async () => {
    for (const at of [1, 0]) {
      await links.nth(at).click();
      await page.waitForFunction(() => document.getElementById("cover")?.dataset.state === "clear");
    }
    const drawn = await page.evaluate(() => window.simgen.renderedFrames());
    await page.waitForFunction((from) => window.simgen.renderedFrames() > from, drawn);
  };
  await visitBoth();
  const early = await memory();
  for (let round = 0; round < 10; round++) await visitBoth();
  assert.deepEqual(await memory(), early);
});

/** Contrast ratio of an element's text against what lies behind it (WCAG 2.2). */
function contrast(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const rgba = (color: string): number[] => {
        if (!context) return [];
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data];
      };
      const luminance = (color: string) =>
        rgba(color)
          .slice(0, 3)
          .map((channel) => channel / 255)
          .map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4))
          .reduce((sum, share, at) => sum + share * [0.2126, 0.7152, 0.0722][at]!, 0);
      let behind: Element | null = element;
      while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
      const pair = [getComputedStyle(element).color, getComputedStyle(behind ?? document.body).backgroundColor];
      const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
      return (light! + 0.05) / (dark! + 0.05);
    });
}
