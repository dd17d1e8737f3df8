import { makeFrame, makeMessage } from "./message.ts";
import type { Subject } from "./subject.ts";

export interface Bounds {
  /** Sends that wait to be accepted. */
  inFlightMax: number;
  /** Deliveries that are on their way to clients. */
  undeliveredMax: number;
}

/** Sends, and counts what it sends. */
export class Load {
  readonly #send: (n: number) => Promise<unknown>;
  readonly #deliveriesPerSend: number;
  #sent = 0;
  #settled = 0;
  #delivered = 0;
  #failure: unknown;
  #next = () => {};
  #stopped: (() => void) | undefined;

  private constructor(send: (n: number) => Promise<unknown>, deliveriesPerSend: number) {
    this.#send = send;
    this.#deliveriesPerSend = deliveriesPerSend;
  }

  /** The `n`th message of each before the next of any. */
  static toEach(ids: readonly string[], subject: Subject): Load {
    return new Load(
      (n) => subject.send(ids[(n - 1) % ids.length] ?? "", makeMessage(Math.floor((n - 1) / ids.length) + 1)),
      1,
    );
  }

  static toRoom(room: string, members: number, subject: Subject): Load {
    return new Load((n) => subject.publish(room, makeMessage(n)), members);
  }

  static ofFrames(ids: readonly string[], subject: Subject): Load {
    return new Load(async (n) => {
      for (const id of ids) subject.sendFrame(id, makeFrame(n));
    }, ids.length);
  }

  saturate({ inFlightMax, undeliveredMax }: Bounds): void {
    this.#next = () => {
      while (
        this.#sent - this.#settled < inFlightMax &&
        (this.#sent + 1) * this.#deliveriesPerSend - this.#delivered <= undeliveredMax
      )
        this.#sendNext();
    };
    this.#next();
  }

  /** Sends what is due, looking every millisecond. */
  pace(perSecond: number): void {
    const started = performance.now();
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
      while (this.#sent < due) this.#sendNext();
    }, 1);
    this.#stopped = () => clearInterval(timer);
  }

  /** As `pace`, but what is overdue is left out: only the latest frame matters. */
  paceFrames(perSecond: number): void {
    const started = performance.now();
    const intervalMs = 1000 / perSecond;
    let next = 0;
    let timer: NodeJS.Timeout;
    const tick = () => {
      this.#sendNext();
      const elapsed = performance.now() - started;
      // A timer may be early by a fraction of a millisecond: without the first term that frame would come twice.
      next = Math.max(next + 1, Math.ceil(elapsed / intervalMs));
      timer = setTimeout(tick, next * intervalMs - elapsed);
    };
    tick();
    this.#stopped = () => clearTimeout(timer);
  }

  delivered(count: number): void {
    this.#delivered = count;
    this.#next();
  }

  async stop(): Promise<number> {
    this.#stopped?.();
    this.#next = () => {};
    while (this.#settled < this.#sent) await new Promise((resolve) => setTimeout(resolve, 5));
    if (this.#failure) throw this.#failure;
    return this.#sent;
  }

  #sendNext(): void {
    this.#sent++;
    this.#send(this.#sent).then(this.#accepted, this.#refused);
  }

  readonly #accepted = () => {
    this.#settled++;
    this.#next();
  };

  readonly #refused = (error: unknown) => {
    this.#failure ??= error;
    this.#next = () => {};
    this.#settled++;
  };
}
