/**
 * How many synthetic sketches are read fully right, by kind and wobble, with the most frequent faults and some failing seeds.
 * Only kinds and seeds that may be tuned on.
 * Usage: node --conditions=holdfast-source bench/sketch/tally.ts [--kind KIND] [--seeds 1-30] [--wobble 0,1,2]
 *          [--look clean|pencil|photo]  through a picture
 *          [--list]                     every failing sketch with its faults
 */
import { parseArgs } from "node:util";
import { LOOKS } from "../../apps/simgen/cv/synthetic/raster.ts";
import { HELD_OUT_SEED, TUNED_KINDS, WOBBLES } from "../../apps/simgen/cv/synthetic/sketches.ts";
import { frequentFaults, type Trial, trial } from "./trial.ts";

const { values } = parseArgs({
  options: {
    kind: { type: "string" },
    seeds: { type: "string", default: "1-30" },
    wobble: { type: "string", default: "0,1,2" },
    look: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const kinds = values.kind?.split(",") ?? TUNED_KINDS;
const [first = 1, last = first] = values.seeds.split("-").map(Number);
const wobbles = WOBBLES.filter((wobble) => values.wobble.split(",").includes(String(wobble)));
const look = LOOKS.find((each) => each === values.look);

const wrong = kinds.find((kind) => !TUNED_KINDS.includes(kind));
if (wrong !== undefined) refuse(`--kind: expected some of ${TUNED_KINDS.join(",")}; got ${wrong}`);
if (!(first >= 1 && last >= first && last < HELD_OUT_SEED))
  refuse(`--seeds: expected FIRST-LAST, below ${HELD_OUT_SEED}`);
if (wobbles.length === 0) refuse("--wobble: expected some of 0,1,2");
if (values.look !== undefined && !look) refuse(`--look: expected one of ${LOOKS.join(", ")}; got ${values.look}`);

const all: Trial[] = [];
for (const kind of kinds) {
  const trials: Trial[] = [];
  for (let seed = first; seed <= last; seed++)
    for (const wobble of wobbles) trials.push(await trial(kind, seed, wobble, look));
  all.push(...trials);
  const faulty = trials.filter(({ right }) => !right);
  console.log(`${kind.padEnd(18)} ${shares(trials)}`);
  for (const [fault, count] of frequentFaults(faulty).slice(0, 4))
    console.log(`    ${String(count).padStart(3)} x ${fault}`);
  const shown = values.list ? faulty : faulty.slice(0, 3);
  for (const { seed, wobble, faults } of shown) console.log(`    seed ${seed} wobble ${wobble}: ${faults.join("; ")}`);
}
const ms = all.map((each) => each.ms).sort((a, b) => a - b);
const quantile = (share: number) => (ms[Math.floor(ms.length * share)] ?? 0).toFixed(2);
console.log(`${"all".padEnd(18)} ${shares(all)}   median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);

function shares(trials: readonly Trial[]): string {
  const of = (some: readonly Trial[]) => `${some.filter(({ right }) => right).length}/${some.length}`;
  const each = wobbles.map((wobble) => `${wobble}: ${of(trials.filter((one) => one.wobble === wobble)).padEnd(8)}`);
  const right = trials.filter((one) => one.right).length;
  return `${of(trials).padEnd(9)} ${((100 * right) / trials.length).toFixed(1).padStart(5)} %   ${each.join(" ")}`;
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}
