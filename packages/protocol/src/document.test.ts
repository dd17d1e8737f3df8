import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CLOSE, mayReconnect } from "./close-code.ts";
import { decodeToClient, decodeToServer, KIND } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

const document = readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8");
const sessions = document.slice(0, document.indexOf("\n## SimGen"));

test("the document's close codes are those of the code", () => {
  const rows = rowsOf(/^\| (4\d\d\d) \| (\w+) \|/gm);
  assert.deepEqual(
    rows.map(([code, name]) => [name, Number(code)]),
    Object.entries(CLOSE),
  );
  const stops = document
    .match(/Of the others, ([\d, and]+) mean stop/)?.[1]
    ?.match(/\d+/g)
    ?.map(Number);
  const standard = Array.from({ length: 3000 }, (_, code) => code).filter((code) => !mayReconnect(code));
  assert.deepEqual(stops, standard);
});

test("the document's kinds of frames are those of the code, from the side that it says", () => {
  const rows = rowsOf(/^\| (\d) \| (\w+) \| (\w+) \|/gm);
  assert.deepEqual(Object.fromEntries(rows.map(([kind, name]) => [name, Number(kind)])), KIND);
  for (const kind of Object.values(KIND)) {
    const from = rows.filter((row) => Number(row[0]) === kind).map((row) => row[2]);
    const isFrom = (side: string) => from.includes("both") || from.includes(side);
    assert.equal(isKind(kind, decodeToServer), isFrom("client"), `${kind} from the client`);
    assert.equal(isKind(kind, decodeToClient), isFrom("server"), `${kind} from the server`);
  }
});

test("every frame in the document's example is one", () => {
  const frames = rowsOf(/^([CS]) (\[.*?\])(?: +\/\/.*)?$/gm);
  assert.ok(frames.length > 15);
  for (const [side, frame] of frames) (side === "C" ? decodeToServer : decodeToClient)(frame ?? "");
});

function rowsOf(pattern: RegExp): string[][] {
  return [...sessions.matchAll(pattern)].map(([, ...cells]) => cells);
}

/** Whether the reader knows the kind, whatever else it lacks. */
function isKind(kind: number, decode: (text: string) => unknown): boolean {
  try {
    decode(`[${kind}]`);
    return true;
  } catch (error) {
    return error instanceof ProtocolError && !error.message.startsWith("kind:");
  }
}
