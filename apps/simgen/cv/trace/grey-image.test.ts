import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { decodeImage, IMAGE_LIMITS } from "./grey-image.ts";
import { claimedPng, deflatedZeros, pngOf, svgOf } from "./image.fixture.ts";
import { ImageError } from "./image-error.ts";

const CORNER = '<rect x="10" y="10" width="80" height="40" fill="#222"/>';

async function failureOf(bytes: Uint8Array): Promise<ImageError> {
  try {
    await decodeImage(bytes);
  } catch (error) {
    assert.ok(error instanceof ImageError, `${error}`);
    return error;
  }
  assert.fail("it was decoded");
}

test("PNG, JPEG and WebP are read, of one, two, three or four channels, of 8 or 16 bits, and CMYK", async () => {
  const image = sharp(await pngOf(CORNER));
  const files = [
    image.clone().png(),
    image.clone().png({ palette: true }),
    image.clone().toColourspace("b-w").png(),
    image.clone().toColourspace("rgb16").png(),
    image.clone().toColourspace("grey16").png(),
    image.clone().ensureAlpha(0.5).png(),
    image.clone().toColourspace("b-w").ensureAlpha(0.5).png(),
    image.clone().jpeg(),
    image.clone().jpeg({ progressive: true }),
    image.clone().toColourspace("cmyk").jpeg(),
    image.clone().webp({ lossless: true }),
  ];
  for (const [i, file] of files.entries()) {
    const { width, height, pixels } = await decodeImage(await file.toBuffer());
    assert.deepEqual([width, height, pixels.length], [400, 300, 120_000]);
    assert.ok(pixels[30 * 400 + 50]! < 160 && pixels[200 * 400 + 200]! > 240, `file ${i}: ${pixels[30 * 400 + 50]}`);
  }
});

test("what is transparent is paper", async () => {
  const png = await sharp({ create: { width: 20, height: 20, channels: 4, background: "#0000" } })
    .png()
    .toBuffer();
  assert.ok((await decodeImage(png)).pixels.every((grey) => grey === 255));
});

test("a photo is turned and mirrored as its camera says", async () => {
  const picture = sharp(await pngOf(CORNER));
  for (let orientation = 1; orientation <= 8; orientation++) {
    const jpeg = await picture.clone().withMetadata({ orientation }).jpeg({ quality: 100 }).toBuffer();
    const { data, info } = await sharp(jpeg)
      .autoOrient()
      .toColourspace("b-w")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height, pixels } = await decodeImage(jpeg);
    assert.deepEqual([width, height], [info.width, info.height], `orientation ${orientation}`);
    assert.ok(
      pixels.every((grey, i) => Math.abs(grey - data[i]!) < 12),
      `orientation ${orientation}`,
    );
  }
});

test("of an animation the first frame is read", async () => {
  const frames = ["#fff", "#000"].map((background) =>
    sharp({ create: { width: 30, height: 20, channels: 3, background } })
      .png()
      .toBuffer(),
  );
  const webp = await sharp(await Promise.all(frames), { join: { animated: true } })
    .webp()
    .toBuffer();
  const { height, pixels } = await decodeImage(webp);
  assert.equal(height, 20);
  assert.ok(pixels.every((grey) => grey > 250));
});

test("what is large is scaled down; a 50-megapixel photo passes", async () => {
  const jpeg = await sharp({ create: { width: 8192, height: 6144, channels: 3, background: "#ccc" } })
    .jpeg()
    .toBuffer();
  const { width, height } = await decodeImage(jpeg);
  assert.deepEqual([width, height], [IMAGE_LIMITS.sidePx, IMAGE_LIMITS.sidePx * 0.75]);
});

test("what is no PNG, JPEG or WebP is refused before any decoder sees it, and named", async () => {
  const others: [name: string, bytes: Buffer][] = [
    ["0 bytes", Buffer.alloc(0)],
    ["an SVG", Buffer.from(svgOf(CORNER))],
    ["an SVG", Buffer.from(`<?xml version="1.0"?>\n<!-- made by hand -->\n${svgOf(CORNER)}`)],
    ["a PDF", Buffer.from("%PDF-1.7\n")],
    [
      "a GIF",
      await sharp(await pngOf(CORNER))
        .gif()
        .toBuffer(),
    ],
    [
      "a TIFF",
      await sharp(await pngOf(CORNER))
        .tiff()
        .toBuffer(),
    ],
    [
      "an AVIF",
      await sharp(await pngOf(CORNER))
        .avif()
        .toBuffer(),
    ],
    ["a HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0", "latin1")],
    ["text", Buffer.from("PNG, honestly")],
    ["something else", Buffer.from([0, 1, 2, 3])],
  ];
  for (const [name, bytes] of others) {
    const { code, message } = await failureOf(bytes);
    assert.deepEqual([code, message], ["image_unsupported", `expected a PNG, JPEG or WebP, got ${name}`]);
  }
});

