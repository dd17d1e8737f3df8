import { step } from "@holdfast/protocol";
import type { Reply } from "./store.ts";

export interface InboxEvents {
  /** Handles one message; called again only when it has resolved. A rejection counts as handled. */
  handle(seq: number, message: unknown, replies: Reply[]): Promise<void> | void;
  /** Puts on record that all up to `seq` is handled. May be called again with the same after a rejection. */
  commit(seq: number, replies: Reply[]): Promise<void>;
  /** All up to `seq` is handled and on record. */
  committed(seq: number): void;
  /** Something is to be committed. */
  due(): void;
  /** `handle` threw or rejected. False if the message is not to count as handled: it is left to another server. */
  failed(error: unknown): boolean;
  /** `commit` rejected: call `flush` again in a while, or `giveUp`. */
  uncommitted(error: unknown): void;
}

/** Messages that are handled and not on record: so many, at most, run again when the server dies. */
const UNCOMMITTED_MAX = 32;

/**
 * The server's end of one session's messages from its client: handled one at a time, in order, each once; acknowledged
 * when that is on record. No I/O but `commit`.
 */
export class Inbox {
  readonly #events: InboxEvents;
  /** On record as handled. */
  #committed: number;
  /** Handled; replies of those after `#committed` wait to be put on record. */
  #handled: number;
  /** The last message taken from the client. */
  #taken: number;
  #queue: { seq: number; message: unknown }[] | undefined;
  /** How much of the queue is behind us: taking each off the front would move all the rest each time. */
  #begun = 0;
  #replies: Reply[] | undefined;
  #isRunning = false;
  #isCommitting = false;
  #isHeld = false;
  #isStopped = false;
  #isGivenUp = false;
  #onIdle: (() => void)[] | undefined;

  constructor(handled: number, events: InboxEvents) {
    this.#events = events;
    this.#committed = handled;
    this.#handled = handled;
    this.#taken = handled;
  }

  get committed(): number {
    return this.#committed;
  }

  get handled(): number {
    return this.#handled;
  }

  /** Messages taken and not begun. */
  get waiting(): number {
    return (this.#queue?.length ?? 0) - this.#begun;
  }

  /** Nothing is being handled, and what was handled is on record, or never will be. */
  get isIdle(): boolean {
    return !this.#isRunning && !this.#isCommitting && (this.#isGivenUp || this.#handled === this.#committed);
  }

  /** Takes a batch numbered from `first`. False when messages between are missing. */
  receive(first: number, messages: readonly unknown[]): boolean {
    const next = step(this.#taken, first, messages.length);
    if (next.kind === "hole") return false;
    if (next.kind === "seen") return true;
    this.#queue ??= [];
    for (let i = next.skip; i < messages.length; i++) this.#queue.push({ seq: first + i, message: messages[i] });
    this.#taken = next.offset;
    this.#run();
    return true;
  }

  /** After a store lost its record of what was handled: the client knows better, and goes on from `first`. */
  skipTo(first: number): void {
    if (this.waiting > 0 || this.#isRunning || first <= this.#taken + 1) return;
    this.#taken = first - 1;
    this.#handled = first - 1;
    this.#committed = first - 1;
  }

  /** Begins no message while held: the store is out of reach, or another server may be in the middle of one. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) return;
    this.#run();
    if (this.#handled > this.#committed) this.#events.due();
  }

  /** Somebody has put on record that all up to `seq` is handled. */
  learn(seq: number): void {
    if (seq <= this.#committed) return;
    this.#committed = seq;
    this.#replies = this.#replies?.filter((reply) => reply.seq > seq);
    if (seq > this.#handled) this.#handled = seq;
    if (seq > this.#taken) this.#taken = seq;
    while ((this.#queue?.[this.#begun]?.seq ?? seq + 1) <= seq) this.#begun++;
    this.#events.committed(seq);
    this.#run();
  }

  /** Begins no further message, ever. */
  stop(): void {
    this.#isStopped = true;
    this.#queue = undefined;
    this.#begun = 0;
    this.#settleIdle();
  }

  /** What is not on record by now never will be. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#settleIdle();
  }

  /** Resolves when `isIdle`. */
  async idle(): Promise<void> {
    if (this.isIdle) return;
    await new Promise<void>((resolve) => {
      this.#onIdle ??= [];
      this.#onIdle.push(resolve);
    });
  }

  /** Puts on record what has been handled since; one call at a time, so that none overtakes another. */
  flush(): void {
    if (this.#isCommitting || this.#isGivenUp || this.#handled === this.#committed) return;
    this.#isCommitting = true;
    const seq = this.#handled;
    const replies = this.#replies ?? [];
    this.#events
      .commit(seq, replies)
      .then(
        () => this.learn(seq),
        (error) => {
          if (!this.#isGivenUp) this.#events.uncommitted(error);
        },
      )
      .finally(() => {
        this.#isCommitting = false;
        if (this.#handled > seq) this.#events.due();
        this.#settleIdle();
      });
  }

  #run(): void {
    while (!this.#isRunning && !this.#isHeld && !this.#isStopped && this.#handled - this.#committed < UNCOMMITTED_MAX) {
      const next = this.#queue?.[this.#begun];
      if (!next) {
        this.#queue = undefined;
        this.#begun = 0;
        return;
      }
      this.#begun++;
      this.#isRunning = true;
      const replies: Reply[] = [];
      const outcome = this.#handle(next.seq, next.message, replies);
      if (typeof outcome === "boolean") this.#finish(next.seq, replies, outcome);
      else
        outcome.then((isHandled) => {
          this.#finish(next.seq, replies, isHandled);
          this.#run();
        });
    }
  }

  /** Gives whether the message counts as handled, as soon as that is known. */
  #handle(seq: number, message: unknown, replies: Reply[]): Promise<boolean> | boolean {
    try {
      const handling = this.#events.handle(seq, message, replies);
      return handling === undefined
        ? true
        : handling.then(
            () => true,
            (error) => this.#events.failed(error),
          );
    } catch (error) {
      return this.#events.failed(error);
    }
  }

  #finish(seq: number, replies: Reply[], isHandled: boolean): void {
    this.#isRunning = false;
    if (!isHandled) {
      this.stop();
      return;
    }
    this.#handled = Math.max(this.#handled, seq);
    const late = replies.filter((reply) => reply.seq > this.#committed);
    if (late.length > 0) this.#replies = [...(this.#replies ?? []), ...late];
    if (this.#handled > this.#committed) this.#events.due();
    this.#settleIdle();
  }

  #settleIdle(): void {
    if (!this.isIdle || !this.#onIdle) return;
    for (const resolve of this.#onIdle) resolve();
    this.#onIdle = undefined;
  }
}
