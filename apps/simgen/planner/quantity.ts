import type { Token } from "./tokens.ts";

export type Dimension =
  | "length"
  | "mass"
  | "angle"
  | "speed"
  | "spin"
  | "stiffness"
  | "damping"
  | "acceleration"
  | "density"
  | "share"
  | "time"
  | "force"
  | "other";

/** A number with a unit, in SI (m, kg, rad, m/s, rad/s, N/m, N·s/m, m/s², kg/m³; a share is 0 to 1); `end` is the next token. */
export interface Quantity {
  value: number;
  dimension: Dimension;
  /** The unit as written, for telling grams from g. */
  unit: string;
  /** The number before the unit. */
  amount: number;
  end: number;
}

/** A number in digits or words; `whole` is false for "half" and "1.5". `end` is the next token. */
export interface Amount {
  value: number;
  whole: boolean;
  end: number;
}

/** Exponents of kg, m, s, rad and share. */
type Exponents = [number, number, number, number, number];

const UNITS: [words: string, factor: number, exponents: Exponents][] = [
  ["mm|millimeter|millimetre|millimeters|millimetres", 0.001, [0, 1, 0, 0, 0]],
  ["cm|cms|centimeter|centimetre|centimeters|centimetres", 0.01, [0, 1, 0, 0, 0]],
  ["dm|decimeter|decimetre|decimeters|decimetres", 0.1, [0, 1, 0, 0, 0]],
  ["m|meter|metre|meters|metres", 1, [0, 1, 0, 0, 0]],
  ["km|kilometer|kilometre|kilometers|kilometres", 1000, [0, 1, 0, 0, 0]],
  ['"|in|inch|inches', 0.0254, [0, 1, 0, 0, 0]],
  ["'|ft|foot|feet", 0.3048, [0, 1, 0, 0, 0]],
  ["yd|yds|yard|yards", 0.9144, [0, 1, 0, 0, 0]],
  ["mile|miles", 1609.344, [0, 1, 0, 0, 0]],
  ["mg|milligram|milligrams", 1e-6, [1, 0, 0, 0, 0]],
  ["g|gr|gram|grams|gramme|grammes", 0.001, [1, 0, 0, 0, 0]],
  ["kg|kgs|kilo|kilos|kilogram|kilograms|kilogramme|kilogrammes", 1, [1, 0, 0, 0, 0]],
  ["t|ton|tons|tonne|tonnes", 1000, [1, 0, 0, 0, 0]],
  ["lb|lbs|pound|pounds", 0.45359237, [1, 0, 0, 0, 0]],
  ["oz|ounce|ounces", 0.028349523125, [1, 0, 0, 0, 0]],
  ["°|deg|degs|degree|degrees", Math.PI / 180, [0, 0, 0, 1, 0]],
  ["rad|rads|radian|radians", 1, [0, 0, 0, 1, 0]],
  ["turn|turns|revolution|revolutions|rev|revs|rotation|rotations", 2 * Math.PI, [0, 0, 0, 1, 0]],
  ["ms|millisecond|milliseconds", 0.001, [0, 0, 1, 0, 0]],
  ["s|sec|secs|second|seconds", 1, [0, 0, 1, 0, 0]],
  ["min|mins|minute|minutes", 60, [0, 0, 1, 0, 0]],
  ["h|hr|hrs|hour|hours", 3600, [0, 0, 1, 0, 0]],
  ["mps", 1, [0, 1, -1, 0, 0]],
  ["kmh|kph|kmph", 1 / 3.6, [0, 1, -1, 0, 0]],
  ["mph", 0.44704, [0, 1, -1, 0, 0]],
  ["fps", 0.3048, [0, 1, -1, 0, 0]],
  ["knot|knots|kt", 0.514444, [0, 1, -1, 0, 0]],
  ["rpm", Math.PI / 30, [0, 0, -1, 1, 0]],
  ["rps|hz|hertz", 2 * Math.PI, [0, 0, -1, 1, 0]],
  ["gee|gees|gs", 9.81, [0, 1, -2, 0, 0]],
  ["n|newton|newtons", 1, [1, 1, -2, 0, 0]],
  ["kn|kilonewton|kilonewtons", 1000, [1, 1, -2, 0, 0]],
  ["%|percent|pct", 0.01, [0, 0, 0, 0, 1]],
];

