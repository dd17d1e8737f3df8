/** The sketch pad in a real browser: what is drawn, typed, corrected and run on it. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { startServer } from "../../server/server.fixture.ts";
import { advance } from "../page.fixture.ts";
import { circle, click, draw, finger, line, PENDULUM, placing, touch } from "./hand.fixture.ts";
import { kinds, loadExample, names, pivotOf, run, strokes, visitPad } from "./pad.fixture.ts";

/** How far a pendulum must come to either side of its pivot, m. */
const SWING = 0.3;

const server = await startServer({ after });

function visit(t: TestContext, options: BrowserContextOptions = {}) {
  return visitPad(t, server.url, options);
}

function guess(page: Page, id: string) {
  return page.getByTestId(`guess-${id}`);
}

async function select(page: Page, id: string): Promise<void> {
  await guess(page, id).locator(".guess-name").click();
  await guess(page, id).locator("select").waitFor();
}

/** Whether anything is painted near a place of the paper. */
async function isInked(page: Page, [x, y]: readonly [number, number]): Promise<boolean> {
  return page.locator("#ink").evaluate(
    (canvas, [x, y]) => {
      if (!(canvas instanceof HTMLCanvasElement)) return false;
      const scale = canvas.width / 800;
      const data = canvas.getContext("2d")?.getImageData((x - 4) * scale, (y - 4) * scale, 8 * scale, 8 * scale).data;
      return data?.some((value) => value > 0) ?? false;
    },
    [x, y] as const,
  );
}

