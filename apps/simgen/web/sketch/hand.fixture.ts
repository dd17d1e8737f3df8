/** A hand that draws: paths that are not quite straight, in units of the paper, and the ways to bring them onto it. */
import type { CDPSession, Page } from "playwright-core";
import type { Point } from "../../cv/drawing.ts";
import { PAPER } from "./sketch.ts";

const STEP = 14;

/** Wobbles as a hand does, the same way each time. */
export function line(...corners: readonly Point[]): Point[] {
  return corners.slice(1).flatMap(([x, y], at) => {
    const [fromX, fromY] = corners[at]!;
    const length = Math.hypot(x - fromX, y - fromY);
    const count = Math.max(3, Math.round(length / STEP));
    return Array.from({ length: count + 1 }, (_, step): Point => {
      const share = step / count;
      const aside = 1.6 * Math.sin(share * 7 + at) * Math.sin(share * Math.PI);
      return [
        fromX + (x - fromX) * share - ((y - fromY) / length) * aside,
        fromY + (y - fromY) * share + ((x - fromX) / length) * aside,
      ];
    });
  });
}

/** Closes a little too late. */
export function circle([x, y]: Point, radius: number): Point[] {
  return Array.from({ length: 34 }, (_, at): Point => {
    const angle = -1.8 + (at / 33) * (2 * Math.PI + 0.15);
    const reach = radius * (1 + 0.025 * Math.sin(angle * 2 + 1));
    return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
  });
}

/** A hatched ceiling, a rod that hangs from it askew, and a ball at its end. */
export const PENDULUM: Point[][] = [
  line([270, 90], [540, 94]),
  ...[290, 325, 360, 395, 430, 465, 500].map((x) => line([x, 90], [x + 16, 70])),
  line([400, 94], [520, 340]),
  circle([540, 381], 44),
];

/** With the mouse. */
export async function draw(page: Page, ...strokes: readonly (readonly Point[])[]): Promise<void> {
  const place = await placing(page);
  for (const [first, ...rest] of strokes) {
    await page.mouse.move(...place(first!));
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...place(point));
    await page.mouse.up();
  }
}

export async function click(page: Page, at: Point): Promise<void> {
  await page.mouse.click(...(await placing(page))(at));
}

/** With a finger. */
export async function touch(page: Page, ...strokes: readonly (readonly Point[])[]): Promise<void> {
  const place = await placing(page);
  const screen = await page.context().newCDPSession(page);
  for (const stroke of strokes) {
    for (const [at, point] of stroke.entries())
      await finger(screen, at === 0 ? "touchStart" : "touchMove", place(point));
    await finger(screen, "touchEnd");
  }
}

export function finger(
  screen: CDPSession,
  type: "touchStart" | "touchMove" | "touchEnd",
  ...places: readonly [number, number][]
): Promise<unknown> {
  return screen.send("Input.dispatchTouchEvent", { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) });
}

/** From the paper's units to the page's. */
export async function placing(page: Page): Promise<(point: Point) => [number, number]> {
  const paper = page.getByTestId("paper");
  await paper.evaluate((each) => each.scrollIntoView({ block: "center" }));
  const box = await paper.boundingBox();
  if (!box) throw new Error("expected to see the paper");
  return ([x, y]) => [box.x + (x / PAPER.width) * box.width, box.y + (y / PAPER.height) * box.height];
}
