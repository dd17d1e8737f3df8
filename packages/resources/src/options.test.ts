import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyed } from "./keyed.ts";
import { KIND_DEFAULTS } from "./options.ts";
import { refusal } from "./resources.fixture.ts";
import { Resources } from "./resources.ts";

const expected = (kind: string, option: string, least: number, got: unknown) =>
  refusal("option_invalid", `${kind}: ${option}: expected a number from ${least} on, got ${got}`);

for (const option of ["countMax", "bytesMax", "leakMs", "releaseMsMax"])
  for (const value of [0, 0.5, -1, Number.NaN, undefined])
    test(`a kind's ${option} cannot be ${value}`, () => {
      assert.throws(() => new Resources({ kinds: { db: { [option]: value } } }), expected("db", option, 1, value));
    });

for (const option of ["queueMax", "queueMsMax"])
  for (const value of [-1, Number.NaN, undefined])
    test(`a kind's ${option} cannot be ${value}`, () => {
      assert.throws(() => new Resources({ kinds: { db: { [option]: value } } }), expected("db", option, 0, value));
    });

test("a name that is not an option is refused, with those that are", () => {
  const misspelt: object = { countmax: 1 };
  assert.throws(
    () => new Resources({ kinds: { db: misspelt } }),
    refusal("option_invalid", `db: countmax: expected one of ${Object.keys(KIND_DEFAULTS).join(", ")}, got countmax`),
  );
  const unknown: object = { kind: {} };
  assert.throws(
    () => new Resources(unknown),
    refusal("option_invalid", "resources: kind: expected one of kinds, traceOneIn, got kind"),
  );
});

for (const traceOneIn of [0, Number.NaN])
  test(`traceOneIn cannot be ${traceOneIn}`, () => {
    assert.throws(() => new Resources({ traceOneIn }), expected("resources", "traceOneIn", 1, traceOneIn));
  });

test("keyed instances refuse what is wrong of theirs", () => {
  const resources = new Resources();
  const make = (options: object) => new Keyed(resources, "db", String, () => {}, options);
  assert.throws(() => make({ idleMs: -1 }), expected("db", "idleMs", 0, -1));
  assert.throws(() => make({ idle: 1 }), refusal("option_invalid", "db: idle: expected one of idleMs, got idle"));
});

test("Infinity turns a limit off, and 0 turns the queue off", () => {
  const off = { ...KIND_DEFAULTS, queueMax: Infinity, queueMsMax: Infinity, releaseMsMax: Infinity };
  new Resources({ kinds: { db: off, cache: { queueMax: 0, queueMsMax: 0 } }, traceOneIn: Infinity });
});

for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY])
  test(`nothing can take ${bytes} bytes`, async () => {
    const scope = new Resources().scope("a");
    const refused = refusal("option_invalid", `db: bytes: expected a finite number from 0 on, got ${bytes}`);
    const never = () => assert.fail("made");
    await assert.rejects(
      scope.acquire("db", never, () => {}, { bytes }),
      refused,
    );
    assert.throws(() => scope.adopt("db", 1, () => {}, { bytes }), refused);
  });
