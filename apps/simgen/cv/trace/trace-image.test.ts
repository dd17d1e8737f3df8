import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import type { Drawing, Point } from "../drawing.ts";
import { SKETCH_LIMITS } from "../sketch.ts";
import { pngOf, traceImage } from "./image.fixture.ts";
import { ImageError } from "./image-error.ts";

type Stroke = Drawing["strokes"][number];

const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const isClosed = (stroke: Stroke) => stroke.length > 3 && distance(stroke[0]!, stroke.at(-1)!) < 0.01;
const ends = (stroke: Stroke) => [stroke[0]!, stroke.at(-1)!].sort((a, b) => a[0] - b[0] || a[1] - b[1]);

function boxOf(stroke: Stroke): [left: number, top: number, right: number, bottom: number] {
  const xs = stroke.map(([x]) => x);
  const ys = stroke.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerancePx = 2): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= tolerancePx, `${actual.map(Math.round)}, expected ${expected}`);
  });
}

/** Traces an SVG; longest strokes first. */
async function strokesOf(body: string, options?: Parameters<typeof pngOf>[1]): Promise<Stroke[]> {
  const { strokes } = await traceImage(await pngOf(body, options));
  return strokes.toSorted((a, b) => b.length - a.length);
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  try {
    const { strokes } = await traceImage(bytes);
    return `${strokes.length} strokes`;
  } catch (error) {
    assert.ok(error instanceof ImageError, `${error}`);
    return error.code;
  }
}

test("a line is a stroke from end to end, its points some 2 px apart", async () => {
  const strokes = await strokesOf('<path d="M50 50 L350 250"/>');
  assert.equal(strokes.length, 1);
  assertNear(ends(strokes[0]!).flat(), [50, 50, 350, 250]);
  strokes[0]!.slice(1).forEach((point, i) => {
    assert.ok(distance(point, strokes[0]![i]!) < 3);
    const [x, y] = point;
    assert.ok(Math.abs((x - 50) * 200 - (y - 50) * 300) / Math.hypot(200, 300) < 0.8, `${x}, ${y} is off the line`);
  });
});

test("a circle is one closed stroke, true to half a pixel", async () => {
  const strokes = await strokesOf('<circle cx="200" cy="150" r="80"/>');
  assert.equal(strokes.length, 1);
  assert.ok(isClosed(strokes[0]!));
  for (const point of strokes[0]!) assert.ok(Math.abs(distance(point, [200, 150]) - 80) < 0.8);
});

test("corners stay corners", async () => {
  const [box] = await strokesOf('<rect x="80" y="60" width="200" height="120"/>');
  assert.ok(box && isClosed(box));
  for (const corner of [
    [80, 60],
    [280, 60],
    [280, 180],
    [80, 180],
  ] as const)
    assert.ok(Math.min(...box.map((point) => distance(point, corner))) < 2);
});

test("lines that cross are two strokes, at right and at acute angles", async () => {
  for (const [body, left] of [
    ['<path d="M100 50 L300 250 M300 50 L100 250"/>', [100, 50, 300, 250]],
    ['<path d="M50 120 L350 180 M50 180 L350 120"/>', [50, 120, 350, 180]],
  ] as const) {
    const strokes = await strokesOf(body);
    assert.equal(strokes.length, 2);
    const one = strokes.find((stroke) => distance(ends(stroke)[0]!, [left[0], left[1]]) < 5);
    assert.ok(one);
    assertNear(ends(one).flat(), left, 3);
  }
});

test("a line that ends on a circle leaves it one closed stroke, and ends there", async () => {
  const [circle, line, ...others] = await strokesOf('<circle cx="200" cy="100" r="60"/><path d="M200 160 L210 280"/>');
  assert.ok(circle && line && isClosed(circle) && others.length === 0);
  assertNear(boxOf(circle), [140, 40, 260, 160]);
  assertNear(ends(line).flat(), [200, 160, 210, 280], 3);
});

