import type { Clock, Timer } from "./clock.ts";

/** Something with a time limit. It carries its own links, and is in one list at most. */
export class Limit {
  readonly passed: () => void;
  dueMs = 0;
  before: Limit | undefined = undefined;
  next: Limit | undefined = undefined;

  constructor(passed: () => void) {
    this.passed = passed;
  }
}

/**
 * Time limits that are all equally long: the first in is the first due, so one timer does for all. It is not taken down
 * with the last of them, since the next call is near; it then just holds up no process.
 */
export class Deadlines {
  readonly ms: number;
  readonly #clock: Clock;
  #first: Limit | undefined;
  #last: Limit | undefined;
  #timer: Timer | undefined;

  constructor(ms: number, clock: Clock) {
    this.ms = ms;
    this.#clock = clock;
  }

  /** Calls `passed` when its time is over, unless it is removed before. */
  add(limit: Limit): void {
    limit.dueMs = this.#clock.now() + this.ms;
    limit.before = this.#last;
    if (this.#last) this.#last.next = limit;
    else {
      this.#first = limit;
      if (this.#timer) this.#timer.hold(true);
      else this.#wait(this.ms);
    }
    this.#last = limit;
  }

  /** Whether it was still in here. */
  remove(limit: Limit): boolean {
    const { before, next } = limit;
    if (before) before.next = next;
    else if (this.#first === limit) this.#first = next;
    // It is no longer in here.
    else return false;
    if (next) next.before = before;
    else this.#last = before;
    limit.before = limit.next = undefined;
    if (!this.#first) this.#timer?.hold(false);
    return true;
  }

  #wait(ms: number): void {
    this.#timer = this.#clock.after(Math.ceil(ms), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    for (let limit = this.#first; limit; limit = this.#first) {
      const leftMs = limit.dueMs - this.#clock.now();
      if (leftMs > 0) {
        this.#wait(leftMs);
        return;
      }
      this.remove(limit);
      limit.passed();
    }
  }
}
