import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scene } from "../sim/scene.ts";
import { templateById } from "../sim/templates/index.ts";
import { buildTemplate } from "../sim/templates/template.ts";
import { compose } from "./compose.ts";
import { type Expectation, HELD_OUT, PROMPTS } from "./prompts.table.ts";
import { planFromPrompt } from "./rules.ts";

const EARTH = -9.81;

for (const expectation of PROMPTS) test(`"${expectation.prompt}"`, () => check(expectation));
for (const expectation of HELD_OUT) test(`held out: "${expectation.prompt}"`, () => check(expectation));

function check({ prompt, makes, gravity = EARTH, warns = [] }: Expectation): void {
  const plan = planFromPrompt(prompt);
  const vector = typeof gravity === "number" ? [0, 0, gravity] : gravity;
  alike(plan.scene, { ...expected(makes), name: plan.scene.name, gravity: vector }, "scene");
  assert.deepEqual(plan.warnings, warns);
}

function expected(makes: Expectation["makes"]): Scene {
  const [first, ...rest] = makes.map(([id, params]) => {
    const template = templateById(id);
    assert.ok(template, `template ${id}`);
    return buildTemplate(template, params);
  });
  assert.ok(first);
  return compose("expected", [first, ...rest]).scene;
}

/** Deep equality, with numbers equal to nine digits: 45° has more than one way to be π/4. */
function alike(actual: unknown, wanted: unknown, path: string): void {
  if (typeof actual === "number" && typeof wanted === "number") {
    const close = Math.abs(actual - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted));
    assert.ok(close, `${path}: expected ${wanted}, got ${actual}`);
  } else if (typeof actual === "object" && actual !== null && typeof wanted === "object" && wanted !== null) {
    assert.deepEqual(Object.keys(actual), Object.keys(wanted), path);
    for (const [key, value] of Object.entries(wanted))
      alike(Object.getOwnPropertyDescriptor(actual, key)?.value, value, `${path}.${key}`);
  } else assert.equal(actual, wanted, path);
}
