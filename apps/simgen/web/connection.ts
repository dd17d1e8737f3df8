import type { ToClient, ToServer } from "../server/messages.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "offline";

export interface ConnectionEvents {
  state(state: ConnectionState): void;
  message(message: ToClient): void;
  frame(bytes: Uint8Array): void;
  /** A measured round trip, ms. */
  roundTrip(ms: number): void;
}

/** The page's live line to the server. */
export interface Connection {
  /** Connects for the first time; from then on the connection keeps itself open. */
  open(): void;
  /** Watches one simulation, now and after every reconnect, until another is watched. */
  watch(simulation: string): void;
  unwatch(): void;
  /** Sends if the line is up; a message of the moment is worth nothing later. */
  send(message: ToServer): boolean;
}

const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 5_000;
const PING_EVERY_MS = 2_000;
/** Pings without an answer for this long: the line is dead, whatever the browser believes. */
const SILENCE_MAX_MS = 7_000;
/** Failed attempts in a row after which "reconnecting" is called "offline". */
const OFFLINE_AFTER_ATTEMPTS = 4;

/** A connection that, once opened, keeps itself open, with jittered back-off between attempts. */
export function createConnection(url: string, events: ConnectionEvents): Connection {
  let socket: WebSocket | undefined;
  let watched: string | undefined;
  let attempts = 0;
  let heardMs = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let wasLive = false;

  function send(message: ToServer): boolean {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  function connect(): void {
    clearTimeout(retry);
    const opened = new WebSocket(url);
    socket = opened;
    opened.binaryType = "arraybuffer";
    opened.onopen = () => {
      attempts = 0;
      wasLive = true;
      heardMs = performance.now();
      events.state("live");
      send({ type: "ping", at: performance.now() });
      if (watched !== undefined) send({ type: "watch", simulation: watched });
    };
    opened.onmessage = ({ data }) => {
      heardMs = performance.now();
      if (data instanceof ArrayBuffer) events.frame(new Uint8Array(data));
      else receive(JSON.parse(String(data)) as ToClient);
    };
    opened.onclose = () => {
      if (socket === opened) lost();
    };
  }

  function receive(message: ToClient): void {
    if (message.type === "pong") events.roundTrip(performance.now() - message.at);
    else events.message(message);
  }

  function lost(): void {
    socket = undefined;
    attempts++;
    const offline = !navigator.onLine || attempts > OFFLINE_AFTER_ATTEMPTS;
    events.state(offline ? "offline" : wasLive ? "reconnecting" : "connecting");
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (attempts - 1));
    retry = setTimeout(connect, ceiling * (0.5 + Math.random() / 2));
  }

  function abandon(): void {
    const dead = socket;
    if (!dead) return;
    dead.onclose = null;
    dead.onmessage = null;
    dead.close();
    lost();
  }

  setInterval(() => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (performance.now() - heardMs > SILENCE_MAX_MS) abandon();
    else send({ type: "ping", at: performance.now() });
  }, PING_EVERY_MS);
  addEventListener("offline", abandon);
  addEventListener("online", () => {
    if (!socket && attempts > 0) connect();
  });

  events.state("connecting");
  return {
    open: connect,
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
