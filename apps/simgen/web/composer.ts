import type { ProgressMessage } from "../server/messages.ts";
import type { Picture } from "../server/picture.ts";
import { type ApiError, asApiError } from "./api.ts";
import { Attachment } from "./attachment.ts";
import { byId, element, icon } from "./element.ts";
import { Progress } from "./progress.ts";

const LINES_MAX_PX = 132;

export interface ComposerEvents {
  /** `picture` may still have to be scaled down, and turn out to be none. */
  run(prompt: string, picture: Promise<Picture | undefined>): void;
  /** Of what is being made. */
  stop(): void;
  /** Somebody wants to draw, or no longer. */
  sketch(): void;
}

/** The prompt box: what is asked for, how far it has got, and what went wrong with it. */
export class Composer {
  readonly #prompt = byId("prompt", HTMLTextAreaElement);
  readonly #button = byId("run", HTMLButtonElement);
  readonly #problem = byId("problem", HTMLDivElement);
  readonly #sketch = byId("sketch", HTMLButtonElement);
  readonly #progress = new Progress();
  readonly #attachment: Attachment;
  readonly #events: ComposerEvents;
  #isBusy = false;
  #isSketching = false;
  #hasPicture = false;

  constructor(events: ComposerEvents) {
    this.#events = events;
    const form = byId("composer", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#button.addEventListener("click", (event) => {
      if (!this.#isBusy) return;
      event.preventDefault();
      // The second click of a double click was meant for "Run".
      if (event.detail < 2) this.#events.stop();
    });
    this.#sketch.addEventListener("click", () => this.#events.sketch());
    this.#attachment = new Attachment(form, {
      touched: () => {
        this.fail(undefined);
        this.#prompt.focus();
      },
      changed: (isThere) => {
        this.#hasPicture = isThere;
        this.#invite();
      },
      failed: (error) => this.fail(asApiError(error)),
    });
    this.#prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      } else if (event.key === "Escape" && !event.isComposing) {
        if (this.#isBusy) this.#events.stop();
        else this.#prompt.blur();
      }
    });
    this.#prompt.addEventListener("input", () => this.#fit());
  }

  /** Puts `prompt` into the box and runs it, unless something is being made. */
  try(prompt: string): void {
    if (this.#isBusy) return;
    this.#prompt.value = prompt;
    this.#fit();
    this.#submit();
  }

  /** A sketch is at work: it can be run without a word, and words say more about it. */
  sketching(sketching: boolean): void {
    this.#isSketching = sketching;
    this.#sketch.setAttribute("aria-pressed", String(sketching));
    this.#label();
    this.#invite();
  }

  focus(): void {
    this.#prompt.focus();
    this.#prompt.select();
  }

  /** Takes away what has been made, not what has been written since. */
  made(prompt: string, picture: Picture | undefined): void {
    this.#attachment.sent(picture);
    if (this.#prompt.value.trim() !== prompt) return;
    this.#prompt.value = "";
    this.#fit();
  }

  /** Something is being made: the button stops it. */
  busy(busy: boolean): void {
    if (busy) this.#progress.start();
    else this.#progress.end();
    if (busy === this.#isBusy) return;
    this.#isBusy = busy;
    this.#button.toggleAttribute("data-busy", busy);
    this.#button.title = busy ? "Stop (Escape)" : "";
    this.#label();
  }

  progress(message: ProgressMessage): void {
    if (this.#isBusy) this.#progress.take(message);
  }

  /** Shows an error with its details and its suggestions as buttons; undefined takes it away. */
  fail(error: ApiError | undefined): void {
    this.#problem.hidden = error === undefined;
    this.#problem.replaceChildren();
    if (!error) return;
    const close = element("button", { class: "quiet square", type: "button", "aria-label": "Dismiss" }, icon("close"));
    close.addEventListener("click", () => {
      this.fail(undefined);
      this.focus();
    });
    const issues = error.issues.map(({ path, expected, received }) =>
      element("li", {}, element("code", {}, path || "input"), ` needs ${expected}; it is ${received}`),
    );
    this.#problem.append(
      element("div", { class: "problem-text" }, element("strong", {}, error.title), element("p", {}, error.message)),
      close,
      ...(issues.length > 0 ? [element("ul", { class: "issues" }, ...issues)] : []),
      ...(error.suggestions.length > 0 ? [this.chips(error.suggestions)] : []),
    );
  }

  /** Prompts as buttons that run them. */
  chips(prompts: readonly string[]): HTMLElement {
    const chips = prompts.map((prompt) => {
      const chip = element("button", { class: "chip", type: "button" }, prompt);
      chip.addEventListener("click", () => this.try(prompt));
      return chip;
    });
    return element("div", { class: "chips" }, ...chips);
  }

  #label(): void {
    const label = this.#isBusy ? "Stop" : this.#isSketching ? "Run it" : "Run";
    this.#button.replaceChildren(element("span", {}, label), icon(this.#isBusy ? "stop" : "send"));
  }

  #invite(): void {
    if (this.#hasPicture) this.#prompt.placeholder = "Say what to make of it…";
    else this.#prompt.placeholder = this.#isSketching ? "Say more about it…" : "Describe a simulation…";
  }

  #submit(): void {
    const prompt = this.#prompt.value.trim();
    if (prompt === "" && !this.#isSketching) this.#prompt.focus();
    else if (!this.#isBusy) this.#events.run(prompt, this.#attachment.ready());
  }

  #fit(): void {
    this.#prompt.style.height = "auto";
    this.#prompt.style.height = `${Math.min(LINES_MAX_PX, this.#prompt.scrollHeight)}px`;
  }
}
