import { parseScene, type Scene, SceneError } from "../sim/scene.ts";
import { templateById } from "../sim/templates/index.ts";
import { buildTemplate, type Template } from "../sim/templates/template.ts";
import { readItems, type Span } from "./attribute.ts";
import { compose } from "./compose.ts";
import { fillMachine, fillThings, type Order } from "./fill.ts";
import { assemble } from "./machine.ts";
import { readMentions } from "./mention.ts";
import { type Gravity, readPhrases } from "./phrase.ts";
import { suggest } from "./suggest.ts";
import { type Token, tokenize } from "./tokens.ts";
import { labelOf } from "./wording.ts";

/** What came of a prompt. */
export interface Plan {
  scene: Scene;
  /** Short lines for people: "3 pendulums", "length 50 cm", "gravity of the Moon (1.62 m/s²)". */
  understood: string[];
  /** What was ignored, moved into range, corrected or left out. */
  warnings: string[];
}

/** Thrown when a prompt names nothing that can be built; `suggestions` are prompts that work. */
export class PromptError extends Error {
  readonly code = "prompt_not_understood";
  readonly suggestions: string[];
  constructor(suggestions: string[]) {
    super("nothing in the prompt names something to simulate");
    this.name = "PromptError";
    this.suggestions = suggestions;
  }
}

/** The API takes no longer prompts; from anybody else's, the rest is left out and told. */
export const PROMPT_CHARS_MAX = 2000;
const SCENES_MAX = 6;
const WARNINGS_MAX = 20;
const QUOTE_CHARS_MAX = 60;
const NAME_CHARS_MAX = 80;
/** m/s², what a scene may have along an axis. */
const GRAVITY_MAX = 500;

/**
 * Plans a scene from an English prompt by rules alone: the same prompt gives the same scene, byte for byte. Words
 * that were not used are told in `warnings`; none of them reaches the scene. Throws `PromptError` and nothing else.
 */
export function planFromPrompt(prompt: string): Plan {
  const { text, tokens } = tokenize(prompt.slice(0, PROMPT_CHARS_MAX));
  const { mentions, corrections } = readMentions(tokens);
  const parsed = readPhrases(readItems(mentions));
  const { machines, things, floors, heap } = assemble(parsed.phrases);
  if (machines.length === 0 && things.length === 0) throw new PromptError(suggest(tokens));

  const used = new Set<number>();
  const warnings = [...corrections];
  if (prompt.length > PROMPT_CHARS_MAX) warnings.push(`read only the first ${PROMPT_CHARS_MAX} characters`);
  const ledger = {
    use: ({ from, to }: Span) => {
      for (let at = from; at < to; at++) used.add(at);
    },
    warn: (warning: string) => warnings.push(warning),
  };
  for (const span of [...parsed.idle, ...floors]) ledger.use(span);

  const orders: Order[] = [];
  for (const machine of machines) {
    const room = SCENES_MAX - orders.length;
    const { order, copies } = fillMachine(machine, template(machine.recipe.template), floors, room, ledger);
    orders.push(...Array<Order>(copies).fill(order));
  }
  if (things.length > 0) {
    const order = fillThings(things, heap, floors, parsed.floorless, template("objects"), ledger);
    if (orders.length < SCENES_MAX) orders.push(order);
    else ledger.warn("left out: loose things, since there are many machines");
  }

  const gravity = pickGravity(parsed.gravities, ledger);
  const distinct = [...new Set(orders)];
  const said = distinct.flatMap(({ understood }) => (distinct.length > 1 ? [understood.join(", ")] : understood));
  const lines = [...said, ...(gravity ? [gravity.label] : [])];
  const name = title(lines);
  const built = new Map(distinct.map((order) => [order, build(order, ledger)]));
  const [first = buildTemplate(template("objects")), ...rest] = orders.flatMap((order) => built.get(order) ?? []);
  const composed = compose(name, [first, ...rest]);
  const left = orders.length - composed.used;
  if (left > 0) ledger.warn(`left out: ${left} of ${orders.length} machines, for want of room`);
  const scene = parseScene({ ...composed.scene, name, ...(gravity ? { gravity: gravity.vector } : {}) });
  return { scene, understood: lines, warnings: bounded([...warnings, ...ignored(text, tokens, used)]) };
}

/** Ranges do not rule out every combination: what does not go together is left at its default, the last first. */
function build({ template, params }: Order, ledger: { warn(text: string): void }): Scene {
  const kept = Object.entries(params);
  for (;;) {
    try {
      return buildTemplate(template, Object.fromEntries(kept));
    } catch (error) {
      const dropped = error instanceof SceneError ? kept.pop() : undefined;
      if (!dropped) throw error;
      ledger.warn(`left out, since it does not go with the rest: ${labelOf(dropped[0])}`);
    }
  }
}

function template(id: string): Template {
  const found = templateById(id);
  if (!found) throw new Error(`no template ${id}`);
  return found;
}

/** The first that is named holds everywhere. */
function pickGravity(gravities: readonly Gravity[], ledger: { use(span: Span): void; warn(text: string): void }) {
  const [first] = gravities;
  if (!first) return undefined;
  for (const each of gravities) if (each.label === first.label) ledger.use(each);
  const [x, y, z] = first.vector.map((value) => Math.min(GRAVITY_MAX, Math.max(-GRAVITY_MAX, value)));
  const vector: [number, number, number] = [x ?? 0, y ?? 0, z ?? 0];
  if (vector.some((value, axis) => value !== first.vector[axis]))
    ledger.warn(`asked for more gravity than ${GRAVITY_MAX} m/s²`);
  const size = Number(Math.hypot(...vector).toPrecision(3));
  return { vector, label: size === 0 ? first.label : `${first.label} (${size} m/s²)` };
}

/** Every word that was not used, neighbours together. */
function ignored(text: string, tokens: readonly Token[], used: ReadonlySet<number>): string[] {
  const groups: Token[][] = [];
  tokens.forEach((token, at) => {
    if (used.has(at)) return;
    if (at > 0 && !used.has(at - 1)) groups.at(-1)?.push(token);
    else groups.push([token]);
  });
  return groups.map((group) => {
    const quote = text.slice(group[0]?.start, group.at(-1)?.end).replace(/\s+/g, " ");
    return `ignored: "${shortened(quote, QUOTE_CHARS_MAX)}"`;
  });
}

function bounded(warnings: string[]): string[] {
  const distinct = [...new Set(warnings)];
  if (distinct.length <= WARNINGS_MAX) return distinct;
  return [...distinct.slice(0, WARNINGS_MAX - 1), `and ${distinct.length - WARNINGS_MAX + 1} more`];
}

function title(lines: string[]): string {
  const text = lines.join(", ") || "Simulation";
  return shortened(text.charAt(0).toUpperCase() + text.slice(1), NAME_CHARS_MAX);
}

function shortened(text: string, max: number): string {
  const characters = [...text];
  return characters.length <= max && text.length <= max
    ? text
    : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
