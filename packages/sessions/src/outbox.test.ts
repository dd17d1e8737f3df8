import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Outbox } from "./outbox.ts";
import type { Entry, Reading } from "./store.ts";

const LIMITS = { windowMessages: 1000, windowBytes: 1_000_000 };

/** A log of entries of these sizes, whose messages are their own numbers. */
function logOf(sizes: readonly number[]): Entry[] {
  let first = 1;
  return sizes.map((count) => {
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    first += count;
    return { first: first - count, count, json: numbers.join() };
  });
}

function reading(entries: Entry[], offset: number, epoch = "e"): Reading {
  return { epoch, offset, entries, handled: 0, run: "r" };
}

/** What a client makes of the frames: takes what is next, drops what it has. */
function read(outbox: Outbox, offset = 0): number[] {
  const seen: number[] = [];
  while (outbox.hasUnwritten) {
    const [, first, , ...messages] = JSON.parse(outbox.take(7));
    assert.ok(first <= offset + seen.length + 1, `a hole before ${first}`);
    seen.push(...messages.slice(offset + seen.length + 1 - first));
  }
  return seen;
}

test("whatever comes, in whatever order and however often: what is written is in order, and with the log's help complete", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat()), (sizes, picks) => {
      const log = logOf(sizes);
      const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
      const seen: number[] = [];
      for (const pick of picks) {
        outbox.receive(log[pick % log.length] as Entry);
        seen.push(...read(outbox, seen.length));
      }
      assert.equal(outbox.apply(reading(log, 0)), undefined);
      seen.push(...read(outbox, seen.length));
      const total = sizes.reduce((sum, size) => sum + size, 0);
      assert.deepEqual(
        seen,
        Array.from({ length: total }, (_, i) => i + 1),
      );
      assert.equal(outbox.hasHole, false);
    }),
  );
});

test("what came after a reading was made is not forgotten by it", () => {
  const [a, b, c] = logOf([1, 1, 1]) as [Entry, Entry, Entry];
  const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
  outbox.receive(b);
  outbox.receive(c);
  outbox.apply(reading([a, b], 0));
  assert.deepEqual(read(outbox), [1, 2, 3]);
});

test("a reading that begins later, or of another epoch, is a gap, and what was unwritten is void", () => {
  const log = logOf([1, 1, 1, 1, 1]);
  for (const [from, epoch] of [
    [3, "e"],
    [3, "f"],
  ] as const) {
    const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
    outbox.receive(log[0] as Entry);
    assert.deepEqual(outbox.apply(reading(log.slice(3), from, epoch)), { epoch, offset: 3 });
    assert.deepEqual(read(outbox, 3), [4, 5]);
    assert.equal(outbox.epoch, epoch);
  }
});

test("what waits for a hole in one epoch is not taken for a part of the next", () => {
  const log = logOf([1, 1, 1, 1]);
  const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
  outbox.receive(log[3] as Entry);
  outbox.apply(reading([], 3, "f"));
  assert.deepEqual(read(outbox, 3), []);
  assert.equal(outbox.hasHole, true, "so that the log is read again");
});

test("acknowledged entries go, unacknowledged ones stay for a store that forgets, and nobody acknowledges the future", () => {
  const log = logOf([2, 2, 2]);
  const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
  for (const entry of log) outbox.receive(entry);
  read(outbox);
  assert.equal(outbox.ack(3), true);
  assert.deepEqual(outbox.entries, log.slice(1));
  assert.equal(outbox.ack(1), true);
  assert.equal(outbox.acked, 3);
  assert.equal(outbox.ack(7), false);
  assert.equal(outbox.ack(6), true);
  assert.deepEqual(outbox.entries, []);
});

test("what is written and not acknowledged is bounded by the window; what is unwritten is kept", () => {
  const log = logOf(Array.from({ length: 50 }, () => 1));
  const outbox = new Outbox({ epoch: "e", offset: 0 }, { windowMessages: 10, windowBytes: 1_000_000 });
  for (const entry of log.slice(0, 30)) outbox.receive(entry);
  assert.equal(outbox.entries.length, 30);
  read(outbox);
  for (const entry of log.slice(30)) outbox.receive(entry);
  assert.deepEqual([outbox.entries[0]?.first, outbox.last], [31, 50]);
  assert.deepEqual(read(outbox, 30).length, 20);
});

test("a frame of several entries has a bound, and carries the acknowledgement", () => {
  const json = JSON.stringify("x".repeat(30_000));
  const outbox = new Outbox({ epoch: "e", offset: 0 }, LIMITS);
  for (let first = 1; first <= 5; first++) outbox.receive({ first, count: 1, json });
  const frames: number[][] = [];
  while (outbox.hasUnwritten) {
    const [, first, ack, ...messages] = JSON.parse(outbox.take(9));
    frames.push([first, messages.length, ack]);
  }
  assert.deepEqual(frames, [
    [1, 2, 9],
    [3, 2, 9],
    [5, 1, 9],
  ]);
});
