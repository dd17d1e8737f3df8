/** The sketch pad in a browser, and what tests do with it. */
import type { TestContext } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { pill, type Visit, visit } from "../page.fixture.ts";

/** The pad, open, on a narrow page: what is drawn in 3D later is drawn by the processor. */
export async function visitPad(t: TestContext, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const visited = await visit(t, url, { viewport: { width: 520, height: 640 }, ...options });
  await pill(visited.page, "live");
  await visited.page.getByTestId("sketch").click();
  await visited.page.getByTestId("paper").waitFor();
  return visited;
}

/** Of all that is listed as recognised. */
export function names(page: Page): Promise<string[]> {
  return page.locator(".guess-name span").allTextContents();
}

export function strokes(page: Page): Promise<number> {
  return page.evaluate(() => window.simgen.sketch().strokes);
}

/** Of the shapes that are seen, corrections included. */
export function kinds(page: Page): Promise<string[]> {
  return page.evaluate(() => window.simgen.sketch().recognition.shapes.map(({ kind }) => kind));
}

export async function loadExample(page: Page, id: string): Promise<void> {
  await page.getByTestId(`example-${id}`).click();
  await page.getByTestId("guesses").locator("li").first().waitFor();
}

export interface Sent {
  sketch: Record<string, unknown>;
  prompt?: string;
}

/** Runs the sketch, and resolves with what was sent once the simulation is open. */
export async function run(page: Page): Promise<Sent> {
  const sent = page.waitForRequest((each) => each.method() === "POST" && each.url().endsWith("/simulations"));
  await page.getByTestId("run").click();
  const request = await sent;
  await page.waitForURL(/\/s\//);
  return request.postDataJSON();
}

/** Where the joint of a body is in the world, x, before anything has moved. */
export function pivotOf(page: Page, body: string): Promise<number> {
  return page.evaluate(async (id) => {
    interface Body {
      id: string;
      pos: number[];
      joints: { pos?: number[] }[];
    }
    const answer = await fetch(`/api/v1/simulations/${location.pathname.split("/").at(-1)}`);
    const { scene }: { scene: { bodies: Body[] } } = await answer.json();
    const found = scene.bodies.find((each) => each.id === id);
    return (found?.pos[0] ?? Number.NaN) + (found?.joints[0]?.pos?.[0] ?? 0);
  }, body);
}

/** A file comes to a part of the page by hand or by clipboard. */
export function give(
  page: Page,
  how: "drop" | "paste",
  testId: string,
  file: { name: string; mimeType: string; buffer: Buffer },
): Promise<void> {
  return page.getByTestId(testId).evaluate(
    (box, [how, name, type, data]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(data), (char) => char.charCodeAt(0))], name, { type }));
      const options = { bubbles: true, cancelable: true };
      box.dispatchEvent(
        how === "drop"
          ? new DragEvent("drop", { ...options, dataTransfer: transfer })
          : new ClipboardEvent("paste", { ...options, clipboardData: transfer }),
      );
    },
    [how, file.name, file.mimeType, file.buffer.toString("base64")] as const,
  );
}
