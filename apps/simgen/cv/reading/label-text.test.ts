import assert from "node:assert/strict";
import { test } from "node:test";
import { readLabel } from "../machine/label.ts";
import { LABEL_UNITS, LABEL_WORDS, labelTextOf } from "./label-text.ts";

test("what is read is taken for the label it is, or nearly is", () => {
  const labels = {
    "1 kg": "1 kg",
    "2.5kg": "2.5 kg",
    "500 g": "500 g",
    "30°": "30°",
    "m = 3 kg": "3 kg",
    Moon: "Moon",
  };
  const nearly = { lkg: "1 kg", "2 kq": "2 kg", "500 9": "500 g", "50 om": "50 cm", "45º": "45°", stee1: "steel" };
  const more = { "2 kg steel": "2 kg steel", "on the Moon": "Moon", "5 m/s": "5 m/s" };
  for (const [read, text] of Object.entries({ ...labels, ...nearly, ...more }))
    assert.equal(labelTextOf(read)?.text, text, read);
});

test("anything else is none", () => {
  for (const read of ["", "12", "kg", "0 kg", "hello", "14", "2 am", "vod", "999°", "1.2.3 kg"])
    assert.equal(labelTextOf(read), undefined, read);
});

test("every word and unit means something to the machine", () => {
  for (const text of [...LABEL_WORDS, ...LABEL_UNITS.map((unit) => `2 ${unit}`)])
    assert.ok(
      readLabel(text).every(({ kind }) => kind !== "name"),
      text,
    );
});
