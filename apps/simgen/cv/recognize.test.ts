import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Drawing, Point } from "./drawing.ts";
import { recognize } from "./recognize.ts";
import { recognitionSchema } from "./sketch.ts";
import { score } from "./synthetic/score.ts";
import { sketchOf, TUNED_KINDS, WOBBLES } from "./synthetic/sketches.ts";

function drawn(...strokes: Point[][]): Drawing {
  return { width: 800, height: 600, strokes, texts: [] };
}

/** Through the corners, a point every few pixels, as a pen leaves them. */
function stroke(...corners: Point[]): Point[] {
  return corners.flatMap((corner, index) => {
    const before = corners[index - 1];
    if (!before) return [corner];
    const steps = Math.ceil(Math.hypot(corner[0] - before[0], corner[1] - before[1]) / 4);
    return Array.from({ length: steps }, (_, step): Point => {
      const share = (step + 1) / steps;
      return [before[0] + (corner[0] - before[0]) * share, before[1] + (corner[1] - before[1]) * share];
    });
  });
}

function ring([x, y]: Point, radius: number, turns = 1): Point[] {
  const steps = Math.ceil(40 * turns);
  return Array.from({ length: steps + 1 }, (_, step): Point => {
    const angle = (step / 40) * 2 * Math.PI;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

/** What is seen, in words: `hinge line-1 circle-1`. */
function seenIn(drawing: Drawing): string[] {
  const { shapes, links, arrows } = recognize(drawing);
  return [
    ...shapes.map(({ id, fixed }) => (fixed ? `${id} fixed` : id)),
    ...links.map(({ kind, a, b }) => [kind, ...[a, b ?? "paper"].sort()].join(" ")),
    ...arrows.map(({ does, target }) => `${does} ${target}`),
  ].sort();
}

const CEILING = stroke([250, 80], [550, 80]);
const HATCHING = Array.from({ length: 10 }, (_, index) => stroke([265 + index * 30, 78], [277 + index * 30, 64]));

// ---- what is seen ----

test("a pendulum: a ball on a rod under a hatched ceiling", () => {
  const rod = stroke([400, 82], [400, 280]);
  assert.deepEqual(seenIn(drawn(CEILING, ...HATCHING, rod, ring([400, 310], 30))), [
    ...["circle-1", "hinge line-1 line-2", "line-1 fixed", "line-2", "weld circle-1 line-2"],
  ]);
});

test("the same without lifting the pen, and over again", () => {
  const rod = stroke([400, 82], [400, 280]);
  const ball = ring([400, 310], 30, 1.6).map(([x, y]): Point => [400 - (y - 310), 310 + (x - 400) - 0]);
  const upwards = ball.map(([x, y]): Point => [x, 620 - y]);
  assert.deepEqual(seenIn(drawn(CEILING, ...HATCHING, [...rod, ...upwards])), [
    ...["circle-1", "hinge line-1 line-2", "line-1 fixed", "line-2", "weld circle-1 line-2"],
  ]);
});

test("a dot is a joint: between two bars, and to the paper where nothing else is", () => {
  const bars = [stroke([300, 200], [400, 300]), stroke([402, 302], [520, 250])];
  const dots = [[[300, 200]], ring([401, 301], 7)] as Point[][];
  assert.deepEqual(seenIn(drawn(...bars, ...dots)), [
    ...["hinge line-1 line-2", "hinge line-1 paper", "line-1", "line-2"],
  ]);
  assert.deepEqual(seenIn(drawn(...bars)), ["line-1"], "without one it is a bent bar");
});

test("a box, however it is drawn: in one stroke, in four, turned, with a gap, with corners overshot", () => {
  const corners: Point[] = [
    [300, 200],
    [420, 200],
    [420, 280],
    [300, 280],
  ];
  const [a, b, c, d] = corners as [Point, Point, Point, Point];
  const turned = corners.map(
    ([x, y]): Point => [360 + (x - 360) * 0.8 - (y - 240) * 0.6, 240 + (x - 360) * 0.6 + (y - 240) * 0.8],
  );
  for (const strokes of [
    [stroke(a, b, c, d, a)],
    [stroke(a, b), stroke(c, b), stroke(c, d), stroke(a, d)],
    [stroke(a, b, c), stroke(c, d, a)],
    [stroke(...turned, turned[0]!)],
    [stroke(a, b, c, d, [300, 210])],
    [stroke(a, [424, 200], b, c, [420, 285], d, a)],
    [stroke(a, b, c, d, a, b, c)],
  ])
    assert.deepEqual(seenIn(drawn(...strokes)), ["box-1"], JSON.stringify(strokes.map(({ length }) => length)));
  const [box] = recognize(drawn(stroke(...turned, turned[0]!))).shapes;
  assert.ok(box?.kind === "box" && Math.abs(box.size[0] - 120) < 3 && Math.abs(box.size[1] - 80) < 3);
  assert.ok(Math.abs(box.angle - Math.atan2(0.6, 0.8)) < 0.03, String(box.angle));
});

test("a ball is pinned at a mark under a ceiling, and not where it stands on a floor: ink is thick there", () => {
  const pinned = seenIn(drawn(CEILING, ...HATCHING, ring([400, 110], 30), ring([400, 81], 3, 3)));
  assert.deepEqual(pinned, ["circle-1", "hinge circle-1 line-1", "line-1 fixed"]);
  const standing = seenIn(drawn(CEILING, ...HATCHING, ring([400, 50], 30), ring([400, 80], 3, 3)));
  assert.deepEqual(standing, ["circle-1", "ground-1 fixed"]);
});

test("wheels are circles across the lower edge of a body; a ball on top is none", () => {
  const body = stroke([250, 300], [450, 300], [450, 360], [250, 360], [250, 300]);
  const seen = seenIn(drawn(body, ring([290, 365], 30), ring([410, 365], 30), ring([350, 270], 28)));
  assert.deepEqual(seen, ["box-1", "circle-1", "circle-2", "circle-3", "hinge box-1 circle-1", "hinge box-1 circle-2"]);
});

test("a spring is a zigzag, a rope is wavy, a straight line is a rod", () => {
  const between = (wave: (share: number) => number) =>
    Array.from({ length: 201 }, (_, step): Point => [400 + wave(step / 200), 82 + step]);
  const zigzag = between((share) => (share < 0.1 || share > 0.9 ? 0 : 18 * (Math.abs(((share * 9) % 1) * 4 - 2) - 1)));
  const wave = between((share) => 7 * Math.sin(share * 10 * Math.PI));
  const weight = stroke([370, 284], [430, 284], [430, 330], [370, 330], [370, 284]);
  const link = (path: Point[]) =>
    seenIn(drawn(CEILING, ...HATCHING, path, weight)).filter((each) => each.includes(" box"));
  assert.deepEqual(link(zigzag), ["spring box-1 line-1"]);
  assert.deepEqual(link(wave), ["rope box-1 line-1"]);
  assert.deepEqual(link(stroke([400, 82], [400, 282])), ["weld box-1 line-2"]);
});

test("arrows: a straight one pushes, a bent one turns", () => {
  const ball = ring([300, 300], 40);
  const push = [stroke([345, 300], [450, 300]), stroke([435, 290], [450, 300], [435, 310])];
  assert.deepEqual(seenIn(drawn(ball, ...push)), ["circle-1", "push circle-1"]);
  const bent = ring([300, 300], 65).slice(22, 38);
  const [x, y] = bent.at(-1)!;
  const motor = [bent, stroke([x - 14, y - 8], [x, y]), stroke([x, y], [x + 8, y - 14])];
  assert.deepEqual(seenIn(drawn(ball, [[300, 300]], ...motor)), ["circle-1", "hinge circle-1 paper", "motor circle-1"]);
});

test("the ground is a long flat line with nothing below; a ramp on it is a polygon", () => {
  const ground = stroke([60, 500], [740, 502]);
  const ramp = stroke([200, 498], [500, 498], [500, 330], [200, 498]);
  assert.deepEqual(seenIn(drawn(ground, ramp)), ["ground-1 fixed", "polygon-1"]);
  const [, seen] = recognize(drawn(ground, ramp)).shapes;
  assert.equal(seen?.kind === "polygon" ? seen.points.length : 0, 3);
});

test("words belong to the shape beside them, or to the whole drawing", () => {
  const { labels } = recognize({
    ...drawn(ring([200, 200], 40)),
    texts: [
      { text: "2 kg", at: [270, 200] },
      { text: "Moon", at: [700, 560] },
    ],
  });
  assert.deepEqual(
    labels.map(({ text, target }) => [text, target]),
    [
      ["2 kg", "circle-1"],
      ["Moon", null],
    ],
  );
});

test("a slip of the pen at an outline is no bar; a bar that nothing is joined to is doubted", () => {
  const box = stroke([300, 200], [420, 200], [420, 280], [300, 280], [300, 200]);
  assert.deepEqual(seenIn(drawn(box, stroke([421, 279], [430, 287]))), ["box-1"]);
  const { shapes } = recognize(drawn(box, stroke([100, 400], [250, 410])));
  const [sure, doubted] = shapes.map(({ confidence }) => confidence);
  assert.ok((sure ?? 0) > 0.8 && (doubted ?? 1) < 0.65, JSON.stringify([sure, doubted]));
});

test("hatching at the foot of a bar holds it, though it goes along nothing", () => {
  const mast = stroke([400, 150], [400, 450]);
  const foot = Array.from({ length: 6 }, (_, index) => stroke([370 + index * 12, 452], [362 + index * 12, 466]));
  assert.deepEqual(seenIn(drawn(mast, ...foot)), ["line-1 fixed"]);
});

test("what nothing is seen in is named", () => {
  const { shapes, unknown } = recognize(drawn([[10, 10]], ring([300, 300], 50)));
  assert.equal(shapes.length, 1);
  assert.deepEqual(unknown, [0]);
});

// ---- of hand-like sketches ----

for (const kind of TUNED_KINDS)
  test(`${kind}: drawn neatly or as people do, it is seen whole`, () => {
    const faults = WOBBLES.slice(0, 2).flatMap((wobble) =>
      Array.from({ length: 12 }, (_, seed) => {
        const { drawing, truth } = sketchOf(kind, seed + 1, wobble);
        return score(truth, recognize(drawing)).faults;
      }).filter(({ length }) => length > 0),
    );
    assert.ok(faults.length <= 1, JSON.stringify(faults, undefined, 1));
  });

// ---- of anything else ----

const coordinate = fc.oneof(fc.double({ min: -40_000, max: 40_000, noNaN: true }), fc.integer({ min: 0, max: 800 }));
const scribble = fc.array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: 60 });

test("anything drawn gives a recognition that holds together, the same each time", () => {
  fc.assert(
    fc.property(fc.array(scribble, { minLength: 1, maxLength: 12 }), (strokes) => {
      const drawing = drawn(...strokes);
      const seen = recognize(drawing);
      assert.deepEqual(recognize(drawing), seen);
      const all = [...seen.shapes, ...seen.links, ...seen.arrows];
      assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
      const named = [...all.flatMap((each) => each.strokes), ...seen.unknown];
      assert.deepEqual(
        [...new Set(named)].sort((a, b) => a - b),
        strokes.map((_, index) => index),
      );
      if (seen.shapes.length > 0) assert.deepEqual(recognitionSchema.parse(seen), seen);
    }),
    { numRuns: 300 },
  );
});

test("where on the page and how large does not matter", () => {
  for (const kind of TUNED_KINDS) {
    const { drawing } = sketchOf(kind, 3, 1);
    const changed = (of: (point: Point) => Point, size: number) =>
      recognize({
        ...drawing,
        width: 800 * size,
        height: 600 * size,
        strokes: drawing.strokes.map((path) => path.map(of)),
      });
    const words = ({ shapes, links, arrows }: ReturnType<typeof recognize>) => [
      ...shapes.map(({ id, fixed }) => `${id} ${fixed}`),
      ...links.map(({ id, a, b }) => `${id} ${a} ${b}`),
      ...arrows.map(({ does, target }) => `${does} ${target}`),
    ];
    const plain = words(recognize(drawing));
    assert.deepEqual(words(changed(([x, y]) => [x + 1000, y - 300], 1)), plain, `${kind}, moved`);
    assert.deepEqual(words(changed(([x, y]) => [x * 2.5, y * 2.5], 2.5)), plain, `${kind}, larger`);
  }
});

test("400 strokes of any kind are done with in bounded time", () => {
  const line = (x: number, y: number, angle: number, length: number) =>
    stroke([x, y], [x + length * Math.cos(angle), y + length * Math.sin(angle)]);
  const many = (of: (index: number) => Point[]) => Array.from({ length: 400 }, (_, index) => of(index));
  for (const strokes of [
    many((index) => line(400, 300, index / 64, 200)),
    many((index) => line(400 + (index % 20) * 2, 300 + Math.floor(index / 20) * 2, index, 25)),
    many((index) => line((index % 20) * 39, Math.floor(index / 20) * 29, (index % 2) * 1.57, 38)),
    many((index) => ring([(index % 20) * 39, Math.floor(index / 20) * 29], 18)),
  ])
    assert.ok(recognize(drawn(...strokes)).width > 0);
});

test("however many marks are made where bars meet, the shapes and links that are seen stay few enough to go through", () => {
  const spoke = (angle: number): Point[] =>
    stroke([400, 300], [400 + 200 * Math.cos(angle), 300 + 200 * Math.sin(angle)]);
  const hub = Array.from({ length: 200 }, (_, index) => [spoke(index / 32), [[400, 300] as Point]]).flat();
  const overAndOver = Array.from({ length: 400 }, (_, index) => [
    ...ring([100 + (index % 20) * 30, 100 + Math.floor(index / 20) * 20], 10),
    ...ring([140 + (index % 20) * 30, 100 + Math.floor(index / 20) * 20], 10),
    ...ring([180 + (index % 20) * 30, 100 + Math.floor(index / 20) * 20], 10),
  ]);
  for (const { shapes, links } of [hub, overAndOver].map((strokes) => recognize(drawn(...strokes)))) {
    assert.ok(shapes.length > 100 && shapes.length <= 400, `${shapes.length} shapes`);
    assert.ok(links.length <= 2000, `${links.length} links`);
  }
});
