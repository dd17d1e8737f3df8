import type { SimulationView } from "../server/messages.ts";
import { element, icon } from "./element.ts";

const CONFIRM_MS = 3_000;

export interface MineEvents {
  open(id: string): void;
  /** Resolves to whether it is gone. */
  remove(id: string): Promise<boolean>;
}

/** The list of the visitor's own simulations, newest first. */
export class Mine {
  readonly #list: HTMLUListElement;
  readonly #events: MineEvents;
  #simulations: SimulationView[] = [];
  #current: string | undefined;

  constructor(list: HTMLUListElement, events: MineEvents) {
    this.#list = list;
    this.#events = events;
    list.replaceChildren(...Array.from({ length: 3 }, () => element("li", { class: "skeleton" })));
  }

  show(simulations: SimulationView[]): void {
    this.#list.removeAttribute("aria-busy");
    this.#simulations = simulations.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
    this.#draw();
  }

  add(simulation: SimulationView): void {
    this.show([simulation, ...this.#simulations.filter((each) => each.id !== simulation.id)]);
  }

  /** Marks the one that is open. */
  mark(id: string | undefined): void {
    this.#current = id;
    this.#draw();
  }

  #draw(): void {
    if (this.#list.hasAttribute("aria-busy")) return;
    if (this.#simulations.length === 0)
      this.#list.replaceChildren(element("li", { class: "nothing" }, "What you make is kept here."));
    else this.#list.replaceChildren(...this.#simulations.map((each) => this.#row(each)));
  }

  #row({ id, name, createdAt, planner, model }: SimulationView): HTMLLIElement {
    const link = element(
      "a",
      { href: `/s/${id}`, "aria-current": id === this.#current ? "page" : undefined },
      element("span", {}, name),
      element(
        "small",
        { title: model ?? undefined },
        `${model ? shortName(model) : madeBy(planner)}, ${ago(createdAt)}`,
      ),
    );
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#events.open(id);
    });
    return element("li", {}, link, this.#deleteButton(id, name));
  }

  /** Deletes on the second press. */
  #deleteButton(id: string, name: string): HTMLButtonElement {
    const button = element(
      "button",
      { class: "quiet square", type: "button", "aria-label": `Delete ${name}`, title: "Delete" },
      icon("trash"),
    );
    button.addEventListener("click", async () => {
      if (button.dataset.sure === undefined) {
        button.dataset.sure = "";
        button.replaceChildren("Delete?");
        button.setAttribute("aria-label", `Really delete ${name}?`);
        setTimeout(() => {
          if (!button.isConnected || button.disabled) return;
          delete button.dataset.sure;
          button.replaceChildren(icon("trash"));
          button.setAttribute("aria-label", `Delete ${name}`);
        }, CONFIRM_MS);
        return;
      }
      button.disabled = true;
      if (await this.#events.remove(id)) this.show(this.#simulations.filter((each) => each.id !== id));
      else button.disabled = false;
    });
    return button;
  }
}

function madeBy(planner: SimulationView["planner"]): string {
  return { template: "Template", rules: "Prompt", llm: "Prompt", cv: "Sketch", scene: "Scene" }[planner];
}

/** "anthropic/claude-…" without the vendor, for a narrow list. */
function shortName(model: string): string {
  return model.slice(model.indexOf("/") + 1);
}

/** "just now", "5 minutes ago", "yesterday". */
function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds > -60) return "just now";
  if (seconds > -3_600) return format.format(Math.round(seconds / 60), "minute");
  if (seconds > -86_400) return format.format(Math.round(seconds / 3_600), "hour");
  return format.format(Math.round(seconds / 86_400), "day");
}
