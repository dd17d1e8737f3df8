import type { Call } from "./redis-call.ts";

export interface QueueBounds {
  /** Calls that wait for Redis; more are refused. */
  queueCallsMax: number;
  /** Characters that wait for Redis; more are refused. */
  queueSizeMax: number;
  /** Operations in one call of a script: while it runs, Redis does nothing else. */
  scriptOperationsMax: number;
  /** Characters in one call of a script. */
  scriptSizeMax: number;
  /** Messages that are kept as one entry. */
  entryMessagesMax: number;
  /** Characters of messages that are kept as one entry. */
  entrySizeMax: number;
}

/** One operation of a script: one call, or several that were joined. */
export interface Operation {
  name: string;
  key: string;
  calls: Call[];
  /** What it appends. */
  json: string;
}

/** What waits for one session or room, in order. One call at a time is sent to see whether the wait is over. */
interface Held {
  probe: Call | undefined;
  calls: Call[];
}

/** Calls that wait to be sent, in order, and what has to wait longer. */
export class RedisQueue {
  readonly #bounds: QueueBounds;
  #calls: Call[] = [];
  #size = 0;
  /** By session or room: calls that wait until it has been restored. */
  readonly #held = new Map<string, Held>();
  /** How many are held. */
  #heldCalls = 0;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#calls.length;
  }

  get isEmpty(): boolean {
    return this.#calls.length === 0 && this.#held.size === 0;
  }

  /** Refuses the call when there are too many. */
  push(call: Call): void {
    const { queueCallsMax, queueSizeMax } = this.#bounds;
    const waiting = this.#calls.length + this.#heldCalls;
    if ((waiting >= queueCallsMax || this.#size >= queueSizeMax) && !call.isOwed) {
      call.refuse("overloaded", `${waiting} calls wait for Redis already`);
      return;
    }
    this.#calls.push(call);
    this.#size += call.size;
  }

  /** To the front, in this order. */
  putBack(calls: Call[]): void {
    if (calls.length === 0) return;
    this.#calls = [...calls, ...this.#calls];
    for (const call of calls) this.#size += call.size;
  }

  /** The next operations, as many as may go at once. */
  take(): Operation[] {
    const { scriptOperationsMax, scriptSizeMax } = this.#bounds;
    const operations: Operation[] = [];
    /** By session: the append that one more message may still be joined to, without overtaking anything. */
    const open = new Map<string, Operation>();
    let size = 0;
    let taken = 0;
    for (const call of this.#calls) {
      if (operations.length >= scriptOperationsMax || size >= scriptSizeMax) break;
      taken++;
      this.#size -= call.size;
      if (call.isOver || this.#holdBehindOthers(call)) continue;
      size += call.size;
      if (this.#join(call, open, operations)) continue;
      const operation = { name: call.name, key: call.key, calls: [call], json: call.json };
      operations.push(operation);
      if (call.name === "append") open.set(call.key, operation);
      else if (call.name === "publish") open.clear();
      else open.delete(call.key);
    }
    if (taken === this.#calls.length) this.#calls = [];
    else this.#calls.splice(0, taken);
    return operations;
  }

  /** These were sent in vain, or must not be yet: their session is not restored. */
  hold(calls: Call[]): void {
    for (const call of calls) {
      const held = this.#heldFor(call.key);
      if (held.probe === call) {
        held.probe = undefined;
        held.calls.unshift(call);
      } else held.calls.push(call);
    }
    this.#heldCalls += calls.length;
  }

  /** These are to be asked before anything else about their sessions is sent. */
  holdFirst(calls: Call[]): void {
    for (const call of calls) this.#heldFor(call.key).calls.unshift(call);
    this.#heldCalls += calls.length;
  }

  /** Sends the first of each session that waits. */
  retryHeld(): void {
    const probes: Call[] = [];
    for (const [key, held] of this.#held) {
      if (held.probe && !held.probe.isOver) continue;
      held.probe = held.calls.shift();
      if (held.probe) probes.push(held.probe);
      else this.#held.delete(key);
    }
    this.#heldCalls -= probes.length;
    this.putBack(probes);
  }

  /** This has been done; if others waited for it, they go before all else, after `first`. */
  release({ key, calls }: Operation, first: Call[]): void {
    const held = this.#held.get(key);
    // Not for just any operation about the session: its own restore is one, and what waits has a question to ask first.
    const isAwaited = held?.probe !== undefined && calls.includes(held.probe);
    const released = isAwaited ? held.calls : [];
    if (isAwaited) this.#held.delete(key);
    this.#heldCalls -= released.length;
    this.putBack([...first, ...released]);
  }

  /** Tells callers that have waited long enough. */
  giveUp(now: number): void {
    let given = 0;
    for (const call of this.#calls) {
      if (call.isAnswered || now < call.until) continue;
      call.refuse("unavailable", "Redis cannot be reached");
      given++;
    }
    this.#heldCalls = 0;
    for (const held of this.#held.values()) {
      for (const call of held.calls)
        if (now >= call.until) call.refuse("unavailable", "Redis was restarted, and the session is not restored yet");
      held.calls = held.calls.filter((call) => !call.isOver);
      this.#heldCalls += held.calls.length;
    }
    if (given === 0) return;
    this.#calls = this.#calls.filter((call) => !call.isOver);
    this.#size = this.#calls.reduce((sum, call) => sum + call.size, 0);
  }

  /** Gives all, and keeps none. */
  empty(): Call[] {
    const calls = [...this.#calls, ...[...this.#held.values()].flatMap((held) => held.calls)];
    this.#calls = [];
    this.#size = 0;
    this.#held.clear();
    this.#heldCalls = 0;
    return calls;
  }

  #holdBehindOthers(call: Call): boolean {
    if (!call.isOrdered || this.#held.size === 0) return false;
    const held = this.#held.get(call.key);
    if (!held || held.probe === call) return false;
    held.calls.push(call);
    this.#heldCalls++;
    return true;
  }

  #heldFor(key: string): Held {
    const held = this.#held.get(key) ?? { probe: undefined, calls: [] };
    this.#held.set(key, held);
    return held;
  }

  #join(call: Call, open: Map<string, Operation>, operations: Operation[]): boolean {
    const { entryMessagesMax, entrySizeMax } = this.#bounds;
    let operation: Operation | undefined;
    if (call.name === "append") operation = open.get(call.key);
    // Rooms share members, so a publish must not overtake any other, nor an append.
    else if (call.name === "publish") operation = operations.at(-1);
    if (operation?.name !== call.name || operation.key !== call.key) return false;
    if (operation.calls.length >= entryMessagesMax) return false;
    if (operation.json.length + call.json.length >= entrySizeMax) return false;
    operation.calls.push(call);
    operation.json += `,${call.json}`;
    return true;
  }
}
