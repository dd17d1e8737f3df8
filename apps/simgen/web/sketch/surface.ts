import type { Point } from "../../cv/drawing.ts";
import type { Recognition } from "../../cv/recognition.ts";
import { byId } from "../element.ts";
import { Ink } from "./ink.ts";
import { Lettering, textAt } from "./lettering.ts";
import { Overlay } from "./overlay.ts";
import { distance, touches } from "./path.ts";
import { Pen, type PenPoint } from "./pen.ts";
import { PAPER, rounded, type Sketch } from "./sketch.ts";

export type Tool = "draw" | "erase" | "text" | "correct" | "hinge";

export interface SurfaceEvents {
  /** `upMs`: when the pen was lifted, as `performance.now()` has it. */
  drawn(points: readonly Point[], pressures: readonly number[] | undefined, upMs: number): void;
  /** What is left. */
  erased(left: Pick<Sketch, "strokes" | "texts">): void;
  /** `index` of the text before it; undefined of a new one. An empty text is none. */
  written(text: string, at: Point, index: number | undefined): void;
  /** Undefined: nothing is there. */
  picked(id: string | undefined): void;
  hinged(at: Point): void;
}

/** Closer together than this, points say nothing new; in units of the paper. */
const STEP_MIN = 1.2;
const STROKE_POINTS_MAX = 2_000;
/** How far the eraser reaches, on the screen. */
const ERASER_PX = 9;
/** A finger or a pen that moves less than this has tapped. */
const TAP_PX = 8;

/** The paper: what is on it, and what a pen does to it. */
export class Surface {
  readonly #paper = byId("paper", HTMLDivElement);
  readonly #picture = byId("paper-picture", HTMLImageElement);
  readonly #canvas = byId("ink", HTMLCanvasElement);
  readonly #ink = new Ink(this.#canvas);
  readonly #overlay = new Overlay(this.#findOverlay());
  readonly #lettering = new Lettering(this.#paper, this.#canvas);
  readonly #events: SurfaceEvents;
  readonly #pen: Pen;
  #tool: Tool = "draw";
  #sketch: Pick<Sketch, "strokes" | "texts"> = { strokes: [], texts: [] };
  /** What the pen does from down to up. */
  #gesture: { tool: Tool; points: Point[]; pressures: number[] | undefined } | undefined;
  #left: Pick<Sketch, "strokes" | "texts"> | undefined;

  constructor(events: SurfaceEvents) {
    this.#events = events;
    this.#pen = new Pen(this.#paper, (event) => this.#place(event), {
      down: (point, erases) => this.#down(point, erases ? "erase" : this.#tool),
      move: (points) => this.#move(points),
      up: (upMs) => this.#up(upMs),
      cancel: () => this.#cancel(),
    });
  }

  get isBusy(): boolean {
    return this.#pen.isDown || this.#lettering.isOpen;
  }

  get tool(): Tool {
    return this.#tool;
  }

  set tool(tool: Tool) {
    this.#tool = tool;
    this.#paper.dataset.tool = tool;
  }

  show(sketch: Sketch, seen: Recognition, selected: string | undefined): void {
    this.#sketch = sketch;
    this.#ink.show(sketch);
    this.#overlay.show(seen, sketch, selected);
    this.#picture.hidden = sketch.picture === undefined;
    if (sketch.picture === undefined) this.#picture.removeAttribute("src");
    else if (this.#picture.getAttribute("src") !== sketch.picture) this.#picture.src = sketch.picture;
  }

  /** After the colours have changed. */
  repaint(): void {
    this.#ink.repaint();
  }

  /** On a phone, what is listed lies below it. */
  reveal(): void {
    this.#paper.scrollIntoView({ block: "nearest" });
  }

  focus(): void {
    this.#canvas.focus({ preventScroll: true });
  }

  #down(point: PenPoint, tool: Tool): void {
    this.focus();
    this.#gesture = { tool, points: [], pressures: point.pressure === undefined ? undefined : [] };
    this.#left = undefined;
    this.#move([point]);
  }

  #move(points: readonly PenPoint[]): void {
    const gesture = this.#gesture;
    if (!gesture) return;
    const had = gesture.points.length;
    for (const { at, pressure } of points) {
      const last = gesture.points.at(-1);
      if ((last && distance(last, at) < STEP_MIN) || gesture.points.length >= STROKE_POINTS_MAX) continue;
      gesture.points.push(at);
      gesture.pressures?.push(rounded(pressure ?? 0.5));
    }
    if (gesture.points.length === had) return;
    if (gesture.tool === "draw") this.#ink.add(strokeSoFar(gesture), had);
    else if (gesture.tool === "erase") this.#erase(gesture.points.slice(Math.max(0, had - 1)));
  }

  #up(upMs: number): void {
    const gesture = this.#gesture;
    const [first] = gesture?.points ?? [];
    if (!gesture || !first) return;
    this.#gesture = undefined;
    if (gesture.tool === "draw") this.#events.drawn(gesture.points, gesture.pressures, upMs);
    else if (gesture.tool === "erase") {
      if (this.#left) this.#events.erased(this.#left);
    } else if (gesture.points.every((point) => distance(point, first) <= TAP_PX * this.#unit))
      this.#tap(gesture.tool, first);
  }

  #tap(tool: Tool, at: Point): void {
    if (tool === "text") this.#write(at);
    else if (tool === "hinge") this.#events.hinged(at);
    else this.#events.picked(this.#overlay.itemAt(...this.#clientOf(at)));
  }

  #cancel(): void {
    this.#gesture = undefined;
    this.#left = undefined;
    this.#ink.show(this.#sketch);
  }

  #erase(path: readonly Point[]): void {
    const { strokes, texts } = this.#left ?? this.#sketch;
    const reach = ERASER_PX * this.#unit;
    const text = textAt(texts, path);
    const left = {
      strokes: strokes.filter(({ points }) => !touches(points, path, reach)),
      texts: texts.filter((_, at) => at !== text),
    };
    if (left.strokes.length === strokes.length && left.texts.length === texts.length) return;
    this.#left = left;
    this.#ink.show(left);
  }

  #write(at: Point): void {
    const found = textAt(this.#sketch.texts, [at]);
    const before = this.#sketch.texts[found];
    const index = before ? found : undefined;
    const place = before?.at ?? at;
    this.#lettering.ask(place, before?.text ?? "", (text) => this.#events.written(text, place, index));
  }

  /** Where on the paper an event is, within its edges. */
  #place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [
      rounded(Math.min(1, Math.max(0, (clientX - left) / width)) * PAPER.width),
      rounded(Math.min(1, Math.max(0, (clientY - top) / height)) * PAPER.height),
    ];
  }

  #clientOf([x, y]: Point): [number, number] {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [left + (x / PAPER.width) * width, top + (y / PAPER.height) * height];
  }

  /** Units of the paper in one of the screen's. */
  get #unit(): number {
    return PAPER.width / this.#canvas.getBoundingClientRect().width;
  }

  #findOverlay(): SVGSVGElement {
    const found = this.#paper.querySelector("svg");
    if (!found) throw new Error("expected a drawing in #paper");
    return found;
  }
}

function strokeSoFar({ points, pressures }: { points: Point[]; pressures: number[] | undefined }) {
  return { points, ...(pressures && { pressures }) };
}
