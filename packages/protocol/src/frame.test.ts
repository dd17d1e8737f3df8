import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BYE,
  decodeToClient,
  decodeToServer,
  encodeAck,
  encodeGap,
  encodeHello,
  encodeMessages,
  encodeWelcome,
  type Hello,
  PING,
  type Welcome,
} from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

const count = fc.maxSafeNat();
const first = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
/** Any text, lone surrogates and names with a meaning to JavaScript included. */
const text = fc.oneof(
  fc.string({ unit, minLength: 1, maxLength: 256 }),
  fc.constantFrom("__proto__", "constructor", "\ud800", "\udfff\ud800", "\u2028", "\0"),
);
const messages = fc.array(fc.jsonValue({ stringUnit: unit }), { minLength: 1, maxLength: 20 });

const hello: fc.Arbitrary<Hello> = fc.oneof(
  fc.record({ v: fc.constant(1), n: fc.integer({ min: 1 }) }),
  fc.record({ v: fc.constant(1), n: fc.integer({ min: 1 }), token: text }),
  fc.record({
    v: fc.constant(1),
    n: fc.integer({ min: 1 }),
    id: text,
    secret: text,
    epoch: text,
    offset: count,
    welcomed: count,
  }),
);
const welcome: fc.Arbitrary<Welcome> = fc.record(
  {
    id: text,
    secret: text,
    epoch: text,
    offset: count,
    resumed: fc.boolean(),
    seq: count,
    heartbeat: count,
    spread: count,
  },
  { requiredKeys: ["id", "epoch", "offset", "resumed", "seq", "heartbeat", "spread"] },
);

test("what is encoded is decoded as it was", () => {
  fc.assert(
    fc.property(hello, welcome, first, count, messages, text, (hello, welcome, first, ack, messages, epoch) => {
      same(decodeToServer(encodeHello(hello)), { kind: "hello", hello });
      same(decodeToClient(encodeWelcome(welcome)), { kind: "welcome", welcome });
      const json = messages.map((message) => JSON.stringify(message)).join(",");
      const frame = { kind: "messages", first, ack, messages };
      same(decodeToServer(encodeMessages(first, ack, json)), frame);
      same(decodeToClient(encodeMessages(first, ack, json)), frame);
      same(decodeToServer(encodeAck(ack)), { kind: "ack", ack });
      same(decodeToClient(encodeAck(ack)), { kind: "ack", ack });
      same(decodeToClient(encodeGap(epoch, ack)), { kind: "gap", epoch, offset: ack });
    }),
  );
  same(decodeToClient(PING), { kind: "ping" });
  same(decodeToServer(BYE), { kind: "bye" });
});

test("frames look as they are documented", () => {
  assert.equal(encodeHello({ v: 1, n: 1 }), '[0,{"v":1,"n":1}]');
  assert.equal(encodeMessages(7, 3, '{"a":1},"b"'), '[1,7,3,{"a":1},"b"]');
  assert.deepEqual([encodeAck(3), PING, BYE], ["[2,3]", "[3]", "[5]"]);
  assert.equal(encodeGap('e"1', 4), '[4,"e\\"1",4]');
});

test("any text is a frame or a ProtocolError, never another error", () => {
  const nearly = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7), fc.array(strange(), { maxLength: 6 }));
  const field = fc.constantFrom("v", "n", "id", "secret", "epoch", "offset", "token", "resumed", "seq", "heartbeat");
  const opening = fc.dictionary(fc.oneof(field, fc.constant("__proto__")), strange());
  const any = fc.oneof(
    fc.string({ unit }),
    fc.json(),
    nearly.map(([kind, rest]) => JSON.stringify([kind, ...rest])),
    opening.map((fields) => JSON.stringify([0, { v: 1, n: 1, ...fields }])),
  );
  fc.assert(
    fc.property(any, (text) => {
      frameOrProtocolError(text);
    }),
    { numRuns: 3000 },
  );
});

