import assert from "node:assert/strict";
import { test } from "node:test";
import { widthByOutline } from "./distance-map.ts";

test("a line's width is told from its area and its outline", () => {
  const stride = 140;
  for (const width of [2, 3, 5]) {
    const mask = new Uint8Array(stride * 20);
    for (let row = 5; row < 5 + width; row++) mask.fill(1, row * stride + 10, row * stride + 130);
    const pixels = Int32Array.from(mask.keys()).filter((at) => mask[at]);
    assert.ok(Math.abs(widthByOutline(mask, stride, pixels) / width - 1) < 0.12, `width ${width}`);
  }
});
