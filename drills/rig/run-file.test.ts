import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRuns, runLine } from "./run-file.ts";

const RUN = { client: 3, n: 7, at: 1234.567, server: "api-1/99", finished: true };

test("a run reads back as it was written", () => {
  assert.deepEqual(parseRuns(runLine(RUN)), [RUN]);
});

test("a run that has begun and is done is one run; one that only begun is unfinished", () => {
  const begun = { ...RUN, finished: false };
  assert.deepEqual(parseRuns(runLine(begun) + runLine(RUN)), [RUN]);
  assert.deepEqual(parseRuns(runLine(begun)), [begun]);
});

test("the same message again is another run, and a line cut short is none", () => {
  const again = { ...RUN, at: 2000 };
  assert.deepEqual(parseRuns(`${runLine(RUN)}${runLine(again)}3 8 2100 api`), [RUN, again]);
});