const DIMENSIONS: ReadonlyMap<string, Dimension> = new Map(
  Object.entries<Dimension>({
    "0,1,0,0,0": "length",
    "1,0,0,0,0": "mass",
    "0,0,0,1,0": "angle",
    "0,1,-1,0,0": "speed",
    "0,0,-1,1,0": "spin",
    "1,0,-2,0,0": "stiffness",
    "1,0,-1,0,0": "damping",
    "0,1,-2,0,0": "acceleration",
    "1,-3,0,0,0": "density",
    "0,0,0,0,1": "share",
    "0,0,1,0,0": "time",
    "1,1,-2,0,0": "force",
  }),
);

const UNIT_BY_WORD = new Map(
  UNITS.flatMap(([words, factor, exponents]) => words.split("|").map((word) => [word, { factor, exponents }] as const)),
);

/** Words that are units, so that they are never taken for misspellings. */
export const UNIT_WORDS: ReadonlySet<string> = new Set(UNIT_BY_WORD.keys());

/** "in" after a number is inches, unless a noun phrase follows: "5 in honey". */
const NOT_AFTER_INCHES = /^(?:a|an|the|my|space|honey|water|air|oil|total|gravity|free|zero|low|orbit|vacuum)$/;

const SMALL: ReadonlyMap<string, number> = new Map(
  (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
    "eighteen nineteen"
  )
    .split(" ")
    .map((word, value) => [word, value]),
);
const TENS: ReadonlyMap<string, number> = new Map(
  "twenty thirty forty fifty sixty seventy eighty ninety".split(" ").map((word, index) => [word, 20 + 10 * index]),
);
const SCALES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    dozen: 12,
    dozens: 24,
    score: 20,
    hundred: 100,
    hundreds: 100,
    thousand: 1000,
    thousands: 1000,
    million: 1e6,
    millions: 1e6,
  }),
);
const VAGUE: ReadonlyMap<string, number> = new Map(
  Object.entries({
    single: 1,
    lone: 1,
    couple: 2,
    pair: 2,
    twin: 2,
    trio: 3,
    few: 3,
    handful: 5,
    several: 5,
    bunch: 6,
    many: 12,
    lots: 20,
    loads: 20,
    tons: 20,
  }),
);

const POWERS_BEFORE: ReadonlyMap<string, number> = new Map([
  ["square", 2],
  ["cubic", 3],
]);
const POWERS_AFTER: ReadonlyMap<string, number> = new Map([
  ["squared", 2],
  ["cubed", 3],
]);

/** Every word that makes up a number. */
export const NUMBER_WORDS: readonly string[] = [SMALL, TENS, SCALES, VAGUE].flatMap((table) => [...table.keys()]);

/** Reads a number and its unit at token `at`: "10 cm", "36 km/h", "half a metre", "a metre", "twenty newtons per meter". */
export function readQuantity(tokens: readonly Token[], at: number): Quantity | undefined {
  const amount = readAmount(tokens, at) ?? readArticle(tokens, at);
  if (!amount) return undefined;
  const hyphen = isMark(tokens[amount.end], "-") ? 1 : 0;
  const unit = readUnit(tokens, amount.end + hyphen);
  if (!unit) return undefined;
  return {
    value: amount.value * unit.factor,
    dimension: unit.dimension,
    unit: unit.text,
    amount: amount.value,
    end: unit.end,
  };
}

