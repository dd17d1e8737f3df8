import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientJournal, Run, Seen, Send } from "./journal.ts";
import { type Counts, type Evidence, FAULTS, judge } from "./oracle.ts";

// Every 10 ms a tick, a message, its handling and its echo; client 1, session "s".
const COUNT = 10;

test("a flow in which all arrives once and in order has no fault", () => {
  const { counts, examples } = judge(flow());
  assert.deepEqual(
    FAULTS.filter((fault) => counts[fault] > 0),
    [],
  );
  assert.deepEqual(examples, []);
  const all = ["ticksLogged", "ticksArrived", "messagesSent", "messagesHandled", "echoesArrived"] as const;
  for (const what of all) assert.equal(counts[what], COUNT, what);
});

test("a missing tick is lost, with its number, unless a gap stands in its place", () => {
  const evidence = flow();
  drop(evidence, "tick", 4);
  found(evidence, { ticksLost: 1 }, /client 1, 4: ticksLost/);

  insertAfter(evidence, "tick", 3, gap(41));
  found(evidence, { ticksSignalled: 1, gaps: 1 });
});

test("a gap in another place excuses nothing", () => {
  const later = flow();
  drop(later, "tick", 4);
  insertAfter(later, "tick", 6, gap(61));
  found(later, { ticksLost: 1, gaps: 1, gapsForNothing: 1 });

  const earlier = flow();
  drop(earlier, "tick", 4);
  insertAfter(earlier, "tick", 1, gap(15));
  found(earlier, { ticksLost: 1, gaps: 1, gapsForNothing: 1 });
});

test("a gap where nothing is missing is counted; one that only leaves messages unconfirmed is not", () => {
  const evidence = flow();
  insertAfter(evidence, "tick", 4, gap(45));
  insertAfter(evidence, "tick", 6, { ...gap(65), unconfirmed: [6] });
  found(evidence, { gaps: 2, gapsForNothing: 1, messagesUnconfirmed: 1 });
});

test("a gap excuses nothing that was sent after it", () => {
  const evidence = flow();
  for (const n of [9, 10]) drop(evidence, "tick", n);
  insertAfter(evidence, "tick", 8, gap(95));
  found(evidence, { ticksSignalled: 1, ticksLost: 1, gaps: 1 }, /client 1, 10: ticksLost/);
});

test("the last ticks are lost like others", () => {
  const evidence = flow();
  drop(evidence, "tick", COUNT);
  found(evidence, { ticksLost: 1 });
});

test("doubled and reordered ticks are found", () => {
  const doubled = flow();
  insertAfter(doubled, "tick", 7, { kind: "tick", n: 3, at: 71 });
  found(doubled, { ticksDoubled: 1 });

  const reordered = flow();
  drop(reordered, "tick", 4);
  insertAfter(reordered, "tick", 6, { kind: "tick", n: 4, at: 62 });
  found(reordered, { ticksReordered: 1 });
});

test("a rejected tick may be missing; it must not arrive, unless its outcome was unknown", () => {
  const rejected = flow();
  sendOf(rejected, 5).outcome = "unavailable";
  found(rejected, { ticksRejected: 1, ticksUnsent: 1 });
  drop(rejected, "tick", 5);
  found(rejected, { ticksRejected: 1 });
  assert.deepEqual(judge(rejected).rejections, new Map([["unavailable", 1]]));

  const unknown = flow();
  sendOf(unknown, 5).outcome = "outcome_unknown";
  found(unknown, { ticksRejected: 1 });
  drop(unknown, "tick", 5);
  found(unknown, { ticksRejected: 1 });
});

test("a send that never settles is a fault", () => {
  const evidence = flow();
  sendOf(evidence, 5).outcome = "pending";
  found(evidence, { sendsPending: 1 });
});

test("a tick that nobody sent is found", () => {
  const evidence = flow();
  insertAfter(evidence, "tick", COUNT, { kind: "tick", n: COUNT + 1, at: 200 });
  found(evidence, { ticksUnsent: 1 });
});

test("ticks to a session that the client has left may be missing; those from before need a gap", () => {
  const evidence = flow();
  for (const n of [5, 6, 7]) drop(evidence, "tick", n);
  insertAfter(evidence, "tick", 4, { kind: "open", id: "t", at: 65 });
  for (const n of [8, 9, 10]) sendOf(evidence, n).session = "t";
  found(evidence, { ticksLost: 2 }, /client 1, 5: ticksLost/);
  insertAfter(evidence, "tick", 4, gap(65));
  found(evidence, { ticksSignalled: 2, gaps: 1 });
});

