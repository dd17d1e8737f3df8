import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "./child.ts";
import { type Bounds, Load } from "./load.ts";
import { type Subject, type SubjectName, startSubject } from "./subject.ts";

const ROOM = "all";

const [name, server] = process.argv.slice(2) as [SubjectName, string];
let subject: Subject;
let load: Load | undefined;
let joinsRoom = false;
const joining: Promise<unknown>[] = [];

const calls = {
  /** Resolves to the port. */
  async listen(redisUrl: string): Promise<number> {
    subject = await startSubject(name, {
      server,
      redisUrl,
      connected(id) {
        if (joinsRoom) joining.push(Promise.resolve(subject.join(id, ROOM)));
      },
    });
    return subject.listen();
  },

  /** From now on, whoever connects here is put in the room. */
  joinRoom(): void {
    joinsRoom = true;
  },

  /** Resolves when so many have joined. */
  async joined(count: number): Promise<void> {
    while (joining.length < count) await sleep(10);
    await Promise.all(joining);
  },

  /** Sends to each in turn, as fast as the bounds allow. */
  saturate(ids: string[], bounds: Bounds): void {
    load = Load.toEach(ids, subject);
    load.saturate(bounds);
  },

  /** Sends to each in turn. */
  pace(ids: string[], perSecond: number): void {
    load = Load.toEach(ids, subject);
    load.pace(perSecond);
  },

  /** Sends to the room, which has so many members on both servers, as fast as the bounds allow. */
  broadcast(members: number, bounds: Bounds): void {
    load = Load.toRoom(ROOM, members, subject);
    load.saturate(bounds);
  },

  /** A frame for each of these clients of this server, so often a second. */
  frames(ids: string[], perSecond: number): void {
    load = Load.ofFrames(ids, subject);
    load.paceFrames(perSecond);
  },

  /** How many deliveries the clients have counted. */
  delivered(count: number): void {
    load?.delivered(count);
  },

  /** Resolves to how many were sent, when all are accepted; rejects if any was not. */
  stop: async (): Promise<number> => (await load?.stop()) ?? 0,

  /** Resident memory without garbage. */
  async residentBytes(): Promise<number> {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await sleep(40);
    }
    return process.memoryUsage.rss();
  },
};

export type ServerCalls = typeof calls;
answer<ServerCalls>(calls);
