import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Outbox } from "./outbox.ts";

test("messages are numbered from 1, leave in one frame, and go when they are acknowledged", () => {
  const outbox = new Outbox(65_536);
  assert.deepEqual([outbox.add("1"), outbox.add('"b"')], [1, 2]);
  assert.deepEqual(outbox.next(), { first: 1, json: '1,"b"' });
  assert.equal(outbox.next(), undefined);
  outbox.acknowledge(1);
  assert.equal(outbox.size, 1);
  assert.equal(outbox.add("3"), 3);
  assert.deepEqual(outbox.next(), { first: 3, json: "3" });
});

test("a new line carries again what is not acknowledged", () => {
  const outbox = filled(["1", "2", "3"]);
  outbox.resume(1);
  assert.deepEqual(outbox.next(), { first: 2, json: "2,3" });
});

test("an acknowledgement from before the cut may come after it", () => {
  const outbox = filled(["1", "2", "3"]);
  outbox.resume(1);
  outbox.acknowledge(3);
  assert.equal(outbox.next(), undefined);
  outbox.add("4");
  assert.deepEqual(outbox.next(), { first: 4, json: "4" });
});

test("also while the new line has carried only a part of them", () => {
  const outbox = new Outbox(3);
  for (const json of ["1", "2", "3"]) outbox.add(json);
  assert.equal(all(outbox).length, 3);
  outbox.resume(0);
  outbox.next();
  outbox.acknowledge(3);
  assert.equal(outbox.size, 0);
});

test("a frame of several messages stays below the limit even if each character takes three bytes", () => {
  const outbox = new Outbox(30_000);
  for (let i = 0; i < 10; i++) outbox.add(JSON.stringify("€".repeat(3000)));
  const frames = all(outbox);
  assert.equal(frames.length, 4);
  for (const { json } of frames) assert.ok(Buffer.byteLength(json) <= 30_000);
  assert.deepEqual(
    frames.map(({ first }) => first),
    [1, 4, 7, 10],
  );
});

test("a message larger than a frame of several goes alone", () => {
  const outbox = new Outbox(300);
  for (const size of [10, 200, 10]) outbox.add("1".repeat(size));
  assert.deepEqual(
    all(outbox).map(({ first, json }) => [first, json.length]),
    [
      [1, 10],
      [2, 200],
      [3, 10],
    ],
  );
});

test("an acknowledgement of what was never sent is refused and changes nothing", () => {
  const outbox = filled(["1"]);
  outbox.add("2");
  assert.throws(() => outbox.acknowledge(2), /message 2 was acknowledged/);
  assert.throws(() => outbox.resume(2), /message 2 was acknowledged/);
  assert.equal(outbox.size, 2);
});

test("in a new session, messages that were on their way are handed back, the others are numbered anew", async () => {
  const outbox = filled(["1", "2", "3"]);
  outbox.acknowledge(1);
  outbox.add("4");
  const waiting = outbox.whenAcknowledged();
  assert.deepEqual(outbox.restart(0), ["2", "3"]);
  await assert.rejects(waiting, { code: "unconfirmed" });
  assert.deepEqual(outbox.next(), { first: 1, json: "4" });
});

test("whenAcknowledged waits for all so far, also across a new session that lost nothing", async () => {
  const outbox = filled(["1", "2"]);
  outbox.acknowledge(2);
  await outbox.whenAcknowledged();
  outbox.add("3");
  const resolved: string[] = [];
  outbox.whenAcknowledged().then(() => resolved.push("3"));
  outbox.add("4");
  const last = outbox.whenAcknowledged().then(() => resolved.push("4"));
  assert.equal(
    outbox.whenAcknowledged(),
    outbox.whenAcknowledged(),
    "one promise a number: asking again costs nothing",
  );
  assert.deepEqual(outbox.restart(0), []);
  outbox.next();
  outbox.acknowledge(1);
  await Promise.resolve();
  assert.deepEqual(resolved, ["3"]);
  outbox.acknowledge(2);
  await last;
});

test("at the end, what is left is handed back and whoever waits is told", async () => {
  const outbox = filled(["1"]);
  outbox.add("2");
  const waiting = outbox.whenAcknowledged();
  assert.deepEqual(outbox.end(), ["1", "2"]);
  await assert.rejects(waiting, { code: "closed" });
});

test("whatever is acknowledged, resumed and sent in whatever order, a server that follows misses and doubles nothing", () => {
  const act = fc.oneof(
    fc.constantFrom("add" as const, "send" as const, "cut" as const),
    fc.double({ min: 0, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const outbox = new Outbox(60);
      const handled: number[] = [];
      let added = 0;
      const take = () => {
        for (const { first, json } of all(outbox)) {
          assert.ok(first <= handled.length + 1, "a hole");
          handled.push(...(JSON.parse(`[${json}]`) as number[]).slice(handled.length + 1 - first));
        }
      };
      for (const each of acts) {
        if (each === "add") outbox.add(String(++added));
        else if (each === "send") take();
        else if (each === "cut") outbox.resume(handled.length);
        else outbox.acknowledge(Math.floor(handled.length * each));
      }
      take();
      assert.deepEqual(
        handled,
        Array.from({ length: added }, (_, i) => i + 1),
      );
    }),
  );
});

function filled(messages: string[]): Outbox {
  const outbox = new Outbox(65_536);
  for (const json of messages) outbox.add(json);
  outbox.next();
  return outbox;
}

function all(outbox: Outbox): { first: number; json: string }[] {
  const frames = [];
  for (let frame = outbox.next(); frame; frame = outbox.next()) frames.push(frame);
  return frames;
}
