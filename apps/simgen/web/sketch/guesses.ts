import type { Label, Recognition, Shape } from "../../cv/recognition.ts";
import { byId, element, icon } from "../element.ts";
import { kindsFor } from "./correction.ts";
import { type Item, isShape, itemsOf, KIND_NAMES, type Kind, kindOf, namesOf, SURE } from "./kind.ts";

export interface GuessesEvents {
  /** Undefined: none. */
  select(id: string | undefined): void;
  change(id: string, kind: Kind): void;
  fix(id: string, fixed: boolean): void;
  remove(id: string): void;
}

export interface GuessesState {
  /** As it was recognised: what an item can be made into depends on it. */
  seen: Recognition;
  /** With the corrections. */
  now: Recognition;
  touched: ReadonlySet<string>;
  selected: string | undefined;
}

/** The list of what was seen, and the way to put it right. */
export class Guesses {
  readonly #list = byId("guesses-list", HTMLUListElement);
  readonly #note = byId("guesses-note", HTMLParagraphElement);
  readonly #events: GuessesEvents;

  constructor(events: GuessesEvents) {
    this.#events = events;
  }

  show(state: GuessesState): void {
    const { now } = state;
    const names = namesOf(now);
    const focused = this.#list.contains(document.activeElement) ? focusKey(document.activeElement) : undefined;
    this.#list.replaceChildren(
      ...itemsOf(now).map((item) => this.#row(item, names, state)),
      ...now.labels.map((label) => labelRow(label, names)),
    );
    this.#note.textContent = noteOn(now);
    if (focused !== undefined) this.#list.querySelector<HTMLElement>(`[data-focus="${focused}"]`)?.focus();
  }

  /** Brings the selected one into sight. */
  reveal(): void {
    this.#list.querySelector("[data-selected]")?.scrollIntoView({ block: "nearest" });
  }

  #row(item: Item, names: ReadonlyMap<string, string>, state: GuessesState): HTMLLIElement {
    const isSelected = item.id === state.selected;
    const isOwn = state.touched.has(item.id);
    const name = element(
      "button",
      { class: "guess-name", type: "button", "aria-expanded": String(isSelected), "data-focus": `${item.id} name` },
      element("i", { class: "swatch", "aria-hidden": "true" }),
      element("span", {}, names.get(item.id) ?? "", detail(item, names)),
      isOwn ? element("b", { title: "Put right by you" }, icon("check"), "yours") : confidence(item),
    );
    name.addEventListener("click", () => this.#events.select(isSelected ? undefined : item.id));
    return element(
      "li",
      {
        class: "guess",
        "data-testid": `guess-${item.id}`,
        "data-kind": kindOf(item),
        "data-unsure": item.confidence < SURE,
        "data-selected": isSelected,
      },
      name,
      ...(isSelected ? [this.#editor(item, names, state)] : []),
    );
  }

  #editor(item: Item, names: ReadonlyMap<string, string>, { seen }: GuessesState): HTMLElement {
    const { id } = item;
    const original = itemsOf(seen).find((each) => each.id === id) ?? item;
    const own = kindOf(item);
    const kinds = kindsFor(original, seen);
    const select = element(
      "select",
      { "aria-label": `What ${names.get(id)} is`, "data-focus": `${id} kind` },
      ...kinds.map((kind) => element("option", { value: kind, selected: kind === own }, KIND_NAMES[kind])),
    );
    select.addEventListener("change", () => {
      const chosen = kinds.find((kind) => kind === select.value);
      if (chosen) this.#events.change(id, chosen);
    });
    const remove = element(
      "button",
      {
        class: "quiet square",
        type: "button",
        "aria-label": `Delete ${names.get(id)}`,
        "data-focus": `${id} delete`,
        title: "It is not there (Delete)",
      },
      icon("trash"),
    );
    remove.addEventListener("click", () => this.#events.remove(id));
    return element("div", { class: "guess-editor" }, select, ...(isShape(item) ? [this.#fixing(item)] : []), remove);
  }

  #fixing(item: Shape): HTMLElement {
    const isGround = item.kind === "ground";
    const box = element("input", {
      type: "checkbox",
      checked: item.fixed,
      disabled: isGround,
      "data-focus": `${item.id} fixed`,
    });
    box.addEventListener("change", () => this.#events.fix(item.id, box.checked));
    return element("label", { class: "tick" }, box, "Fixed");
  }
}

function confidence({ confidence }: Item): HTMLElement {
  return element("b", { title: "How sure the guess is" }, `${Math.round(confidence * 100)} %`);
}

function detail(item: Item, names: ReadonlyMap<string, string>): HTMLElement {
  const nameOf = (id: string | null) => (id === null ? "paper" : (names.get(id) ?? id));
  if ("does" in item) return element("small", {}, `on ${nameOf(item.target)}`);
  if (isShape(item)) return element("small", {}, item.fixed ? "fixed" : "moves");
  return element("small", {}, `${nameOf(item.a)} – ${nameOf(item.b)}`);
}

function labelRow({ text, target }: Label, names: ReadonlyMap<string, string>): HTMLLIElement {
  const about = target === null ? "the whole sketch" : `about ${names.get(target) ?? target}`;
  return element(
    "li",
    { class: "guess", "data-kind": "label" },
    element(
      "p",
      { class: "guess-name" },
      element("i", { class: "swatch" }),
      element("span", {}, `“${text}”`, element("small", {}, about)),
    ),
  );
}

function noteOn({ shapes, unknown }: Recognition): string {
  if (unknown.length > 0) {
    const what = unknown.length === 1 ? "One stroke means" : `${unknown.length} strokes mean`;
    return `${what} nothing yet: dotted on the paper, and left out.`;
  }
  return shapes.length === 0 ? "Draw, and what is recognised is listed here." : "";
}

function focusKey(active: Element | null): string | undefined {
  return active instanceof HTMLElement ? active.dataset.focus : undefined;
}
