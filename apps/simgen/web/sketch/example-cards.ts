import { byId, element } from "../element.ts";
import { EXAMPLES, type Example } from "./examples.ts";
import { svg } from "./svg.ts";

/** Drawings to start from, as cards that show them. */
export function showExamples(choose: (example: Example) => void): void {
  byId("sketch-examples", HTMLUListElement).replaceChildren(
    ...EXAMPLES.map((example) => element("li", {}, card(example, choose))),
  );
}

function card(example: Example, choose: (example: Example) => void): HTMLButtonElement {
  const { id, title, strokes } = example;
  const lines = strokes.map((points) => svg("polyline", { points }));
  const picture = svg("svg", { viewBox: "40 50 720 480", "aria-hidden": "true" }, ...lines);
  const button = element("button", { class: "card", type: "button", "data-testid": `example-${id}` });
  button.append(element("span", { class: "thumb sheet-of-paper" }, picture), element("strong", {}, title));
  button.addEventListener("click", () => choose(example));
  return button;
}
