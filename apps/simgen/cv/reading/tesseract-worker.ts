/// <reference path="./tesseract-core.d.ts" />
/** The entry of a thread that reads pictures of a line of writing, one at a time. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import loadCore from "tesseract.js-core/tesseract-core-simd-lstm.js";
import { LABEL_UNITS, LABEL_WORDS } from "./label-text.ts";

export interface ToReader {
  id: number;
  /** A PGM. */
  image: Uint8Array;
}
export type FromReader = { ready: true } | { id: number; text: string; confidence: number };

const ENGINE_LSTM = 1;
const SINGLE_LINE = "7";
const CHARS = new Set([
  ...[..."0123456789.,= abcdefghijklmnopqrstuvwxyz"],
  ...LABEL_UNITS.join(""),
  ...LABEL_WORDS.join(""),
]);

const port = parentPort;
if (!port) throw new Error("tesseract-worker.ts runs in a worker thread");

const data = createRequire(import.meta.url).resolve("@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz");
const core = await loadCore({});
core.FS.writeFile("eng.traineddata", gunzipSync(await readFile(data)));
const reader = new core.TessBaseAPI();
if (reader.Init(null, "eng", ENGINE_LSTM) !== 0) throw new Error("tesseract does not take its own data");
core.FS.unlink("eng.traineddata");
reader.SetVariable("tessedit_pageseg_mode", SINGLE_LINE);
reader.SetVariable("tessedit_char_whitelist", [...CHARS].join(""));

port.on("message", ({ id, image }: ToReader) => {
  core.FS.writeFile("/input", image);
  const isTaken = reader.SetImageFile(1, 0) === 0 && reader.Recognize(null) === 0;
  const [text, confidence] = isTaken ? [reader.GetUTF8Text().trim(), reader.MeanTextConf() / 100] : ["", 0];
  port.postMessage({ id, text, confidence } satisfies FromReader);
});
port.postMessage({ ready: true } satisfies FromReader);
