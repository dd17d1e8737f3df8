import type { Action } from "./lexicon.ts";
import type { Phrase } from "./phrase.ts";
import { MACHINES, type Part, RECIPES, type Recipe, SHAPES, type Slots } from "./recipe.ts";

/** A phrase's place in a machine. */
export interface Member {
  phrase: Phrase;
  slots: Slots;
  sets: Record<string, string>;
}

/** One template that the prompt asks for, its head phrase first. */
export interface Machine {
  recipe: Recipe;
  members: [Member, ...Member[]];
}

export interface Assembled {
  machines: Machine[];
  /** Loose things, for the `objects` template. */
  things: Phrase[];
  /** What is said about the floor. */
  floors: Phrase[];
  /** "a pile of balls" */
  heap: Phrase | undefined;
}

const BY_TEMPLATE = new Map(RECIPES.map((recipe) => [recipe.template, recipe]));

/** Decides which phrases are machines, which are parts of them, and which are things of their own. */
export function assemble(phrases: readonly Phrase[]): Assembled {
  const owners = new Map<number, Machine>();
  const machines: Machine[] = [];
  let heap: Phrase | undefined;

  const calls = phrases.map((_, at) => templateFor(phrases, at));
  phrases.forEach((phrase, at) => {
    const recipe = BY_TEMPLATE.get(calls[at] ?? "");
    if (!recipe || isPartOf(phrases, calls, at)) return;
    if (phrase.concept === "stack" && holdsOtherShapes(phrases, at)) {
      heap = phrase;
      return;
    }
    const slots = phrase.concept in SHAPES ? { ...recipe.head, ...recipe.parts[phrase.concept]?.slots } : recipe.head;
    const machine: Machine = { recipe, members: [{ phrase, slots, sets: {} }] };
    machines.push(machine);
    owners.set(at, machine);
  });

  // Twice, since in "a wall of bricks hit by a wrecking ball" the wall is tied to the bricks, and they to the ball.
  for (let pass = 0; pass < 2; pass++)
    phrases.forEach((phrase, at) => {
      if (owners.has(at) || phrase === heap) return;
      const machine = ownerOf(phrases, owners, at);
      const part = machine?.recipe.parts[phrase.concept];
      if (!machine || !part) return;
      machine.members.push({ phrase, slots: part.slots, sets: part.sets ?? {} });
      owners.set(at, machine);
    });
  const rest = phrases.filter((phrase, at) => !owners.has(at) && phrase !== heap);
  const things = rest.filter((phrase) => phrase.concept in SHAPES);
  const floors = rest.filter((phrase) => phrase.concept === "ground");
  return { machines, things, floors, heap: things.length > 0 ? heap : undefined };
}

// --- which template a phrase calls ---

function templateFor(phrases: readonly Phrase[], at: number): string | undefined {
  const phrase = phrases[at] as Phrase;
  const { concept } = phrase;
  const others = phrases.map((each) => each.concept);
  switch (concept) {
    case "pendulum":
      return [phrases[at - 1], phrases[at + 1]].some((each) => each?.concept === "link" && (each.count?.value ?? 2) > 1)
        ? "double-pendulum"
        : "pendulum";
    case "ball":
    case "thing":
    case "weight":
      if (does(phrase, "throw")) return "projectile";
      if (concept === "ball" && does(phrase, "bounce")) return "bouncing-balls";
      return does(phrase, "swing") && others.every((each) => !MACHINES[each] && each !== "string")
        ? "pendulum"
        : undefined;
    case "box":
      return phrase.attributes.some(
        ({ said }) => "value" in said && /^(?:tower|pyramid|wall)$/.test(String(said.value)),
      )
        ? "box-stack"
        : undefined;
    case "string":
      return hangsThing(phrases, at) ? "pendulum" : "chain";
    case "pole":
      return others.includes("cart") && !others.includes("cart-pole") ? "cart-pole" : undefined;
    case "cart":
      return others.some((each) => each === "pole" || each === "cart-pole" || each === "pendulum") ? undefined : "car";
    default:
      return MACHINES[concept];
  }
}

function does(phrase: Phrase, action: Action): boolean {
  return phrase.actions.some((each) => each.action === action);
}

function hangsThing(phrases: readonly Phrase[], at: number): boolean {
  const before = phrases[at - 1];
  const after = phrases[at + 1];
  const hung = (each: Phrase | undefined) => each !== undefined && (each.concept in SHAPES || each.concept === "bob");
  return (hung(before) && isTied(phrases[at])) || (hung(after) && isTied(after));
}

