import assert from "node:assert/strict";
import { test } from "node:test";
import { readAmount, readQuantity } from "./quantity.ts";
import { tokenize } from "./tokens.ts";

const quantity = (text: string) => {
  const read = readQuantity(tokenize(text).tokens, 0);
  return read && [Number(read.value.toPrecision(9)), read.dimension];
};
const amount = (text: string) => readAmount(tokenize(text).tokens, 0)?.value;

test("quantities come out in SI with their dimension", () => {
  for (const [text, value, dimension] of [
    ["10 cm", 0.1, "length"],
    ["5mm", 0.005, "length"],
    ["1.5 metres", 1.5, "length"],
    ["2 ft", 0.6096, "length"],
    ['3"', 0.0762, "length"],
    ["half a metre", 0.5, "length"],
    ["a metre", 1, "length"],
    ["two and a half yards", 2.286, "length"],
    ["500 g", 0.5, "mass"],
    ["5 lb", 2.26796185, "mass"],
    ["half a ton", 500, "mass"],
    ["45°", Math.PI / 4, "angle"],
    ["1 rad", 1, "angle"],
    ["36 km/h", 10, "speed"],
    ["20 mph", 8.9408, "speed"],
    ["5 metres per second", 5, "speed"],
    ["10 miles an hour", 4.4704, "speed"],
    ["300 rpm", 10 * Math.PI, "spin"],
    ["90 degrees per second", Math.PI / 2, "spin"],
    ["2 Hz", 4 * Math.PI, "spin"],
    ["100 N/m", 100, "stiffness"],
    ["5 N/cm", 500, "stiffness"],
    ["1 kN/m", 1000, "stiffness"],
    ["3 N·s/m", 3, "damping"],
    ["9.81 m/s²", 9.81, "acceleration"],
    ["20 m/s^2", 20, "acceleration"],
    ["3 meters per second squared", 3, "acceleration"],
    ["7850 kg/m³", 7850, "density"],
    ["2.7 g/cm3", 2700, "density"],
    ["90%", 0.9, "share"],
  ] as const)
    assert.deepEqual(quantity(text), [Number(value.toPrecision(9)), dimension], text);
});

test("'in' is inches before a noun, but not before 'space'", () => {
  assert.deepEqual(quantity("5 in ball"), [0.127, "length"]);
  assert.equal(quantity("5 in space"), undefined);
});

test("numbers in words", () => {
  for (const [text, value] of [
    ["three", 3],
    ["twenty-five", 25],
    ["one hundred and five", 105],
    ["two thousand", 2000],
    ["a dozen", 12],
    ["half a dozen", 6],
    ["a couple of", 2],
    ["a couple dozen", 24],
    ["a pair of", 2],
    ["3 dozen", 36],
    ["1 1/2", 1.5],
    ["2½", 2.5],
    ["two and a half", 2.5],
    ["minus four", -4],
  ] as const)
    assert.equal(amount(text), value, text);
});

test("what is no number is none", () => {
  for (const text of ["ball", "a ball", "constructor", "", "and", "the"]) assert.equal(amount(text), undefined, text);
});
