import type { Scene } from "../sim/scene.ts";
import { element } from "./element.ts";
import { figure, humanised, type Quantity, sensorQuantity } from "./quantity.ts";

const HISTORY = 90;
const TRACE_WIDTH = 72;
const TRACE_HEIGHT = 22;
const SVG = "http://www.w3.org/2000/svg";
const AXES = ["x", "y", "z"] as const;

interface Readout {
  quantity: Quantity;
  /** Where its numbers start among all sensor values, and how many they are. */
  start: number;
  count: 1 | 3;
  figures: HTMLElement[];
  traces: SVGPolylineElement[];
  history: number[][];
}

/** The sensors' present values, each with a short trace of the last seconds. */
export class Readouts {
  readonly root: HTMLElement;
  readonly #readouts: Readout[] = [];

  constructor(scene: Scene) {
    this.root = element("dl", { class: "readouts" });
    let start = 0;
    for (const sensor of scene.sensors) {
      const count = sensor.type.startsWith("body") ? 3 : 1;
      const quantity = sensorQuantity(sensor, scene);
      const figures = Array.from({ length: count }, () => element("span", { class: "figure" }, "–"));
      const traces = figures.map(() => document.createElementNS(SVG, "polyline"));
      this.root.append(
        element(
          "div",
          { class: "readout", "data-count": count },
          element("dt", {}, humanised(sensor.id)),
          element(
            "dd",
            {},
            ...figures.flatMap((each, at) => (count === 3 ? [element("i", {}, AXES[at]!), each] : [each])),
            element("span", { class: "unit", "data-tight": quantity.unit === "°" }, quantity.unit),
          ),
          traceBox(traces),
        ),
      );
      this.#readouts.push({ quantity, start, count, figures, traces, history: [] });
      start += count;
    }
  }

  /** Takes all sensor values, in the scene's order. */
  show(values: Float32Array): void {
    for (const readout of this.#readouts) {
      const { start, count, quantity, figures, history } = readout;
      const shown = Array.from(values.subarray(start, start + count), (value) => value * quantity.factor);
      figures.forEach((each, at) => {
        each.textContent = figure(shown[at] ?? 0);
      });
      history.push(shown);
      if (history.length > HISTORY) history.shift();
      draw(readout);
    }
  }

  clear(): void {
    for (const each of this.#readouts) each.history.length = 0;
  }
}

function traceBox(traces: SVGPolylineElement[]): SVGSVGElement {
  const box = document.createElementNS(SVG, "svg");
  box.setAttribute("class", "trace");
  box.setAttribute("viewBox", `0 0 ${TRACE_WIDTH} ${TRACE_HEIGHT}`);
  box.setAttribute("aria-hidden", "true");
  box.append(...traces);
  return box;
}

function draw({ traces, history }: Readout): void {
  const all = history.flat();
  const low = Math.min(...all);
  const high = Math.max(...all);
  const middle = (low + high) / 2;
  const span = Math.max(high - low, 0.04 * Math.abs(middle), 0.01);
  traces.forEach((trace, axis) => {
    const points = history.map((values, at) => {
      const x = ((at + HISTORY - history.length) / (HISTORY - 1)) * TRACE_WIDTH;
      const y = TRACE_HEIGHT / 2 - (((values[axis] ?? 0) - middle) / span) * (TRACE_HEIGHT - 4);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    trace.setAttribute("points", points.join(" "));
  });
}
