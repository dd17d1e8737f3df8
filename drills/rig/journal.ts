/** What travels to the clients of a drill. */
export type ToClient = { tick: number; pad: string } | { echo: number; pad: string };

/** What they send; the server's handler replies with its echo. */
export interface ToServer {
  client: number;
  n: number;
  pad: string;
}

/** Something a client saw, at a time of `now()`. */
export type Seen = { at: number } & (
  | { kind: "tick" | "echo"; n: number }
  | { kind: "gap"; unconfirmed: number[] }
  | { kind: "open"; id: string }
  | { kind: "resumed" }
  | { kind: "broken" }
  | { kind: "closed"; code: number }
);

/** What one client did and saw, in that order. */
export interface ClientJournal {
  client: number;
  seen: Seen[];
  /** It sent messages 1 to `sent`. */
  sent: number;
  /** Messages that its full queue refused. They have no number. */
  refused: number;
  /** Whether all that it sent was acknowledged in the end. */
  acknowledged: boolean;
}

/** One `sessions.send()` of tick `n`. */
export interface Send {
  client: number;
  /** The session it was sent to: the client's, as far as the sender knew. */
  session: string;
  n: number;
  startedAt: number;
  settledAt: number;
  /** "logged" when it resolved, "pending" when it never settled, else the error's code. */
  outcome: string;
}

/** One run of the message handler. */
export interface Run {
  client: number;
  n: number;
  at: number;
  /** The server's process. */
  server: string;
  finished: boolean;
}
