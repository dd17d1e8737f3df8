import type { SimulationView } from "../server/messages.ts";
import { byId } from "./element.ts";

/** What the open simulation is called, what it was made of, and by whom. */
export class Heading {
  readonly #root = byId("heading", HTMLDivElement);

  show(simulation: SimulationView): void {
    byId("name", HTMLHeadingElement).textContent = simulation.name;
    byId("origin", HTMLParagraphElement).textContent = simulation.prompt ?? originOf(simulation);
    byId("maker", HTMLParagraphElement).textContent = makerOf(simulation);
    this.#root.hidden = false;
  }

  hide(): void {
    this.#root.hidden = true;
  }
}

/** Of a prompt. */
function makerOf({ planner, model }: SimulationView): string {
  return model !== null ? `Planned by ${model}` : planner === "rules" ? "Planned by rules" : "";
}

function originOf({ planner }: SimulationView): string {
  return planner === "template" ? "From a template" : planner === "cv" ? "From a sketch" : "From a scene";
}
