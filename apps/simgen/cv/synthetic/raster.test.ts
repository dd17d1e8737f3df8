import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { overlayOf } from "./overlay.ts";
import { LOOKS, rasterOf } from "./raster.ts";
import { sketchOf } from "./sketches.ts";

const { drawing, truth } = sketchOf("pendulum", 1, 1);

for (const look of LOOKS)
  test(`as ${look}, a drawing is an 800x600 picture, the same for the same seed, dark where the pen was`, async () => {
    const picture = await rasterOf(drawing, 1, look);
    assert.deepEqual(Buffer.from(picture), Buffer.from(await rasterOf(drawing, 1, look)));
    const { data, info } = await sharp(picture).greyscale().raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [800, 600]);
    const grey = (x: number, y: number) => data[Math.round(y) * info.width + Math.round(x)] ?? Number.NaN;
    const pen = drawing.strokes.flat().filter(([x, y]) => x > 10 && y > 10 && x < 790 && y < 590);
    const darker = pen.filter(([x, y]) => grey(x, y) < Math.min(grey(x - 9, y - 9), grey(x + 9, y + 9)) - 20);
    assert.ok(darker.length > 0.6 * pen.length, `${darker.length} of ${pen.length}`);
  });

test("a photo can be larger than the drawing", async () => {
  const { width, height, format } = await sharp(await rasterOf(drawing, 1, "photo", 2)).metadata();
  assert.deepEqual({ width, height, format }, { width: 1600, height: 1200, format: "jpeg" });
});

test("what was recognised is drawn in colour over the drawing", async () => {
  const { channels } = await sharp(await overlayOf(drawing, { ...truth, unknown: [0] })).stats();
  const [red, , blue] = channels;
  assert.ok(red && blue && red.mean !== blue.mean);
});
