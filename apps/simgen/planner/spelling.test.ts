import assert from "node:assert/strict";
import { test } from "node:test";
import { correct } from "./spelling.ts";

test("one letter wrong, missing, extra, or two swapped", () => {
  for (const wrong of ["pendulun", "pendulm", "penndulum", "pednulum"]) assert.equal(correct(wrong), "pendulum", wrong);
});

test("what is right, short, English or too far away stays", () => {
  for (const word of ["pendulum", "balls", "bll", "bells", "class", "later", "pndlm", "xylophone", "constructor"])
    assert.equal(correct(word), undefined, word);
});
