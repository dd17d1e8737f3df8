/**
 * The last step of recovery/drill.sh: a person opens the page of their own simulation in a browser, and it moves.
 * Usage: node --conditions=holdfast-source recovery/watch.ts URL SIMULATION COOKIE
 */
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import { CHROMIUM } from "../apps/simgen/web/chromium.ts";

/** Pictures are drawn by the processor. */
const PAGE_MS_MAX = 60_000;
const LOOK_MS = 500;

const [url, simulation, cookie] = process.argv.slice(2);
if (!url || !simulation || !cookie) {
  process.stderr.write("watch: expected URL SIMULATION COOKIE\n");
  process.exit(2);
}
const browser = await chromium.launch(CHROMIUM);
try {
  const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
  await context.addCookies([{ name: "simgen_visitor", value: cookie, url }]);
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_MS_MAX);
  await page.goto(`${url}/s/${simulation}`);
  await page.locator("[data-testid=connection][data-state=live]").waitFor();
  await page.getByTestId("fps").waitFor();
  const view = page.getByTestId("view");
  const first = await view.screenshot();
  for (const deadline = Date.now() + PAGE_MS_MAX; first.equals(await view.screenshot()); await sleep(LOOK_MS))
    if (Date.now() > deadline) throw new Error(`the simulation ${simulation} stands still`);
  process.stdout.write(`watch: ${simulation} is live\n`);
} catch (error) {
  process.stderr.write(`watch: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
