import { byId } from "../element.ts";
import type { Tool } from "./surface.ts";

export type Command = "undo" | "redo" | "clear" | "grid" | "upload" | "close" | "delete" | "cancel";

export interface ToolbarEvents {
  choose(tool: Tool): void;
  run(command: Command): void;
}

export interface ToolbarState {
  tool: Tool;
  canUndo: boolean;
  canRedo: boolean;
  canClear: boolean;
  grid: boolean;
}

const TOOL_KEYS: Record<string, Tool> = { d: "draw", e: "erase", t: "text", c: "correct" };
const COMMAND_KEYS: Record<string, Command> = { g: "grid", delete: "delete", backspace: "delete", escape: "cancel" };

/** The pad's tools and commands: buttons, and keys while `isOpen`. */
export class Toolbar {
  readonly #root = byId("sketch-tools", HTMLDivElement);
  readonly #events: ToolbarEvents;

  constructor(isOpen: () => boolean, events: ToolbarEvents) {
    this.#events = events;
    for (const button of this.#root.querySelectorAll("button"))
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") !== "true") this.#press(button.dataset);
      });
    addEventListener("keydown", (event) => {
      if (isOpen() && !isTyping(event) && this.#key(event)) event.preventDefault();
    });
  }

  show({ tool, canUndo, canRedo, canClear, grid }: ToolbarState): void {
    for (const button of this.#root.querySelectorAll<HTMLElement>("[data-tool]"))
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    // Not really disabled: a button that is loses the focus, and with it the way to the others.
    for (const [command, isUsable] of Object.entries({ undo: canUndo, redo: canRedo, clear: canClear }))
      this.#button(command)?.setAttribute("aria-disabled", String(!isUsable));
    this.#button("grid")?.setAttribute("aria-pressed", String(grid));
  }

  #button(command: string): HTMLElement | null {
    return this.#root.querySelector(`[data-command="${command}"]`);
  }

  #press({ tool, command }: DOMStringMap): void {
    const chosen = Object.values(TOOL_KEYS).find((each) => each === tool);
    if (chosen) this.#events.choose(chosen);
    else if (isCommand(command)) this.#events.run(command);
  }

  /** Whether the key meant something. */
  #key(event: KeyboardEvent): boolean {
    const key = event.key.toLowerCase();
    const isMain = event.ctrlKey || event.metaKey;
    if (event.altKey) return false;
    if (isMain) {
      if (key !== "z" && key !== "y") return false;
      this.#events.run(key === "y" || event.shiftKey ? "redo" : "undo");
      return true;
    }
    const tool = TOOL_KEYS[key];
    const command = COMMAND_KEYS[key];
    if (tool) this.#events.choose(tool);
    else if (command) this.#events.run(command);
    return tool !== undefined || command !== undefined;
  }
}

function isCommand(name: string | undefined): name is Command {
  return ["undo", "redo", "clear", "grid", "upload", "close"].some((each) => each === name);
}

function isTyping({ target }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof Element && target.matches("textarea, select, input:not([type=checkbox])");
}
