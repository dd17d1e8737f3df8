import type { IncomingMessage, Server } from "node:http";
import {
  createSessions,
  type Session,
  type SessionStore,
  type Sessions,
  type UpgradeAnswer,
  UpgradeRefusal,
} from "@holdfast/sessions";
import { Problem } from "../service/problem.ts";
import { type Identities, isOwnOrigin } from "./identity.ts";
import { asProblem, Conversation, errorMessage, type LiveServices, parseMessage } from "./live.ts";
import type { ToClient, Wire } from "./messages.ts";

export type LiveSessions = Sessions<Wire>;

/** The sessions of SimGen: each connection is a conversation. Rejects with `SessionError` when the store is out of reach. */
export async function openSessions(store: SessionStore, server: string, services: LiveServices): Promise<LiveSessions> {
  const conversations = new WeakMap<Session<ToClient>, Conversation>();
  const sessions = await createSessions<Wire>(store, {
    server,
    // Frames are a heartbeat of their own; this is what tells a page of a frozen server while nothing moves.
    heartbeatMs: 1000,
    parse: parseMessage,
    message: (session, message, handling) => conversations.get(session)?.message(message, handling),
    onError: services.onError,
  });
  const begin = (session: Session<ToClient>): void => {
    if (!session.isOver) conversations.set(session, new Conversation(session, services));
  };
  sessions.on("open", begin);
  sessions.on("resumed", begin);
  sessions.on("detached", (session) => conversations.get(session)?.end());
  sessions.on("invalid", (_, error, { reply }) => reply(errorMessage(error)));
  return sessions;
}

/** Sends to the owner's session; to nobody if it is none of the owner's. Rejects with `SessionError`. */
export async function tellOwner(sessions: LiveSessions, owner: string, id: string, message: ToClient): Promise<void> {
  const session = await sessions.find(id);
  if (session?.clientId === owner) await sessions.send(id, message);
}

export interface Door {
  identities: Identities;
  publicOrigin: string | undefined;
  isDraining(): boolean;
}

/** Lets visitors and API clients in at /ws; what is refused is told as over HTTP. */
export function attachSessions(sessions: LiveSessions, server: Server, door: Door): void {
  sessions.attach(server, {
    path: "/ws",
    upgrade(request) {
      try {
        return admit(request, door);
      } catch (error) {
        const problem = asProblem(error);
        throw new UpgradeRefusal(problem.status, JSON.stringify(problem), "application/problem+json");
      }
    },
  });
}

function admit(request: IncomingMessage, { identities, publicOrigin, isDraining }: Door): UpgradeAnswer {
  if (isDraining()) throw new Problem("shutting_down", "come back in a moment");
  if (!isOwnOrigin(request, publicOrigin))
    throw new Problem("origin_forbidden", `got Origin ${request.headers.origin}`);
  const { owner, setCookie } = identities.identify(request);
  return { clientId: owner, ...(setCookie === undefined ? {} : { headers: [`Set-Cookie: ${setCookie}`] }) };
}
