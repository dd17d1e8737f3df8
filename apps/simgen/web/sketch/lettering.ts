import type { DrawingText, Point } from "../../cv/drawing.ts";
import { element } from "../element.ts";
import { LETTER_WIDTH, TEXT_SIZE } from "./ink.ts";
import { touches } from "./path.ts";
import { LIMITS, PAPER, type Stroke } from "./sketch.ts";

/** Writes words on the paper: a field where they are to stand. */
export class Lettering {
  readonly #paper: HTMLElement;
  readonly #after: HTMLElement;
  #field: HTMLInputElement | undefined;

  /** `after` has the focus when a text is done. */
  constructor(paper: HTMLElement, after: HTMLElement) {
    this.#paper = paper;
    this.#after = after;
  }

  get isOpen(): boolean {
    return this.#field !== undefined;
  }

  /** Asks for a text at a place and hands it over; an empty one, when what was there is to go. */
  ask(at: Point, before: string, take: (text: string) => void): void {
    this.#field?.blur();
    const field = element("input", {
      class: "lettering",
      "data-testid": "lettering",
      type: "text",
      "aria-label": "Text on the sketch",
      placeholder: "2 kg",
      maxlength: LIMITS.textChars,
      autocomplete: "off",
      spellcheck: "false",
      enterkeyhint: "done",
    });
    field.value = before;
    field.style.left = `${(at[0] / PAPER.width) * 100}%`;
    field.style.top = `${(at[1] / PAPER.height) * 100}%`;
    // Leaving the field keeps the text; taking the field away leaves it, too.
    let isOver = false;
    const end = (text: string) => {
      if (isOver) return;
      isOver = true;
      this.#field = undefined;
      field.remove();
      if (text !== before) take(text);
    };
    field.addEventListener("blur", () => end(field.value.trim()));
    field.addEventListener("pointerdown", (event) => event.stopPropagation());
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter" ? field.value.trim() : before);
      this.#after.focus({ preventScroll: true });
    });
    this.#field = field;
    this.#paper.append(field);
    field.focus({ preventScroll: true });
    field.select();
  }
}

/** The text that a path comes near to. */
export function textAt(texts: readonly DrawingText[], path: Stroke["points"]): number {
  return texts.findIndex(({ text, at: [x, y] }) => {
    const [across, up] = [(text.length * TEXT_SIZE * LETTER_WIDTH) / 2, TEXT_SIZE / 2];
    return touches(
      [
        [x - across, y],
        [x + across, y],
      ],
      path,
      up,
    );
  });
}
