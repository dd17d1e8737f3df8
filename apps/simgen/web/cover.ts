import { element, icon } from "./element.ts";

export type CoverState = "clear" | "empty" | "loading" | "message";

export interface CoverAction {
  label: string;
  run(): void;
}

export interface CoverMessage {
  symbol: "lost" | "warning";
  title: string;
  detail: string;
  action?: CoverAction;
}

/** What lies over the view while there is nothing to see in it. */
export class Cover {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  clear(): void {
    this.#set("clear");
  }

  /** The invitation, with example prompts, or to draw. */
  empty(examples: HTMLElement, draw: () => void): void {
    const button = element(
      "button",
      { class: "quiet", type: "button", "data-testid": "draw-it" },
      icon("pencil"),
      "or draw it",
    );
    button.addEventListener("click", draw);
    this.#set(
      "empty",
      element("h1", {}, "Describe it. Watch it move."),
      element("p", {}, "Real physics from a sentence, streamed live. Then take the controls."),
      examples,
      button,
    );
  }

  loading(text: string): void {
    const dots = element("span", { class: "swing", "aria-hidden": "true" }, element("i"));
    this.#set("loading", dots, element("p", { role: "status" }, text));
  }

  failed(title: string, detail: string, action: CoverAction): void {
    this.message({ symbol: "warning", title, detail, action });
  }

  lost(title: string, detail: string, action: CoverAction): void {
    this.message({ symbol: "lost", title, detail, action });
  }

  message({ symbol, title, detail, action }: CoverMessage): void {
    const button = action && element("button", { class: "primary", type: "button" }, action.label);
    button?.addEventListener("click", () => action?.run());
    this.#set(
      "message",
      element(
        "div",
        { class: "notice", role: "alert" },
        icon(symbol),
        element("h1", {}, title),
        element("p", {}, detail),
        ...(button ? [button] : []),
      ),
    );
  }

  #set(state: CoverState, ...content: Node[]): void {
    this.#root.dataset.state = state;
    this.#root.replaceChildren(...content);
  }
}
