import assert from "node:assert/strict";
import { test } from "node:test";
import { readLabel, type Said } from "./label.ts";

const table: [text: string, ...said: Said[]][] = [
  ["1 kg", { kind: "mass", value: 1 }],
  ["m = 500g", { kind: "mass", value: 0.5 }],
  ["1,5 m", { kind: "length", value: 1.5 }],
  ["50cm", { kind: "length", value: 0.5 }],
  ["180°", { kind: "angle", value: Math.PI }],
  ["90 degrees", { kind: "angle", value: Math.PI / 2 }],
  ["3 m/s", { kind: "speed", value: 3 }],
  ["30 rpm", { kind: "spin", value: Math.PI }],
  ["2 kg steel", { kind: "mass", value: 2 }, { kind: "material", name: "steel" }],
  ["Icy", { kind: "material", name: "ice" }],
  ["on the Moon", { kind: "gravity", value: 1.62, place: "the Moon" }],
  ["car", { kind: "name" }],
  ["constructor", { kind: "name" }],
  ["0 kg", { kind: "name" }],
  ["12 parsecs", { kind: "name" }],
  ["", { kind: "name" }],
];
for (const [text, ...said] of table)
  test(`"${text}" says ${said.map((each) => Object.values(each).join(" ")).join(", ")}`, () => {
    assert.deepEqual(readLabel(text), said);
  });