/** Reads a number at token `at`: "3", "twenty-five", "1 1/2", "two and a half", "half a dozen", "a couple of". */
export function readAmount(tokens: readonly Token[], at: number): Amount | undefined {
  const word = wordAt(tokens, at);
  if (word === "minus" || word === "negative") {
    const amount = readAmount(tokens, at + 1);
    return amount && amount.value > 0 ? { ...amount, value: -amount.value } : undefined;
  }
  if (word === "half" || word === "quarter") return readPart(tokens, at, word === "half" ? 0.5 : 0.25);
  if ((word === "a" || word === "an") && wordAt(tokens, at + 1) !== undefined) {
    const next = wordAt(tokens, at + 1) ?? "";
    if (next === "half" || next === "quarter") return readPart(tokens, at + 1, next === "half" ? 0.5 : 0.25);
    if (SCALES.has(next)) return readScales(tokens, at + 1, 1);
    return VAGUE.has(next) ? readScales(tokens, at + 2, VAGUE.get(next) ?? 1) : undefined;
  }
  if (word !== undefined && VAGUE.has(word)) return readScales(tokens, at + 1, VAGUE.get(word) ?? 1);
  if (word !== undefined && (word === "dozens" || word === "hundreds" || word === "thousands" || word === "millions"))
    return readScales(tokens, at, 1);
  const token = tokens[at];
  if (token?.kind === "number") {
    const next = tokens[at + 1];
    if (next?.kind === "number" && next.fraction && !token.fraction && next.value < 1)
      return { value: token.value + next.value, whole: false, end: at + 2 };
    return withHalf(tokens, readScales(tokens, at + 1, token.value));
  }
  return readWords(tokens, at);
}

// --- numbers ---

function readPart(tokens: readonly Token[], at: number, value: number): Amount {
  const next = skipOf(tokens, at + 1);
  const article = /^(?:a|an)$/.test(wordAt(tokens, next) ?? "") ? next + 1 : next;
  const dozen = SCALES.get(wordAt(tokens, article) ?? "");
  if (dozen) return { value: value * dozen, whole: Number.isInteger(value * dozen), end: skipOf(tokens, article + 1) };
  return { value, whole: false, end: UNIT_BY_WORD.has(wordAt(tokens, article) ?? "") ? article : at + 1 };
}

function readWords(tokens: readonly Token[], start: number): Amount | undefined {
  let total = 0;
  let group = 0;
  let at = start;
  for (; ; at++) {
    if (at > start && isMark(tokens[at], "-") && isNumberWord(tokens, at + 1)) continue;
    const word = wordAt(tokens, at);
    if (word === undefined) break;
    const previous = wordAt(tokens, at - 1) ?? "";
    const small = SMALL.get(word);
    if (small !== undefined) {
      if (at > start && (SMALL.has(previous) || (group % 100 !== 0 && small > 9))) break;
      group += small;
    } else if (TENS.get(word) !== undefined) {
      if (group % 100 !== 0) break;
      group += TENS.get(word) ?? 0;
    } else if (SCALES.get(word) !== undefined && at > start) {
      const scale = SCALES.get(word) ?? 1;
      if (scale >= 1000) {
        total += Math.max(group, 1) * scale;
        group = 0;
      } else group = Math.max(group, 1) * scale;
    } else if (word === "and" && /^(?:hundred|thousand)$/.test(previous) && isNumberWord(tokens, at + 1)) continue;
    else break;
  }
  if (at === start) return undefined;
  return withHalf(tokens, { value: total + group, whole: true, end: skipOf(tokens, at, start) });
}

function readScales(tokens: readonly Token[], start: number, first: number): Amount {
  let value = first;
  let at = start;
  for (
    let scale = SCALES.get(wordAt(tokens, at) ?? "");
    scale && value < 1e9;
    scale = SCALES.get(wordAt(tokens, at) ?? "")
  ) {
    value *= scale;
    at++;
  }
  return { value, whole: Number.isInteger(value), end: skipOf(tokens, at) };
}

