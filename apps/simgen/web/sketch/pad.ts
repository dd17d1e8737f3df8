import type { Point } from "../../cv/drawing.ts";
import type { Recognition } from "../../cv/recognition.ts";
import type { Picture } from "../../server/picture.ts";
import { ApiError, asApiError, type SketchInput } from "../api.ts";
import { byId, element, icon } from "../element.ts";
import { receiveFiles } from "../incoming.ts";
import { toast } from "../toast.ts";
import { Draft } from "./draft.ts";
import { showExamples } from "./example-cards.ts";
import { type Example, strokesOf } from "./examples.ts";
import { Guesses } from "./guesses.ts";
import { itemsOf } from "./kind.ts";
import { Pictures } from "./pictures.ts";
import { drawingOf, EMPTY, isEmpty, PAPER, type Sketch, sketchOf } from "./sketch.ts";
import { keep, keepFor, kept, keptFor } from "./storage.ts";
import { Surface, type Tool } from "./surface.ts";
import { type Command, Toolbar } from "./toolbar.ts";
import { readPicture } from "./upload.ts";

const KEEP_AFTER_MS = 300;
const PICTURE_BESIDE = {
  title: "A sketch takes no picture beside it",
  detail: "Take the picture away; one of a drawing can be dropped on the sketch instead.",
  status: 0,
  code: "picture",
};

export interface PadEvents {
  /** Undefined takes away what was said before. */
  failed(error: ApiError | undefined): void;
  /** Somebody wants to leave the pad. */
  left(): void;
}

/** What tests read. */
export interface PadState {
  strokes: number;
  recognition: Recognition;
  isCorrected: boolean;
  /** From the pen lifted to what was seen being drawn, the last time. */
  seenMs: number;
}

