import type { ClientJournal, Run, Seen, Send } from "./journal.ts";

const EXAMPLES_MAX = 20;

/** Codes of a rejected send that leave open whether the message arrives. */
const UNKNOWN_OUTCOMES = ["outcome_unknown", "pending"];

export interface Evidence {
  journals: ClientJournal[];
  sends: Send[];
  runs: Run[];
}

/** How often what happened. Whatever is under `FAULTS` breaks a promise. */
export interface Counts {
  ticksLogged: number;
  ticksRejected: number;
  ticksArrived: number;
  /** Missing, and the client was told at that point. */
  ticksSignalled: number;
  /** Missing, and nobody was told. */
  ticksLost: number;
  ticksDoubled: number;
  ticksReordered: number;
  /** Came although `send` had said that they would not. */
  ticksUnsent: number;
  /** Sends that neither resolved nor rejected. */
  sendsPending: number;
  gaps: number;
  /** Those in whose place nothing is missing: the client fetches again what it has. */
  gapsForNothing: number;

  messagesSent: number;
  messagesHandled: number;
  /** Named in a gap as "may be handled or not". */
  messagesUnconfirmed: number;
  messagesRefused: number;
  /** Acknowledged, and never handled to the end. */
  messagesLost: number;
  /** Neither acknowledged nor handled in the end. */
  messagesStuck: number;
  messagesReordered: number;
  /** Handled again by the very process that had handled them. */
  messagesDoubled: number;
  /** Handled again by another process: fine if the first one died or froze, or Redis lost that it was handled. */
  messagesHandledAgain: number;

  echoesArrived: number;
  echoesSignalled: number;
  echoesLost: number;
  echoesDoubled: number;
  echoesReordered: number;
  /** To messages that were never handled. */
  echoesUnsent: number;

  clientsStopped: number;
}

export const FAULTS = [
  "ticksLost",
  "ticksDoubled",
  "ticksReordered",
  "ticksUnsent",
  "sendsPending",
  "messagesLost",
  "messagesStuck",
  "messagesReordered",
  "messagesDoubled",
  "echoesLost",
  "echoesDoubled",
  "echoesReordered",
  "echoesUnsent",
  "clientsStopped",
] as const satisfies (keyof Counts)[];

export interface Verdict {
  counts: Counts;
  /** How many sends were rejected with which code. */
  rejections: Map<string, number>;
  /** The first faults in words, to look for in the logs. */
  examples: string[];
}

/** Holds what clients saw against what was sent and handled. */
export function judge({ journals, sends, runs }: Evidence): Verdict {
  const counts = noCounts();
  const examples: string[] = [];
  const count = (what: keyof Counts, client: number, n: number, detail = "") => {
    counts[what]++;
    if (FAULTS.some((fault) => fault === what) && examples.length < EXAMPLES_MAX)
      examples.push(`client ${client}, ${n}: ${what}${detail}`);
  };

  const sendsOf = Map.groupBy(sends, ({ client }) => client);
  const runsOf = Map.groupBy(runs, ({ client }) => client);
  for (const journal of journals) {
    const gaps = new Set([
      ...judgeTicks(journal, sendsOf.get(journal.client) ?? [], count),
      ...judgeMessages(journal, runsOf.get(journal.client) ?? [], count),
    ]);
    for (const event of journal.seen)
      if (event.kind === "gap" && event.unconfirmed.length === 0 && !gaps.has(event))
        count("gapsForNothing", journal.client, 0);
  }
  const rejected = sends.map(({ outcome }) => outcome).filter((outcome) => !["logged", "pending"].includes(outcome));
  const rejections = new Map([...Map.groupBy(rejected, (code) => code)].map(([code, all]) => [code, all.length]));
  return { counts, rejections, examples };
}

type Count = (what: keyof Counts, client: number, n: number, detail?: string) => void;

function judgeTicks({ client, seen }: ClientJournal, sends: Send[], count: Count): Set<Seen> {
  const expected = new Map<number, Expected>();
  const opened = seen.filter((event) => event.kind === "open");
  for (const { n, session, startedAt, outcome } of sends) {
    if (outcome === "logged") count("ticksLogged", client, n);
    else if (outcome === "pending") count("sendsPending", client, n);
    else count("ticksRejected", client, n);
    const hadLeft = opened.findLast(({ at }) => at < startedAt)?.id !== session;
    const mayArrive = outcome === "logged" || UNKNOWN_OUTCOMES.includes(outcome);
    expected.set(n, { due: !mayArrive ? "must not" : outcome === "logged" && !hadLeft ? "must" : "may", startedAt });
  }
  for (const event of seen) {
    if (event.kind === "gap") count("gaps", client, event.unconfirmed.length);
    if (event.kind === "closed") count("clientsStopped", client, event.code);
  }
  return judgeStream(seen, "tick", expected, (finding, n, detail) => count(`ticks${finding}`, client, n, detail));
}

