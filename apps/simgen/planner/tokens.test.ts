import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenize } from "./tokens.ts";

const texts = (prompt: string) => tokenize(prompt).tokens.map((token) => token.text);
const numbers = (prompt: string) =>
  tokenize(prompt).tokens.flatMap((token) => (token.kind === "number" ? [token.value] : []));

test("words are lower case, without apostrophes and possessive s", () => {
  assert.deepEqual(texts("Newton's cradle DOESN’T stop"), ["newton", "cradle", "doesnt", "stop"]);
});

test("a number and its unit part, whether or not there is a space", () => {
  assert.deepEqual(texts("10cm, 5 kg; 36km/h"), ["10", "cm", ",", "5", "kg", ";", "36", "km", "/", "h"]);
});

test("numbers are read as people write them", () => {
  assert.deepEqual(numbers("1,000 1.5 1/2 ½ .25 1,5 2e3"), [1000, 1.5, 0.5, 0.5, 0.25, 1.5, 2000]);
});

test("a minus belongs to a number only where it is no hyphen", () => {
  assert.deepEqual(numbers("-3 x-3 5-7 −2"), [-3, 3, 5, 7, -2]);
});

test("what is no number is a word or a mark", () => {
  assert.deepEqual(numbers(`1/0 ${"9".repeat(400)}`), []);
});

test("a quotation mark is inches after a number only, and only when no quotation is open", () => {
  assert.deepEqual(texts('a 5" ball'), ["a", "5", '"', "ball"]);
  assert.deepEqual(texts('"a 5" ball'), ["a", "5", "ball"]);
});

test("colours keep their digits", () => {
  assert.deepEqual(
    tokenize("#ff8800 #abc #12345").tokens.map((token) => token.kind),
    ["color", "color", "mark", "number"],
  );
});

test("tokens know where they stand in the text", () => {
  const { text, tokens } = tokenize("A  red\tball");
  assert.deepEqual(
    tokens.map(({ start, end }) => text.slice(start, end)),
    ["a", "red", "ball"],
  );
});
