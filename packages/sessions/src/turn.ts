import type { Line } from "./line.ts";
import type { Timers } from "./timers.ts";

const ACK_DELAY_MS = 20;
const LANES_RETRY_MS = 5;

/** Gathers what lines have to write, so that each socket is written once a turn of the event loop. */
export class Turn {
  readonly #timers: Timers;
  readonly #laneHolders = new Set<Line>();
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

  /** Writes the line's held lane values as its socket gets room. A socket does not tell when. */
  lanesDue(line: Line): void {
    this.#laneHolders.add(line);
    if (this.#laneHolders.size === 1) this.#timers.later(LANES_RETRY_MS, this.#writeLanes);
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

  readonly #writeLanes = (): void => {
    for (const line of this.#laneHolders) if (line.writeLanes()) this.#laneHolders.delete(line);
    if (this.#laneHolders.size > 0) this.#timers.later(LANES_RETRY_MS, this.#writeLanes);
  };
}
