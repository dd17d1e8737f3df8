/** What the picture costs. `scale` multiplies the screen's own pixel ratio. */
export interface Quality {
  scale: number;
  pixelRatioMax: number;
  shadowMap: number;
}

const LEVELS: readonly Quality[] = [
  { scale: 1, pixelRatioMax: 2, shadowMap: 2048 },
  { scale: 1, pixelRatioMax: 1.5, shadowMap: 1024 },
  { scale: 1, pixelRatioMax: 1, shadowMap: 1024 },
  { scale: 0.75, pixelRatioMax: 0.75, shadowMap: 512 },
  { scale: 0.5, pixelRatioMax: 0.5, shadowMap: 512 },
];

/** Below 38 pictures a second something must go; below 10 at once. */
const SLOW_MS = 26;
const VERY_SLOW_MS = 100;
const FAST_MS = 18.5;
const SLOW_FRAMES = 12;
const FAST_FRAMES = 300;

/** Chooses the best quality that keeps up, from the time between frames. A level found too slow is not tried again. */
export class QualityGovernor {
  #level: number;
  #best = 0;
  #slow = 0;
  #fast = 0;

  constructor(start: "high" | "low") {
    this.#level = start === "high" ? 0 : LEVELS.length - 2;
  }

  get quality(): Quality {
    return LEVELS[this.#level]!;
  }

  /** Takes the time between two consecutive rendered frames; true when the quality changed. */
  measure(frameMs: number): boolean {
    this.#slow += frameMs > VERY_SLOW_MS ? SLOW_FRAMES / 2 : frameMs > SLOW_MS ? 1 : this.#slow > 0 ? -1 : 0;
    this.#fast = frameMs < FAST_MS ? this.#fast + 1 : 0;
    if (this.#slow >= SLOW_FRAMES && this.#level < LEVELS.length - 1) {
      this.#level++;
      this.#best = this.#level;
    } else if (this.#fast >= FAST_FRAMES && this.#level > this.#best) this.#level--;
    else return false;
    this.#slow = 0;
    this.#fast = 0;
    return true;
  }
}
