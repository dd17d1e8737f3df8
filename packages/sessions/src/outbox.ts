import { type Cursor, encodeMessages, step } from "@holdfast/protocol";
import type { Entry, Reading } from "./store.ts";

export interface OutboxLimits {
  windowMessages: number;
  windowBytes: number;
}

/** A frame of several entries has at most so many characters of JSON: what follows is written if the client keeps up. */
const FRAME_CHARS_MAX = 64 * 1024;

/** Entries that wait for a hole before them to be filled. Beyond, the log is read again anyway. */
const AHEAD_MAX = 256;

/**
 * The owner's end of one session's log: what is to be written to the socket, in order and each once, and what has been
 * written and not been acknowledged, for a store that forgets. No I/O.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  #epoch: string;
  /** The last message here without a hole. */
  #last: number;
  #acked: number;
  /** From `acked + 1`, or a little before, to `last`; the first `#written` entries have been taken. */
  #entries: Entry[] = [];
  #written = 0;
  #bytes = 0;
  #ahead: Entry[] | undefined;

  constructor(cursor: Cursor, limits: OutboxLimits) {
    this.#limits = limits;
    this.#epoch = cursor.epoch;
    this.#last = cursor.offset;
    this.#acked = cursor.offset;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get last(): number {
    return this.#last;
  }

  get acked(): number {
    return this.#acked;
  }

  /** What the client has not acknowledged. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Messages before some that are here are missing: the log has them. */
  get hasHole(): boolean {
    return this.#ahead !== undefined;
  }

  get hasUnwritten(): boolean {
    return this.#written < this.#entries.length;
  }

  /** Takes what came, in whatever order: what follows is kept to be written, what has been here is not taken twice. */
  receive(entry: Entry): void {
    const { kind } = step(this.#last, entry.first, entry.count);
    if (kind === "seen") return;
    if (kind === "hole") {
      this.#ahead ??= [];
      if (this.#ahead.length < AHEAD_MAX) this.#ahead.push(entry);
      return;
    }
    this.#push(entry);
    if (this.#ahead) this.#takeAhead();
  }

  /**
   * Goes on from a reading of the log. When messages between are gone from it, or it is another log, what is unwritten
   * here is void; gives the cursor to tell the client, as a gap.
   */
  apply(reading: Reading): Cursor | undefined {
    const isGap = reading.epoch !== this.#epoch || reading.offset > this.#last;
    if (isGap) {
      this.#epoch = reading.epoch;
      this.#last = reading.offset;
      this.#acked = reading.offset;
      this.#entries = [];
      this.#written = 0;
      this.#bytes = 0;
    }
    const ahead = this.#ahead;
    this.#ahead = undefined;
    for (const entry of reading.entries) this.receive(entry);
    // It may have come after the reading was made. Of another log, its numbers mean nothing: that one is read again.
    if (ahead && isGap) this.#ahead = [];
    else if (ahead) for (const entry of ahead) this.receive(entry);
    return isGap ? { epoch: reading.epoch, offset: reading.offset } : undefined;
  }

  dropAhead(): void {
    this.#ahead = undefined;
  }

  /** What is to be written, in characters of JSON. */
  get unwrittenChars(): number {
    let chars = 0;
    for (let i = this.#written; i < this.#entries.length; i++) chars += this.#entries[i]?.json.length ?? 0;
    return chars;
  }

  /** A frame with what is to be written next, of which there must be some. `handled` rides along as the acknowledgement. */
  take(handled: number): string {
    const entries = this.#entries;
    const from = entries[this.#written] as Entry;
    let { json } = from;
    let to = this.#written + 1;
    for (; to < entries.length; to++) {
      const next = entries[to] as Entry;
      if (json.length + next.json.length > FRAME_CHARS_MAX) break;
      json += `,${next.json}`;
    }
    this.#written = to;
    return encodeMessages(from.first, handled, json);
  }

  /** The client has read up to `offset`. False if nobody can have read that far. */
  ack(offset: number): boolean {
    if (offset > this.#last) return false;
    if (offset <= this.#acked) return true;
    this.#acked = offset;
    let gone = 0;
    for (const entry of this.#entries) {
      if (lastOf(entry) > offset) break;
      this.#bytes -= entry.json.length;
      gone++;
    }
    this.#drop(gone);
    return true;
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#last = lastOf(entry);
    this.#bytes += entry.json.length;
    const { windowMessages, windowBytes } = this.#limits;
    let gone = 0;
    // As the log does: what has been written and not acknowledged is kept within the window only.
    for (; gone < this.#written; gone++) {
      const oldest = this.#entries[gone];
      if (!oldest || (this.#last - oldest.first < windowMessages && this.#bytes <= windowBytes)) break;
      this.#bytes -= oldest.json.length;
    }
    if (gone > 0) this.#drop(gone);
  }

  #drop(count: number): void {
    this.#entries.splice(0, count);
    this.#written = Math.max(0, this.#written - count);
  }

  #takeAhead(): void {
    const ahead = this.#ahead?.sort((a, b) => a.first - b.first) ?? [];
    this.#ahead = undefined;
    for (const entry of ahead) this.receive(entry);
  }
}

function lastOf(entry: Entry): number {
  return entry.first + entry.count - 1;
}
