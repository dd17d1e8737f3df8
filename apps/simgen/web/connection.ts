import { ClientError, connect, type ConnectionState as SessionState } from "@holdfast/client";
import type { ToClient, ToServer, Wire } from "../server/messages.ts";

/** `closed` is for good. */
export type ConnectionState = "connecting" | "live" | "reconnecting" | "offline" | "closed";

export interface ConnectionEvents {
  state(state: ConnectionState): void;
  message(message: ToClient): void;
  /** A frame or a keyframe: a frame follows its keyframe, when both come. */
  frame(bytes: Uint8Array): void;
  /** A measured round trip, ms. */
  roundTrip(ms: number): void;
  /** The line is back, and nothing was missed. */
  resumed(afterMs: number): void;
  /** It is back, but what happened meanwhile is lost. */
  gap(): void;
  /** The server does not want this page back as it is: a close code of the protocol. */
  closed(code: number): void;
}

/** The page's session with the server. */
export interface Connection {
  /** The session's, once there is a session. */
  readonly id: string | undefined;
  /** Connects for the first time; from then on the session keeps itself up. */
  open(): void;
  /** Watches one simulation until another is watched. The server goes on with it by itself when the session resumes. */
  watch(simulation: string): void;
  unwatch(): void;
  /** Sends now or when the line is back, once. False if too much waits already, or the session is over. */
  send(message: ToServer): boolean;
}

const PING_EVERY_MS = 2_000;
/** Failed attempts in a row after which "reconnecting" is called "offline". */
const OFFLINE_AFTER_ATTEMPTS = 4;

export function createConnection(url: string, events: ConnectionEvents): Connection {
  let session: ReturnType<typeof begin> | undefined;
  let state: SessionState = "connecting";
  let watched: string | undefined;
  let failures = 0;
  let liveSinceMs = 0;
  let isLeaving = false;

  function begin() {
    const begun = connect<Wire>(url);
    begun.on("state", (next) => {
      state = next;
      if (next === "open") {
        failures = 0;
        liveSinceMs = performance.now();
        ping();
      }
      show();
    });
    begun.on("retry", () => {
      failures++;
      show();
    });
    begun.on("message", (message) => {
      if (message.type !== "pong") events.message(message);
      else if (message.at >= liveSinceMs) events.roundTrip(performance.now() - message.at);
    });
    begun.on("resumed", ({ afterMs }) => events.resumed(afterMs));
    begun.on("gap", () => {
      if (watched !== undefined) send({ type: "watch", simulation: watched });
      events.gap();
    });
    begun.on("closed", ({ code }) => {
      if (!isLeaving) events.closed(code);
    });
    for (const lane of ["keyframe", "frame"]) begun.lane(lane).on(events.frame);
    return begun;
  }

  function send(message: ToServer): boolean {
    try {
      session?.send(message);
      return session !== undefined;
    } catch (error) {
      if (error instanceof ClientError) return false;
      throw error;
    }
  }

  function ping(): void {
    if (state === "open") send({ type: "ping", at: performance.now() });
  }

  function show(): void {
    const isOffline = !navigator.onLine || failures > OFFLINE_AFTER_ATTEMPTS;
    if (isLeaving) return;
    if (state === "open") events.state("live");
    else if (state === "closed") events.state("closed");
    else events.state(isOffline ? "offline" : state);
  }

  setInterval(ping, PING_EVERY_MS);
  // A page that is put aside may come back; one that is left should not keep a session waiting for it.
  addEventListener("pagehide", ({ persisted }) => {
    isLeaving = !persisted;
    if (isLeaving) void session?.close();
  });

  show();
  return {
    get id() {
      return session?.id;
    },
    open() {
      session = begin();
      if (watched !== undefined) send({ type: "watch", simulation: watched });
    },
    send,
    watch(simulation) {
      watched = simulation;
      send({ type: "watch", simulation });
    },
    unwatch() {
      watched = undefined;
      send({ type: "unwatch" });
    },
  };
}
