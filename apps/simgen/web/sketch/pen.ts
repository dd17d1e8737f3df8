import type { Point } from "../../cv/drawing.ts";

/** How long a pen that was near keeps hands off the paper. */
const PALM_MS = 500;
/** The other end of a pen, as Pointer Events number it. */
const ERASER_BUTTON = 5;

export interface PenPoint {
  at: Point;
  /** From 0 to 1; undefined of what does not feel it. */
  pressure: number | undefined;
}

export interface PenEvents {
  /** `erases`: with the other end of the pen. */
  down(point: PenPoint, erases: boolean): void;
  move(points: readonly PenPoint[]): void;
  /** When that was, as `performance.now()` has it. */
  up(timeMs: number): void;
  /** It was no stroke after all. */
  cancel(): void;
}

/** One stroke at a time, of a mouse, a finger or a pen, whose hand may lie on the paper. */
export class Pen {
  readonly #surface: HTMLElement;
  readonly #events: PenEvents;
  readonly #place: (event: PointerEvent) => Point;
  #active: { id: number; type: string } | undefined;
  #penMs = Number.NEGATIVE_INFINITY;

  /** `place` says where on the paper an event is. */
  constructor(surface: HTMLElement, place: (event: PointerEvent) => Point, events: PenEvents) {
    this.#surface = surface;
    this.#place = place;
    this.#events = events;
    surface.addEventListener("pointerdown", (event) => this.#down(event));
    surface.addEventListener("pointermove", (event) => this.#move(event));
    surface.addEventListener("pointerup", (event) => this.#end(event, true));
    surface.addEventListener("pointercancel", (event) => this.#end(event, false));
    surface.addEventListener("lostpointercapture", (event) => this.#end(event, true));
  }

  /** Whether a stroke is being drawn. */
  get isDown(): boolean {
    return this.#active !== undefined;
  }

  #down(event: PointerEvent): void {
    const { pointerId: id, pointerType: type, button } = event;
    this.#noticePen(event);
    if (type === "mouse" && button !== 0) return;
    if (type === "touch" && performance.now() - this.#penMs < PALM_MS) return;
    if (this.#active) {
      // The hand came down before the pen it holds.
      if (type !== "pen" || this.#active.type !== "touch") return;
      this.#active = undefined;
      this.#events.cancel();
    }
    // The press would take the focus away again that `down` may give.
    event.preventDefault();
    this.#surface.setPointerCapture(id);
    this.#active = { id, type };
    this.#events.down(this.#pointOf(event), type === "pen" && button === ERASER_BUTTON);
  }

  #move(event: PointerEvent): void {
    this.#noticePen(event);
    if (event.pointerId !== this.#active?.id) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.#events.move((all.length > 0 ? all : [event]).map((each) => this.#pointOf(each)));
  }

  #end(event: PointerEvent, isWhole: boolean): void {
    this.#noticePen(event);
    if (event.pointerId !== this.#active?.id) return;
    this.#active = undefined;
    if (isWhole) this.#events.up(event.timeStamp);
    else this.#events.cancel();
  }

  #noticePen({ pointerType }: PointerEvent): void {
    if (pointerType === "pen") this.#penMs = performance.now();
  }

  #pointOf(event: PointerEvent): PenPoint {
    return { at: this.#place(event), pressure: event.pointerType === "pen" ? event.pressure : undefined };
  }
}