function judgeMessages(
  { client, seen, sent, refused, acknowledged }: ClientJournal,
  runs: Run[],
  count: Count,
): Set<Seen> {
  const unconfirmed = new Set(seen.flatMap((event) => (event.kind === "gap" ? event.unconfirmed : [])));
  const handled = new Map<number, Run[]>();
  let last = 0;
  for (const run of runs.toSorted((a, b) => a.at - b.at)) {
    const before = handled.get(run.n);
    if (before) {
      const here = before.some(({ server }) => server === run.server);
      const runsSoFar = [...before, run].map(
        ({ server, at, finished }) => `${server} at ${at}${finished ? "" : ", unfinished"}`,
      );
      count(here ? "messagesDoubled" : "messagesHandledAgain", client, run.n, `: ${runsSoFar.join("; ")}`);
      before.push(run);
      continue;
    }
    if (run.n < last) count("messagesReordered", client, run.n, `: handled after ${last}, by ${run.server}`);
    last = Math.max(last, run.n);
    handled.set(run.n, [run]);
  }

  const expected = new Map<number, Expected>();
  for (let n = 1; n <= sent; n++) {
    count("messagesSent", client, n);
    const ofThis = handled.get(n);
    const finished = ofThis?.some((run) => run.finished) ?? false;
    if (finished) count("messagesHandled", client, n);
    else if (!unconfirmed.has(n)) count(acknowledged ? "messagesLost" : "messagesStuck", client, n);
    if (unconfirmed.has(n)) count("messagesUnconfirmed", client, n);
    if (ofThis?.[0]) {
      const due = finished && acknowledged && !unconfirmed.has(n) ? "must" : "may";
      expected.set(n, { due, startedAt: ofThis[0].at });
    }
  }
  for (let n = 1; n <= refused; n++) count("messagesRefused", client, n);
  return judgeStream(seen, "echo", expected, (finding, n, detail) => count(`echoes${finding}`, client, n, detail));
}

interface Expected {
  due: "must" | "may" | "must not";
  /** Before this it cannot have been lost: a gap that the client saw earlier does not excuse it. */
  startedAt: number;
}

type Finding = "Arrived" | "Lost" | "Doubled" | "Reordered" | "Unsent" | "Signalled";

/**
 * One numbered stream among what a client saw: each number once, rising, and a gap wherever some are missing. Gives the
 * gaps in whose place some are.
 */
function judgeStream(
  seen: Seen[],
  kind: "tick" | "echo",
  expected: Map<number, Expected>,
  found: (finding: Finding, n: number, detail?: string) => void,
): Set<Seen> {
  const arrived = new Map<number, number>();
  const gaps: { place: number; event: Seen }[] = [];
  const called = new Set<Seen>();
  let last = 0;
  for (const [place, event] of seen.entries()) {
    if (event.kind === "gap") gaps.push({ place, event });
    if (event.kind !== kind) continue;
    const { n, at } = event;
    if (arrived.has(n)) {
      found("Doubled", n, ` at ${at}`);
      continue;
    }
    if (n < last) found("Reordered", n, `: came after ${last}, at ${at}`);
    last = Math.max(last, n);
    arrived.set(n, place);
    found("Arrived", n);
    if ((expected.get(n)?.due ?? "must not") === "must not") found("Unsent", n, ` at ${at}`);
  }

  const numbers = [...arrived.keys()].sort((a, b) => a - b);
  let next = 0;
  for (const [n, { due, startedAt }] of [...expected].sort(([a], [b]) => a - b)) {
    if (due === "must not" || arrived.has(n)) continue;
    while ((numbers[next] ?? Number.POSITIVE_INFINITY) < n) next++;
    const after = arrived.get(numbers[next - 1] ?? 0) ?? -1;
    const before = arrived.get(numbers[next] ?? 0) ?? seen.length;
    const here = gaps.filter(({ place, event }) => place > after && place < before && event.at > startedAt);
    for (const { event } of here) called.add(event);
    const between = `: between ${numbers[next - 1] ?? "start"} and ${numbers[next] ?? "end"}`;
    if (due === "must") found(here.length > 0 ? "Signalled" : "Lost", n, between);
  }
  return called;
}

function noCounts(): Counts {
  return {
    ticksLogged: 0,
    ticksRejected: 0,
    ticksArrived: 0,
    ticksSignalled: 0,
    ticksLost: 0,
    ticksDoubled: 0,
    ticksReordered: 0,
    ticksUnsent: 0,
    sendsPending: 0,
    gaps: 0,
    gapsForNothing: 0,
    messagesSent: 0,
    messagesHandled: 0,
    messagesUnconfirmed: 0,
    messagesRefused: 0,
    messagesLost: 0,
    messagesStuck: 0,
    messagesReordered: 0,
    messagesDoubled: 0,
    messagesHandledAgain: 0,
    echoesArrived: 0,
    echoesSignalled: 0,
    echoesLost: 0,
    echoesDoubled: 0,
    echoesReordered: 0,
    echoesUnsent: 0,
    clientsStopped: 0,
  };
}
