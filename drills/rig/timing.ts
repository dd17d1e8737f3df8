import type { ClientJournal } from "./journal.ts";
import type { Evidence } from "./oracle.ts";
import type { Timeline } from "./rig.ts";

/** What the affected clients went through, ms, one figure a client; `undefined` when it never came. */
export interface Timings {
  /** From the fault to the arrival of the first tick that was sent after it. */
  firstMessage: (number | undefined)[];
  /** From the end of the fault to the first arrival after it of a tick that was sent after the fault. */
  firstAfterHeal: (number | undefined)[];
  /** From the fault to `resumed`, or `open` for a new session, of those whose connection broke. */
  resumed: number[];
  /** The longest time without a message between the fault and the last message. */
  silence: number[];
  /** Connections that broke, of all clients, from the fault on. */
  broken: number;
  /** How long each send took to resolve or reject, from the fault on. */
  sends: number[];
}

export function timingsOf({ journals, sends }: Evidence, timeline: Timeline): Timings {
  const { faultAt, healedAt, stoppedAt } = timeline;
  const affected = new Set(timeline.affected);
  const hit = journals.filter(({ client }) => affected.has(client));
  const sendsOf = Map.groupBy(sends, ({ client }) => client);
  const firstAfter = (from: number) =>
    hit.map(({ client, seen }) => {
      const after =
        (sendsOf.get(client) ?? []).find(({ startedAt }) => startedAt > faultAt)?.n ?? Number.POSITIVE_INFINITY;
      const first = seen.find((event) => event.kind === "tick" && event.n >= after && event.at > from);
      return first && first.at - from;
    });
  return {
    firstMessage: firstAfter(faultAt),
    firstAfterHeal: healedAt === undefined ? [] : firstAfter(healedAt),
    resumed: hit.flatMap((journal) => resumedAfter(journal, faultAt)),
    silence: hit.map((journal) => longestSilence(journal, faultAt, stoppedAt)),
    broken: journals.flatMap(({ seen }) => seen).filter(({ kind, at }) => kind === "broken" && at > faultAt).length,
    sends: sends
      .filter(({ startedAt, settledAt }) => startedAt > faultAt && settledAt > 0)
      .map(({ startedAt, settledAt }) => settledAt - startedAt),
  };
}

/** The value that so many per cent are at most; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function resumedAfter({ seen }: ClientJournal, faultAt: number): number[] {
  const broken = seen.findIndex(({ kind, at }) => kind === "broken" && at > faultAt);
  if (broken < 0) return [];
  const back = seen.slice(broken).find(({ kind }) => kind === "resumed" || kind === "open");
  return back ? [back.at - faultAt] : [];
}

function longestSilence({ seen }: ClientJournal, from: number, to: number): number {
  let last = from;
  let longest = 0;
  for (const { kind, at } of seen) {
    if ((kind !== "tick" && kind !== "echo") || at < from || at > to) continue;
    longest = Math.max(longest, at - last);
    last = at;
  }
  return Math.max(longest, to - last);
}
