import { byId, icon } from "./element.ts";

export interface TransportEvents {
  pause(): void;
  reset(): void;
  follow(): void;
  recentre(): void;
  editSketch(): void;
}

/** The playback bar under the view. */
export class Transport {
  readonly #root = byId("transport", HTMLDivElement);
  readonly #pause = byId("pause", HTMLButtonElement);
  readonly #follow = byId("follow", HTMLButtonElement);
  readonly #edit = byId("edit-sketch", HTMLButtonElement);
  readonly #clock = byId("clock", HTMLOutputElement);

  constructor(events: TransportEvents) {
    this.#pause.addEventListener("click", events.pause);
    byId("reset", HTMLButtonElement).addEventListener("click", events.reset);
    this.#follow.addEventListener("click", events.follow);
    byId("recentre", HTMLButtonElement).addEventListener("click", events.recentre);
    this.#edit.addEventListener("click", events.editSketch);
    this.paused(false);
  }

  /** `hasSketch`: there is a drawing behind the simulation to go back to. */
  show(hasSketch: boolean): void {
    this.#root.hidden = false;
    this.#edit.hidden = !hasSketch;
  }

  hide(): void {
    this.#root.hidden = true;
  }

  paused(paused: boolean): void {
    const label = paused ? "Resume" : "Pause";
    if (this.#pause.dataset.label === label) return;
    this.#pause.dataset.label = label;
    this.#pause.title = `${label} (Space)`;
    this.#pause.replaceChildren(icon(paused ? "play" : "pause"), label);
  }

  following(following: boolean): void {
    this.#follow.setAttribute("aria-pressed", String(following));
  }

  /** Simulated time. */
  time(seconds: number): void {
    const text = `${seconds.toFixed(2)} s`;
    if (this.#clock.value !== text) this.#clock.value = text;
  }
}
