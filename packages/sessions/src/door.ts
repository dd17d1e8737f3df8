import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Hello } from "@holdfast/protocol";
import type { LineStart } from "./line.ts";
import { randomText } from "./random-text.ts";
import { SessionError } from "./session-error.ts";
import type { Attached, Entry, Reading, Refused, StoreConnection } from "./store.ts";

/** What the store says of a client that came in. */
export interface Admission {
  start: LineStart;
  /** Of a new session: for the client alone. */
  secret: string | undefined;
  /** Of one that resumed: its log from where the client stands. */
  reading: Reading | undefined;
  /** What came for it meanwhile. */
  entries: Entry[];
  /** Another server may be in the middle of a message of this client. */
  hasPreviousOwner: boolean;
  /** It asked for a session that is no more. */
  isForgotten: boolean;
}

export type Authenticate = (
  request: IncomingMessage | undefined,
  hello: Hello,
) => { clientId: string } | Promise<{ clientId: string }>;

/** Lets clients in: who they are, and whether the session they ask for is theirs (S13). */
export class Door {
  readonly #store: StoreConnection;
  readonly #authenticate: Authenticate | undefined;
  readonly #entriesMax: number;
  /** What comes for sessions whose client is still at the door, by session id. */
  readonly #waiting = new Map<string, Set<Entry[]>>();

  constructor(store: StoreConnection, authenticate: Authenticate | undefined, entriesMax: number) {
    this.#store = store;
    this.#authenticate = authenticate;
    this.#entriesMax = entriesMax;
  }

  /** Rejects with `SessionError` "connection_refused", or with what the store says. */
  async identify(request: IncomingMessage | undefined, hello: Hello): Promise<string | undefined> {
    try {
      return (await this.#authenticate?.(request, hello))?.clientId;
    } catch (error) {
      throw refused(error instanceof Error ? error.message : String(error), "unauthorized");
    }
  }

  /**
   * Resumes the session asked for, or begins one. Gives what `enter` gives, which is called at once: after it, what comes
   * for the session is not kept here. Rejects with `SessionError`.
   */
  async admit<T>(hello: Hello, clientId: string | undefined, enter: (admission: Admission) => T): Promise<T> {
    const { id } = hello;
    if (id === undefined) return this.#begin(hello, clientId, false, enter);
    return this.#keeping(id, async (entries) => {
      const { epoch = "", offset = 0, secret = "", welcomed = 0, n: fence } = hello;
      const secretHash = sha256(secret);
      const attached = await this.#store.attach({ id, clientId, secretHash, fence, epoch, offset, welcomed });
      if (attached.kind === "unknown") return this.#begin(hello, clientId, true, enter);
      const reading = letIn(attached);
      const { rooms, handled, run, previousOwner } = reading;
      return enter({
        start: {
          ...{ id, clientId: reading.clientId, secretHash, fence, rooms, handled, run },
          ...{ cursor: { epoch, offset }, isResumed: true },
        },
        ...{ secret: undefined, reading, entries, hasPreviousOwner: previousOwner, isForgotten: false },
      });
    });
  }

  /** Keeps what comes for a session whose client is at the door. */
  receive(id: string, entry: Entry): void {
    for (const entries of this.#waiting.get(id) ?? []) if (entries.length < this.#entriesMax) entries.push(entry);
  }

  async #begin<T>(
    { n: fence }: Hello,
    known: string | undefined,
    isForgotten: boolean,
    enter: (admission: Admission) => T,
  ): Promise<T> {
    const clientId = known ?? randomText(12);
    const id = this.#store.newId(clientId);
    const secret = randomText(18);
    const secretHash = sha256(secret);
    const epoch = randomText(6);
    // Whoever finds it by its client id may send to it before the store has answered us.
    return this.#keeping(id, async (entries) => {
      const { run } = await this.#store.create({ id, clientId, secretHash, epoch, fence });
      return enter({
        start: {
          ...{ id, clientId, secretHash, fence, rooms: [], handled: 0, run },
          ...{ cursor: { epoch, offset: 0 }, isResumed: false },
        },
        ...{ secret, reading: undefined, entries, hasPreviousOwner: false, isForgotten },
      });
    });
  }

  async #keeping<T>(id: string, work: (entries: Entry[]) => Promise<T>): Promise<T> {
    const entries: Entry[] = [];
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(entries));
    try {
      return await work(entries);
    } finally {
      waiting.delete(entries);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }
}

function letIn(attached: Attached | Refused): Attached {
  if (attached.kind === "stale") throw refused("a newer connection has the session", "replaced");
  if (attached.kind !== "attached") throw refused("wrong secret, or another client's session", "unauthorized");
  return attached;
}

function refused(message: string, reason: NonNullable<SessionError["closeReason"]>): SessionError {
  return new SessionError("connection_refused", message, reason);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
