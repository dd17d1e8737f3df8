import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContextOptions, Page } from "playwright-core";
import { startServer } from "../server/server.fixture.ts";
import { advance, movingBody, type Visit, visit as visitUrl } from "./page.fixture.ts";

/** WCAG 2.2, level AA, for text. */
const CONTRAST_MIN = 4.5;

const server = await startServer({ after });

function visit(t: TestContext, options: BrowserContextOptions = {}, path = "/"): Promise<Visit> {
  return visitUrl(t, new URL(path, server.url).href, options);
}

async function run(page: Page, prompt: string): Promise<void> {
  await page.getByTestId("prompt").fill(prompt);
  await page.getByTestId("run").click();
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
    // A colour on its way to another is not what is read.
    const { page } = await visit(t, { colorScheme, reducedMotion: "reduce" });
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
