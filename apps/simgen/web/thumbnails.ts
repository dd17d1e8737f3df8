/**
 * Renders a picture of every template for the gallery, from the page itself, into public/templates/<id>.webp.
 *
 * Usage: npm run thumbnails --workspace apps/simgen -- [URL of a running server] [template ...]
 * Without templates: all of them. The URL defaults to http://127.0.0.1:8080.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { chromium, type Locator, type Page } from "playwright-core";
import { CHROMIUM } from "./chromium.ts";

const FOLDER = new URL("./public/templates/", import.meta.url);
const WIDTH = 320;
const HEIGHT = 200;
const BYTES_MAX = 12 * 1024;
/** How often to zoom in: a scene is framed for a square with room for the prompt, and a wide one does not fill a card. */
const CLOSER = 2;
const CLOSE_UPS: Record<string, number> = {
  "domino-row": 5,
  "cart-pole": 4,
  "ball-on-ramp": 4,
  "double-pendulum": 3,
  seesaw: 4,
  projectile: 4,
  car: 4,
  "spinning-top": 3,
  hexapod: 3,
  "bouncing-balls": 3,
  objects: 0,
};
/** Simulated seconds before the shutter; some things look best early. */
const MOMENT_SECONDS = 1.4;
const MOMENTS: Record<string, number> = {
  "newtons-cradle": 0.9,
  "domino-row": 1.1,
  "wrecking-ball": 1.6,
  "box-stack": 0.5,
  "double-pendulum": 0.8,
  "bouncing-balls": 0.7,
  "ball-on-ramp": 1.0,
  projectile: 0.6,
  objects: 0.6,
  car: 0.9,
};

/** The stage alone, against the mid-grey of neither theme, so that one picture suits both. */
const STUDIO = `
  :root {
    color-scheme: dark;
    --stage-sky: #4a5364;
    --stage-horizon: #2a303b;
    --stage-fog: #343b48;
    --stage-ground: #4c5563;
    --stage-grid: #687386;
  }
  /* The outline of the focus would be in the picture. */
  #view { outline: 0; }
  header, .dock, .panel, .heading, .badges, .cover, .toasts { display: none !important; }
  body, .layout, .layout[data-state] { display: block; height: 100svh; }
  .layout .view { position: fixed; inset: 0; height: auto; min-height: 0; }
`;

const [url = "http://127.0.0.1:8080", ...chosen] = process.argv.slice(2);
const browser = await chromium.launch(CHROMIUM);
try {
  await mkdir(FOLDER, { recursive: true });
  const page = await browser.newPage({
    viewport: { width: WIDTH * 2, height: HEIGHT * 2 },
    deviceScaleFactor: 2,
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  await page.goto(url);
  await page.locator(".card[data-testid]").first().waitFor();
  await adoptStudio(page);
  for (const card of await page.locator(".card[data-testid]").all()) {
    const id = (await card.getAttribute("data-testid"))?.replace("template-", "") ?? "";
    if (chosen.length > 0 && !chosen.includes(id)) continue;
    const bytes = await picture(page, card, id);
    if (bytes.length > BYTES_MAX) throw new Error(`${id} takes ${bytes.length} bytes, expected at most ${BYTES_MAX}`);
    await writeFile(new URL(`${id}.webp`, FOLDER), bytes);
    process.stdout.write(`${id} ${bytes.length} bytes\n`);
  }
} finally {
  await browser.close();
}

async function picture(page: Page, card: Locator, id: string): Promise<Buffer> {
  const before = page.url();
  await card.evaluate((button: HTMLButtonElement) => button.click());
  await page.waitForURL((now) => now.href !== before, { timeout: 120_000 });
  await page.waitForFunction(
    (seconds) => Number.parseFloat(document.getElementById("clock")?.textContent ?? "0") >= seconds,
    MOMENTS[id] ?? MOMENT_SECONDS,
    { timeout: 120_000, polling: "raf" },
  );
  await page.locator("#view").focus();
  for (let press = 0; press < (CLOSE_UPS[id] ?? CLOSER); press++) await page.keyboard.press("+");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.getElementById("badges")?.dataset.text === "Paused");
  await still(page);
  const shot = (await page.screenshot()).toString("base64");
  await page.evaluate(
    (path) => fetch(`/api/v1/simulations/${path}`, { method: "DELETE" }),
    page.url().split("/").at(-1),
  );
  return Buffer.from(await page.evaluate(shrink, { shot, width: WIDTH, height: HEIGHT }), "base64");
}

/** A strict content security policy refuses style elements, but not constructed style sheets. */
async function adoptStudio(page: Page): Promise<void> {
  await page.evaluate((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets.push(sheet);
    // The stage reads its colours when the theme is switched.
    for (let times = 0; times < 2; times++) document.getElementById("theme")?.click();
  }, STUDIO);
}

/** Waits for the full-resolution picture that follows when nothing moves any more. */
async function still(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const canvas = document.getElementById("view");
    return canvas instanceof HTMLCanvasElement && canvas.width >= canvas.clientWidth * 2;
  });
}

async function shrink({ shot, width, height }: { shot: string; width: number; height: number }): Promise<string> {
  const image = new Image();
  image.src = `data:image/png;base64,${shot}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no 2D canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return canvas.toDataURL("image/webp", 0.82).split(",")[1] ?? "";
}
