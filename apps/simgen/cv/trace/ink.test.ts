import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { decodeImage } from "./grey-image.ts";
import { pngOf, svgOf } from "./image.fixture.ts";
import { type Ink, inkOf } from "./ink.ts";
import { contrastOf } from "./paper.ts";

const BODY = '<circle cx="300" cy="220" r="120"/><path d="M80 500 L720 520 M300 340 L420 500"/>';
const SIZE = { width: 800, height: 600 };

async function inkIn(image: Uint8Array): Promise<Ink> {
  return inkOf(contrastOf(await decodeImage(image)));
}

/** Multiplies a picture with light, an SVG. */
async function litBy(light: string, options = {}): Promise<Buffer> {
  return sharp(await pngOf(BODY, { ...SIZE, ...options }))
    .composite([{ input: Buffer.from(svgOf(light, SIZE)), blend: "multiply" }])
    .png()
    .toBuffer();
}

/** How much of the ink that should be there is, and how much of what is there should be: a pixel off does not count. */
function agreement(ink: Ink, expected: Ink): { found: number; right: number } {
  const share = (of: Ink, within: Ink) => {
    const isNear = (at: number) =>
      [0, 1, -1, within.stride, -within.stride].some((step) => within.mask[at + step] === 1);
    return of.pixels.filter(isNear).length / of.pixels.length;
  };
  return { found: share(expected, ink), right: share(ink, expected) };
}

function assertSame(ink: Ink, expected: Ink, what: string): void {
  const { found, right } = agreement(ink, expected);
  assert.ok(found > 0.97 && right > 0.97, `${what}: ${found.toFixed(3)} found, ${right.toFixed(3)} of it right`);
}

test("light that falls off, and the soft edge of a shadow, leave the ink as it is", async () => {
  const expected = await inkIn(await pngOf(BODY, SIZE));
  const falling = `<defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#fff"/><stop offset="1" stop-color="#444"/></linearGradient></defs><rect width="800" height="600" fill="url(#g)" stroke="none"/>`;
  const shadow = `<defs><filter id="b"><feGaussianBlur stdDeviation="14"/></filter></defs><rect x="250" y="-100" width="700" height="420" fill="#888" stroke="none" filter="url(#b)"/>`;
  assertSame(await inkIn(await litBy(falling)), expected, "falling light");
  assertSame(await inkIn(await litBy(shadow)), expected, "shadow");
});

test("chalk on a board is ink on paper", async () => {
  const expected = await inkIn(await pngOf(BODY, SIZE));
  assertSame(await inkIn(await pngOf(BODY, { ...SIZE, paper: "#20342c", pen: "#dde" })), expected, "board");
});

test("pencil grey on noisy paper is found, and the noise is not", async () => {
  const expected = await inkIn(await pngOf(BODY, SIZE));
  const noise = await sharp({
    create: { ...SIZE, channels: 3, background: "#fff", noise: { type: "gaussian", mean: 128, sigma: 9 } },
  })
    .png()
    .toBuffer();
  const image = await sharp(await pngOf(BODY, { ...SIZE, pen: "#8a8a8a", paper: "#e4e0d8" }))
    .composite([{ input: noise, blend: "overlay" }])
    .jpeg({ quality: 80 })
    .toBuffer();
  assertSame(await inkIn(image), expected, "pencil");
});

test("the squares of paper are no ink", async () => {
  const squares = Array.from({ length: 40 }, (_, i) => `M${20 * i} 0 V600 M0 ${20 * i} H800`).join(" ");
  const grid = `<path d="${squares}" stroke="#b8cfe6" stroke-width="1"/>`;
  const expected = await inkIn(await pngOf(BODY, SIZE));
  assertSame(await inkIn(await pngOf(`${grid}${BODY}`, SIZE)), expected, "squared paper");
});

test("specks and pinholes are cleaned away, dots and circles stay", async () => {
  const specks = Array.from({ length: 60 }, (_, i) => `M${13 * i + 5} ${(i * 37) % 90} h0.5`).join(" ");
  const specked = await inkIn(await pngOf(`<path d="${specks}" stroke-width="2"/>${BODY}`, SIZE));
  assertSame(specked, await inkIn(await pngOf(BODY, SIZE)), "specks");
  const holes = `<path d="M300 100 h1 M420 500 h1" stroke="#fff" stroke-width="1.5"/>`;
  assertSame(await inkIn(await pngOf(`${BODY}${holes}`, SIZE)), await inkIn(await pngOf(BODY, SIZE)), "pinholes");
  const dotted = await inkIn(await pngOf(`${BODY}<circle cx="600" cy="100" r="5" fill="#222"/>`, SIZE));
  assert.equal(dotted.mask[101 * dotted.stride + 601], 1);
});

test("the pen's width is that of most lines", async () => {
  for (const penPx of [2, 4, 8]) {
    const ink = await inkIn(
      await pngOf(`${BODY}<rect x="600" y="60" width="90" height="90" fill="#222"/>`, { ...SIZE, penPx }),
    );
    assert.ok(Math.abs(ink.penPx - penPx) <= 1, `${ink.penPx} for ${penPx}`);
  }
});
