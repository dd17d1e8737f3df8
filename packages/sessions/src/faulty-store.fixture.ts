/** A store on the far side of an unreliable line, for the model test: a shelf that crashes, comes back older, and is late. */
import { tell } from "./memory-store.ts";
import { SessionError } from "./session-error.ts";
import { type Appended, type Notice, Shelf, Unverified } from "./shelf.ts";
import type { SessionStore, StoreConnection, StoreEvents, StoreLimits } from "./store.ts";
import { Actor, type World } from "./world.fixture.ts";

const BEAT_MS = 1000;
const DEAD_AFTER_MS = 4000;
export const SETTLE_MS = 3000;
const DEADLINE_MS = 250;
const RETRY_MS = 25;
/** How long a sender remembers what it has appended. */
const RETAIN_MS = 10_000;

export interface FaultyStoreOptions {
  world: World;
  /** Of notices, from 0 to 1. */
  lossRate: number;
}

export class FaultyStore {
  readonly actor = new Actor("store");
  readonly shelf: Shelf;
  readonly #options: FaultyStoreOptions;
  readonly #links = new Map<string, Link>();
  readonly restartedAtMs: number[] = [];
  #isDown = false;

  constructor(limits: StoreLimits, options: FaultyStoreOptions) {
    this.#options = options;
    this.shelf = new Shelf({
      limits,
      nowMs: () => options.world.nowMs,
      notify: (to, notice) => this.#links.get(to)?.notify(notice) ?? false,
    });
    this.#watch();
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** What a server of this actor hands to `createSessions`. */
  storeOf(actor: Actor): SessionStore {
    return {
      join: async (_server, _limits, events) => {
        const link = new Link(this, this.#options, actor, events);
        this.#links.set(actor.name, link);
        return link.connection();
      },
    };
  }

  link(actor: Actor): Link | undefined {
    return this.#links.get(actor.name);
  }

  /** Ends this run: all lines break, and later it is back with the snapshot, or empty. */
  crash(downMs: number, snapshot?: unknown): void {
    const { world } = this.#options;
    this.#isDown = true;
    for (const link of this.#links.values()) link.lose();
    this.shelf.restart(snapshot);
    this.restartedAtMs.push(world.nowMs);
    world.after(downMs, undefined, () => {
      this.#isDown = false;
      const { run } = this.shelf;
      world.after(SETTLE_MS, undefined, () => {
        if (this.shelf.run === run) this.shelf.settle();
      });
    });
  }

  /** Finds servers dead and sessions expired. */
  #watch(): void {
    this.#options.world.after(BEAT_MS, undefined, () => {
      if (!this.#isDown && !this.actor.isFrozen) {
        for (const link of this.#links.values())
          if (link.beat() > DEAD_AFTER_MS) {
            this.shelf.reap(link.actor.name);
            link.isMissed = true;
          }
        const [first] = [...this.#links.values()].filter(({ actor }) => !actor.isDead && !actor.isFrozen);
        for (const session of this.shelf.sweep()) if (first) first.expired(session);
      } else for (const link of this.#links.values()) link.heardAtMs = this.#options.world.nowMs;
      this.#watch();
    });
  }
}

interface Call {
  /** Calls with the same key keep their order, whatever happens. */
  key: string;
  run(): unknown;
  resolve(value: unknown): void;
  reject(error: Error): void;
  isSent: boolean;
  isDone: boolean;
}

/** One server's line to the store. */
class Link {
  readonly actor: Actor;
  heardAtMs = 0;
  /** Was taken for dead, or missed a notice. */
  isMissed = false;
  readonly #store: FaultyStore;
  readonly #world: World;
  readonly #lossRate: number;
  readonly #events: StoreEvents;
  #isUp = true;
  /** Not yet run. */
  #calls: Call[] = [];
  readonly #unanswered = new Set<Call>();
  /** What this server has appended lately. */
  #retained: (Appended & { atMs: number })[] = [];
  #lastAtMs = 0;
  /** Changes with every loss: what is on the way then does not arrive. */
  #generation = 0;
  /** Notices to the server whose call is being run: they come with its answer. */
  #own: Notice[] | undefined;

  constructor(store: FaultyStore, { world, lossRate }: FaultyStoreOptions, actor: Actor, events: StoreEvents) {
    this.#store = store;
    this.#world = world;
    this.#lossRate = lossRate;
    this.actor = actor;
    this.#events = events;
    this.heardAtMs = world.nowMs;
  }

  lose(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#generation++;
    const lost = [...this.#unanswered];
    this.#unanswered.clear();
    this.#calls = [];
    this.#world.after(0, this.actor, () => {
      this.#events.available(false);
      for (const call of lost) this.#fail(call, call.isSent ? "outcome_unknown" : "unavailable");
    });
    this.#comeBack();
  }

  notify(notice: Notice): boolean {
    if (this.actor.isDead || !this.#isUp) return false;
    if (this.#own) this.#own.push(notice);
    else if (this.#world.random() < this.#lossRate) this.isMissed = true;
    else this.#deliver(() => tell(this.#events, notice));
    return true;
  }

  expired(session: { id: string; clientId: string }): void {
    this.#world.after(1, this.actor, () => this.#events.expired(session));
  }

  /** How long it has not been heard, ms. */
  beat(): number {
    const isAlive = this.#isUp && !this.actor.isDead && !this.actor.isFrozen;
    if (!isAlive) return this.#world.nowMs - this.heardAtMs;
    this.heardAtMs = this.#world.nowMs;
    if (this.isMissed) this.#deliver(() => this.#events.resync());
    this.isMissed = false;
    return 0;
  }

  connection(): StoreConnection {
    const { shelf } = this.#store;
    const me = this.actor.name;
    // What waits for an owner must not keep the owner waiting: its calls have keys of their own.
    const call = <T>(key: string, run: () => T, deadlineMs?: number) => this.#call(key, run, deadlineMs) as Promise<T>;
    return {
      newId: () => `s${Math.floor(this.#world.random() * 2 ** 40).toString(36)}`,
      create: (session) => call(session.id, () => shelf.create(session, me)),
      attach: (attach) => call(attach.id, () => shelf.attach(attach, me)),
      detach: (id, fence) => call(id, () => shelf.detach(id, fence)),
      end: (id) => call(id, () => shelf.end(id)),
      append: async (id, json) => {
        const appended = await call(id, () => shelf.append(id, json), DEADLINE_MS);
        this.#retain(appended);
        return appended.first;
      },
      publish: (room, json) => call(`room ${room}`, () => shelf.publish(room, json), DEADLINE_MS),
      commit: async (id, seq, replies) => {
        const appended = await call(id, () => shelf.commit(id, seq, replies));
        if (appended) this.#retain(appended);
      },
      trim: (id, fence, acked) => call(id, () => shelf.trim(id, fence, acked)),
      check: (held) => call(`own ${held.id}`, () => shelf.check(held, me)),
      restore: (session) => call(`own ${session.id}`, () => shelf.restore(session, me)),
      release: (id, handled) => call(id, () => shelf.release(id, handled)),
      lane: (id, lane, bytes) => call(id, () => shelf.lane(id, lane, bytes)),
      join: (id, room) => call(id, () => shelf.join(id, room)),
      leave: (id, room) => call(id, () => shelf.leave(id, room)),
      find: (id) => call(id, () => shelf.find(id)),
      ofClient: (clientId) => call(clientId, () => shelf.ofClient(clientId)),
      count: () => call("count", () => ({ attached: shelf.all().length, detached: 0 })),
      list: () => call("list", () => ({ sessions: shelf.all(), next: undefined })),
      members: (room) => call(room, () => shelf.members(room)),
      close: async () => shelf.reap(me),
    };
  }

  #comeBack(): void {
    this.#world.after(this.#world.between(20, 300), this.actor, () => {
      if (this.#store.isDown || this.#store.actor.isFrozen) {
        this.#comeBack();
        return;
      }
      this.#isUp = true;
      this.heardAtMs = this.#world.nowMs;
      for (const appended of this.#retained) void this.#offer(appended);
      this.#events.available(true);
      this.#events.resync();
    });
  }

  #retain(appended: Appended): void {
    const { nowMs } = this.#world;
    this.#retained = this.#retained.filter(({ atMs }) => nowMs - atMs < RETAIN_MS);
    this.#retained.push({ ...appended, atMs: nowMs });
  }

  async #offer(appended: Appended & { atMs: number }): Promise<void> {
    const { shelf } = this.#store;
    if (appended.run === shelf.run) return;
    try {
      const answer = (await this.#call(appended.id, () => shelf.resubmit(appended))) as Appended | "seen" | "told";
      if (answer === "told") return;
      if (answer !== "seen") this.#retain(answer);
    } catch {
      // Offered again in the next run, even of a session that is unknown: its owner may come back too late for this one.
      return;
    }
    this.#retained = this.#retained.filter((each) => each !== appended);
  }

  #call(key: string, run: () => unknown, deadlineMs?: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call: Call = { key, run, resolve, reject, isSent: false, isDone: false };
      if (!this.#isUp) {
        this.#fail(call, "unavailable");
        return;
      }
      this.#calls.push(call);
      this.#unanswered.add(call);
      const generation = this.#generation;
      this.#arrive(() => {
        if (this.#generation !== generation) return;
        call.isSent = true;
        this.#work();
      });
      if (deadlineMs !== undefined)
        this.#world.after(deadlineMs, this.actor, () => this.#fail(call, "outcome_unknown"));
    });
  }

  #fail(call: Call, code: "unavailable" | "outcome_unknown"): void {
    if (call.isDone) return;
    call.isDone = true;
    call.reject(new SessionError(code, code));
  }

  /** Runs what has arrived, in order; what has to wait for an owner holds up only what has the same key. */
  #work(): void {
    const blocked = new Set<string>();
    for (const call of [...this.#calls]) {
      if (!call.isSent || blocked.has(call.key)) continue;
      this.#own = [];
      let answer: () => void;
      try {
        const value = structuredClone(call.run());
        answer = () => call.resolve(value);
      } catch (error) {
        if (error instanceof Unverified) {
          blocked.add(call.key);
          continue;
        }
        answer = () => call.reject(error as Error);
      } finally {
        this.#calls = this.#calls.filter((each) => each !== call || blocked.has(call.key));
      }
      const own = structuredClone(this.#own);
      this.#own = undefined;
      this.#deliver(() => {
        this.#unanswered.delete(call);
        for (const notice of own) tell(this.#events, notice);
        if (call.isDone) return;
        call.isDone = true;
        answer();
      });
    }
    this.#own = undefined;
    const generation = this.#generation;
    if (blocked.size > 0)
      this.#world.after(RETRY_MS, this.#store.actor, () => this.#generation === generation && this.#work());
  }

  #arrive(work: () => void): void {
    this.#world.after(this.#fifo(), this.#store.actor, work);
  }

  #deliver(work: () => void): void {
    const generation = this.#generation;
    this.#world.after(this.#fifo(), this.actor, () => {
      if (this.#generation === generation) work();
    });
  }

  #fifo(): number {
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#world.nowMs + this.#world.between(0.1, 3));
    return this.#lastAtMs - this.#world.nowMs;
  }
}
