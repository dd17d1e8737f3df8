import type { Message } from "./message.ts";

export const SUBJECTS = ["holdfast", "socket.io", "floor: publish", "floor: log"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** One of a subject's two servers, as the measurements see it. */
export interface Subject {
  /** Takes clients from here on. Resolves to the port. */
  listen(): Promise<number>;
  join(id: string, room: string): unknown;
  /** To a client of either server. Resolves when the message is accepted: by Redis, where there is one. */
  send(id: string, message: Message): Promise<unknown>;
  /** To all in a room, on both servers. */
  publish(room: string, message: Message): Promise<unknown>;
  /** To a client of this server, if its line is free. */
  sendFrame(id: string, frame: Buffer): unknown;
}

export interface SubjectOptions {
  /** `a` or `b`. */
  server: string;
  redisUrl: string;
  connected(id: string): void;
}

/** Each subject is loaded where it is measured and nowhere else. */
export async function startSubject(name: SubjectName, options: SubjectOptions): Promise<Subject> {
  switch (name) {
    case "holdfast":
      return (await import("./holdfast.ts")).startHoldfast(options);
    case "socket.io":
      return (await import("./socket-io.ts")).startSocketIo(options);
    case "floor: publish":
      return (await import("./floor-publish.ts")).startFloorPublish(options);
    case "floor: log":
      return (await import("./floor-log.ts")).startFloorLog(options);
  }
}

/** A client's connection, once it is there for sends to reach it. */
export interface Connected {
  /** What a server sends to. */
  id: string;
  close(): unknown;
}

export interface ConnectOptions {
  message(message: Message): void;
  frame(frame: Buffer): void;
  /** What must not happen: a line lost, a gap. */
  failed(why: string): void;
}

export type Connect = (port: number, options: ConnectOptions) => Promise<Connected>;

/** What connects a subject's clients. Under load Holdfast's is lean, as the floors' is: the servers are measured. */
export type ClientName = SubjectName | "holdfast, @holdfast/client";

export async function loadClient(name: ClientName): Promise<Connect> {
  switch (name) {
    case "holdfast":
      return (await import("./holdfast-lean-client.ts")).connectLean;
    case "holdfast, @holdfast/client":
      return (await import("./holdfast-client.ts")).connectHoldfast;
    case "socket.io":
      return (await import("./socket-io-client.ts")).connectSocketIo;
    case "floor: publish":
    case "floor: log":
      return (await import("./floor-client.ts")).connectFloor;
  }
}
