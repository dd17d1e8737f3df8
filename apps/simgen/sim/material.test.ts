import assert from "node:assert/strict";
import { test } from "node:test";
import { MATERIALS, materialName, materialOf } from "./material.ts";

test("every material is physically possible", () => {
  for (const name of materialName.options) {
    const { density, friction, bounce, color } = materialOf(name);
    assert.ok(density >= 10 && density <= 22_600, `${name}: ${density} kg/m³`);
    assert.ok(friction > 0 && friction <= 1.2, `${name}: friction ${friction}`);
    assert.ok(bounce === undefined || (bounce > 0 && bounce < 1), `${name}: bounce ${bounce}`);
    assert.match(color, /^#[0-9a-f]{6}$/, name);
  }
});

test("light things float, metals sink, gold outweighs lead", () => {
  for (const name of ["wood", "oak", "cork", "balsa", "ice", "foam", "styrofoam"] as const)
    assert.ok(MATERIALS[name].density < 1000, name);
  for (const name of materialName.options)
    if (materialOf(name).finish === "metal") assert.ok(materialOf(name).density > 2000, name);
  assert.ok(MATERIALS.gold.density > MATERIALS.lead.density);
});

test("only known names are materials", () => {
  assert.equal(materialName.parse("steel"), "steel");
  assert.equal(materialName.safeParse("vibranium").success, false);
  assert.equal(materialName.safeParse("toString").success, false);
});
