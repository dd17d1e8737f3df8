import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Geom, parseScene, type Scene } from "../sim/scene.ts";
import { LEXICON } from "./lexicon.ts";
import { PROMPTS } from "./prompts.table.ts";
import { type Plan, PROMPT_CHARS_MAX, PromptError, planFromPrompt } from "./rules.ts";

test("counts, masses, sizes and colours arrive in the scene", () => {
  const { scene } = planFromPrompt("two 3 kg red boxes, 40 cm wide, and a dozen blue steel balls of 10 cm diameter");
  const boxes = geomsOf(scene, /^box-/);
  assert.equal(boxes.length, 2);
  for (const box of boxes) {
    assert.equal(box.mass, 3);
    assert.deepEqual(box.size, [0.2, 0.2, 0.2]);
    assert.equal(box.color, "#e5383b");
  }
  const balls = geomsOf(scene, /^ball-/);
  assert.equal(balls.length, 12);
  for (const ball of balls) {
    assert.equal(ball.density, 7850);
    assert.deepEqual(ball.size, [0.05]);
  }
});

test("each attribute goes to its own noun", () => {
  const { scene } = planFromPrompt("a 2 kg red ball on a 30° wooden ramp");
  const [ball] = geomsOf(scene, /^ball/);
  assert.equal(ball?.mass, 2);
  assert.equal(ball?.color, "#e5383b");
});

test("a plan says what it understood", () => {
  const { understood, scene } = planFromPrompt("three pendulums, 50 cm long, on the Moon");
  assert.deepEqual(understood, ["3 pendulums", "length 50 cm", "gravity of the Moon (1.62 m/s²)"]);
  assert.equal(scene.name, "3 pendulums, length 50 cm, gravity of the Moon (1.62 m/s²)");
});

test("every word that is not used is told", () => {
  const { warnings } = planFromPrompt("a fluffy pendulum on a green dragon, then three unicorns");
  assert.deepEqual(warnings, ['ignored: "fluffy"', 'ignored: "green dragon"', 'ignored: "three unicorns"']);
});

test("the same prompt gives the same scene, byte for byte", () => {
  for (const { prompt } of PROMPTS)
    assert.equal(JSON.stringify(planFromPrompt(prompt)), JSON.stringify(planFromPrompt(prompt)));
});

test("upper case, hyphens and punctuation change nothing", () => {
  const plain = planFromPrompt("a double pendulum with 3 links");
  for (const prompt of ["A DOUBLE-PENDULUM, with 3 links!", "(a) double pendulum; with “3” links?"])
    assert.deepEqual(planFromPrompt(prompt).scene, plain.scene);
});

test("a prompt that names nothing gets three to five suggestions, and each of them works", () => {
  for (const prompt of [
    "",
    " ",
    "hello",
    "a purple monkey",
    "3 kg",
    "gravity on Mars",
    "snow",
    "constructor __proto__",
  ]) {
    const error = refusal(prompt);
    assert.equal(error.code, "prompt_not_understood");
    assert.ok(error.suggestions.length >= 3 && error.suggestions.length <= 5, `${error.suggestions.length}`);
    for (const suggestion of error.suggestions) assert.deepEqual(planFromPrompt(suggestion).warnings, [], suggestion);
  }
});

test("suggestions are near to the words of the prompt", () => {
  assert.match(refusal("a bungee jump").suggestions[0] ?? "", /spring|bouncing/);
  assert.match(refusal("an elevator").suggestions[0] ?? "", /pulley/);
});

test("no word of the prompt reaches the scene", () => {
  const { scene } = planFromPrompt("a pendulum <script>alert(1)</script> named zebra");
  assert.doesNotMatch(JSON.stringify(scene), /script|alert|zebra/);
});

test("any string gives a valid scene or a PromptError", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (prompt) => holds(prompt)),
    { numRuns: 500 },
  );
});

test("any words of the lexicon, with any numbers and units, give a valid scene or a PromptError", () => {
  const word = fc.constantFrom(...LEXICON.keys());
  const number = fc.oneof(
    fc.integer({ min: -5, max: 3000 }).map(String),
    fc.double({ noNaN: true }).map(String),
    fc.constantFrom("1/2", "1/0", "½", "a dozen", "three", "half", "0", "-3", "1e300"),
  );
  const unit = fc.constantFrom("kg", "g", "m", "cm", "km", "°", "rad", "m/s", "rpm", "N/m", "%", "m/s²", "s", "x", "");
  const mixed = fc.oneof(
    { weight: 4, arbitrary: word },
    { weight: 2, arbitrary: fc.tuple(number, unit).map((pair) => pair.join(" ")) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(",", ".", "and", "with", "a", "the", "on", "of", "two", "-", "#12ab34", "zzz"),
    },
  );
  fc.assert(
    fc.property(fc.array(mixed, { maxLength: 30 }), (parts) => holds(parts.join(" "))),
    { numRuns: 1500 },
  );
});

test("long and repetitive prompts are read like any other", () => {
  const long = [
    "a".repeat(100_000),
    "1".repeat(100_000),
    "1/".repeat(50_000),
    "1,000".repeat(20_000),
    "-".repeat(100_000),
    "#".repeat(100_000),
    "'".repeat(100_000),
    "ﷺ".repeat(100_000),
    "½".repeat(50_000),
    "half a ".repeat(20_000),
    "twenty ".repeat(20_000),
    "and ".repeat(20_000),
    "not very ".repeat(20_000),
    "marble ".repeat(20_000),
    "a ball and ".repeat(20_000),
    "one red ".repeat(20_000),
    "a pendulum with a ".repeat(10_000),
    "mass of about the ".repeat(10_000),
    "10 x ".repeat(20_000),
    "m/s".repeat(50_000),
  ];
  for (const prompt of long) holds(prompt);
});

test("what is beyond the longest prompt is left out and told", () => {
  const { warnings } = planFromPrompt(`a pendulum ${".".repeat(PROMPT_CHARS_MAX)} a car`);
  assert.ok(warnings.includes(`read only the first ${PROMPT_CHARS_MAX} characters`));
});

/** Plans, and holds the planner to its promises about any prompt. */
function holds(prompt: string): void {
  let plan: Plan;
  try {
    plan = planFromPrompt(prompt);
  } catch (error) {
    assert.ok(error instanceof PromptError, String(error));
    return;
  }
  const json = JSON.stringify(plan.scene);
  assert.equal(JSON.stringify(parseScene(JSON.parse(json))), json);
  assert.ok(plan.understood.length > 0);
  assert.ok(plan.warnings.length <= 20);
}

function refusal(prompt: string): PromptError {
  try {
    planFromPrompt(prompt);
  } catch (error) {
    assert.ok(error instanceof PromptError);
    return error;
  }
  throw new Error(`"${prompt}" was understood`);
}

function geomsOf(scene: Scene, id: RegExp): Geom[] {
  return scene.bodies.filter((body) => id.test(body.id)).flatMap((body) => body.geoms);
}
