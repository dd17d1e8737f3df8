import { ClientError } from "./client-error.ts";

type Waiter = PromiseWithResolvers<void> & { seq: number };

/** The messages that the server has not yet acknowledged, numbered from 1 without holes. */
export class Outbox {
  /** The last message that the server has handled. */
  acknowledged = 0;
  /** JSON of the messages after that. */
  #messages: string[] = [];
  /** The last message written to the present line, */
  #written = 0;
  /** and to any line. */
  #tried = 0;
  /** In the order of their numbers, one a number. */
  #waiters: Waiter[] = [];
  readonly #frameCharsMax: number;

  /** A frame of several messages has at most so many bytes of them. */
  constructor(frameBytesMax: number) {
    // A character of a string is at most three bytes of UTF-8.
    this.#frameCharsMax = frameBytesMax / 3;
  }

  get size(): number {
    return this.#messages.length;
  }

  /** Returns the message's number. */
  add(json: string): number {
    return this.acknowledged + this.#messages.push(json);
  }

  /** The next frame's messages, if any are unwritten. */
  next(): { first: number; json: string } | undefined {
    const from = this.#written - this.acknowledged;
    let to = from;
    let chars = 0;
    for (; to < this.#messages.length; to++) {
      chars += this.#messages[to]!.length + 1;
      if (to > from && chars > this.#frameCharsMax) break;
    }
    if (to === from) return;
    this.#written = this.acknowledged + to;
    this.#tried = Math.max(this.#tried, this.#written);
    return { first: this.acknowledged + from + 1, json: this.#messages.slice(from, to).join() };
  }

  /** Throws for a number that was never sent. */
  acknowledge(seq: number): void {
    if (seq > this.#tried) throw new Error(`message ${seq} was acknowledged, and never sent`);
    if (seq <= this.acknowledged) return;
    this.#messages.splice(0, seq - this.acknowledged);
    this.acknowledged = seq;
    this.#written = Math.max(this.#written, seq);
    while (this.#waiters[0] && this.#waiters[0].seq <= seq) this.#waiters.shift()?.resolve();
  }

  /** On a new line, all that is not acknowledged is written again. */
  resume(seq: number): void {
    this.acknowledge(seq);
    this.#written = this.acknowledged;
  }

  /** In a new session, what was never written is numbered from `seq + 1` on. Returns what was, as nobody knows its fate. */
  restart(seq: number): string[] {
    const unconfirmed = this.#messages.splice(0, this.#tried - this.acknowledged);
    if (unconfirmed.length > 0) this.#giveUp(new ClientError("unconfirmed", "the session was lost on the way"));
    for (const waiter of this.#waiters) waiter.seq += seq - this.#tried;
    this.acknowledged = this.#written = this.#tried = seq;
    return unconfirmed;
  }

  /** Resolves when all messages so far are acknowledged. */
  whenAcknowledged(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    const seq = this.acknowledged + this.size;
    const last = this.#waiters.at(-1);
    if (last?.seq === seq) return last.promise;
    const waiter = { seq, ...Promise.withResolvers<void>() };
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  /** Empties it for good. Returns what was in it. */
  end(): string[] {
    this.#giveUp(new ClientError("closed", "the connection was closed before the acknowledgement"));
    return this.#messages.splice(0);
  }

  #giveUp(error: ClientError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
