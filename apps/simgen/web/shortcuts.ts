import { byId } from "./element.ts";

/** What a key does; keys that mean something where the focus is are left alone. */
export type Shortcuts = Record<string, () => void>;

export function listenForShortcuts(shortcuts: Shortcuts): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof HTMLElement ? event.target : document.body;
    if (target.matches("textarea, input:not([type=range])")) return;
    if (event.key === " " && target.closest("button, a, summary")) return;
    const run = shortcuts[event.key.toLowerCase()];
    if (!run) return;
    event.preventDefault();
    run();
  });
}

/** Wires the list of them; returns what shows it. */
export function wireShortcutList(): () => void {
  const list = byId("shortcuts", HTMLDialogElement);
  const show = () => list.showModal();
  list.addEventListener("click", (event) => {
    if (event.target === list) list.close();
  });
  byId("help", HTMLButtonElement).addEventListener("click", show);
  return show;
}