test("a pendulum drawn with the mouse is recognised stroke by stroke, and swings to both sides", async (t) => {
  const { page, complaints } = await visit(t);
  const times: number[] = [];
  for (const stroke of PENDULUM) {
    await draw(page, stroke);
    times.push(await page.evaluate(() => window.simgen.sketch().seenMs));
  }
  t.diagnostic(`seen after ${times.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  assert.ok(times.every((ms) => ms > 0));
  const seen = (await names(page)).join(" ");
  for (const name of ["Ball", "Rod", "Joint"]) assert.match(seen, new RegExp(name));
  assert.equal(await page.locator("[data-testid=overlay] .seen[data-kind=circle]").count(), 1);
  assert.match((await guess(page, "circle-1").textContent()) ?? "", /\d+ %/);

  const { sketch, prompt } = await run(page);
  assert.deepEqual([Object.keys(sketch).sort(), prompt], [["height", "strokes", "texts", "width"], undefined]);
  await page.getByText("From a sketch").waitFor();
  const pivot = await pivotOf(page, "circle-1");
  for (const beyond of [(x: number) => x < pivot - SWING, (x: number) => x > pivot + SWING]) {
    while (!beyond(await page.evaluate(() => window.simgen.pose("circle-1")?.position[0] ?? Number.NaN)))
      await advance(page, 20);
  }
  assert.deepEqual(complaints, []);
});

test("a prompt beside the sketch goes with it; from the simulation the way back leads to the same drawing", async (t) => {
  const { page } = await visit(t);
  await loadExample(page, "pendulum");
  const drawn = await strokes(page);
  await page.getByTestId("prompt").fill("on the Moon");
  assert.equal((await run(page)).prompt, "on the Moon");
  assert.equal(await page.getByTestId("pad").isVisible(), false);
  assert.equal(await page.getByTestId("prompt").inputValue(), "");
  const simulation = page.url();

  await page.getByTestId("edit-sketch").click();
  await page.getByTestId("paper").waitFor();
  assert.equal(await strokes(page), drawn);
  await loadExample(page, "car");
  await page.goto(simulation);
  await page.getByTestId("edit-sketch").click();
  await page.getByTestId("paper").waitFor();
  assert.equal(await strokes(page), drawn, "the drawing of that simulation, not the last one");
  await page.getByTestId("undo").click();
  assert.ok((await kinds(page)).includes("box"), "the last one is an undo away");
});

test("a ball is corrected into a box, which runs as one; undo covers it, and further strokes leave it", async (t) => {
  const { page } = await visit(t, { viewport: { width: 1240, height: 700 } });
  await draw(page, ...PENDULUM);
  await page.getByTestId("tool-correct").click();
  await click(page, [540, 381]);
  await guess(page, "circle-1").locator("select").selectOption("box");
  assert.deepEqual((await kinds(page)).toSorted(), ["box", "line", "line"]);
  assert.match((await guess(page, "circle-1").textContent()) ?? "", /Box.*yours/);
  await page.keyboard.press("Control+z");
  assert.ok((await kinds(page)).includes("circle"));
  await page.keyboard.press("Control+Shift+z");
  assert.ok((await kinds(page)).includes("box"));

  await page.getByTestId("tool-draw").click();
  await draw(page, circle([150, 300], 40));
  assert.deepEqual((await kinds(page)).toSorted(), ["box", "circle", "line", "line"]);
  const { sketch } = await run(page);
  assert.deepEqual(Object.keys(sketch), ["recognition"]);
  await advance(page, 10);
  const shapes = await page.evaluate(async () => {
    const answer = await fetch(`/api/v1/simulations/${location.pathname.split("/").at(-1)}`);
    const { scene } = await answer.json();
    return scene.bodies
      .find(({ id }: { id: string }) => id === "circle-1")
      .geoms.map(({ type }: { type: string }) => type);
  });
  assert.ok(shapes.includes("box"), `the body has ${shapes.join(", ")}`);
});

test("what is fixed, a joint's kind and what is not there are corrected in the list, by keyboard too", async (t) => {
  const { page } = await visit(t);
  await draw(page, ...PENDULUM);
  const links = () =>
    page.evaluate(() =>
      window.simgen
        .sketch()
        .recognition.links.map(({ kind }) => kind)
        .sort(),
    );
  await select(page, "hinge-1");
  await guess(page, "hinge-1").locator("select").selectOption("weld");
  assert.deepEqual(await links(), ["weld", "weld"]);
  await select(page, "circle-1");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  assert.equal(await guess(page, "circle-1").locator("input").isChecked(), true);
  assert.match((await guess(page, "circle-1").textContent()) ?? "", /fixed/);
  assert.equal(await page.evaluate(() => document.activeElement?.matches(".tick input")), true, "the focus stays");
  await page.keyboard.press("Delete");
  assert.deepEqual(await kinds(page), ["line", "line"]);
  assert.deepEqual(await links(), ["weld"]);
});

test("a joint is added by a click on what it holds", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 60));
  await page.getByTestId("add-hinge").click();
  await click(page, [700, 100]);
  await page.getByText("A joint holds a shape").waitFor();
  await click(page, [400, 300]);
  const links = await page.evaluate(() => window.simgen.sketch().recognition.links);
  assert.deepEqual(
    links.map(({ kind, a, b }) => [kind, a, b]),
    [["hinge", "circle-1", null]],
  );
  await guess(page, "added-1")
    .getByRole("button", { name: /^Delete/ })
    .click();
  assert.equal(await guess(page, "added-1").count(), 0);
});

test("strokes are undone, redone, erased by crossing them, and cleared; each of it can be undone", async (t) => {
  const { page } = await visit(t);
  await draw(page, line([100, 300], [300, 300]), line([100, 400], [300, 400]), circle([500, 300], 50));
  assert.equal(await strokes(page), 3);
  assert.ok(await isInked(page, [200, 400]));
  await page.getByTestId("undo").click();
  await page.keyboard.press("Control+z");
  assert.equal(await strokes(page), 1);
  assert.equal(await isInked(page, [200, 400]), false);
  await page.keyboard.press("Control+y");
  await page.getByTestId("redo").click();
  assert.equal(await strokes(page), 3);
  assert.equal(await page.getByTestId("redo").getAttribute("aria-disabled"), "true");

  await page.keyboard.press("e");
  await draw(page, line([200, 250], [200, 450]));
  assert.equal(await strokes(page), 1, "both lines are gone, the ball is not");
  await page.getByTestId("undo").click();
  assert.equal(await strokes(page), 3, "in one step");

  await page.getByTestId("clear").click();
  assert.equal(await strokes(page), 0);
  assert.deepEqual(await names(page), []);
  await page.keyboard.press("Control+z");
  assert.equal(await strokes(page), 3);
});

test("undo in the prompt is the prompt's, and letters typed there choose no tool", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 60));
  await page.getByTestId("prompt").focus();
  await page.keyboard.type("detect");
  await page.keyboard.press("Control+z");
  assert.equal(await strokes(page), 1);
  assert.equal(await page.getByTestId("tool-draw").getAttribute("aria-pressed"), "true");
});

test("a label is typed where it is clicked, is about what is beside it, and can be changed", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 60));
  await page.getByTestId("tool-text").click();
  await click(page, [520, 300]);
  await page.keyboard.type("2 kg");
  await page.keyboard.press("Enter");
  assert.deepEqual(await names(page), ["Ballmoves", "“2 kg”about Ball"]);
  assert.ok(await isInked(page, [520, 300]));
  await click(page, [520, 300]);
  await page.keyboard.type("5 kg");
  await page.keyboard.press("Enter");
  assert.match((await names(page)).join(), /“5 kg”/);
  const { sketch } = await run(page);
  assert.deepEqual(
    (sketch as { texts: { text: string }[] }).texts.map(({ text }) => text),
    ["5 kg"],
  );
});

test("every example is recognised for what it is", async (t) => {
  const { page } = await visit(t);
  const shows = {
    pendulum: ["circle", "line", "line"],
    ramp: ["box", "ground", "polygon"],
    car: ["box", "circle", "circle", "ground"],
    spring: ["box", "line"],
  };
  for (const [id, expected] of Object.entries(shows)) {
    await loadExample(page, id);
    const { shapes, links, unknown } = await page.evaluate(() => window.simgen.sketch().recognition);
    assert.deepEqual(shapes.map(({ kind }) => kind).toSorted(), expected, id);
    assert.deepEqual(unknown, [], id);
    if (id === "spring") assert.ok(links.some(({ kind }) => kind === "spring"));
  }
});

test("a reload keeps the drawing and its corrections", async (t) => {
  const { page } = await visit(t);
  await draw(page, circle([400, 300], 60), line([100, 450], [250, 450]));
  await select(page, "circle-1");
  await guess(page, "circle-1").locator("select").selectOption("box");
  await page.reload();
  await page.getByTestId("paper").waitFor();
  assert.equal(await strokes(page), 2);
  assert.ok((await kinds(page)).includes("box"));
  assert.equal(await page.evaluate(() => window.simgen.sketch().isCorrected), true);
  await page.evaluate(() => localStorage.setItem("sketch", `{"strokes":[{"points":[["a"]]}]}`));
  await page.goto("about:blank");
  await page.goto(server.url);
  await page.getByTestId("sketch").click();
  await page.getByTestId("paper").waitFor();
});

test("a finger draws; a second one, or the hand beside a pen, does not", async (t) => {
  const { page } = await visit(t, { hasTouch: true, viewport: { width: 375, height: 700 } });
  await touch(page, circle([400, 250], 80));
  assert.deepEqual(await kinds(page), ["circle"]);

  const place = await placing(page);
  const screen = await page.context().newCDPSession(page);
  await finger(screen, "touchStart", place([100, 450]));
  await finger(screen, "touchStart", place([100, 450]), place([600, 500]));
  for (const x of [150, 200, 250, 300]) await finger(screen, "touchMove", place([x, 450]), place([600 + x / 4, 500]));
  await finger(screen, "touchEnd");
  assert.equal(await strokes(page), 2);

  const pen = (type: "mousePressed" | "mouseMoved" | "mouseReleased", at: readonly [number, number], force: number) => {
    const [x, y] = place(at);
    return screen.send("Input.dispatchMouseEvent", {
      ...{ type, x, y, force, pointerType: "pen", button: "left", buttons: 1, clickCount: 1 },
    });
  };
  await finger(screen, "touchStart", place([700, 560]));
  await pen("mousePressed", [100, 520], 0.2);
  await finger(screen, "touchMove", place([690, 550]));
  for (const x of [150, 200, 250, 300]) await pen("mouseMoved", [x, 520], x / 320);
  await pen("mouseReleased", [300, 520], 0);
  await finger(screen, "touchEnd");
  await touch(page, line([600, 540], [700, 540]));
  assert.equal(await strokes(page), 3, "the pen's stroke alone");
  const thickness = await page.locator("#ink").evaluate((canvas) => {
    if (!(canvas instanceof HTMLCanvasElement)) return [];
    const scale = canvas.width / 800;
    return [120, 280].map((x) => {
      const column = canvas.getContext("2d")?.getImageData(x * scale, 500 * scale, 1, 40 * scale).data ?? [];
      return Array.from(column)
        .filter((_, at) => at % 4 === 3)
        .reduce((sum, alpha) => sum + alpha / 255, 0);
    });
  });
  assert.ok(thickness[1]! > thickness[0]! * 1.2, `${thickness.join(" px, then ")} px`);
});

test("a phone needs no sideways scrolling, and the ink is as fine as its screen", async (t) => {
  const { page } = await visit(t, { viewport: { width: 375, height: 812 }, deviceScaleFactor: 3, hasTouch: true });
  await loadExample(page, "car");
  await select(page, "box-1");
  const { content, screen, ink, shown } = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#ink");
    return {
      ...{ content: document.documentElement.scrollWidth, screen: innerWidth },
      ...{ ink: canvas?.width ?? 0, shown: canvas?.getBoundingClientRect().width ?? 0 },
    };
  });
  assert.ok(content <= screen, `${content} px of content on ${screen} px`);
  assert.ok(Math.abs(ink - shown * 3) <= 1, `${ink} px of ink on ${shown} px at 3 to 1`);
});

test("an empty pad says what to do instead of asking the server", async (t) => {
  const { page } = await visit(t);
  await page.getByTestId("run").click();
  await page.getByText("There is nothing to run yet").waitFor();
  await page.getByTestId("sketch").click();
  await page.getByText("Describe it. Watch it move.").waitFor();
  await page.getByTestId("draw-it").click();
  await page.getByTestId("paper").waitFor();
});
