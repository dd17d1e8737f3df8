import type { SimulationView } from "../server/messages.ts";
import { element, icon } from "./element.ts";

/** What the planner made of the prompt, and what it was unsure about. */
export function notes({ understood, warnings }: SimulationView): HTMLElement[] {
  return [
    ...(warnings.length > 0
      ? [
          section(
            "Please note",
            element("ul", { class: "lines warnings", "data-testid": "warnings" }, ...lines(warnings, "warning")),
          ),
        ]
      : []),
    ...(understood.length > 0
      ? [
          section(
            "Understood",
            element("ul", { class: "lines", "data-testid": "understood" }, ...lines(understood, "check")),
          ),
        ]
      : []),
  ];
}

/** A titled part of the inspector. */
export function section(title: string, ...content: Node[]): HTMLElement {
  return element("section", {}, element("h2", {}, title), ...content);
}

function lines(texts: string[], symbol: string): HTMLElement[] {
  return texts.map((text) => element("li", {}, icon(symbol), element("span", {}, text)));
}
