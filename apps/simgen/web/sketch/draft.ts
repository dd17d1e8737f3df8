import type { Point } from "../../cv/drawing.ts";
import type { Recognition } from "../../cv/recognition.ts";
import { recognize } from "../../cv/recognize.ts";
import {
  type Corrected,
  type Correction,
  type Corrections,
  corrected,
  freshHingeId,
  joinedAt,
  withChange,
  withHinge,
  withoutHinge,
} from "./correction.ts";
import { History } from "./history.ts";
import { itemsOf, type Kind } from "./kind.ts";
import { drawingOf, isEmpty, LIMITS, PAPER, pointsIn, type Sketch, strokeOf } from "./sketch.ts";

const BLANK: Recognition = { ...PAPER, shapes: [], links: [], arrows: [], labels: [], unknown: [] };

/** A sketch at work: what was drawn, what is seen in it, and what was put right; every step can be undone. */
export class Draft {
  /** As it was recognised. */
  seen: Recognition = BLANK;
  /** With the corrections. */
  now: Corrected = { recognition: BLANK, touched: new Set(), isChanged: false };
  readonly #history: History<Sketch>;
  readonly #changed: () => void;

  /** `changed` is called after every change. */
  constructor(sketch: Sketch, changed: () => void) {
    this.#history = new History(sketch);
    this.#changed = changed;
    this.#recognise();
  }

  get sketch(): Sketch {
    return this.#history.present;
  }

  get canUndo(): boolean {
    return this.#history.canUndo;
  }

  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  /** False when there is no room for it. */
  draw(points: readonly Point[], pressures: readonly number[] | undefined): boolean {
    const { strokes } = this.sketch;
    if (strokes.length >= LIMITS.strokes || pointsIn(this.sketch) + points.length > LIMITS.points) return false;
    this.replace({ ...this.sketch, strokes: [...strokes, strokeOf(points, pressures)] });
    return true;
  }

  /** Writes a text, in the place of another one when it has an index; an empty one is none. False: no room. */
  write(text: string, at: Point, index = this.sketch.texts.length): boolean {
    if (text !== "" && index >= LIMITS.texts) return false;
    const texts = this.sketch.texts.toSpliced(index, 1, ...(text === "" ? [] : [{ text, at }]));
    this.replace({ ...this.sketch, texts });
    return true;
  }

  replace(sketch: Sketch): void {
    this.#history.push(sketch);
    this.#update();
  }

  undo(): void {
    this.#history.undo();
    this.#update();
  }

  redo(): void {
    this.#history.redo();
    this.#update();
  }

  /** Whatever it was seen as before. */
  setKind(id: string, kind: Kind): void {
    const hinge = this.#hinge(id);
    if (!hinge) this.#correct(id, { kind });
    else if (kind === "hinge" || kind === "weld") this.#put(withHinge(this.sketch.corrections, { ...hinge, kind }));
  }

  setFixed(id: string, fixed: boolean): void {
    this.#correct(id, { fixed });
  }

  remove(id: string): void {
    if (this.#hinge(id)) this.#put(withoutHinge(this.sketch.corrections, id));
    else this.#correct(id, { gone: true });
  }

  /** The new joint's id; undefined when nothing is there. */
  addHinge(at: Point): string | undefined {
    if (joinedAt(this.now.recognition.shapes, at).length === 0) return undefined;
    const id = freshHingeId(this.sketch.corrections);
    this.#put(withHinge(this.sketch.corrections, { id, at, kind: "hinge" }));
    return id;
  }

  #hinge(id: string) {
    return this.sketch.corrections.hinges.find((each) => each.id === id);
  }

  #correct(id: string, change: Omit<Correction, "target">): void {
    const item = itemsOf(this.seen).find((each) => each.id === id);
    if (item) this.#put(withChange(this.sketch.corrections, item, this.#strokeIds, change));
  }

  #put(corrections: Corrections): void {
    this.replace({ ...this.sketch, corrections });
  }

  #update(): void {
    this.#recognise();
    this.#changed();
  }

  #recognise(): void {
    this.seen = isEmpty(this.sketch) ? BLANK : seenIn(this.sketch);
    this.now = corrected(this.seen, this.#strokeIds, this.sketch.corrections);
  }

  get #strokeIds(): number[] {
    return this.sketch.strokes.map(({ id }) => id);
  }
}

/** A drawing outlives what stumbles over it: it is kept, and would be there again after a reload. */
function seenIn(sketch: Sketch): Recognition {
  try {
    return recognize(drawingOf(sketch));
  } catch (error) {
    reportError(error);
    return { ...BLANK, unknown: [...sketch.strokes.keys()] };
  }
}