test("at a T the through line is one stroke", async () => {
  const strokes = await strokesOf('<path d="M40 100 L360 110 M200 105 L190 260"/>');
  assert.equal(strokes.length, 2);
  assertNear(ends(strokes[0]!).flat(), [40, 100, 360, 110]);
});

test("a box on the ground is closed with the ground's line, which stays whole; so is one box on another", async () => {
  const strokes = await strokesOf(
    '<path d="M20 260 H380"/><path d="M120 260 V180 H240 V260"/><path d="M150 180 V120 H210 V180"/>',
  );
  assert.equal(strokes.length, 3);
  const boxes = strokes.filter(isClosed).map(boxOf);
  assert.equal(boxes.length, 2);
  assertNear(boxes[0]!, [120, 180, 240, 260], 3);
  assertNear(boxes[1]!, [150, 120, 210, 180], 3);
  assertNear(ends(strokes.find((stroke) => !isClosed(stroke))!).flat(), [20, 260, 380, 260]);
});

test("a wheel on the ground and half over a box's edge is one closed stroke, and so is the box", async () => {
  const strokes = await strokesOf(
    '<path d="M20 250 H380"/><rect x="100" y="120" width="200" height="100"/><circle cx="150" cy="220" r="30"/><circle cx="250" cy="220" r="30"/>',
  );
  assert.equal(strokes.length, 4);
  assert.equal(strokes.filter(isClosed).length, 3);
  const wheel = strokes.find((stroke) => boxOf(stroke)[2] - boxOf(stroke)[0] < 70)!;
  for (const point of wheel)
    assert.ok(Math.min(...[150, 250].map((x) => Math.abs(distance(point, [x, 220]) - 30))) < 4);
});

test("a dot is a tiny scribble about as large as its blob, also where lines end in it, which part there", async () => {
  const strokes = await strokesOf(
    '<circle cx="80" cy="80" r="7" fill="#222"/><path d="M200 200 L300 100 L380 160"/><circle cx="300" cy="100" r="6" fill="#222"/>',
  );
  const dots = strokes.filter((stroke) => boxOf(stroke)[2] - boxOf(stroke)[0] < 24).sort((a, b) => a[0]![0] - b[0]![0]);
  assert.equal(dots.length, 2);
  assertNear(boxOf(dots[0]!), [72, 72, 88, 88], 2.5);
  assertNear(boxOf(dots[1]!), [293, 93, 307, 107], 2.5);
  assert.equal(strokes.length, 4, "two lines and two dots");
});

test("a small ring that lines part into unlike pieces is such a dot too", async () => {
  const strokes = await strokesOf('<circle cx="100" cy="100" r="8"/><path d="M20 103 H180M70 180 100 103 125 180"/>');
  const marks = strokes.map(boxOf).filter(([left, , right]) => right - left < 24);
  assert.equal(marks.length, 1);
  assertNear(marks[0]!, [91, 91, 109, 109], 3);
});

test("a small ring around the end of a line is such a dot", async () => {
  const strokes = await strokesOf('<path d="M60 240 L200 100"/><circle cx="200" cy="100" r="8"/>');
  assert.equal(strokes.length, 2);
  const [left, top, right, bottom] = boxOf(strokes.find((stroke) => boxOf(stroke)[0] > 150)!);
  assertNear([(left + right) / 2, (top + bottom) / 2, right - left], [200, 100, 18], 3);
});

test("of a filled shape the outline remains", async () => {
  const strokes = await strokesOf(
    '<rect x="60" y="60" width="120" height="90" fill="#222"/><circle cx="300" cy="150" r="50" fill="#222"/>',
  );
  assert.equal(strokes.length, 2);
  assert.ok(strokes.every(isClosed));
  assertNear(boxOf(strokes.find((stroke) => boxOf(stroke)[0] < 100)!), [60, 60, 180, 150], 4);
});

