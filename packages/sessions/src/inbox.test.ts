import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Inbox, type InboxEvents } from "./inbox.ts";
import { SessionError } from "./session-error.ts";
import type { Reply } from "./store.ts";

/** An inbox whose handler and store do what they are told. */
class Bench implements InboxEvents {
  readonly handled: unknown[] = [];
  readonly commits: { seq: number; replies: Reply[] }[] = [];
  readonly errors: unknown[] = [];
  readonly acknowledged: number[] = [];
  /** Undone handlers, oldest first. */
  readonly running: PromiseWithResolvers<void>[] = [];
  isSlow = false;
  isCounted = true;
  refuseWith: Error | undefined;
  dues = 0;
  retries = 0;

  handle(seq: number, message: unknown, replies: Reply[]): Promise<void> | void {
    this.handled.push(message);
    replies.push({ seq, json: `"reply to ${message}"` });
    if (!this.isSlow) return;
    const running = Promise.withResolvers<void>();
    this.running.push(running);
    return running.promise;
  }

  async commit(seq: number, replies: Reply[]): Promise<void> {
    if (this.refuseWith) throw this.refuseWith;
    this.commits.push({ seq, replies });
  }

  committed(seq: number): void {
    this.acknowledged.push(seq);
  }

  due(): void {
    this.dues++;
  }

  failed(error: unknown): boolean {
    this.errors.push(error);
    return this.isCounted;
  }

  uncommitted(): void {
    this.retries++;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("messages that come in batches, again and overlapping, are handled once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 6 }))),
      async (batches) => {
        const bench = new Bench();
        const inbox = new Inbox(0, bench);
        let last = 0;
        for (const [size, back] of batches) {
          const first = Math.max(1, last + 1 - back);
          assert.equal(
            inbox.receive(
              first,
              Array.from({ length: size }, (_, i) => first + i),
            ),
            true,
          );
          last = Math.max(last, first + size - 1);
          inbox.flush();
          await turn();
        }
        assert.deepEqual(
          bench.handled,
          Array.from({ length: last }, (_, i) => i + 1),
        );
        assert.equal(inbox.committed, last);
      },
    ),
    { numRuns: 50 },
  );
});

test("one at a time: the next begins when the one before has resolved", async () => {
  const bench = new Bench();
  bench.isSlow = true;
  const inbox = new Inbox(0, bench);
  inbox.receive(1, ["a", "b"]);
  await turn();
  assert.deepEqual(bench.handled, ["a"]);
  bench.running[0]?.resolve();
  await turn();
  assert.deepEqual(bench.handled, ["a", "b"]);
});

test("a hole is refused, and only a client whose server has lost its memory may skip", () => {
  const bench = new Bench();
  const inbox = new Inbox(2, bench);
  assert.equal(inbox.receive(5, ["e"]), false);
  inbox.skipTo(5);
  assert.equal(inbox.receive(5, ["e"]), true);
  assert.deepEqual(bench.handled, ["e"]);
});

test("a commit that fails is tried again with the same replies, before those that came later", async () => {
  const bench = new Bench();
  bench.refuseWith = new SessionError("unavailable", "down");
  const inbox = new Inbox(0, bench);
  inbox.receive(1, ["a"]);
  inbox.flush();
  await turn();
  assert.deepEqual([inbox.committed, bench.retries, bench.acknowledged], [0, 1, []]);
  bench.refuseWith = undefined;
  inbox.receive(2, ["b"]);
  inbox.flush();
  await turn();
  assert.deepEqual(bench.commits, [
    {
      seq: 2,
      replies: [
        { seq: 1, json: '"reply to a"' },
        { seq: 2, json: '"reply to b"' },
      ],
    },
  ]);
  assert.deepEqual(bench.acknowledged, [2]);
});

test("held, it begins nothing; released, it goes on", async () => {
  const bench = new Bench();
  const inbox = new Inbox(0, bench);
  inbox.hold(true);
  inbox.receive(1, ["a"]);
  assert.deepEqual(bench.handled, []);
  inbox.hold(false);
  assert.deepEqual(bench.handled, ["a"]);
});

test("what another server has handled is not handled here", () => {
  const bench = new Bench();
  const inbox = new Inbox(0, bench);
  inbox.hold(true);
  inbox.receive(1, ["a", "b", "c"]);
  inbox.learn(2);
  inbox.hold(false);
  assert.deepEqual(bench.handled, ["c"]);
});

test("so many may be handled and not on record, and no more", async () => {
  const bench = new Bench();
  const inbox = new Inbox(0, bench);
  inbox.receive(
    1,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.equal(bench.handled.length, 32);
  for (let i = 0; i < 5; i++) {
    inbox.flush();
    await turn();
  }
  assert.equal(bench.handled.length, 100);
});

test("idle means: nothing in hand, and what was handled is on record or given up", async () => {
  const bench = new Bench();
  bench.isSlow = true;
  const inbox = new Inbox(0, bench);
  assert.equal(inbox.isIdle, true);
  inbox.receive(1, ["a", "b"]);
  inbox.stop();
  let isIdle = false;
  const idle = inbox.idle().then(() => {
    isIdle = true;
  });
  await turn();
  assert.equal(isIdle, false);
  bench.running[0]?.resolve();
  await turn();
  assert.equal(isIdle, false, "handled, not on record");
  inbox.flush();
  await idle;
  assert.deepEqual(bench.handled, ["a"], "stopped, it begins no other");

  const other = new Inbox(0, bench);
  bench.isSlow = false;
  bench.refuseWith = new SessionError("session_unknown", "ended");
  other.receive(1, ["c"]);
  other.flush();
  await turn();
  assert.equal(other.isIdle, false);
  other.giveUp();
  await other.idle();
});

test("a message whose handler fails for the end of its connection is left to another server", async () => {
  const bench = new Bench();
  bench.isSlow = true;
  bench.isCounted = false;
  const inbox = new Inbox(0, bench);
  inbox.receive(1, ["a", "b"]);
  bench.running[0]?.reject(new Error("the connection is over"));
  await inbox.idle();
  assert.deepEqual([inbox.handled, bench.handled], [0, ["a"]]);
});
