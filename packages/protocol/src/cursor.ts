/** How far a client has read its session's log. Offsets count messages from 1 and mean something only within their epoch. */
export interface Cursor {
  /** Names one unbroken numbering; a log that may have lost messages gets a new one. */
  epoch: string;
  /** The last message read, 0 before the first. */
  offset: number;
}

export type Step =
  /** The first `skip` messages of the batch have been seen; the rest are next. */
  | { kind: "next"; skip: number; offset: number }
  /** All of it has been seen. */
  | { kind: "seen" }
  /** Messages between are missing: taking this batch would skip them. */
  | { kind: "hole" };

/** What a batch of `count` numbered messages, the first of them `first`, is to somebody who has read up to `offset`. */
export function step(offset: number, first: number, count: number): Step {
  if (first > offset + 1) return { kind: "hole" };
  const last = first + count - 1;
  if (last <= offset) return { kind: "seen" };
  return { kind: "next", skip: offset + 1 - first, offset: last };
}
