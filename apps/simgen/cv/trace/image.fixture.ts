import { Readable } from "node:stream";
import { crc32, createDeflate } from "node:zlib";
import sharp from "sharp";
import type { Drawing } from "../drawing.ts";
import { decodeImage } from "./grey-image.ts";
import { inkOf } from "./ink.ts";
import { contrastOf } from "./paper.ts";
import { traceInk } from "./trace-image.ts";

/** SVG elements, drawn with a dark pen of 3 px on white. */
export function svgOf(
  body: string,
  { width = 400, height = 300, paper = "#fff", pen = "#222", penPx = 3 } = {},
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${paper}"/><g fill="none" stroke="${pen}" stroke-width="${penPx}" stroke-linecap="round" stroke-linejoin="round">${body}</g></svg>`;
}

export async function pngOf(body: string, options?: Parameters<typeof svgOf>[1]): Promise<Buffer> {
  return sharp(Buffer.from(svgOf(body, options)))
    .flatten()
    .png()
    .toBuffer();
}

/** What a picture's first look gives. */
export async function traceImage(bytes: Uint8Array): Promise<Drawing> {
  return traceInk(inkOf(contrastOf(await decodeImage(bytes))));
}

/** A PNG whose header says what it likes. */
export function claimedPng(width: number, height: number, depth: number, colours: number, pixels: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = depth;
  header[9] = colours;
  const chunks = [chunkOf("IHDR", header), chunkOf("IDAT", pixels), chunkOf("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

/** `count` zeros, deflated without ever holding all of them. */
export async function deflatedZeros(count: number): Promise<Buffer> {
  const block = Buffer.alloc(1 << 20);
  const blocks = Array.from({ length: Math.ceil(count / block.length) }, (_, i) =>
    block.subarray(0, Math.min(block.length, count - i * block.length)),
  );
  const pieces: Buffer[] = [];
  for await (const piece of Readable.from(blocks).pipe(createDeflate({ level: 9 }))) pieces.push(piece);
  return Buffer.concat(pieces);
}

function chunkOf(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body) >>> 0, 4 + body.length);
  return out;
}
