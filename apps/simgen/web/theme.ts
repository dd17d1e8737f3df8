import { icon } from "./element.ts";

const KEY = "theme";

/** Wires the button that switches between dark and light; the choice is remembered, the system's is the default. */
export function wireTheme(button: HTMLButtonElement, changed: () => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    const label = isDark() ? "Switch to light" : "Switch to dark";
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", label);
    button.title = label;
    changed();
  };
  button.addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // Storage is blocked: the choice holds for this visit.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
