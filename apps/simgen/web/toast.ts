import { byId, element, icon } from "./element.ts";

const SHOWN_MS = 6_000;
const TOASTS_MAX = 3;

/** A short note that goes away by itself. */
export function toast(text: string, tone: "plain" | "bad" = "plain"): void {
  const box = byId("toasts", HTMLDivElement);
  const close = element("button", { class: "quiet square", type: "button", "aria-label": "Dismiss" }, icon("close"));
  const note = element("div", { class: "toast", "data-tone": tone }, element("p", {}, text), close);
  const remove = () => note.remove();
  close.addEventListener("click", remove);
  setTimeout(remove, SHOWN_MS);
  box.append(note);
  while (box.children.length > TOASTS_MAX) box.firstElementChild?.remove();
}
