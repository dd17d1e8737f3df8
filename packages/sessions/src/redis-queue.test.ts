import assert from "node:assert/strict";
import { test } from "node:test";
import { Call } from "./redis-call.ts";
import { RedisQueue } from "./redis-queue.ts";

const BOUNDS = {
  queueCallsMax: 4,
  queueSizeMax: 1_000_000,
  scriptOperationsMax: 100,
  scriptSizeMax: 1_000_000,
  entryMessagesMax: 2,
  entrySizeMax: 1000,
};
const LATER = Number.POSITIVE_INFINITY;

/** An append to a session, and what became of it. */
function append(key: string, json: string): { call: Call; refused: string[] } {
  const refused: string[] = [];
  const options = { waitMs: 1000, isRepeatable: false, isOrdered: true, isOwed: false };
  const reject = (error: unknown) => void refused.push((error as { code: string }).code);
  return {
    call: new Call(
      "append",
      key,
      [],
      json,
      options,
      () => {},
      () => {},
      reject,
    ),
    refused,
  };
}

function taken(queue: RedisQueue): [string, string][] {
  return queue.take().map(({ key, json }) => [key, json]);
}

test("appends to one session go as one entry, up to its bound, and in order", () => {
  const queue = new RedisQueue(BOUNDS);
  for (const json of ["1", "2", "3"]) queue.push(append("a", json).call);
  assert.deepEqual(taken(queue), [
    ["a", "1,2"],
    ["a", "3"],
  ]);
});

test("while a session waits for its owner, one call at a time asks whether the wait is over; others wait behind it", () => {
  const queue = new RedisQueue(BOUNDS);
  const first = append("a", "1").call;
  queue.push(first);
  queue.hold(queue.take().flatMap(({ calls }) => calls));
  queue.push(append("a", "2").call);
  queue.push(append("b", "3").call);
  assert.deepEqual(taken(queue), [["b", "3"]]);
  queue.retryHeld();
  queue.retryHeld();
  const [probe] = queue.take();
  assert.deepEqual(probe?.calls, [first]);
  assert.deepEqual(taken(queue), []);
  queue.hold([first]);
  queue.retryHeld();
  const [again] = queue.take();
  assert.ok(again);
  queue.release(again, []);
  assert.deepEqual(taken(queue), [["a", "2"]]);
  assert.equal(queue.isEmpty, true);
});

test("what is held counts as waiting: the queue is bounded, and those given up no longer count", () => {
  const queue = new RedisQueue(BOUNDS);
  for (const json of ["1", "2", "3", "4"]) queue.push(append("a", json).call);
  const calls = queue.take().flatMap((operation) => operation.calls);
  queue.hold(calls);
  const fifth = append("b", "5");
  queue.push(fifth.call);
  assert.deepEqual(fifth.refused, ["overloaded"]);
  queue.giveUp(LATER);
  assert.ok(calls.every((call) => call.isOver));
  const sixth = append("b", "6");
  queue.push(sixth.call);
  assert.deepEqual([sixth.refused, taken(queue)], [[], [["b", "6"]]]);
  queue.retryHeld();
  assert.equal(queue.isEmpty, true);
});
