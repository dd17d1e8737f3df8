import type { Actuator, Scene } from "../sim/scene.ts";
import { element } from "./element.ts";
import { controlQuantity, humanised, type Quantity, withoutUnit, withUnit } from "./quantity.ts";

const STEPS = 200;
/** How long a slider ignores the server after the person let go: the command is still on its way. */
const HOLD_MS = 600;

interface Slider {
  actuator: Actuator;
  quantity: Quantity;
  row: HTMLElement;
  input: HTMLInputElement;
  output: HTMLOutputElement;
  touchedMs: number;
}

/** A slider for every actuator; changes are sent at most once an animation frame. */
export class Controls {
  readonly root: HTMLElement;
  readonly #sliders: Slider[];
  readonly #drive: (actuator: string, value: number) => void;
  readonly #due = new Map<string, number>();

  constructor(scene: Scene, drive: (actuator: string, value: number) => void) {
    this.#drive = drive;
    this.#sliders = scene.actuators.map((actuator) => this.#make(actuator, controlQuantity(actuator, scene)));
    this.root = element("div", { class: "sliders" }, ...this.#sliders.map((each) => each.row));
  }

  /** Moves the sliders nobody is holding to the server's values, in the scene's order. */
  show(values: readonly number[]): void {
    const now = performance.now();
    this.#sliders.forEach((slider, index) => {
      const value = values[index];
      if (value === undefined || now - slider.touchedMs < HOLD_MS) return;
      slider.input.value = String(value);
      paint(slider, value);
    });
  }

  /** After a reset, what drives itself does so again. */
  reset(): void {
    for (const { row, actuator } of this.#sliders) row.toggleAttribute("data-auto", actuator.wave !== undefined);
  }

  #make(actuator: Actuator, quantity: Quantity): Slider {
    const { id, range } = actuator;
    const [low, high] = range;
    const name = withoutUnit(actuator.label ?? humanised(id));
    const field = `actuator-${id}`;
    const start = actuator.initial ?? Math.min(high, Math.max(low, 0));
    const input = element("input", {
      type: "range",
      id: field,
      "data-testid": field,
      min: low,
      max: high,
      step: (high - low) / STEPS,
      value: start,
    });
    const output = element("output", { for: field });
    const auto = element("span", { class: "auto", title: "Moves by itself until you take the slider" }, "auto");
    const row = element(
      "div",
      { class: "slider", "data-auto": actuator.wave !== undefined },
      element("label", { for: field }, name, auto),
      output,
      input,
      element("span", { class: "range" }, withUnit(low, quantity)),
      element("span", { class: "range" }, withUnit(high, quantity)),
    );
    const slider: Slider = { actuator, quantity, row, input, output, touchedMs: Number.NEGATIVE_INFINITY };
    input.addEventListener("input", () => {
      row.removeAttribute("data-auto");
      this.#take(slider, input.valueAsNumber);
    });
    input.addEventListener("dblclick", () => {
      input.value = String(start);
      this.#take(slider, start);
    });
    paint(slider, start);
    return slider;
  }

  #take(slider: Slider, value: number): void {
    slider.touchedMs = performance.now();
    paint(slider, value);
    if (this.#due.size === 0) requestAnimationFrame(() => this.#flush());
    this.#due.set(slider.actuator.id, value);
  }

  #flush(): void {
    for (const [actuator, value] of this.#due) this.#drive(actuator, value);
    this.#due.clear();
  }
}

function paint({ actuator, quantity, input, output }: Slider, value: number): void {
  const [low, high] = actuator.range;
  const text = withUnit(value, quantity);
  output.value = text;
  input.setAttribute("aria-valuetext", text);
  const share = (at: number) => Math.max(0, Math.min(1, (at - low) / (high - low)));
  const from = share(0);
  const to = share(value);
  // The coloured part runs from zero, or the end nearest to it, to the thumb.
  input.style.setProperty("--from", String(Math.min(from, to)));
  input.style.setProperty("--to", String(Math.max(from, to)));
}
