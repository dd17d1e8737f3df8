import { assertFits } from "./message-size.ts";
import { randomText } from "./random-text.ts";
import { type Notice, Shelf } from "./shelf.ts";
import type {
  Attach,
  Attached,
  Checked,
  Held,
  NewSession,
  Refused,
  Reply,
  Restorable,
  SessionInfo,
  SessionStore,
  StoreConnection,
  StoreEvents,
  StoreLimits,
} from "./store.ts";

const SWEEP_MS = 1000;
const PAGE = 1000;

/** Sessions in this process: nothing to install, and they end with it. Several servers of one process may share it. */
export function memoryStore(): SessionStore {
  return new MemoryStore();
}

class MemoryStore implements SessionStore {
  readonly #servers = new Map<string, StoreEvents>();
  #shelf: Shelf | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #joins = 0;

  async join(server: string, limits: StoreLimits, events: StoreEvents): Promise<StoreConnection> {
    this.#shelf ??= new Shelf({
      limits,
      nowMs: () => performance.now(),
      notify: (to, notice) => tell(this.#servers.get(to), notice),
    });
    const shelf = this.#shelf;
    this.#sweep ??= setInterval(() => {
      const [first] = this.#servers.values();
      for (const session of shelf.sweep()) first?.expired(session);
    }, SWEEP_MS).unref();
    // A name may come twice, after a restart say; what the first one owned is not the second's.
    const instance = `${server}~${++this.#joins}`;
    this.#servers.set(instance, events);
    return new MemoryConnection(shelf, instance, limits.windowBytes, () => {
      this.#servers.delete(instance);
      if (this.#servers.size > 0) return;
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    });
  }
}

class MemoryConnection implements StoreConnection {
  readonly #shelf: Shelf;
  readonly #server: string;
  readonly #windowBytes: number;
  readonly #leave: () => void;

  constructor(shelf: Shelf, server: string, windowBytes: number, leave: () => void) {
    this.#shelf = shelf;
    this.#server = server;
    this.#windowBytes = windowBytes;
    this.#leave = leave;
  }

  newId(): string {
    return randomText(18);
  }

  async create(session: NewSession): Promise<{ run: string }> {
    return this.#shelf.create(session, this.#server);
  }

  async attach(attach: Attach): Promise<Attached | Refused> {
    return this.#shelf.attach(attach, this.#server);
  }

  async detach(id: string, fence: number): Promise<void> {
    this.#shelf.detach(id, fence);
  }

  async end(id: string): Promise<boolean> {
    return this.#shelf.end(id);
  }

  async append(id: string, json: string): Promise<number> {
    assertFits(json, this.#windowBytes);
    return this.#shelf.append(id, json).first;
  }

  async publish(room: string, json: string): Promise<number> {
    assertFits(json, this.#windowBytes);
    return this.#shelf.publish(room, json);
  }

  async commit(id: string, seq: number, replies: Reply[]): Promise<void> {
    assertFits(replies.map((reply) => reply.json).join(","), this.#windowBytes);
    this.#shelf.commit(id, seq, replies);
  }

  async trim(id: string, fence: number, acked: number): Promise<void> {
    this.#shelf.trim(id, fence, acked);
  }

  async check(held: Held): Promise<Checked> {
    return this.#shelf.check(held, this.#server);
  }

  async restore(session: Restorable): Promise<Checked> {
    return this.#shelf.restore(session, this.#server);
  }

  async release(id: string, handled: number): Promise<void> {
    this.#shelf.release(id, handled);
  }

  async lane(id: string, lane: string, bytes: Uint8Array): Promise<boolean> {
    return this.#shelf.lane(id, lane, bytes);
  }

  async join(id: string, room: string): Promise<boolean> {
    return this.#shelf.join(id, room);
  }

  async leave(id: string, room: string): Promise<boolean> {
    return this.#shelf.leave(id, room);
  }

  async find(id: string): Promise<SessionInfo | undefined> {
    const found = this.#shelf.find(id);
    return found && named(found);
  }

  async ofClient(clientId: string): Promise<SessionInfo[]> {
    return this.#shelf.ofClient(clientId).map(named);
  }

  async count(): Promise<{ attached: number; detached: number }> {
    const all = this.#shelf.all();
    const attached = all.filter(({ server }) => server !== undefined).length;
    return { attached, detached: all.length - attached };
  }

  async list(cursor?: string): Promise<{ sessions: SessionInfo[]; next: string | undefined }> {
    const from = Number(cursor ?? 0);
    const all = this.#shelf.all();
    const end = from + PAGE;
    return { sessions: all.slice(from, end).map(named), next: end < all.length ? String(end) : undefined };
  }

  async members(room: string): Promise<string[]> {
    return this.#shelf.members(room);
  }

  async close(): Promise<void> {
    this.#shelf.reap(this.#server);
    this.#leave();
  }
}

/** Hands a notice to a server's events; false when there is none. */
export function tell(events: StoreEvents | undefined, notice: Notice): boolean {
  if (!events) return false;
  switch (notice.kind) {
    case "entry":
      events.entry(notice.id, notice.entry);
      break;
    case "fenced":
      events.fenced(notice.id, notice.fence, notice.by);
      break;
    case "released":
      events.released(notice.id, notice.handled);
      break;
    case "ended":
      events.ended(notice.id);
      break;
    case "lane":
      events.lane(notice.id, notice.lane, notice.bytes);
      break;
    case "room":
      events.room(notice.id, notice.room, notice.isIn);
      break;
  }
  return true;
}

function named(session: SessionInfo): SessionInfo {
  return { ...session, server: session.server?.replace(/~\d+$/, "") };
}
