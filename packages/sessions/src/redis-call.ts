import type { Reply } from "./redis-link.ts";
import { SessionError } from "./session-error.ts";

export interface CallOptions {
  /** How long the caller waits, ms. */
  waitMs: number;
  /** Done twice it is the same as once: when the line breaks, it is sent again. */
  isRepeatable: boolean;
  /** Waits for an owner to restore its session after a restart of Redis, and holds up later calls about that session. */
  isOrdered: boolean;
  /** Is done even when nobody waits any more. Must be repeatable. */
  isOwed: boolean;
}

/** What a reply means to one caller: `shift` is what to add when it is about several, `run` is of the Redis that gave it. */
export type Read = (reply: Reply, shift: number, run: string, key: string) => unknown;

/** A call of the store: waiting, under way, or answered. */
export class Call {
  /** The operation's name in the scripts. */
  readonly name: string;
  /** The session or room that it is about. */
  readonly key: string;
  readonly args: readonly (string | Buffer)[];
  /** What it appends: messages as JSON with commas between. */
  readonly json: string;
  /** Characters, as a measure of what it takes to send it. */
  readonly size: number;
  /** When its caller stops waiting, as `performance.now()`. */
  readonly until: number;
  readonly isRepeatable: boolean;
  readonly isOrdered: boolean;
  readonly isOwed: boolean;
  readonly #read: Read;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #isAnswered = false;

  constructor(
    name: string,
    key: string,
    args: readonly (string | Buffer)[],
    json: string,
    options: CallOptions,
    read: Read,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.name = name;
    this.key = key;
    this.args = args;
    this.json = json;
    let size = json.length;
    for (const arg of args) size += arg.length;
    this.size = size;
    this.until = performance.now() + options.waitMs;
    this.isRepeatable = options.isRepeatable;
    this.isOrdered = options.isOrdered;
    this.isOwed = options.isOwed;
    this.#read = read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Nobody waits for it, and it need not be done. */
  get isOver(): boolean {
    return this.#isAnswered && !this.isOwed;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  answer(reply: Reply, shift: number, run: string): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    try {
      this.#resolve(this.#read(reply, shift, run, this.key));
    } catch (error) {
      this.#reject(error);
    }
  }

  /** It has not happened. */
  refuse(code: "unavailable" | "overloaded", why: string): void {
    this.#fail(code, why);
  }

  /** It may have happened, or happen yet. */
  leaveUnknown(why: string): void {
    this.#fail("outcome_unknown", why);
  }

  #fail(code: "unavailable" | "overloaded" | "outcome_unknown", why: string): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#reject(new SessionError(code, why));
  }
}
