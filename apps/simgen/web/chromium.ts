import { existsSync } from "node:fs";
import type { LaunchOptions } from "playwright-core";

/** Chromium without a user interface, about half as long at the same picture. */
const HEADLESS_SHELL = "/usr/bin/chromium-headless-shell";

/** The system's Chromium with WebGL in software, for tests and thumbnails; it talks to nobody else. */
export const CHROMIUM: LaunchOptions = {
  executablePath: process.env.CHROMIUM_PATH ?? (existsSync(HEADLESS_SHELL) ? HEADLESS_SHELL : "/usr/bin/chromium"),
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
};
