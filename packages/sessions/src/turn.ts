import type { Line } from "./line.ts";
import type { Timers } from "./timers.ts";

const ACK_DELAY_MS = 20;
const ROOM_CHECK_MS = 5;

/** Gathers what lines have to write, so that each socket is written once a turn of the event loop. */
export class Turn {
  readonly #timers: Timers;
  readonly #waiting = new Set<Line>();
  #due: Line[] = [];
  #acksDue: Line[] = [];

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Flushes the line when this turn's input is in. */
  due(line: Line): void {
    if (line.isDue) return;
    line.isDue = true;
    if (this.#due.push(line) === 1) setImmediate(this.#flush);
  }

  /** Writes an acknowledgement in a moment, unless a frame has carried it before. */
  ackDue(line: Line): void {
    if (line.isAckDue || line.isOver) return;
    line.isAckDue = true;
    if (this.#acksDue.push(line) === 1) this.#timers.later(ACK_DELAY_MS, this.#writeAcks);
  }

  /** Writes what the line holds as its socket gets room. A socket does not tell when. */
  roomDue(line: Line): void {
    this.#waiting.add(line);
    if (this.#waiting.size === 1) this.#timers.later(ROOM_CHECK_MS, this.#writeHeld);
  }

  readonly #flush = (): void => {
    const lines = this.#due;
    this.#due = [];
    const nowMs = performance.now();
    for (const line of lines) {
      line.isDue = false;
      line.flush(nowMs);
    }
  };

  readonly #writeAcks = (): void => {
    const lines = this.#acksDue;
    this.#acksDue = [];
    const nowMs = performance.now();
    for (const line of lines) {
      line.isAckDue = false;
      line.writeAck(nowMs);
    }
  };

  readonly #writeHeld = (): void => {
    const nowMs = performance.now();
    for (const line of this.#waiting) if (line.writeHeld(nowMs)) this.#waiting.delete(line);
    if (this.#waiting.size > 0) this.#timers.later(ROOM_CHECK_MS, this.#writeHeld);
  };
}