test("an arrow is a shaft up to the tip and a head", async () => {
  const [shaft, head, ...others] = await strokesOf('<path d="M60 200 L300 120 M283 118 L300 120 L287 132"/>');
  assert.ok(shaft && head && others.length === 0);
  assertNear(ends(shaft).flat(), [60, 200, 300, 120], 3);
  assert.ok(head.some((point) => distance(point, [300, 120]) < 4));
});

test("hatching is one stroke a line, and no line goes on as one of these", async () => {
  const hatches = Array.from({ length: 12 }, (_, i) => `M${80 + 20 * i} 100 l-10 -14`).join(" ");
  const strokes = await strokesOf(`<path d="M60 100 H340 M200 100 L240 270 ${hatches}"/>`);
  assert.equal(strokes.length, 14);
  assertNear(ends(strokes[0]!).flat(), [60, 100, 340, 100], 3);
  assertNear(ends(strokes[1]!).flat(), [200, 100, 240, 270], 4);
});

test("a rope that hangs from a bar's end is a stroke of its own", async () => {
  const wave = Array.from({ length: 6 }, (_, i) => `q${i % 2 ? -14 : 14} 12 0 24`).join(" ");
  const strokes = await strokesOf(`<path d="M60 80 L300 60 ${wave}"/>`);
  assert.equal(strokes.length, 2);
  for (const stroke of strokes) assert.ok(ends(stroke).some((end) => distance(end, [300, 60]) < 5));
});

test("a brace across a corner is a line, not the side of a triangle", async () => {
  const strokes = await strokesOf('<path d="M60 60 H340 V280 M200 60 L340 180"/>');
  assert.equal(strokes.length, 2);
  assert.ok(strokes.every((stroke) => !isClosed(stroke)));
});

test("two ropes between two beams are no sides of a box", async () => {
  const rope = (x: number) => `<path d="M${x} 44${"q12 13 0 26q-12 13 0 26".repeat(3)}"/>`;
  const strokes = await strokesOf(`<path d="M40 44h240M40 200h240"/>${rope(80)}${rope(240)}`);
  assert.equal(strokes.length, 4);
  assert.ok(strokes.every((stroke) => !isClosed(stroke)));
});

test("a zigzag is one stroke and keeps its corners", async () => {
  const strokes = await strokesOf(
    `<path d="M40 150 ${Array.from({ length: 10 }, (_, i) => `l12 ${i % 2 ? 30 : -30}`).join(" ")}"/>`,
  );
  assert.equal(strokes.length, 1);
  assertNear(boxOf(strokes[0]!), [40, 120, 160, 150], 2);
});

test("a zigzag's first side may bend to what it hangs from", async () => {
  const sides = Array.from({ length: 8 }, (_, i) => `l${i % 2 ? -30 : 30} 8`).join(" ");
  const strokes = await strokesOf(`<path d="M120 40H280"/><path d="M200 40v10l-15 4 ${sides}"/>`);
  assert.equal(strokes.length, 2);
});

test("a coil's loops are no shapes of their own", async () => {
  const loops = Array.from({ length: 5 }, () => "c46 0 46 45 20 45 c-26 0 -26 -45 20 -45").join(" ");
  const strokes = await strokesOf(`<path d="M40 150 h30 ${loops} h40"/>`);
  assert.ok(strokes.length <= 2);
  assert.ok(strokes.every((stroke) => !isClosed(stroke)));
});

test("a box on the ground is closed, though its corner has a gap and a bar crosses it", async () => {
  const strokes = await strokesOf(
    '<path d="M20 260 H380"/><path d="M150 260 V130"/><path d="M156 124 H230 V260"/><path d="M60 230 L340 150"/>',
  );
  assert.equal(strokes.length, 3);
  const boxes = strokes.filter(isClosed).map(boxOf);
  assert.equal(boxes.length, 1);
  assertNear(boxes[0]!, [150, 124, 230, 260], 4);
});