/** The sketch pad: it takes the view's place, and its list of what was seen the inspector's. */
export class Pad {
  readonly #root = byId("pad", HTMLDivElement);
  readonly #panel = byId("guesses", HTMLElement);
  readonly #warnings = byId("pad-warnings", HTMLUListElement);
  readonly #reading = byId("pad-reading", HTMLDivElement);
  readonly #hint = byId("pad-hint", HTMLParagraphElement);
  readonly #addHinge = byId("add-hinge", HTMLButtonElement);
  readonly #file = byId("sketch-file", HTMLInputElement);
  readonly #pictures = new Pictures();
  readonly #events: PadEvents;
  readonly #draft: Draft;
  readonly #surface: Surface;
  readonly #toolbar: Toolbar;
  readonly #guesses: Guesses;
  readonly #commands: Record<Command, () => void> = {
    undo: () => this.#draft.undo(),
    redo: () => this.#draft.redo(),
    clear: () => this.#clear(),
    grid: () => this.#toggleGrid(),
    upload: () => this.#file.click(),
    close: () => this.#events.left(),
    delete: () => this.#selected !== undefined && this.#remove(this.#selected),
    cancel: () => this.#cancel(),
  };
  #selected: string | undefined;
  #sent = EMPTY;
  #upload: AbortController | undefined;
  #keeping: number | undefined;
  #seenMs = 0;

  constructor(events: PadEvents) {
    this.#events = events;
    this.#draft = new Draft(kept() ?? EMPTY, () => this.#changed());
    this.#surface = new Surface({
      drawn: (points, pressures, upMs) => this.#drawn(points, pressures, upMs),
      erased: (left) => this.#draft.replace({ ...this.#draft.sketch, ...left }),
      written: (text, at, index) => this.#room(this.#draft.write(text, at, index)),
      picked: (id) => this.#select(id),
      hinged: (at) => this.#hinged(at),
    });
    this.#toolbar = new Toolbar(() => this.isOpen, {
      choose: (tool) => this.#choose(tool),
      run: (command) => this.#run(command),
    });
    this.#guesses = new Guesses({
      select: (id) => this.#select(id),
      change: (id, kind) => this.#draft.setKind(id, kind),
      fix: (id, fixed) => this.#draft.setFixed(id, fixed),
      remove: (id) => this.#remove(id),
    });
    this.#wire();
    this.#choose("draw");
  }

  get isOpen(): boolean {
    return !this.#root.hidden;
  }

  get state(): PadState {
    const { sketch, now } = this.#draft;
    const { recognition, isChanged: isCorrected } = now;
    return { strokes: sketch.strokes.length, recognition, isCorrected, seenMs: this.#seenMs };
  }

  open(): void {
    showExamples((example) => this.#start(example));
    this.#root.hidden = false;
    this.#panel.hidden = false;
    this.#surface.focus();
  }

  close(): void {
    this.#upload?.abort();
    this.#root.hidden = true;
    this.#panel.hidden = true;
  }

  /**
   * What is to be run: the drawing, or what was seen in it once that was put right.
   * Throws `ApiError` "sketch" when that is nothing, "picture" when there is one beside the prompt.
   */
  input(picture: Picture | undefined): SketchInput {
    const { sketch, now } = this.#draft;
    if (picture) throw new ApiError(PICTURE_BESIDE);
    if (isEmpty(sketch)) throw nothing("Draw something first, or start from one of the examples.");
    if (now.recognition.shapes.length === 0)
      throw nothing("Nothing that could move or stand is recognised yet. Draw a ball, a box or a rod.");
    this.#sent = sketch;
    return now.isChanged ? { recognition: now.recognition } : drawingOf(sketch);
  }

  /** A simulation was made of the last input; that can be edited when the simulation is open. */
  made(simulation: string): void {
    keepFor(simulation, this.#sent);
  }

  /** Whether the drawing behind a simulation is there. */
  knows(simulation: string): boolean {
    return keptFor(simulation) !== undefined;
  }

  /** Puts the drawing behind a simulation on the pad, unless it is there. */
  edit(simulation: string): void {
    const sketch = keptFor(simulation);
    if (sketch && !isSame(sketch, this.#draft.sketch)) this.#load(sketch);
  }

  /** After the colours have changed. */
  repaint(): void {
    this.#surface.repaint();
  }

  #drawn(points: readonly Point[], pressures: readonly number[] | undefined, upMs: number): void {
    this.#room(this.#draft.draw(points, pressures));
    this.#seenMs = performance.now() - upMs;
  }

  #room(isThere: boolean): void {
    if (isThere) return;
    toast("The paper is full: erase something first.", "bad");
    this.#show();
  }

  #hinged(at: Point): void {
    const id = this.#draft.addHinge(at);
    if (id === undefined) toast("A joint holds a shape: click on one, or where two meet.");
    else this.#select(id);
  }

  #select(id: string | undefined): void {
    this.#selected = id;
    if (id !== undefined && this.#surface.tool !== "correct") this.#choose("correct");
    this.#show();
    this.#guesses.reveal();
  }

  #remove(id: string): void {
    this.#selected = undefined;
    this.#draft.remove(id);
  }

  #choose(tool: Tool): void {
    this.#surface.tool = tool;
    if (tool !== "correct") this.#selected = undefined;
    this.#addHinge.setAttribute("aria-pressed", String(tool === "hinge"));
    this.#show();
  }

  #run(command: Command): void {
    if (!this.#surface.isBusy) this.#commands[command]();
  }

  #clear(): void {
    if (isEmpty(this.#draft.sketch)) return;
    toast("Cleared. Undo brings it back.");
    this.#load(EMPTY);
  }

  #toggleGrid(): void {
    this.#root.toggleAttribute("data-grid");
    this.#show();
  }

  /** Of several things, the innermost. */
  #cancel(): void {
    if (this.#upload) this.#upload.abort();
    else if (this.#selected !== undefined) this.#select(undefined);
    else this.#choose("draw");
  }

  /** Takes the place of what is there; can be undone. */
  #load(sketch: Sketch): void {
    this.#selected = undefined;
    this.#events.failed(undefined);
    this.#warn([]);
    this.#draft.replace(sketch);
  }

  async #read(file: File): Promise<void> {
    this.#upload?.abort();
    const own = new AbortController();
    this.#upload = own;
    this.#reading.hidden = false;
    this.#events.failed(undefined);
    try {
      const { drawing, warnings } = await readPicture(file, own.signal);
      if (own.signal.aborted) return;
      this.#load({ ...sketchOf(drawing), picture: this.#pictures.addressOf(file) });
      this.#warn(warnings);
      this.#choose("correct");
    } catch (error) {
      if (!own.signal.aborted) this.#events.failed(asApiError(error));
    } finally {
      if (this.#upload === own) {
        this.#upload = undefined;
        this.#reading.hidden = true;
      }
    }
  }

  #changed(): void {
    const ids = itemsOf(this.#draft.now.recognition).map(({ id }) => id);
    if (this.#selected !== undefined && !ids.includes(this.#selected)) this.#selected = undefined;
    this.#show();
    clearTimeout(this.#keeping);
    this.#keeping = window.setTimeout(() => this.#keep(), KEEP_AFTER_MS);
  }

  /** Only what was changed here: another page may have kept its own since. */
  #keep(): void {
    if (this.#keeping === undefined) return;
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    keep(this.#draft.sketch);
  }

  #show(): void {
    const { sketch, seen, now, canUndo, canRedo } = this.#draft;
    const { recognition, touched } = now;
    const selected = this.#selected;
    this.#hint.hidden = !isEmpty(sketch);
    this.#surface.show(sketch, recognition, selected);
    this.#guesses.show({ seen, now: recognition, touched, selected });
    this.#addHinge.hidden = recognition.shapes.length === 0;
    this.#toolbar.show({
      tool: this.#surface.tool,
      canUndo,
      canRedo,
      canClear: !isEmpty(sketch),
      grid: this.#root.hasAttribute("data-grid"),
    });
  }

  #start(example: Example): void {
    this.#load(sketchOf({ ...PAPER, strokes: strokesOf(example), texts: [] }));
    this.#choose("draw");
    this.#surface.reveal();
  }

  #warn(warnings: readonly string[]): void {
    this.#warnings.hidden = warnings.length === 0;
    this.#warnings.replaceChildren(
      ...warnings.map((text) => element("li", {}, icon("warning"), element("span", {}, text))),
    );
  }

  #wire(): void {
    receiveFiles({ box: this.#root, isOpen: () => this.isOpen, take: (file) => void this.#read(file) });
    this.#file.addEventListener("change", () => {
      const [file] = this.#file.files ?? [];
      if (file) void this.#read(file);
      // So that the same file can be chosen again.
      this.#file.value = "";
    });
    // What lies over the paper is not drawn on.
    this.#reading.addEventListener("pointerdown", (event) => event.stopPropagation());
    byId("stop-reading", HTMLButtonElement).addEventListener("click", () => this.#upload?.abort());
    this.#addHinge.addEventListener("click", () => {
      this.#choose(this.#surface.tool === "hinge" ? "correct" : "hinge");
      this.#surface.reveal();
    });
    // What was drawn last is kept even when the page is left at once.
    addEventListener("pagehide", () => this.#keep());
  }
}

function isSame(one: Sketch, other: Sketch): boolean {
  const plain = ({ strokes, texts, corrections: { changed, hinges } }: Sketch) =>
    JSON.stringify([
      strokes.map(({ points }) => points),
      texts,
      changed.map(({ target, ...change }) => change),
      hinges,
    ]);
  return plain(one) === plain(other);
}

function nothing(detail: string): ApiError {
  return new ApiError({ title: "There is nothing to run yet", detail, status: 0, code: "sketch" });
}
