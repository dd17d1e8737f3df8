import type { Template } from "./api.ts";
import { element } from "./element.ts";

const SKELETONS = 6;

/** The template cards. */
export class Gallery {
  readonly #list: HTMLUListElement;
  readonly #choose: (template: Template) => void;

  constructor(list: HTMLUListElement, choose: (template: Template) => void) {
    this.#list = list;
    this.#choose = choose;
    list.replaceChildren(...Array.from({ length: SKELETONS }, () => element("li", { class: "card skeleton" })));
  }

  show(templates: Template[]): void {
    this.#list.removeAttribute("aria-busy");
    this.#list.replaceChildren(...templates.map((each, index) => element("li", {}, this.#card(each, index))));
  }

  fail(retry: () => void): void {
    const again = element("button", { class: "quiet", type: "button" }, "Try again");
    again.addEventListener("click", retry);
    this.#list.removeAttribute("aria-busy");
    this.#list.replaceChildren(element("li", { class: "nothing" }, "The templates did not load. ", again));
  }

  /** Marks the card whose simulation is being made. */
  busy(id: string | undefined): void {
    for (const card of this.#list.querySelectorAll("button")) {
      const busy = card.dataset.testid === `template-${id}`;
      card.toggleAttribute("data-busy", busy);
      card.disabled = id !== undefined;
    }
  }

  #card(template: Template, index: number): HTMLButtonElement {
    const { id, title, description } = template;
    const picture = element("img", { src: `/templates/${id}.webp`, alt: "", width: 320, height: 200, loading: "lazy" });
    const thumb = element("span", { class: "thumb", "data-hue": index % 6 }, picture);
    // Without a picture the card keeps its coloured ground and the title's first letter.
    picture.addEventListener("error", () => thumb.replaceChildren(element("b", {}, title.charAt(0))));
    const card = element(
      "button",
      { class: "card", type: "button", "data-testid": `template-${id}`, title: description },
      thumb,
      element("strong", {}, title),
      element("small", {}, description),
    );
    card.addEventListener("click", () => this.#choose(template));
    return card;
  }
}