test("of an arrow the head is found where it touches a shape, and where its sides part one after the other", async () => {
  for (const head of ["M262 88 L280 100 L261 110", "M258 92 L276 99 M260 110 L280 102"]) {
    const strokes = await strokesOf(`<path d="M80 100 H280"/><path d="${head}"/>`);
    assert.equal(strokes.length, 2, head);
    assertNear(ends(strokes[0]!).flat(), [80, 100, 280, 100], 4);
  }
});

test("where the pen skipped, the line goes on", async () => {
  const strokes = await strokesOf('<path d="M40 150 H180 M187 150 H360"/>');
  assert.equal(strokes.length, 1);
});

test("the size is that of the picture, turned upright and scaled down", async () => {
  const body = '<path d="M400 300 L3600 2700"/>';
  const png = await pngOf(body, { width: 4000, height: 3000, penPx: 16 });
  const jpeg = await sharp(png).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const { width, height, strokes, texts } = await traceImage(jpeg);
  assert.deepEqual([width, height, texts, strokes.length], [750, 1000, [], 1]);
  assertNear(ends(strokes[0]!).flat(), [75, 900, 675, 100], 4);
});

test("what is not drawn is empty: all white, all black, all grey", async () => {
  for (const background of ["#fff", "#000", "#777"]) {
    const png = await sharp({ create: { width: 300, height: 200, channels: 3, background } })
      .png()
      .toBuffer();
    assert.equal(await codeOf(png), "image_empty", background);
  }
  assert.equal(
    await codeOf(
      await sharp({ create: { width: 1, height: 1, channels: 3, background: "#fff" } })
        .png()
        .toBuffer(),
    ),
    "image_empty",
  );
});

test("noise is no drawing, however strong", async () => {
  for (const sigma of [4, 12, 30, 80]) {
    const noise = { type: "gaussian" as const, mean: 150, sigma };
    const png = await sharp({ create: { width: 800, height: 600, channels: 3, background: "#fff", noise } })
      .png()
      .toBuffer();
    assert.match(await codeOf(png), /^image_(empty|too_complex)$/, `sigma ${sigma}`);
  }
});

test("more strokes than a sketch may have are too complex", async () => {
  const body = Array.from(
    { length: 30 * 22 },
    (_, i) => `M${20 + (i % 30) * 26} ${20 + Math.floor(i / 30) * 26} l12 9`,
  );
  assert.equal(
    await codeOf(await pngOf(`<path d="${body.join(" ")}"/>`, { width: 800, height: 600 })),
    "image_too_complex",
  );
});

test("every drawing is within the limits of a sketch, whatever the picture", async () => {
  const place = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 200 }));
  const mark = fc.oneof(
    fc.array(place, { minLength: 2, maxLength: 8 }).map((points) => `<polyline points="${points.join(" ")}"/>`),
    fc.tuple(place, fc.integer({ min: 1, max: 60 })).map(([[x, y], r]) => `<circle cx="${x}" cy="${y}" r="${r}"/>`),
    fc
      .tuple(place, fc.integer({ min: 1, max: 60 }))
      .map(([[x, y], r]) => `<circle cx="${x}" cy="${y}" r="${r}" fill="#222"/>`),
  );
  const picture = fc.tuple(fc.array(mark, { maxLength: 12 }), fc.double({ min: 0.5, max: 20, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(picture, async ([marks, penPx]) => {
      const png = await pngOf(marks.join(""), { width: 300, height: 200, penPx });
      const drawing = await traceImage(png).catch((error) => assert.ok(error instanceof ImageError, `${error.stack}`));
      if (!drawing) return;
      assert.ok(drawing.strokes.length <= SKETCH_LIMITS.strokes);
      for (const stroke of drawing.strokes) {
        assert.ok(stroke.length >= 2);
        for (const [x, y] of stroke) assert.ok(x > -5 && x < 305 && y > -5 && y < 205, `${x}, ${y}`);
      }
    }),
    { numRuns: 300 },
  );
});
