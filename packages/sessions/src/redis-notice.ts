import type { Entry, StoreEvents } from "./store.ts";

/** As in record.lua. */
const OWN_ENTRY = 1;
const ROOM_ENTRY = 2;
const FENCED = 3;
const RELEASED = 4;
const ENDED = 5;
const LANE = 6;
const JOINED = 7;
const LEFT = 8;

const ID_BYTES = 24;
/** An entry without its JSON. */
export const ENTRY_HEAD_BYTES = 16;

/** What an entry says that the caller of the script appended itself: it has the messages. */
export type OwnMessages = (operation: number) => string;

/**
 * Tells the events what stands in `bytes` from `at` on: entries, each after the id of its session, and sections of u8
 * kind, u8 length of the id, u32 length of the body, id, body. An id begins with a hex digit, so with no kind. Every
 * text is copied out, so that none keeps the whole publish in memory.
 */
export function readNotices(bytes: Buffer, at: number, events: StoreEvents, own?: OwnMessages): void {
  let next = at;
  while (next < bytes.length) {
    const kind = bytes[next] ?? 0;
    if (kind > LEFT) {
      const entryAt = next + ID_BYTES;
      next = entryAt + ENTRY_HEAD_BYTES + bytes.readUInt32BE(entryAt + 12);
      events.entry(bytes.toString("latin1", entryAt - ID_BYTES, entryAt), readEntry(bytes, entryAt));
      continue;
    }
    const idStart = next + 6;
    const start = idStart + (bytes[next + 1] ?? 0);
    const end = start + bytes.readUInt32BE(next + 2);
    const id = bytes.toString("latin1", idStart, start);
    switch (kind) {
      case OWN_ENTRY: {
        const [first, count] = [bytes.readDoubleBE(start), bytes.readUInt32BE(start + 8)];
        events.entry(id, { first, count, json: own?.(bytes.readUInt32BE(start + 12)) ?? "" });
        break;
      }
      case ROOM_ENTRY:
        readRoomEntry(bytes, start, end, events);
        break;
      case FENCED:
        events.fenced(id, bytes.readDoubleBE(start), bytes.toString("utf8", start + 8, end));
        break;
      case RELEASED:
        events.released(id, bytes.readDoubleBE(start));
        break;
      case ENDED:
        events.ended(id);
        break;
      case LANE: {
        const valueStart = start + 1 + (bytes[start] ?? 0);
        events.lane(id, bytes.toString("utf8", start + 1, valueStart), new Uint8Array(bytes.subarray(valueStart, end)));
        break;
      }
      case JOINED:
        events.room(id, bytes.toString("utf8", start, end), true);
        break;
      case LEFT:
        events.room(id, bytes.toString("utf8", start, end), false);
        break;
    }
    next = end;
  }
}

/** An entry as a log has it: f64 first, u32 count, u32 bytes of JSON, the messages as JSON with commas between. */
export function readEntry(bytes: Buffer, at = 0): Entry {
  const start = at + ENTRY_HEAD_BYTES;
  return {
    first: bytes.readDoubleBE(at),
    count: bytes.readUInt32BE(at + 8),
    json: bytes.toString("utf8", start, start + bytes.readUInt32BE(at + 12)),
  };
}

export function entryBytes({ first, count, json }: Entry): Buffer {
  const length = Buffer.byteLength(json);
  const bytes = Buffer.allocUnsafe(ENTRY_HEAD_BYTES + length);
  bytes.writeDoubleBE(first, 0);
  bytes.writeUInt32BE(count, 8);
  bytes.writeUInt32BE(length, 12);
  bytes.write(json, ENTRY_HEAD_BYTES);
  return bytes;
}

/** u32 number of members, for each f64 first, u8 length of id, id; then u32 count and JSON, the same for all. */
function readRoomEntry(bytes: Buffer, start: number, end: number, events: StoreEvents): void {
  const members: { id: string; first: number }[] = [];
  let next = start + 4;
  for (let left = bytes.readUInt32BE(start); left > 0; left--) {
    const idStart = next + 9;
    const idEnd = idStart + (bytes[next + 8] ?? 0);
    members.push({ id: bytes.toString("latin1", idStart, idEnd), first: bytes.readDoubleBE(next) });
    next = idEnd;
  }
  const count = bytes.readUInt32BE(next);
  const json = bytes.toString("utf8", next + 4, end);
  for (const { id, first } of members) events.entry(id, { first, count, json });
}