/** "two and a half" */
function withHalf(tokens: readonly Token[], amount: Amount): Amount {
  const at = amount.end;
  if (wordAt(tokens, at) !== "and" || wordAt(tokens, at + 1) !== "a") return amount;
  if (wordAt(tokens, at + 2) !== "half") return amount;
  return { value: amount.value + 0.5, whole: false, end: at + 3 };
}

/** "a metre", "a kilo": spelled out only, since "a m" or "a t" is no English. */
function readArticle(tokens: readonly Token[], at: number): Amount | undefined {
  const unit = wordAt(tokens, at + 1);
  const spelled = unit !== undefined && unit.length >= 4 && UNIT_BY_WORD.has(unit);
  return /^(?:a|an)$/.test(wordAt(tokens, at) ?? "") && spelled ? { value: 1, whole: true, end: at + 1 } : undefined;
}

function isNumberWord(tokens: readonly Token[], at: number): boolean {
  const word = wordAt(tokens, at) ?? "";
  return SMALL.has(word) || TENS.has(word);
}

/** "a couple of", "a dozen of": the "of" belongs to the number, but "two of" does not. */
function skipOf(tokens: readonly Token[], at: number, start = at - 1): number {
  const before = wordAt(tokens, at - 1) ?? "";
  const scaled = before === "half" || before === "quarter" || SCALES.has(before) || VAGUE.has(before);
  return at > start && scaled && wordAt(tokens, at) === "of" ? at + 1 : at;
}

// --- units ---

function readUnit(tokens: readonly Token[], at: number) {
  let unit = readBase(tokens, at);
  if (!unit) return undefined;
  let { factor, exponents } = unit;
  for (;;) {
    const joint = tokens[unit.end]?.text ?? "";
    const divides = joint === "/" || joint === "per" || (/^an?$/.test(joint) && isTime(tokens, unit.end + 1));
    // "N s/m" has no sign between.
    const beside = joint === "s" && exponents.join() === "1,1,-2,0,0";
    if (!divides && !beside && joint !== "·" && joint !== "*") break;
    const next = readBase(tokens, beside ? unit.end : unit.end + 1);
    if (!next) break;
    const sign = divides ? -1 : 1;
    factor *= next.factor ** sign;
    exponents = exponents.map((each, index) => each + sign * (next.exponents[index] ?? 0)) as Exponents;
    unit = next;
  }
  const text = tokens[at]?.text ?? "";
  return { factor, dimension: DIMENSIONS.get(exponents.join()) ?? ("other" as const), text, end: unit.end };
}

/** One unit with its power: "m", "s2", "s^2", "second squared", "cubic metre". */
function readBase(tokens: readonly Token[], start: number) {
  const before = POWERS_BEFORE.get(tokens[start]?.text ?? "");
  const at = before ? start + 1 : start;
  const token = tokens[at];
  if (!token || token.kind === "number" || token.kind === "color") return undefined;
  const [, word = token.text, digit] = /^([a-z]+)([23])$/.exec(token.text) ?? [];
  const unit = UNIT_BY_WORD.get(word);
  if (!unit || (word === "in" && NOT_AFTER_INCHES.test(wordAt(tokens, at + 1) ?? ""))) return undefined;
  let end = at + 1;
  let power = before ?? (digit ? Number(digit) : 1);
  const after = POWERS_AFTER.get(tokens[end]?.text ?? "");
  const caret = isMark(tokens[end], "^") ? tokens[end + 1] : undefined;
  if (after) {
    power = after;
    end++;
  } else if (caret?.kind === "number" && (caret.value === 2 || caret.value === 3)) {
    power = caret.value;
    end += 2;
  }
  return { factor: unit.factor ** power, exponents: unit.exponents.map((each) => each * power) as Exponents, end };
}

function isTime(tokens: readonly Token[], at: number): boolean {
  return UNIT_BY_WORD.get(wordAt(tokens, at) ?? "")?.exponents[2] === 1;
}

function wordAt(tokens: readonly Token[], at: number): string | undefined {
  const token = tokens[at];
  return token?.kind === "word" ? token.text : undefined;
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === "mark" && token.text === text;
}