test("so are texts that are nested deeply, huge, or cut off anywhere", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const deepObject = `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`;
  for (const value of [deep, deepObject, '"'.padEnd(1_000_000, "x").concat('"'), "1e308", "-1e309", "1e-400", "-0"])
    for (const frame of [
      value,
      `[${value}]`,
      `[0,${value}]`,
      `[0,{"v":${value}}]`,
      `[0,{"v":1,"n":1,"id":${value}}]`,
    ].concat([
      `[1,${value},0,1]`,
      `[1,1,${value},1]`,
      `[1,1,0,${value}]`,
      `[2,${value}]`,
      `[4,${value},1]`,
      `[6,${value}]`,
    ]))
      frameOrProtocolError(frame);
  const whole = encodeHello({ v: 1, n: 1, id: "i", secret: "s", epoch: "e", offset: 1, welcomed: 1, token: "t" });
  for (let length = 0; length < whole.length; length++) {
    const { code } = frameOrProtocolError(whole.slice(0, length)) ?? {};
    assert.equal(code, "frame_invalid");
  }
});

test("__proto__ in a message stays a field like any other, and reaches no prototype", () => {
  const frame = decodeToServer('[1,1,0,{"__proto__":{"isAdmin":true}}]');
  assert.ok(frame.kind === "messages");
  assert.deepEqual(Object.keys(frame.messages[0] as object), ["__proto__"]);
  assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined);
  assert.throws(() => decodeToServer('[0,{"__proto__":{"v":1,"n":1}}]'), { code: "version_unsupported" });
});

test("a refusal names the field, what was expected and what came", () => {
  const cases: [string, string][] = [
    ["hello", "frame: expected JSON, got hello"],
    ["{}", "frame: expected an array, got an object"],
    ["[]", "kind: expected 0, 1, 2 or 5, got nothing"],
    ["[3]", "kind: expected 0, 1, 2 or 5, got 3"],
    ["[0]", "hello: expected an object, got nothing"],
    ["[0,[]]", "hello: expected an object, got an array"],
    ['[0,{"v":2,"n":1}]', "v: expected 1, got 2"],
    ['[0,{"v":1,"n":0}]', "n: expected at least 1, got 0"],
    ['[0,{"v":1,"n":1,"id":"i"}]', "secret: expected 1 to 256 characters, got nothing"],
    ['[0,{"v":1,"n":1,"token":""}]', "token: expected 1 to 8192 characters, got "],
    ["[1,0,0,1]", "first: expected at least 1, got 0"],
    ["[1,1,0]", "messages: expected at least one, got none"],
    ["[1,1,1.5,1]", "ack: expected a whole number from 0 on, got 1.5"],
    ["[2,9007199254740992]", "ack: expected a whole number from 0 on, got 9007199254740992"],
    [`[2,"${"x".repeat(99)}"]`, `ack: expected a whole number from 0 on, got ${"x".repeat(60)}…`],
  ];
  for (const [frame, message] of cases) assert.equal(frameOrProtocolError(frame, decodeToServer)?.message, message);
  assert.throws(() => decodeToClient("[5]"), { message: "kind: expected 0, 1, 2, 3 or 4, got 5" });
  assert.throws(() => decodeToClient('[0,{"id":"i","resumed":1}]'), {
    message: "resumed: expected true or false, got 1",
  });
});

test("only a version that differs is another version", () => {
  assert.throws(() => decodeToServer('[0,{"v":2,"n":1}]'), { name: "ProtocolError", code: "version_unsupported" });
  assert.throws(() => decodeToServer("[9]"), { name: "ProtocolError", code: "frame_invalid" });
});

/** Any JSON value, and numbers where they are hard. */
function strange(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ stringUnit: unit }),
    fc.double(),
    fc.constantFrom(-1, 1.5, 2 ** 53, 1e308, Number.MIN_VALUE, "", "1", "__proto__", "\ud800"),
    count,
  );
}

function frameOrProtocolError(text: string, only?: typeof decodeToServer): ProtocolError | undefined {
  let refusal: ProtocolError | undefined;
  for (const decode of only ? [only] : [decodeToServer, decodeToClient])
    try {
      decode(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refusal = error;
    }
  return refusal;
}

/** As JSON: it does not tell -0 from 0. */
function same(actual: unknown, expected: unknown): void {
  assert.deepEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(JSON.stringify(expected)));
}
