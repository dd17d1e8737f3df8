import type { Reply } from "./redis-link.ts";
import { readEntry } from "./redis-notice.ts";
import { SessionError } from "./session-error.ts";
import type { Attached, Checked, Reading, Refused, SessionInfo } from "./store.ts";

/** Results that are no result: as in record.lua. */
export const UNKNOWN = -1;
export const UNVERIFIED = -2;
export const TOO_MANY = -3;

export function nothing(): void {}

export function offsetOf(reply: Reply, shift: number, _: string, id: string): number {
  if (reply === UNKNOWN) throw new SessionError("session_unknown", `no session ${id}`);
  return Number(reply) + shift;
}

export function membersOf(reply: Reply): number {
  return Number((reply as Reply[])[0]);
}

export function isOne(reply: Reply): boolean {
  return reply === 1;
}

export function attachedOf(reply: Reply, _: number, run: string): Attached | Refused {
  if (reply === UNKNOWN) return { kind: "unknown" };
  if (!Array.isArray(reply)) return { kind: String(reply) as "forbidden" | "stale" };
  const [, , , , clientId, rooms, previousOwner] = reply;
  return {
    ...{ kind: "attached", ...readingOf(reply, run), clientId: String(clientId), rooms: texts(rooms) },
    previousOwner: Number(previousOwner) > 0,
  };
}

export function checkedOf(reply: Reply, _: number, run: string): Checked {
  if (Array.isArray(reply)) return { kind: "current", ...readingOf(reply, run) };
  return { kind: String(reply) as "fenced" | "ended" | "lost" };
}

/** {epoch, offset, entries, handled, …} */
function readingOf(reply: Reply[], run: string): Reading {
  const [epoch, offset, entries, handled] = reply;
  const reading: Reading = {
    epoch: String(epoch),
    offset: Number(offset),
    entries: (entries as Buffer[]).map((entry) => readEntry(entry)),
    handled: Number(handled),
    run,
  };
  // A log with a hole in it, after a script that Redis did not carry through: what is before is missing as well.
  let last = reading.offset;
  const all = reading.entries;
  all.forEach(({ first, count }, index) => {
    if (first > last + 1) {
      reading.offset = first - 1;
      reading.entries = all.slice(index);
    }
    last = first + count - 1;
  });
  return reading;
}

export function infos(rows: Reply): SessionInfo[] {
  const flat = texts(rows);
  const found: SessionInfo[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const [id = "", clientId = "", owner = ""] = flat.slice(i, i + 3);
    found.push({ id, clientId, server: owner === "" ? undefined : owner });
  }
  return found;
}

export function texts(reply: Reply | undefined): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}
