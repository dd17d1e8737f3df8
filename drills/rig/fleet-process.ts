/** Clients that count what they get, send numbered messages, and note all of it. */
import { connect } from "@holdfast/client";
import { WebSocket } from "ws";
import { now } from "./clock.ts";
import type { ClientJournal, Seen, ToClient, ToServer } from "./journal.ts";
import { Pacer } from "./pacer.ts";
import { answer, note } from "./program.ts";

const SETTLE_POLL_MS = 20;

/** Said unasked whenever a client has a new session. */
export interface Opened {
  client: number;
  session: string;
}

export type FleetCalls = {
  /** Opens a connection for each client; resolves when all are open. */
  open: (url: string, clients: number[]) => Promise<void>;
  start: (perSecond: number, pad: string) => void;
  stop: () => void;
  /** Resolves when all is acknowledged and the last echo and these last ticks are there, or after so many ms. */
  settle: (lastTicks: Map<number, number>, msMax: number) => Promise<void>;
  journal: (client: number) => ClientJournal;
  close: () => Promise<void>;
};

type Wire = { toClient: ToClient; toServer: ToServer };

class Client {
  readonly journal: ClientJournal;
  readonly opened: Promise<void>;
  lastTick = 0;
  lastEcho = 0;
  readonly #connection: ReturnType<typeof connect<Wire>>;

  constructor(url: string, client: number) {
    this.journal = { client, seen: [], sent: 0, refused: 0, acknowledged: false };
    this.#connection = connect<Wire>(`${url}?client=${client}`, {
      // Half as much work as Node's own: thousands of clients here share the cores with what is tested.
      WebSocket,
    });
    const opened = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.#connection.on("message", (message) => {
      if ("tick" in message) this.lastTick = this.#number("tick", message.tick);
      else this.lastEcho = this.#number("echo", message.echo);
    });
    this.#connection.on("open", ({ id }) => {
      this.#saw({ at: now(), kind: "open", id });
      note({ client, session: id } satisfies Opened);
      opened.resolve();
    });
    this.#connection.on("resumed", () => this.#saw({ at: now(), kind: "resumed" }));
    this.#connection.on("gap", ({ unconfirmed }) =>
      this.#saw({ at: now(), kind: "gap", unconfirmed: unconfirmed.map(({ n }) => n) }),
    );
    this.#connection.on("state", (state) => {
      if (state === "reconnecting") this.#saw({ at: now(), kind: "broken" });
    });
    this.#connection.on("closed", ({ code }) => this.#saw({ at: now(), kind: "closed", code }));
  }

  send(pad: string): void {
    const n = this.journal.sent + 1;
    try {
      this.#connection.send({ client: this.journal.client, n, pad });
      this.journal.sent = n;
    } catch {
      this.journal.refused++;
    }
  }

  /** When all it has sent is acknowledged; again if it lost its session while it waited. */
  async acknowledged(): Promise<void> {
    while (this.#connection.state !== "closed") {
      this.journal.acknowledged = await this.#connection.whenAcknowledged().then(
        () => true,
        () => false,
      );
      if (this.journal.acknowledged) return;
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #number(kind: "tick" | "echo", n: number): number {
    this.#saw({ at: now(), kind, n });
    return n;
  }

  #saw(event: Seen): void {
    this.journal.seen.push(event);
  }
}

const clients = new Map<number, Client>();
let pacer: Pacer | undefined;

answer<FleetCalls>({
  open: async (url, numbers) => {
    for (const number of numbers) clients.set(number, new Client(url, number));
    await Promise.all([...clients.values()].map(({ opened }) => opened));
  },
  start: (perSecond, pad) => {
    const round = [...clients.values()];
    let turn = 0;
    pacer = new Pacer(perSecond, () => round[turn++ % round.length]?.send(pad));
  },
  stop: () => pacer?.stop(),
  settle: async (lastTicks, msMax) => {
    const deadline = now() + msMax;
    for (const client of clients.values()) client.acknowledged();
    const isSettled = ({ journal, lastTick, lastEcho }: Client) =>
      journal.acknowledged && lastEcho >= journal.sent && lastTick >= (lastTicks.get(journal.client) ?? 0);
    while (now() < deadline && ![...clients.values()].every(isSettled))
      await new Promise((polled) => setTimeout(polled, SETTLE_POLL_MS));
  },
  journal: (client) => {
    const found = clients.get(client);
    if (!found) throw new Error(`no client ${client} here`);
    return found.journal;
  },
  close: async () => {
    await Promise.all([...clients.values()].map((client) => client.close()));
  },
});
