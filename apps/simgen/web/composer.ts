import type { ApiError } from "./api.ts";
import { byId, element, icon } from "./element.ts";

const LINES_MAX_PX = 132;

/** The prompt box, and what went wrong with the last prompt. */
export class Composer {
  readonly #prompt = byId("prompt", HTMLTextAreaElement);
  readonly #button = byId("run", HTMLButtonElement);
  readonly #problem = byId("problem", HTMLDivElement);
  readonly #run: (prompt: string) => void;

  constructor(run: (prompt: string) => void) {
    this.#run = run;
    byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      } else if (event.key === "Escape") this.#prompt.blur();
    });
    this.#prompt.addEventListener("input", () => this.#fit());
  }

  /** Puts `prompt` into the box and runs it. */
  try(prompt: string): void {
    this.#prompt.value = prompt;
    this.#fit();
    this.#submit();
  }

  focus(): void {
    this.#prompt.focus();
    this.#prompt.select();
  }

  clear(): void {
    this.#prompt.value = "";
    this.#fit();
  }

  busy(busy: boolean): void {
    this.#button.disabled = busy;
    this.#button.toggleAttribute("data-busy", busy);
    this.#button.setAttribute("aria-label", busy ? "Building the scene" : "Run");
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

  #submit(): void {
    const prompt = this.#prompt.value.trim();
    if (prompt === "") this.#prompt.focus();
    else if (!this.#button.disabled) this.#run(prompt);
  }

  #fit(): void {
    this.#prompt.style.height = "auto";
    this.#prompt.style.height = `${Math.min(LINES_MAX_PX, this.#prompt.scrollHeight)}px`;
  }
}
