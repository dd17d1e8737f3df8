/** Sketches: how many are read fully right, from strokes and from pictures, by wobble and by kind, and what that costs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOOKS, rasterOf } from "../apps/simgen/cv/synthetic/raster.ts";
import { HELD_OUT_KINDS, HELD_OUT_SEED, sketchOf, TUNED_KINDS, WOBBLES } from "../apps/simgen/cv/synthetic/sketches.ts";
import { Report } from "./report.ts";
import { Child } from "./sessions/child.ts";
import { ownFolder, spawned } from "./sessions/program.ts";
import type { ReaderCalls } from "./sketch/reader.ts";
import { frequentFaults, type Trial, trial } from "./sketch/trial.ts";

const INPUTS = ["strokes", "pixels", "costs"];
const PHOTO_SCALE = 5;
const READ_MS_MAX = 300_000;

/** Sketches that a recogniser may be tuned on, and two sets that it may not. */
const SETS: Record<string, { kinds: readonly string[]; seed: number }> = {
  tuned: { kinds: TUNED_KINDS, seed: 1 },
  "held-out seeds": { kinds: TUNED_KINDS, seed: HELD_OUT_SEED },
  "held-out kinds": { kinds: HELD_OUT_KINDS, seed: HELD_OUT_SEED },
};

const report = new Report(
  "sketch",
  [
    "Sketches: how many are read fully right, from strokes and from pictures, by wobble and by kind, and what that costs.",
    "Those that fail: node --conditions=holdfast-source bench/sketch/tally.ts --list",
    "A look at one: node --conditions=holdfast-source bench/sketch/look.ts KIND SEED WOBBLE OUT.png",
  ].join("\n"),
  { INPUT: INPUTS },
);
const seeds = { strokes: report.quick ? 3 : 60, pixels: report.quick ? 1 : 9 };

for (const input of report.chosen("INPUT")) {
  if (input === "costs") await costs();
  else for (const set of Object.keys(SETS)) await rightness(input === "pixels" ? "pixels" : "strokes", set);
}
report.print();
process.exit(0);

/** Pictures look by turns exported, drawn with a pencil and photographed. */
async function rightness(input: "strokes" | "pixels", set: string): Promise<void> {
  const { kinds, seed } = SETS[set] ?? { kinds: [], seed: 1 };
  report.progress(`${input}, ${set}: ${kinds.length} kinds, ${seeds[input]} seeds, ${WOBBLES.length} levels of wobble`);
  const trials: Trial[] = [];
  for (const kind of kinds)
    for (let index = 0; index < seeds[input]; index++)
      for (const wobble of WOBBLES) {
        const look = input === "pixels" ? LOOKS[(index + wobble) % LOOKS.length] : undefined;
        trials.push(await trial(kind, seed + index, wobble, look));
      }
  const what = `${input}, ${set}`;
  report.add("holdfast", `${what}: fully right`, "%", [share(trials)]);
  for (const wobble of WOBBLES)
    report.add("holdfast", `${what}: fully right, wobble ${wobble}`, "%", [
      share(trials.filter((one) => one.wobble === wobble)),
    ]);
  for (const kind of kinds) {
    const some = trials.filter((one) => one.kind === kind);
    report.add("holdfast", `${what}: fully right, ${kind}`, "%", [share(some)]);
    // What goes wrong in the others is not for those who tune.
    const [[fault, count] = ["", 0]] = set === "tuned" ? frequentFaults(some) : [];
    const most = count > 0 ? `${count} x ${fault}` : "";
    report.progress(`  ${kind.padEnd(20)} ${some.filter(({ right }) => right).length}/${some.length}  ${most}`);
  }
  const times = trials.map(({ ms }) => ms);
  report.add("holdfast", `${what}: time a sketch`, "ms", [quantile(times, 0.5)]);
  report.add("holdfast", `${what}: time a sketch, p99`, "ms", [quantile(times, 0.99)]);
}

/** In a process that only reads: time and memory. */
async function costs(): Promise<void> {
  const folder = ownFolder();
  const [small, large] = report.quick ? [6, 1] : [30, 4];
  const pictures: string[] = [];
  const photos: string[] = [];
  for (let index = 0; index < small; index++) {
    const { drawing } = sketchOf(TUNED_KINDS[index % TUNED_KINDS.length] ?? "", 1 + index, WOBBLES[index % 3] ?? 1);
    pictures.push(join(folder, `picture-${index}`));
    writeFileSync(pictures.at(-1) ?? "", await rasterOf(drawing, index, LOOKS[index % LOOKS.length] ?? "clean"));
    if (index >= large) continue;
    report.progress(`costs: drawing a 12-megapixel photo, ${index + 1} of ${large}`);
    photos.push(join(folder, `photo-${index}`));
    writeFileSync(photos.at(-1) ?? "", await rasterOf(drawing, index, "photo", PHOTO_SCALE));
  }
  await memoryOf("strokes", report.quick ? 150 : 3000, (reader, count) =>
    reader.callWithin(READ_MS_MAX, "strokes", count),
  );
  await memoryOf("800x600 pictures", report.quick ? 50 : 1000, (reader, count) =>
    reader.callWithin(READ_MS_MAX, "images", pictures, count),
  );
  await memoryOf("12-megapixel photos", report.quick ? 6 : 40, (reader, count) =>
    reader.callWithin(READ_MS_MAX, "images", photos, count),
  );
}

/** The first fifth warms up. */
async function memoryOf(
  what: string,
  count: number,
  read: (reader: Child<ReaderCalls>, count: number) => Promise<number[]>,
): Promise<void> {
  const file = fileURLToPath(new URL("./sketch/reader.ts", import.meta.url));
  const reader = new Child<ReaderCalls>(what, spawned(process.execPath, ["--conditions=holdfast-source", file]));
  const before = await reader.call("memory");
  await read(reader, Math.ceil(count / 5));
  const times: number[] = [];
  const held: number[] = [];
  for (let fifth = 1; fifth < 5; fifth++) {
    times.push(...(await read(reader, Math.ceil(count / 5))));
    held.push(await reader.call("memory"));
    report.progress(`costs: ${what}: ${times.length} read, ${Math.round(held.at(-1) ?? 0)} MB`);
  }
  report.add("holdfast", `costs, ${what}: time each`, "ms", [quantile(times, 0.5)]);
  report.add("holdfast", `costs, ${what}: time each, p99`, "ms", [quantile(times, 0.99)]);
  report.add("holdfast", `costs, ${what}: memory of the process, before any`, "MB", [before]);
  report.add("holdfast", `costs, ${what}: memory of the process, over the last four fifths of ${count}`, "MB", held);
}

/** In %. */
function share(trials: readonly Trial[]): number {
  return (100 * trials.filter(({ right }) => right).length) / trials.length;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
