import { now } from "./clock.ts";

const WAKE_MS = 5;
/** A process that was held up sends what it is late with in one go, but no more than this. */
const BEHIND_MS_MAX = 1000;

/** Calls `turn` so many times a second, evenly, until stopped. */
export class Pacer {
  readonly #timer: NodeJS.Timeout;

  constructor(perSecond: number, turn: () => void) {
    const perMs = perSecond / 1000;
    let since = now();
    let done = 0;
    this.#timer = setInterval(() => {
      const at = now();
      if ((at - since) * perMs - done > BEHIND_MS_MAX * perMs) {
        since = at - BEHIND_MS_MAX;
        done = 0;
      }
      for (const due = Math.floor((at - since) * perMs); done < due; done++) turn();
    }, WAKE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
