import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOfBoxAround } from "./polygon.ts";

test("a box fills the box around it at any angle, a triangle half of it", () => {
  for (const angle of [0, 0.3, 1]) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const turned = (points: [number, number][]) => ({
      xs: points.map(([x, y]) => x * c - y * s),
      ys: points.map(([x, y]) => x * s + y * c),
    });
    const box = turned([
      [0, 0],
      [40, 0],
      [40, 30],
      [0, 30],
    ]);
    const triangle = turned([
      [0, 0],
      [40, 0],
      [20, 30],
    ]);
    assert.ok(Math.abs(areaOfBoxAround(box) - 1200) < 1e-6);
    assert.ok(Math.abs(areaOfBoxAround(triangle) - 1200) < 1e-6);
  }
});
