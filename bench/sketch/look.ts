/**
 * Draws a synthetic sketch and, in colour, what is recognised in it.
 * Usage: node --conditions=holdfast-source bench/sketch/look.ts KIND SEED WOBBLE OUT.png [clean|pencil|photo]
 *   with a look, the sketch goes through a picture first
 */
import { writeFile } from "node:fs/promises";
import { overlayOf } from "../../apps/simgen/cv/synthetic/overlay.ts";
import { LOOKS } from "../../apps/simgen/cv/synthetic/raster.ts";
import { WOBBLES } from "../../apps/simgen/cv/synthetic/sketches.ts";
import { trial } from "./trial.ts";

const [kind = "", seed = "", wobbled, out, looked] = process.argv.slice(2);
const wobble = WOBBLES.find((each) => String(each) === wobbled);
const look = LOOKS.find((each) => each === looked);
if (wobble === undefined || !/^\d+$/.test(seed) || !out || (looked !== undefined && !look)) {
  console.error("Usage: look.ts KIND SEED 0|1|2 OUT.png [clean|pencil|photo]");
  process.exit(2);
}
const { drawing, recognition, truth, faults } = await trial(kind, Number(seed), wobble, look);
await writeFile(out, await overlayOf(drawing, recognition));
for (const { id, strokes, confidence: _, ...rest } of [...truth.shapes, ...truth.links, ...truth.arrows])
  console.log(`${id} in strokes ${strokes.join(",")}: ${JSON.stringify(rest)}`);
console.log(faults.length === 0 ? "right" : faults.join("\n"));
