/** Sends numbered ticks to sessions wherever they live, and notes what became of each send. */
import { parseArgs } from "node:util";
import { createSessions, redisStore } from "@holdfast/sessions";
import { now } from "./clock.ts";
import type { Send, ToClient, ToServer } from "./journal.ts";
import { Pacer } from "./pacer.ts";
import { answer } from "./program.ts";

export type SenderCalls = {
  /** The session that a client has, from now on. */
  assign: (client: number, session: string) => void;
  start: (perSecond: number, pad: string) => void;
  /** Resolves when all sends have settled, or after so many ms, to the last tick logged for each client. */
  stop: (settleMsMax: number) => Promise<Map<number, number>>;
  sends: (client: number) => Send[];
};

const { values } = parseArgs({ options: { redis: { type: "string", default: "" } } });
const sessions = await createSessions<{ toClient: ToClient; toServer: ToServer }>(redisStore({ url: values.redis }), {
  server: "sender",
});

interface Target {
  client: number;
  session: string;
  sends: Send[];
}

const targets = new Map<number, Target>();
const pending = new Set<Promise<void>>();
let pacer: Pacer | undefined;

answer<SenderCalls>({
  assign: (client, session) => {
    const target = targets.get(client);
    if (target) target.session = session;
    else targets.set(client, { client, session, sends: [] });
  },
  start: (perSecond, pad) => {
    const round = [...targets.values()];
    let turn = 0;
    pacer = new Pacer(perSecond, () => {
      const target = round[turn++ % round.length];
      if (!target) return;
      const sent = sendTick(target, pad).finally(() => pending.delete(sent));
      pending.add(sent);
    });
  },
  stop: async (settleMsMax) => {
    pacer?.stop();
    await Promise.race([Promise.all(pending), new Promise((late) => setTimeout(late, settleMsMax))]);
    return new Map([...targets.values()].map(({ client, sends }) => [client, lastLogged(sends)]));
  },
  sends: (client) => targets.get(client)?.sends ?? [],
});

async function sendTick({ client, session, sends }: Target, pad: string): Promise<void> {
  const n = sends.length + 1;
  const send: Send = { client, session, n, startedAt: now(), settledAt: 0, outcome: "pending" };
  sends.push(send);
  try {
    await sessions.send(session, { tick: n, pad });
    send.outcome = "logged";
  } catch (error) {
    send.outcome = error instanceof Error && "code" in error ? String(error.code) : `thrown: ${error}`;
  }
  send.settledAt = now();
}

function lastLogged(sends: Send[]): number {
  return sends.findLast(({ outcome }) => outcome === "logged")?.n ?? 0;
}
