import type { Entry, StoreEvents } from "./store.ts";

/** As in record.lua. */
const ENTRY = 1;
const OWN_ENTRY = 2;
const ROOM_ENTRY = 3;
const FENCED = 4;
const RELEASED = 5;
const ENDED = 6;
const LANE = 7;
const JOINED = 8;
const LEFT = 9;

/** What an entry says that the caller of the script appended itself: it has the messages. */
export type OwnMessages = (operation: number) => string;

/**
 * Tells the events what stands in `bytes` from `at` on: sections of u8 kind, u8 length of the session's id, u32 length
 * of the body, id, body, all big-endian. Every text is copied out, so that none keeps the whole publish in memory.
 */
export function readNotices(bytes: Buffer, at: number, events: StoreEvents, own?: OwnMessages): void {
  let next = at;
  while (next < bytes.length) {
    const kind = bytes[next] ?? 0;
    const idStart = next + 6;
    const start = idStart + (bytes[next + 1] ?? 0);
    const end = start + bytes.readUInt32BE(next + 2);
    const id = bytes.toString("latin1", idStart, start);
    switch (kind) {
      case ENTRY:
        events.entry(id, readEntry(bytes, start, end));
        break;
      case OWN_ENTRY: {
        const [first, count] = [bytes.readDoubleBE(start), bytes.readUInt32BE(start + 8)];
        events.entry(id, { first, count, json: own?.(bytes.readUInt32BE(start + 12)) ?? "" });
        break;
      }
      case ROOM_ENTRY:
        readRoomEntry(bytes, start, end, events);
        break;
      case FENCED:
        events.fenced(id, bytes.readDoubleBE(start), serverOf(bytes.toString("utf8", start + 8, end)));
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

/** An entry as a log has it: f64 first, u32 count, the messages as JSON with commas between. */
export function readEntry(bytes: Buffer, start = 0, end = bytes.length): Entry {
  return {
    first: bytes.readDoubleBE(start),
    count: bytes.readUInt32BE(start + 8),
    json: bytes.toString("utf8", start + 12, end),
  };
}

/** u32 number of members, for each u8 length of id, f64 first, id; then u32 count and JSON, the same for all. */
function readRoomEntry(bytes: Buffer, start: number, end: number, events: StoreEvents): void {
  const members: { id: string; first: number }[] = [];
  let next = start + 4;
  for (let left = bytes.readUInt32BE(start); left > 0; left--) {
    const idStart = next + 9;
    const idEnd = idStart + (bytes[next] ?? 0);
    members.push({ id: bytes.toString("latin1", idStart, idEnd), first: bytes.readDoubleBE(next + 1) });
    next = idEnd;
  }
  const count = bytes.readUInt32BE(next);
  const json = bytes.toString("utf8", next + 4, end);
  for (const { id, first } of members) events.entry(id, { first, count, json });
}

/** A server's instance is its name, "~" and something random: a name may come twice, after a restart say. */
export function serverOf(instance: string): string {
  return instance.slice(0, instance.lastIndexOf("~"));
}
