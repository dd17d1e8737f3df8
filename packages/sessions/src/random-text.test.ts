import assert from "node:assert/strict";
import { test } from "node:test";
import { randomText } from "./random-text.ts";

test("texts have their length, need no escape, and do not come twice", () => {
  const texts = Array.from({ length: 2000 }, () => randomText(18));
  for (const text of texts) assert.match(text, /^[A-Za-z0-9_-]{24}$/);
  assert.equal(new Set(texts).size, texts.length);
});
