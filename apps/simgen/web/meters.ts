import { element } from "./element.ts";

const EVERY_MS = 1_000;

/** Counts what was drawn and received, and says so once a second. */
export class Meters {
  readonly #root: HTMLElement;
  #drawn = 0;
  #received = 0;
  #sinceMs = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  received(): void {
    this.#received++;
  }

  /** Call it once an animation frame, with all pictures drawn so far and the delay from the physics to the eye. */
  tick(nowMs: number, renderedFrames: number, delayMs: number): void {
    const elapsed = nowMs - this.#sinceMs;
    if (elapsed < EVERY_MS) return;
    const rate = (count: number) => Math.round((count * 1000) / elapsed);
    const [fps, incoming] = [rate(renderedFrames - this.#drawn), rate(this.#received)];
    this.#drawn = renderedFrames;
    this.#received = 0;
    this.#sinceMs = nowMs;
    this.#root.title = "Frames drawn a second, frames received a second, delay from the physics to the picture";
    this.#root.replaceChildren(
      ...meter(String(fps), "fps"),
      ...meter(String(incoming), "in"),
      ...meter(String(Math.round(delayMs)), "ms"),
    );
  }
}

function meter(value: string, unit: string): Node[] {
  return [element("span", {}, element("b", {}, value), ` ${unit}`)];
}
