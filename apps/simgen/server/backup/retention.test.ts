import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nameOf } from "./backups.ts";
import { expired, KEPT } from "./retention.ts";

const DAY_MS = 24 * 3_600_000;
const NOW = Date.parse("2026-11-29T02:00:00Z");

const daily = (count: number) => Array.from({ length: count }, (_, day) => nameOf(new Date(NOW - day * DAY_MS)));
const kept = (names: readonly string[]) => names.filter((name) => !expired(names).includes(name)).sort();

test("of a year of nights, 7 days, 4 weeks and 6 months are kept, the newest of each", () => {
  assert.deepEqual(kept(daily(365)), [
    "20260630T020000Z",
    "20260731T020000Z",
    "20260831T020000Z",
    "20260930T020000Z",
    "20261031T020000Z",
    "20261108T020000Z",
    "20261115T020000Z",
    "20261122T020000Z",
    "20261123T020000Z",
    "20261124T020000Z",
    "20261125T020000Z",
    "20261126T020000Z",
    "20261127T020000Z",
    "20261128T020000Z",
    "20261129T020000Z",
  ]);
});

test("of many within an hour the newest three are kept, however many days that leaves", () => {
  const names = Array.from({ length: 20 }, (_, minute) => nameOf(new Date(NOW + minute * 60_000)));
  assert.deepEqual(kept(names), names.slice(-3));
});

test("three are never too many, and however old they are, they stay (D2)", () => {
  assert.deepEqual(expired([]), []);
  assert.deepEqual(expired(["20010101T000000Z", "20010101T000100Z", "20010101T000200Z"]), []);
  assert.deepEqual(expired(["20010101T000000Z"], { days: 0, weeks: 0, months: 0, atLeast: 0 }), [], "the newest stays");
});

test("run after run, the newest three are never among what goes, and what stays is stable (D2)", () => {
  const hours = fc.array(fc.integer({ min: 1, max: 24 * 40 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(hours, (gaps) => {
      let there: string[] = [];
      let time = NOW;
      for (const gap of gaps) {
        time += gap * 3_600_000;
        there.push(nameOf(new Date(time)));
        const gone = expired(there);
        const newest = there.slice(-KEPT.atLeast);
        assert.ok(newest.every((name) => !gone.includes(name)));
        there = there.filter((name) => !gone.includes(name));
        assert.deepEqual(expired(there), []);
        assert.ok(there.length <= KEPT.days + KEPT.weeks + KEPT.months + KEPT.atLeast);
      }
    }),
  );
});
