import assert from "node:assert/strict";
import { test } from "node:test";
import type { PenLine } from "./pen-lines.ts";
import { withoutSlivers } from "./slivers.ts";

const PEN_PX = 4;

/** From x = 0 or where given to where given, at this height at both ends and `bulge` lower in the middle. */
function lineOf(from: number, to: number, y: number, bulge = 0): PenLine {
  const xs = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const ys = xs.map((x) => y + bulge * Math.sin((Math.PI * (x - from)) / (to - from)));
  return { xs, ys, isClosed: false, isFree: [false, false] };
}

test("the shorter side of a slit is dropped", () => {
  const ground: PenLine = { ...lineOf(0, 200, 100), isFree: [true, true] };
  assert.deepEqual(withoutSlivers([ground, lineOf(50, 110, 100, 6)], PEN_PX), [ground]);
});

test("lines stay that end freely, go farther away, are short, or arcs", () => {
  const ground: PenLine = { ...lineOf(0, 200, 100), isFree: [true, true] };
  const free: PenLine = { ...lineOf(50, 110, 106), isFree: [false, true] };
  const arcTurns = Array.from({ length: 23 }, (_, i) => (Math.PI * i) / 22);
  const arc: PenLine = {
    ...ground,
    xs: arcTurns.map((turn) => 100 - 7 * Math.cos(turn)),
    ys: arcTurns.map((turn) => 100 - 7 * Math.sin(turn)),
    isFree: [false, false],
  };
  for (const other of [free, lineOf(50, 110, 100, 15), lineOf(50, 65, 100, 3), arc])
    assert.equal(withoutSlivers([ground, other], PEN_PX).length, 2);
});
