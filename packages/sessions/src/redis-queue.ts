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

/** Calls that wait to be sent, in order, and what has to wait longer. */
export class RedisQueue {
  readonly #bounds: QueueBounds;
  #calls: Call[] = [];
  #size = 0;
  /** By session or room: calls that wait until it has been restored, in order. */
  readonly #held = new Map<string, Call[]>();

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
    if ((this.#calls.length >= queueCallsMax || this.#size >= queueSizeMax) && !call.isOwed) {
      call.refuse("overloaded", `${this.#calls.length} calls wait for Redis already`);
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

  /** These were sent in vain: their session is not restored yet. */
  hold(calls: Call[]): void {
    for (const call of calls) {
      const held = this.#held.get(call.key);
      if (held) held.push(call);
      else this.#held.set(call.key, [call]);
    }
  }

  /** What was held may be tried again. */
  retryHeld(): void {
    if (this.#held.size === 0) return;
    const calls = [...this.#held.values()].flat().filter((call) => !call.isOver);
    this.#held.clear();
    this.putBack(calls);
  }

  /** Tells callers that have waited long enough. */
  giveUp(now: number): void {
    let given = 0;
    for (const call of this.#calls) {
      if (call.isAnswered || now < call.until) continue;
      call.refuse("unavailable", "Redis cannot be reached");
      given++;
    }
    for (const calls of this.#held.values())
      for (const call of calls)
        if (now >= call.until) call.refuse("unavailable", "Redis was restarted, and the session is not restored yet");
    if (given === 0) return;
    this.#calls = this.#calls.filter((call) => !call.isOver);
    this.#size = this.#calls.reduce((sum, call) => sum + call.size, 0);
  }

  /** Gives all, and keeps none. */
  empty(): Call[] {
    const calls = [...this.#calls, ...[...this.#held.values()].flat()];
    this.#calls = [];
    this.#size = 0;
    this.#held.clear();
    return calls;
  }

  #holdBehindOthers(call: Call): boolean {
    if (!call.isOrdered || this.#held.size === 0) return false;
    const held = this.#held.get(call.key);
    held?.push(call);
    return held !== undefined;
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
