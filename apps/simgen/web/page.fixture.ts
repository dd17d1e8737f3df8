/** A browser for tests, and what they do with a page of SimGen. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { after, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { CHROMIUM } from "./chromium.ts";

const DIST = fileURLToPath(new URL("./dist/index.html", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** Software rendering on a busy machine takes its time. */
const TIMEOUT_MS = 120_000;

if (!existsSync(DIST)) execFileSync("npx", ["vite", "build", "apps/simgen/web"], { cwd: ROOT, stdio: "ignore" });
const browser = await chromium.launch(CHROMIUM);
after(() => browser.close());

export interface Visit {
  page: Page;
  /** Console errors, uncaught errors and requests to other origins. */
  complaints: string[];
}

/** Opens a page. A small picture unless the size matters: it is drawn by the processor. */
export async function visit(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
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
    if (protocol.startsWith("http") && host !== new URL(url).host) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** Waits until the simulation has been seen to advance by `steps` physics steps. */
export async function advance(page: Page, steps: number): Promise<void> {
  const from = await page.evaluate(() => window.simgen.step());
  await page.waitForFunction((until) => window.simgen.step() >= until, from + steps);
}

/** The id of a body that moves while the page is watched. */
export async function movingBody(page: Page): Promise<string> {
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
export function pill(page: Page, state: string): Promise<void> {
  return page.locator(`[data-testid=connection][data-state=${state}]`).waitFor();
}

function poses(page: Page, ids: string[]): Promise<Record<string, unknown>> {
  return page.evaluate((all) => Object.fromEntries(all.map((id) => [id, window.simgen.pose(id)])), ids);
}
