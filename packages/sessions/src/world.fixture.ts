/** A world in one process for the model test: its own clock, dice, sockets and faults. Everything in it follows from a seed. */
import { EventEmitter } from "node:events";

/** A process of the world: a server, a client, the store. It can be frozen, and it can die. */
export class Actor {
  readonly name: string;
  isFrozen = false;
  isDead = false;
  /** What came while it was frozen. */
  readonly backlog: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

interface Happening {
  atMs: number;
  order: number;
  actor: Actor | undefined;
  work: () => void;
  isCancelled: boolean;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  random: Math.random,
  now: performance.now,
};

export class World {
  nowMs = 0;
  readonly #queue: Happening[] = [];
  #order = 0;
  #seed: number;
  /** Whose code is running: what it sets off is its own, and freezes and dies with it. */
  #actor: Actor | undefined;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** From 0 to 1 (mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
  random = (): number => {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Something happens to an actor, after a while. */
  after(delayMs: number, actor: Actor | undefined, work: () => void): Happening {
    const happening = { atMs: this.nowMs + delayMs, order: this.#order++, actor, work, isCancelled: false };
    this.#push(happening);
    return happening;
  }

  /** Runs the code of an actor now. */
  as<T>(actor: Actor, work: () => T): T {
    const before = this.#actor;
    this.#actor = actor;
    try {
      return work();
    } finally {
      this.#actor = before;
    }
  }

  thaw(actor: Actor): void {
    actor.isFrozen = false;
    for (const work of actor.backlog.splice(0)) this.after(0, actor, work);
  }

  /** Lets the world go on until nothing happens any more, or until that time. */
  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      const next = this.#queue[0];
      if (!next || next.atMs > endMs) break;
      this.#pop();
      if (next.isCancelled || next.actor?.isDead) continue;
      this.nowMs = next.atMs;
      if (next.actor?.isFrozen) {
        next.actor.backlog.push(next.work);
        continue;
      }
      this.#actor = next.actor;
      next.work();
      // All that follows from it in microtasks is its own as well.
      await new Promise<void>((resolve) => void real.setImmediate(resolve));
      this.#actor = undefined;
    }
    this.nowMs = endMs;
  }

  /** Puts this world's clock and dice in the place of the machine's, until `leave`. */
  enter(): void {
    const timer = (delayMs: number, work: () => void, isRepeated: boolean) => {
      const actor = this.#actor;
      const handle = { happening: undefined as Happening | undefined, unref: () => handle, ref: () => handle };
      const start = () => {
        handle.happening = this.after(Math.max(delayMs, isRepeated ? 1 : 0), actor, () => {
          if (isRepeated) start();
          work();
        });
      };
      start();
      return handle;
    };
    const clear = (handle?: { happening?: Happening }) => {
      if (handle?.happening) handle.happening.isCancelled = true;
    };
    Object.assign(globalThis, {
      setTimeout: (work: () => void, delayMs = 0) => timer(delayMs, work, false),
      setInterval: (work: () => void, delayMs = 0) => timer(delayMs, work, true),
      setImmediate: (work: () => void) => timer(0, work, false),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Math.random = this.random;
    performance.now = () => this.nowMs;
  }

  leave(): void {
    const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = real;
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate });
    Math.random = real.random;
    performance.now = real.now;
  }

  // ---- a heap, earliest first ----

  #push(happening: Happening): void {
    const queue = this.#queue;
    let at = queue.push(happening) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(happening, queue[parent] as Happening)) break;
      queue[at] = queue[parent] as Happening;
      at = parent;
    }
    queue[at] = happening;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop() as Happening;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && isBefore(queue[child + 1] as Happening, queue[child] as Happening)) child++;
      if (!isBefore(queue[child] as Happening, last)) break;
      queue[at] = queue[child] as Happening;
      at = child;
    }
    queue[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

type Data = string | Uint8Array;

/** A WebSocket between two actors: frames arrive in order, late, or not at all. */
export class Wire {
  readonly client: ClientSocket;
  readonly server: ServerSocket;
  readonly serverActor: Actor;
  /** Nothing gets through any more, and nobody is told. */
  isBlackHole = false;
  readonly #world: World;
  readonly #clientActor: Actor;
  readonly #lastAtMs = { client: 0, server: 0 };

  constructor(world: World, clientActor: Actor, serverActor: Actor, client: ClientSocket) {
    this.#world = world;
    this.#clientActor = clientActor;
    this.serverActor = serverActor;
    this.client = client;
    this.server = new ServerSocket(this);
    client.wire = this;
  }

  toServer(work: () => void): void {
    this.#carry("server", this.serverActor, work);
  }

  toClient(work: () => void): void {
    this.#carry("client", this.#clientActor, work);
  }

  /** Both ends notice, each in its time. */
  cut(): void {
    if (this.isBlackHole) return;
    this.isBlackHole = true;
    this.#world.after(this.#world.between(0, 20), this.#clientActor, () => this.client.closed(1006, ""));
    this.#world.after(this.#world.between(0, 20), this.serverActor, () => this.server.closed(1006, ""));
  }

  #carry(side: "client" | "server", actor: Actor, work: () => void): void {
    const atMs = Math.max(this.#lastAtMs[side], this.#world.nowMs + this.#world.between(0.1, 5));
    this.#lastAtMs[side] = atMs;
    this.#world.after(atMs - this.#world.nowMs, actor, () => {
      if (!this.isBlackHole) work();
    });
  }
}

/** What sessions use of a `ws` WebSocket. */
export class ServerSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly CLOSED = 3;
  readonly bufferedAmount = 0;
  readyState = 1;
  readonly #wire: Wire;

  constructor(wire: Wire) {
    super();
    this.#wire = wire;
  }

  send(data: Data): void {
    if (this.readyState === 1) this.#wire.toClient(() => this.#wire.client.hear(data));
  }

  close(code = 1005, reason = ""): void {
    if (this.readyState !== 1) return;
    this.readyState = 2;
    this.#wire.toClient(() => {
      this.#wire.client.closed(code, reason);
      this.#wire.toServer(() => this.closed(code, reason));
    });
  }

  terminate(): void {
    this.#wire.toClient(() => this.#wire.client.closed(1006, ""));
    this.closed(1006, "");
  }

  pause(): void {}
  resume(): void {}

  hear(data: Data): void {
    if (this.readyState !== 1) return;
    this.emit("message", Buffer.from(data as string), typeof data !== "string");
  }

  closed(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.emit("close", code, reason);
  }
}

/** What the client uses of a browser's WebSocket. */
export class ClientSocket {
  binaryType = "blob";
  readonly bufferedAmount = 0;
  wire: Wire | undefined;
  #isClosed = false;
  readonly #listeners = new Map<string, ((event: object) => void)[]>();

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener as (event: object) => void]);
  }

  tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ type, ...event });
  }

  send(data: Data): void {
    const { wire } = this;
    if (wire && !this.#isClosed) wire.toServer(() => wire.server.hear(data));
  }

  close(code = 1005): void {
    const { wire } = this;
    if (wire && !this.#isClosed) wire.toServer(() => wire.server.closed(code, ""));
    this.closed(code, "");
  }

  hear(data: Data): void {
    if (!this.#isClosed) this.tell("message", { data });
  }

  closed(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.tell("close", { code, reason });
  }
}
