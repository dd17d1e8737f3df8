import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { rolldown } from "rolldown";

const GZIP_BYTES_MAX = 4096;

test(`the whole client, protocol included, is at most ${GZIP_BYTES_MAX} bytes, minified and gzipped`, async () => {
  const bundle = await rolldown({
    input: new URL("src/index.ts", import.meta.url).pathname,
    resolve: { conditionNames: ["holdfast-source"] },
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  const [{ code, imports, dynamicImports }, ...others] = output;
  assert.deepEqual([imports, dynamicImports, others], [[], [], []], "nothing is left outside");
  const gzip = gzipSync(code, { level: 9 }).length;
  console.log(`raw ${Buffer.byteLength(code)}, gzip ${gzip}, brotli ${brotliCompressSync(code).length} bytes`);
  assert.ok(gzip <= GZIP_BYTES_MAX, `${gzip} bytes`);
});
