import { Call, type CallOptions } from "./redis-call.ts";
import type { Reply } from "./redis-link.ts";
import type { Operation } from "./redis-queue.ts";

export interface RetainedBounds {
  /** How long a server remembers what it has appended, ms. */
  retainedMs: number;
  /** Characters of messages that it remembers, however recent. */
  retainedSizeMax: number;
}

/** What was appended to one session by one operation. */
interface Appended {
  id: string;
  run: string;
  first: number;
  count: number;
  json: string;
  at: number;
}

/** For the bound: what an `Appended` takes beside its messages. */
const APPENDED_SIZE = 64;

const MEMBER_HEAD_BYTES = 9;

/**
 * What this server has appended of late. A Redis that dies in between may have written a message and not published it,
 * and come back without it: then nobody but its sender has it, who was told that it is in the log. So after a restart
 * senders offer what they remember, and what no owner had seen is appended anew.
 */
export class RedisRetained {
  readonly #bounds: RetainedBounds;
  #appended: Appended[] = [];
  /** Before this index all is forgotten; taking each off the front would move all the rest each time. */
  #start = 0;
  #size = 0;
  /** By question: what may have to be appended anew, until Redis has said. */
  readonly #offers = new WeakMap<Call, Appended[]>();

  constructor(bounds: RetainedBounds) {
    this.#bounds = bounds;
  }

  keep(operation: Operation, result: Reply, run: string): void {
    const { name, key, calls, json } = operation;
    const at = performance.now();
    if (name === "append") {
      const last = Number(result);
      if (last > 0) this.#push({ id: key, run, first: last - calls.length + 1, count: calls.length, json, at });
    } else if (name === "commit") {
      if (!Array.isArray(result)) return;
      const [first, count] = result as [number, number];
      const args = calls[0]?.args ?? [];
      // Its arguments are id, seq, how many, then seq and JSON of each; those that had been committed before come first.
      const fresh = args
        .slice(3)
        .filter((_, index) => index % 2 === 1)
        .slice(-count);
      this.#push({ id: key, run, first, count, json: fresh.join(","), at });
    } else if (name === "publish") {
      const [, members] = result as [number, Buffer];
      for (let next = 0; next < members.length; ) {
        const start = next + MEMBER_HEAD_BYTES;
        const end = start + (members[next + 8] ?? 0);
        const id = members.toString("latin1", start, end);
        this.#push({ id, run, first: members.readDoubleBE(next), count: calls.length, json, at });
        next = end;
      }
    } else if (name === "resubmit") {
      const first = Number(result);
      const count = Number(calls[0]?.args[3]);
      if (first > 0) this.#push({ id: key, run, first, count, json, at });
    }
  }

  /**
   * What to ask this run before anything else is sent to these sessions: how far they had been seen in the run before.
   * Of what was appended then, only what the answers leave open is remembered for another run.
   */
  questions(run: string, waitMs: number): Call[] {
    const from = performance.now() - this.#bounds.retainedMs;
    const remembered = this.#appended.slice(this.#start);
    this.#appended = remembered.filter((appended) => appended.run === run);
    this.#start = 0;
    this.#size = this.#appended.reduce((sum, appended) => sum + sizeOf(appended), 0);
    const asked = new Map<string, Appended[]>();
    for (const appended of remembered) {
      if (appended.run === run || appended.at < from) continue;
      const about = `${appended.run} ${appended.id}`;
      const offers = asked.get(about);
      if (offers) offers.push(appended);
      else asked.set(about, [appended]);
    }
    return [...asked.values()].map((offers) => {
      const { id, run: of, first } = offers[0] as Appended;
      const args = [id, of, String(first)];
      const again = () => this.#pushAll(offers);
      const question = new Call("missed", id, args, "", optionsOf(waitMs), nothing, nothing, again);
      this.#offers.set(question, offers);
      return question;
    });
  }

  /** What to append anew, in order, after the answer to a question; nothing if it was none. */
  offers({ calls }: Operation, lastSeen: Reply, waitMs: number): Call[] {
    const offers = calls[0] && this.#offers.get(calls[0]);
    if (!offers || typeof lastSeen !== "number") return [];
    if (lastSeen < 0) {
      // Its client hears of a gap, or the session is unknown: unless this run is lost as well, or its owner comes back too late
      // for it and in time for the next.
      this.#pushAll(offers);
      return [];
    }
    return offers
      .filter(({ first }) => first > lastSeen)
      .map((offer) => {
        const { id, run, first, count, json } = offer;
        const args = [id, run, String(first), String(count), json];
        const again = () => this.#push(offer);
        return new Call("resubmit", id, args, json, optionsOf(waitMs), nothing, nothing, again);
      });
  }

  #pushAll(appended: Appended[]): void {
    for (const each of appended) this.#push(each);
  }

  #push(appended: Appended): void {
    const { retainedMs, retainedSizeMax } = this.#bounds;
    this.#appended.push(appended);
    this.#size += sizeOf(appended);
    let oldest = this.#appended[this.#start];
    while (oldest && (this.#size > retainedSizeMax || appended.at - oldest.at > retainedMs)) {
      this.#size -= sizeOf(oldest);
      oldest = this.#appended[++this.#start];
    }
    if (this.#start > 1000 && this.#start > this.#appended.length / 2) {
      this.#appended = this.#appended.slice(this.#start);
      this.#start = 0;
    }
  }
}

function sizeOf({ json }: Appended): number {
  return json.length + APPENDED_SIZE;
}

function optionsOf(waitMs: number): CallOptions {
  return { waitMs, isRepeatable: true, isOrdered: true, isOwed: false };
}

function nothing(): void {}