test("an SVG behind a PNG's signature is a damaged PNG", async () => {
  const bytes = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.from(svgOf(CORNER))]);
  assert.equal((await failureOf(bytes)).code, "image_damaged");
});

test("bombs are refused by their headers", async () => {
  const started = performance.now();
  const codes = await Promise.all(
    [
      claimedPng(60_000, 60_000, 8, 0, await deflatedZeros(1000)),
      claimedPng(20_000, 20_000, 8, 0, await deflatedZeros(1_000_000)),
      claimedPng(2 ** 31 - 1, 2 ** 31 - 1, 16, 6, await deflatedZeros(1000)),
      Buffer.concat([await pngOf(CORNER), Buffer.alloc(IMAGE_LIMITS.bytes)]),
    ].map(async (bytes) => (await failureOf(bytes)).code),
  );
  assert.deepEqual(codes.slice(0, 2), ["image_too_large", "image_too_large"]);
  assert.ok(["image_too_large", "image_damaged"].includes(codes[2]!));
  assert.equal(codes[3], "image_too_large");
  assert.ok(performance.now() - started < 2000);
});

test("400 MB of zeros in a small file are refused, and 200 MB are never in memory", async () => {
  const bomb = claimedPng(7000, 7000, 16, 6, await deflatedZeros(100_000));
  assert.equal((await failureOf(bomb)).code, "image_too_large");
  const bytes = claimedPng(7000, 7000, 8, 6, await deflatedZeros((7000 * 4 + 1) * 7000));
  const before = process.memoryUsage.rss();
  await decodeImage(bytes);
  assert.ok(process.memoryUsage.rss() - before < 100e6);
});

test("a JPEG of hundreds of scans is refused", async () => {
  const jpeg = await sharp(await pngOf(CORNER))
    .jpeg({ progressive: true })
    .toBuffer();
  const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 1, 1, 0, 0]);
  const bytes = Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 300 }, () => scan), jpeg.subarray(-2)]);
  assert.equal((await failureOf(bytes)).code, "image_too_large");
});

test("an image of no width or height is empty", async () => {
  assert.equal((await failureOf(claimedPng(0, 0, 8, 0, await deflatedZeros(1)))).code, "image_empty");
  assert.equal((await failureOf(claimedPng(0, 40, 8, 0, await deflatedZeros(1)))).code, "image_empty");
});

test("files cut short are damaged, whatever the format", async () => {
  const noise = sharp({
    create: {
      width: 200,
      height: 150,
      channels: 3,
      background: "#888",
      noise: { type: "gaussian", mean: 128, sigma: 40 },
    },
  });
  for (const file of [
    noise.clone().png(),
    noise.clone().jpeg(),
    noise.clone().jpeg({ progressive: true }),
    noise.clone().webp(),
  ]) {
    const bytes = await file.toBuffer();
    for (const share of [0.05, 0.3, 0.6, 0.9]) {
      const { code, message } = await failureOf(bytes.subarray(0, Math.floor(bytes.length * share)));
      assert.equal(code, "image_damaged");
      assert.match(message, /^expected a whole (PNG|JPEG|WEBP), got one that fails: ./);
    }
  }
});

test("random bytes behind a signature, and flipped bytes in a file, give an image or an ImageError", async () => {
  const real = await Promise.all([
    pngOf(CORNER),
    sharp(await pngOf(CORNER))
      .jpeg()
      .toBuffer(),
    sharp(await pngOf(CORNER))
      .webp()
      .toBuffer(),
  ]);
  const signed = fc
    .tuple(
      fc.constantFrom("\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "RIFF\0\0\0\0WEBPVP8 "),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([signature, rest]) => Buffer.concat([Buffer.from(signature, "latin1"), rest]));
  const flipped = fc
    .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 20 }))
    .map(([file, changes]) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  await fc.assert(
    fc.asyncProperty(fc.oneof(signed, flipped), async (bytes) => {
      await decodeImage(bytes).catch((error) => assert.ok(error instanceof ImageError, `${error}`));
    }),
    { numRuns: 300 },
  );
});
