/** What the page makes of a line that is lost, a server that dies, a session that is over. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, test } from "node:test";
import type { Page } from "playwright-core";
import { TestLine } from "../server/line.fixture.ts";
import { startPostgres } from "../server/postgres.fixture.ts";
import { startRedis } from "../server/redis.fixture.ts";
import { emptyDataDir, metric, startServer, Visitor } from "../server/server.fixture.ts";
import { advance, movingBody, pill, visit } from "./page.fixture.ts";

const server = await startServer({ after });

/** Opens a template. */
async function watchTemplate(page: Page, id: string): Promise<void> {
  await page.getByTestId(`template-${id}`).click();
  await page.waitForURL(/\/s\//);
  await movingBody(page);
  await pill(page, "live");
}

/** Remembers how far the picture has ever gone back, in physics steps. */
async function watchSteps(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    let last = 0;
    let back = 0;
    const look = () => {
      const step = window.simgen.step();
      back = Math.max(back, last - step);
      last = step;
      document.body.dataset.back = String(back);
      requestAnimationFrame(look);
    };
    look();
  });
  return async () => Number(await page.locator("body").getAttribute("data-back"));
}

/** Moves the first slider to an end; returns its value. */
async function pushSlider(page: Page, key: "Home" | "End"): Promise<string> {
  const slider = page.locator("[data-testid^=actuator-]").first();
  await slider.focus();
  await page.keyboard.press(key);
  return slider.inputValue();
}

/** Longer than it takes the server's next status to move the slider to where it really is. */
async function sliderStays(page: Page, value: string): Promise<void> {
  await advance(page, 1_000);
  assert.equal(await page.locator("[data-testid^=actuator-]").first().inputValue(), value);
}

test("a line that is cut is mended without a jump back, and what was set meanwhile holds", async (t) => {
  const line = await TestLine.open(t, server.url);
  const { page, complaints } = await visit(t, line.url);
  await watchTemplate(page, "cart-pole");
  const back = await watchSteps(page);

  line.cut();
  await pill(page, "reconnecting");
  await page.getByText("Waiting for the server").waitFor();
  const value = await pushSlider(page, "End");
  line.mend();

  await page.getByText(/^Resumed after \d+\.\d s\.$/).waitFor();
  await pill(page, "live");
  await sliderStays(page, value);
  assert.equal(await back(), 0);
  assert.deepEqual(
    complaints.filter((text) => !/WebSocket|ERR_|Failed to load/.test(text)),
    [],
  );
});

test("a page whose server is killed says so; when it is back, with nothing kept, the page starts anew by itself", async (t) => {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const killed = await startServer(t, { DATA_DIR: dataDir });
  const { page } = await visit(t, killed.url);
  await watchTemplate(page, "cart-pole");
  await page.locator("#cover").evaluate((cover) => {
    new MutationObserver(() => {
      if (cover.dataset.state === "message") document.body.dataset.failed = "yes";
    }).observe(cover, { attributes: true });
  });

  await killed.stop("SIGKILL");
  await pill(page, "reconnecting");
  await pushSlider(page, "End");

  await startServer(t, { DATA_DIR: dataDir, PORT: new URL(killed.url).port });
  await page.getByText("Connected again. What you did while the line was down may be lost.").waitFor();
  await pill(page, "live");
  await movingBody(page);
  assert.equal(await page.locator("body").getAttribute("data-failed"), null);
});

test("with Redis, a page whose server is killed resumes when it is back, and says so (S3)", async (t) => {
  const dataDir = await emptyDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const env = { DATA_DIR: dataDir, REDIS_URL: (await startRedis(t)).url };
  const killed = await startServer(t, env);
  const { page } = await visit(t, killed.url);
  await watchTemplate(page, "pendulum");

  await killed.stop("SIGKILL");
  await pill(page, "reconnecting");
  const restarted = await startServer(t, { ...env, PORT: new URL(killed.url).port });
  await page.getByText(/^Resumed after/).waitFor();
  await page.getByText("The simulation started again from its beginning.").waitFor();
  await pill(page, "live");
  await movingBody(page);
  assert.equal(await metric(restarted, "simgen_sessions_resumed_total"), 1);
  assert.equal(await metric(restarted, "simgen_sessions_opened_total"), 0, "it is the same session");
});

test("of two servers one is killed: the page goes on on the other (S2)", async (t) => {
  const env = {
    COOKIE_SECRET: "a secret that servers share",
    DATABASE_URL: (await startPostgres(t)).url,
    REDIS_URL: (await startRedis(t)).url,
  };
  const [one, other] = await Promise.all([startServer(t, env), startServer(t, env)]);
  const line = await TestLine.open(t, one.url);
  const { page } = await visit(t, line.url);
  await watchTemplate(page, "cart-pole");

  await one.stop("SIGKILL");
  await pill(page, "reconnecting");
  const value = await pushSlider(page, "End");
  line.mend(other.url);
  await page.getByText(/^Resumed after/).waitFor();
  await pill(page, "live");
  await sliderStays(page, value);
  assert.equal(await metric(other, "simgen_sessions_resumed_total"), 1);
  assert.equal(await metric(other, "simgen_sessions_handler_failures_total"), 0);
});

test("a page that is left or reloaded ends its session", async (t) => {
  const { page } = await visit(t, server.url);
  await pill(page, "live");
  const ended = () => metric(server, 'simgen_sessions_closed_total{reason="ended"}');
  for (let reloads = 1, before = await ended(); reloads <= 3; reloads++) {
    await page.reload();
    await pill(page, "live");
    while ((await ended()) < before + reloads) await page.waitForTimeout(20);
  }
});

test("one tab too many says so, and has a button that helps", async (t) => {
  const { page } = await visit(t, server.url);
  await pill(page, "live");
  const cookies = await page.context().cookies();
  const visitor = new Visitor(server, { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") });
  await page.goto("about:blank");
  const talks = await Promise.all(Array.from({ length: 32 }, () => visitor.connect()));
  await page.goto(server.url);
  await page.getByText("SimGen is open too often").waitFor();
  await pill(page, "closed");
  await page.getByTestId("template-pendulum").click();
  await page.waitForURL(/\/s\//);
  await page.getByText("SimGen is open too often").waitFor();

  await Promise.all(talks.map((talk) => talk.close()));
  await page.getByRole("button", { name: "Reload" }).click();
  await pill(page, "live");
  await advance(page, 50);
});