function holdsOtherShapes(phrases: readonly Phrase[], at: number): boolean {
  const next = phrases[at + 1];
  if (!next || !isTied(next) || !(next.concept in SHAPES)) return false;
  return next.concept !== "box" && next.concept !== "thing";
}

// --- which machine a part belongs to ---

/** Whether a phrase goes with the one before it; what is hit is a part only of what is made for hitting. */
function isTied(phrase: Phrase | undefined, part?: Part): boolean {
  return phrase !== undefined && phrase.link !== "and" && (phrase.link !== "target" || part?.struck === true);
}

/** "a wall of boxes hit by a wrecking ball": a machine that is a part of its neighbour. */
function isPartOf(phrases: readonly Phrase[], calls: readonly (string | undefined)[], at: number): boolean {
  const concept = phrases[at]?.concept;
  return [-2, -1, 1, 2].some((step) => {
    const call = calls[at + step];
    const part = concept === undefined ? undefined : BY_TEMPLATE.get(call ?? "")?.parts[concept];
    // "stack nine cubes into a pyramid" is one stack, not two.
    if (!part || (call === calls[at] && step > 0)) return false;
    const later = phrases[Math.max(at, at + step)];
    if (Math.abs(step) === 2 && calls[at + step / 2] !== undefined) return false;
    return part.when === "only" || isTied(later, part);
  });
}

function ownerOf(phrases: readonly Phrase[], owners: ReadonlyMap<number, Machine>, at: number): Machine | undefined {
  const phrase = phrases[at] as Phrase;
  const partIn = (machine: Machine | undefined): Part | undefined => machine?.recipe.parts[phrase.concept];

  const before = owners.get(at - 1);
  if (before && partIn(before)) {
    if (isTied(phrase, partIn(before))) return before;
    if (partIn(before)?.when === "needed" && lacksParts(before)) return before;
    if (continues(phrases, before, at)) return before;
  }
  const next = headAfter(phrases, owners, at);
  if (next && partIn(next.machine)) {
    if (next.tied) return next.machine;
    if (partIn(next.machine)?.when === "needed" && next.adjacent && lacksParts(next.machine)) return next.machine;
  }
  // Parts that are nothing by themselves go to the nearest machine that has such a part.
  for (let step = 1; step < phrases.length; step++) {
    for (const machine of [owners.get(at - step), owners.get(at + step)])
      if (machine && partIn(machine)?.when === "only") return machine;
  }
  return undefined;
}

/** A ramp alone wants something on it; a ball that is thrown is complete. */
function lacksParts({ members }: Machine): boolean {
  return members.length === 1 && !(members[0].phrase.concept in SHAPES);
}

/** "a seesaw with a heavy ball and a light ball": a list goes on while the machine has room. */
function continues(phrases: readonly Phrase[], machine: Machine, at: number): boolean {
  const member = machine.members.find((each) => each.phrase === phrases[at - 1]);
  const head = machine.members[0].phrase;
  if (!member || member.phrase === head) return false;
  const concept = phrases[at]?.concept ?? "thing";
  if (member.phrase.concept === concept || hasSides(machine.recipe.parts[member.phrase.concept])) return true;
  return (
    machine.recipe.parts[concept]?.when === "linked" && machine.members.every((each) => each.phrase.concept !== concept)
  );
}

/** The machine that the list of things from `at` on stands on: "a ball and a box on a seesaw". */
function headAfter(phrases: readonly Phrase[], owners: ReadonlyMap<number, Machine>, at: number) {
  for (let next = at + 1; next < phrases.length; next++) {
    const machine = owners.get(next);
    const phrase = phrases[next] as Phrase;
    if (machine) {
      const adjacent = next === at + 1;
      const part = machine.recipe.parts[phrases[at]?.concept ?? "thing"];
      const listed = adjacent || hasSides(part);
      const head = machine.members[0].phrase === phrase;
      return { machine, adjacent: adjacent && head, tied: (head ? listed : adjacent) && isTied(phrase, part) };
    }
    if (phrase.link !== "and" || !(phrase.concept in SHAPES)) return undefined;
  }
  return undefined;
}

function hasSides(part: Part | undefined): boolean {
  const mass = part?.slots.mass;
  return typeof mass === "string" && mass.includes("|");
}
