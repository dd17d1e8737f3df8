import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLaneValue, encodeLaneValue, LANE_NAME_BYTES_MAX, laneHeader } from "./lane.ts";
import { ProtocolError } from "./protocol-error.ts";

const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: LANE_NAME_BYTES_MAX })
  .filter((name) => Buffer.byteLength(name) <= LANE_NAME_BYTES_MAX);

test("a value is length of the name, name, bytes, and is decoded as it was", () => {
  assert.deepEqual(encodeLaneValue("ab", new Uint8Array([7, 8])), new Uint8Array([2, 97, 98, 7, 8]));
  fc.assert(
    fc.property(name, fc.uint8Array({ maxLength: 300 }), (lane, bytes) => {
      const message = encodeLaneValue(lane, bytes);
      const header = laneHeader(lane);
      assert.deepEqual(message.subarray(0, header.length), header);
      const read = decodeLaneValue(message);
      assert.deepEqual({ lane: read.lane, bytes: new Uint8Array(read.bytes) }, { lane, bytes });
      assert.equal(read.bytes.buffer, message.buffer, "a view, not a copy");
    }),
  );
});

test("a name has 1 to 32 bytes of UTF-8", () => {
  for (const lane of ["", "x".repeat(33), "€".repeat(11), "x".repeat(300)])
    assert.throws(() => laneHeader(lane), {
      name: "ProtocolError",
      code: "lane_invalid",
      message: /expected 1 to 32 bytes/,
    });
  laneHeader("€".repeat(10));
});

test("any bytes are a value or a ProtocolError, never another error", () => {
  const nearly = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.uint8Array({ maxLength: 50 }));
  const any = fc.oneof(
    fc.uint8Array(),
    nearly.map(([length, rest]) => new Uint8Array([length, ...rest])),
  );
  fc.assert(
    fc.property(any, (message) => {
      try {
        const { lane, bytes } = decodeLaneValue(message);
        assert.deepEqual(encodeLaneValue(lane, bytes), new Uint8Array(message));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        assert.equal(error.code, "lane_invalid");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a message that is too short, or whose name is no UTF-8, says so", () => {
  for (const [bytes, message] of [
    [[], /^binary message of 0 bytes/],
    [[0, 1], /got 0$/],
    [[33, ...Array(40).fill(97)], /got 33$/],
    [[3, 97], /^binary message of 2 bytes/],
    [[1, 255], /expected UTF-8/],
  ] as const)
    assert.throws(() => decodeLaneValue(new Uint8Array(bytes)), { code: "lane_invalid", message });
  assert.deepEqual(decodeLaneValue(new Uint8Array([1, 97])).bytes.length, 0, "an empty value is one");
});
