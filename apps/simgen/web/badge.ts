import { element } from "./element.ts";
import type { PlaybackState } from "./playback.ts";

const SLOW_PERCENT = 95;

/** Says over the view what is out of the ordinary: paused, stalled, slower than real time. */
export class Badge {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show(state: PlaybackState, speedPercent: number): void {
    const text = textOf(state, speedPercent);
    if (this.#root.dataset.text === text) return;
    this.#root.dataset.text = text;
    const tone = state === "paused" ? "plain" : "warn";
    this.#root.replaceChildren(...(text ? [element("span", { class: "badge", "data-tone": tone }, text)] : []));
  }
}

function textOf(state: PlaybackState, speedPercent: number): string {
  if (state === "paused") return "Paused";
  if (state === "stalled") return "Waiting for the server";
  const slow = state === "playing" && speedPercent < SLOW_PERCENT && speedPercent > 0;
  return slow ? `Running at ${speedPercent} % of real time` : "";
}
