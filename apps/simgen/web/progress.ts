import type { ProgressMessage } from "../server/messages.ts";
import { byId } from "./element.ts";

/** What is made sooner needs no words. */
const QUIET_MS = 400;

/** What is being done, by whom, and how much of an answer has come. */
export interface ProgressWords {
  what: string;
  by: string;
  grown: string;
}

const NOTHING: ProgressWords = { what: "", by: "", grown: "" };
const BEGINNING: ProgressWords = { ...NOTHING, what: "Waiting for the planner" };

/** One line in the prompt box that says how far a simulation in the making has got. */
export class Progress {
  readonly #what = byId("progress-what", HTMLSpanElement);
  readonly #by = byId("progress-by", HTMLSpanElement);
  readonly #grown = byId("progress-grown", HTMLSpanElement);
  #words = BEGINNING;
  #isShown = false;
  #timer: number | undefined;

  start(): void {
    this.end();
    this.#words = BEGINNING;
    this.#timer = window.setTimeout(() => {
      this.#isShown = true;
      this.#draw(this.#words);
    }, QUIET_MS);
  }

  take(message: ProgressMessage): void {
    this.#words = progressWords(message);
    if (this.#isShown) this.#draw(this.#words);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#isShown = false;
    this.#draw(NOTHING);
  }

  /** A text that stays is left alone: screen readers would read it again. */
  #draw({ what, by, grown }: ProgressWords): void {
    for (const [span, text] of [
      [this.#what, what],
      [this.#by, by],
      [this.#grown, grown],
    ] as const)
      if (span.textContent !== text) span.textContent = text;
  }
}

/** Of a stage that this page does not know, nothing. */
export function progressWords({ stage, planner, chars = 0 }: ProgressMessage): ProgressWords {
  const isModel = planner.includes("/");
  const by = isModel ? planner : planner === "rules" ? "built-in rules" : "";
  switch (stage) {
    case "planning": {
      if (!isModel) return { what: planner === "cv" ? "Reading the sketch" : "Reading the prompt", by, grown: "" };
      const grown = chars > 0 ? `${chars.toLocaleString("en")} characters` : "";
      return { what: "Writing the scene", by, grown };
    }
    case "validating":
      return { what: "Checking the scene", by, grown: "" };
    case "compiling":
      return { what: "Trying out the physics", by, grown: "" };
    case "repairing":
      return { what: "Mending the scene", by, grown: "" };
    case "running":
      return { what: "Starting", by, grown: "" };
    default:
      return NOTHING;
  }
}
