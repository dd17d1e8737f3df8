import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE, mayReconnect } from "./close-code.ts";

test("the range of a code says whether to come back", () => {
  for (let code = 4000; code < 4500; code++) assert.equal(mayReconnect(code), true, `${code}`);
  for (let code = 4500; code < 5000; code++) assert.equal(mayReconnect(code), false, `${code}`);
});

test("of the standard codes, those that mean a broken line do, those that mean a broken program do not", () => {
  const back = [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3000];
  const stop = [1002, 1003, 1007, 1008, 1009, 1010];
  assert.deepEqual(
    back.filter((code) => !mayReconnect(code)),
    [],
  );
  assert.deepEqual(stop.filter(mayReconnect), []);
});

test("a code has one meaning", () => {
  const codes = Object.values(CLOSE);
  assert.equal(new Set(codes).size, codes.length);
});
