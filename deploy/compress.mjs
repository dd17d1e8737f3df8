// Summary: puts .br and .gz files beside the files of a built page, so that no request waits for a compressor.
// Usage: node deploy/compress.mjs FOLDER
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What is compressed already, or too small to gain, is left alone. */
const WORTH_IT = /\.(js|css|html|svg|json|wasm|txt|map)$/;
const BYTES_MIN = 1024;

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("Usage: node deploy/compress.mjs FOLDER");
  process.exit(2);
}
for (const name of readdirSync(folder, { recursive: true })) {
  if (!WORTH_IT.test(name)) continue;
  const bytes = readFileSync(join(folder, name));
  if (bytes.length < BYTES_MIN) continue;
  const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, brotli));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}