test("a message that is acknowledged and not handled to the end is lost", () => {
  const evidence = flow();
  evidence.runs = evidence.runs.filter(({ n }) => n !== 6);
  drop(evidence, "echo", 6);
  found(evidence, { messagesLost: 1 }, /client 1, 6: messagesLost/);

  const halfDone = flow();
  runOf(halfDone, 6).finished = false;
  drop(halfDone, "echo", 6);
  found(halfDone, { messagesLost: 1 });
});

test("a message that is never acknowledged nor handled is stuck; one told as unconfirmed is neither", () => {
  const evidence = flow();
  evidence.runs = evidence.runs.filter(({ n }) => n !== COUNT);
  drop(evidence, "echo", COUNT);
  journalOf(evidence).acknowledged = false;
  found(evidence, { messagesStuck: 1 });
  journalOf(evidence).acknowledged = true;
  insertAfter(evidence, "tick", COUNT, { ...gap(101), unconfirmed: [COUNT] });
  found(evidence, { gaps: 1, messagesUnconfirmed: 1 });
});

test("messages handled out of order are found", () => {
  const evidence = flow();
  runOf(evidence, 3).at = runOf(evidence, 5).at + 1;
  found(evidence, { messagesReordered: 1 });
});

test("handling again is doubled in the same process, and counted apart in another", () => {
  const same = flow();
  same.runs.push({ ...runOf(same, 5), at: 99 });
  found(same, { messagesDoubled: 1 });

  const other = flow();
  other.runs.push({ ...runOf(other, 5), at: 99, server: "b/2" });
  found(other, { messagesHandledAgain: 1 });
});

test("echoes are held to the same: lost, doubled, reordered, never caused, told by a gap", () => {
  const lost = flow();
  drop(lost, "echo", 4);
  found(lost, { echoesLost: 1 });
  insertAfter(lost, "echo", 3, gap(50));
  found(lost, { echoesSignalled: 1, gaps: 1 });

  const doubled = flow();
  insertAfter(doubled, "echo", 7, { kind: "echo", n: 3, at: 71 });
  found(doubled, { echoesDoubled: 1 });

  const reordered = flow();
  drop(reordered, "echo", 4);
  insertAfter(reordered, "echo", 6, { kind: "echo", n: 4, at: 62 });
  found(reordered, { echoesReordered: 1 });

  const unsent = flow();
  insertAfter(unsent, "echo", COUNT, { kind: "echo", n: COUNT + 1, at: 200 });
  found(unsent, { echoesUnsent: 1 });
});

test("a client that is turned away for good is a fault", () => {
  const evidence = flow();
  insertAfter(evidence, "tick", COUNT, { kind: "closed", code: 4502, at: 200 });
  found(evidence, { clientsStopped: 1 });
});

// ---- evidence ----

function flow(): Evidence {
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
  const seen: Seen[] = [{ kind: "open", id: "s", at: 0 }];
  for (const n of numbers) seen.push({ kind: "tick", n, at: n * 10 + 2 }, { kind: "echo", n, at: n * 10 + 4 });
  return {
    journals: [{ client: 1, seen, sent: COUNT, refused: 0, acknowledged: true }],
    sends: numbers.map((n) => {
      const at = n * 10;
      return { client: 1, session: "s", n, startedAt: at, settledAt: at + 1, outcome: "logged" };
    }),
    runs: numbers.map((n) => ({ client: 1, n, at: n * 10 + 3, server: "a/1", finished: true })),
  };
}

function gap(at: number): Seen & { kind: "gap" } {
  return { kind: "gap", unconfirmed: [], at };
}

function journalOf({ journals }: Evidence): ClientJournal {
  const [journal] = journals;
  assert.ok(journal);
  return journal;
}

function drop(evidence: Evidence, kind: "tick" | "echo", n: number): void {
  const journal = journalOf(evidence);
  journal.seen = journal.seen.filter((event) => event.kind !== kind || event.n !== n);
}

function insertAfter(evidence: Evidence, kind: "tick" | "echo", n: number, event: Seen): void {
  const { seen } = journalOf(evidence);
  seen.splice(seen.findIndex((event) => event.kind === kind && event.n === n) + 1, 0, event);
}

function sendOf({ sends }: Evidence, n: number): Send {
  const send = sends.find((each) => each.n === n);
  assert.ok(send);
  return send;
}

function runOf({ runs }: Evidence, n: number): Run {
  const run = runs.find((each) => each.n === n);
  assert.ok(run);
  return run;
}

/** These counts, and none of the others that a clean flow has not. */
function found(evidence: Evidence, expected: Partial<Counts>, example?: RegExp): void {
  const { counts, examples } = judge(evidence);
  const usual = ["ticksLogged", "ticksArrived", "messagesSent", "messagesHandled", "echoesArrived"];
  const unusual = Object.entries(counts).filter(([what, value]) => value > 0 && !usual.includes(what));
  assert.deepEqual(Object.fromEntries(unusual), expected);
  if (example) assert.match(examples.join("\n"), example);
}
