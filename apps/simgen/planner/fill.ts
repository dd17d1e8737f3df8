import { z } from "zod";
import { materialName, materialOf } from "../sim/material.ts";
import type { Template } from "../sim/templates/template.ts";
import type { Attribute, Span } from "./attribute.ts";
import { fitted } from "./fit.ts";
import type { Key } from "./lexicon.ts";
import type { Machine, Member } from "./machine.ts";
import { type Phrase, PLURAL_COUNT } from "./phrase.ts";
import { ITEM_SLOTS, type Recipe, SHAPES, type Slot, type Slots } from "./recipe.ts";
import { describeItem, describeMachine, formatValue, type Value } from "./wording.ts";

/** A template with its parameters, ready to build. */
export interface Order {
  template: Template;
  params: Record<string, unknown>;
  understood: string[];
}

/** Collects what a prompt's words were used for. */
export interface Ledger {
  use(span: Span): void;
  warn(text: string): void;
}

/** "heavy" is this many times the usual, "very heavy" its square. */
const DEGREE: Partial<Record<Key, number>> = { mass: 5, stiffness: 5, damping: 4, density: 4, angle: 1.8, tilt: 1.8 };
const DEGREE_DEFAULT = 2;
const MAY_BE_NEGATIVE: ReadonlySet<Key> = new Set(["angle", "tilt", "displacement", "speed"]);
const MAY_BE_ZERO: ReadonlySet<Key> = new Set([...MAY_BE_NEGATIVE, "friction", "bounce", "damping", "height", "spin"]);
const MACHINES_PLURAL = 3;
const ITEMS_MAX = 20;
/** kg/m³, m/s and the like, of an ordinary thing of `objects`. */
const USUAL_ITEM: Record<string, number> = { size: 0.25, density: 700, velocity: 4, friction: 0.5, bounce: 0.5 };

/** Works out a machine's parameters; `copies` is how many of it to make, at most `room`. */
export function fillMachine(
  machine: Machine,
  template: Template,
  floors: readonly Phrase[],
  room: number,
  ledger: Ledger,
): { order: Order; copies: number } {
  const { recipe, members } = machine;
  const known = new Set(Object.keys(template.params instanceof z.ZodObject ? template.params.shape : {}));
  const defaults = z.record(z.string(), z.unknown()).parse(template.params.parse({}));
  const params = new Map<string, Value>();

  const offer = (attribute: Attribute, slots: Slots, times = 1): boolean => {
    const slot = slotFor(attribute, slots, recipe);
    const param = slot && freeParams(slot.param, params, known, times);
    if (!slot || !param || param.length === 0) return false;
    const refusal = refused(attribute);
    if (refusal) {
      ledger.warn(refusal);
      return true;
    }
    const [first = ""] = param;
    const usual = recipe.usual?.[first] ?? defaults[first];
    const value = valueFor(attribute, slot, recipe, typeof usual === "number" ? usual : undefined);
    if (value === undefined) return false;
    for (const each of param) params.set(each, { value, key: attribute.key, vague: "level" in attribute.said });
    return true;
  };

  for (const member of members) {
    ledger.use(member.phrase);
    for (const [param, value] of Object.entries(member.sets))
      if (known.has(param)) params.set(param, { value, key: "layout" });
    for (const action of member.phrase.actions) if (recipe.acts.includes(action.action)) ledger.use(action);
  }
  // Values before degrees, so that "a big 2 kg ball" is 2 kg whatever "big" would say.
  let copies = 1;
  for (const pass of ["value", "level"]) {
    if (pass === "level")
      copies = affordable(fillCounts(machine, params, known, defaults, ledger), room, recipe, ledger);
    for (const member of members)
      for (const attribute of member.phrase.attributes) {
        if (!(pass in attribute.said)) continue;
        const places = attribute.loose ? [member, ...members.filter((each) => each !== member)] : [member];
        if (places.some((place) => offer(attribute, place.slots, timesOf(place, members[0]))) || isIdle(attribute))
          note(attribute, ledger);
      }
  }
  for (const { phrase, slots } of members)
    for (const trait of phrase.traits)
      offer({ ...trait, said: { value: trait.value }, bound: false, ...NOWHERE }, slots);
  for (const floor of floors)
    for (const attribute of floor.attributes)
      if (offer(attribute, FLOOR_SLOTS)) {
        ledger.use(attribute);
        ledger.use(floor);
      }
  const fit = fitted(template, params, recipe, ledger);
  return {
    order: { template, params: fit, understood: describeMachine(recipe, copies, fit, params, defaults) },
    copies,
  };
}

/** Works out one `objects` scene from all loose things. */
export function fillThings(
  things: readonly Phrase[],
  heap: Phrase | undefined,
  floors: readonly Phrase[],
  floorless: boolean,
  template: Template,
  ledger: Ledger,
): Order {
  const params: Record<string, unknown> = floorless ? { ground: false } : {};
  const everywhere = new Map<string, Value>();
  const understood: string[] = [];
  if (heap) ledger.use(heap);

  if (things.length > ITEMS_MAX) ledger.warn(`left out: all but the first ${ITEMS_MAX} kinds of things`);
  const items = things.slice(0, ITEMS_MAX).map((phrase) => {
    ledger.use(phrase);
    for (const action of phrase.actions)
      if (["drop", "bounce", "roll", "slide"].includes(action.action)) ledger.use(action);
    const item = new Map<string, Value>();
    const traits = phrase.traits.map((trait): Phrase["attributes"][number] => ({
      ...trait,
      said: { value: trait.value },
      bound: false,
      loose: false,
      ...NOWHERE,
    }));
    // A material first, since "heavy" is more than what it weighs; values before degrees.
    const rank = ({ key, said }: Attribute) => (key === "material" ? 0 : "value" in said ? 1 : 2);
    for (const attribute of [...phrase.attributes, ...traits].toSorted((a, b) => rank(a) - rank(b))) {
      const refusal = refused(attribute);
      if (refusal) ledger.warn(refusal);
      if (refusal || offerItem(attribute, item, params, everywhere) || isIdle(attribute)) note(attribute, ledger);
    }
    if (phrase.count) ledger.use(phrase.count);
    const count = phrase.count?.value ?? (phrase.plural ? PLURAL_COUNT : 1);
    return { shape: SHAPES[phrase.concept] ?? "ball", count, given: item };
  });
  for (const floor of [...floors, ...(heap ? [heap] : [])])
    for (const attribute of floor.attributes) {
      const slots = floor === heap ? ITEM_SLOTS : FLOOR_SLOTS;
      if (put(attribute, slots, everywhere, undefined)) {
        ledger.use(attribute);
        ledger.use(floor);
      }
    }

  const made = items.map(({ shape, count, given }) => ({ shape, count, given: new Map([...everywhere, ...given]) }));
  const fit = fitted(
    template,
    new Map([
      [
        "items",
        {
          key: "count",
          value: made.map(({ shape, count, given }) => ({
            shape,
            count,
            ...Object.fromEntries([...given].map(([param, { value }]) => [param, itemValue(param, value)])),
          })),
        },
      ],
      ...Object.entries(params).map(([param, value]): [string, Value] => [param, { value, key: "height" }]),
    ]),
    undefined,
    ledger,
  );
  const kept = z.array(z.record(z.string(), z.unknown())).parse(fit.items);
  understood.push(...kept.map((item, index) => describeItem(item, made[index]?.given ?? new Map())));
  if (typeof fit.height === "number") understood.push(`dropped from ${formatValue("height", fit.height)}`);
  if (floorless) understood.push("no floor");
  return { template, params: fit, understood };
}

// --- one attribute ---

const NOWHERE: Span = { from: 0, to: 0 };
const FLOOR_SLOTS: Slots = { friction: "friction", bounce: "bounce", material: { param: "friction", surface: true } };

function slotFor(attribute: Attribute, slots: Slots, recipe: Recipe | undefined): Slot | undefined {
  const degree = "level" in attribute.said && slots === recipe?.head ? recipe.degrees?.[attribute.key] : undefined;
  const found = degree ?? slots[attribute.key];
  const slot = typeof found === "string" ? { param: found } : found;
  if (slot?.degreesOnly && !("level" in attribute.said)) return undefined;
  if (slot?.zeroOnly && !("value" in attribute.said && attribute.said.value === 0)) return undefined;
  return slot;
}

/** "two 5 kg weights": both sides of a seesaw. */
function timesOf(member: Member, head: Member): number {
  return member === head ? 1 : (member.phrase.count?.value ?? (member.phrase.plural ? 2 : 1));
}

/** `a|b`: as many as asked of those that are free; `a&b`: both. Nothing when what is there was said already. */
function freeParams(
  param: string,
  params: ReadonlyMap<string, unknown>,
  known: ReadonlySet<string>,
  times = 1,
): string[] {
  const free = param.split(/[|&]/).filter((each) => known.has(each) && !params.has(each));
  return param.includes("&") ? free : free.slice(0, Math.max(1, times));
}

function valueFor(
  { key, said }: Attribute,
  slot: Slot,
  recipe: Recipe | undefined,
  usual: number | undefined,
): number | string | undefined {
  if ("level" in said) return usual === undefined ? undefined : usual * (DEGREE[key] ?? DEGREE_DEFAULT) ** said.level;
  if (slot.surface) {
    const material = materialName.safeParse(said.value);
    return material.success ? materialOf(material.data).friction : undefined;
  }
  if (typeof said.value === "number") return said.value * (slot.factor ?? 1);
  return key === "angle" || key === "tilt" ? recipe?.angles?.[said.value] : said.value;
}

function note(attribute: Attribute, ledger: Ledger): void {
  ledger.use(attribute);
  if (attribute.note) ledger.warn(attribute.note);
}

/** "in a row": machines of one kind stand in a row anyway; "without air resistance": there is no air. */
function isIdle({ key, said }: Attribute): boolean {
  if (key === "damping") return "value" in said && said.value === 0;
  return key === "layout" && "value" in said && (said.value === "row" || said.value === "line");
}

/** Why a value cannot be. */
function refused({ key, said }: Attribute): string | undefined {
  if (!("value" in said) || typeof said.value !== "number") return undefined;
  if (said.value < 0 && !MAY_BE_NEGATIVE.has(key))
    return `ignored: ${key} of ${formatValue(key, said.value)}, which cannot be negative`;
  return said.value === 0 && !MAY_BE_ZERO.has(key)
    ? `ignored: ${key} of ${formatValue(key, 0)}, which cannot be zero`
    : undefined;
}

// --- counts ---

function affordable(asked: number, room: number, recipe: Recipe, ledger: Ledger): number {
  const made = Math.min(Math.max(1, asked), room);
  if (made === 0) ledger.warn(`left out: ${recipe.name[asked === 1 ? 0 : 1]}, since there are many machines already`);
  else if (made !== asked) ledger.warn(`asked for ${asked} ${recipe.name[1]}, made ${made}`);
  return made;
}

function fillCounts(
  { recipe, members }: Machine,
  params: Map<string, Value>,
  known: ReadonlySet<string>,
  defaults: Record<string, unknown>,
  ledger: Ledger,
): number {
  const [head, ...parts] = members;
  const counted = (member: Member) => countParam(member, known);
  for (const member of parts) {
    const { count } = member.phrase;
    if (!count) continue;
    const param = counted(member);
    if (param && !params.has(param)) {
      params.set(param, { value: count.value, key: "count" });
      ledger.use(count);
    } else if (param === undefined && count.value <= 2) ledger.use(count);
  }
  const param = counted(head);
  const { count, plural } = head.phrase;
  if (count) ledger.use(count);
  if (param === undefined || params.has(param))
    return count?.value ?? (plural && !recipe.acts.includes("bounce") ? 2 : 1);
  const usual = typeof defaults[param] === "number" ? defaults[param] : 1;
  if (count) params.set(param, { value: count.value, key: "count" });
  else if (plural && usual === 1) params.set(param, { value: MACHINES_PLURAL, key: "count" });
  else if (!plural && usual > 1 && head.slots.count === "count" && recipe.template === "bouncing-balls")
    params.set(param, { value: 1, key: "count" });
  return 1;
}

/** Where a phrase's count goes; a cradle's balls that are lifted are counted by themselves. */
function countParam({ phrase, slots }: Member, known: ReadonlySet<string>): string | undefined {
  if (known.has("lifted") && phrase.actions.some((each) => each.action === "lift")) return "lifted";
  const slot = slots.count;
  return typeof slot === "string" && known.has(slot) ? slot : undefined;
}

// --- things ---

function offerItem(
  attribute: Phrase["attributes"][number],
  item: Map<string, Value>,
  params: Record<string, unknown>,
  everywhere: Map<string, Value>,
): boolean {
  const { key, said, loose } = attribute;
  if (key === "height") {
    if (params.height !== undefined) return false;
    params.height = "value" in said ? said.value : 1.5 * DEGREE_DEFAULT ** said.level;
    return true;
  }
  if (key === "layout" && "value" in said) {
    if (params.arrangement !== undefined || !/^(?:pile|row|grid|line)$/.test(String(said.value))) return false;
    params.arrangement = said.value === "line" ? "row" : said.value;
    return true;
  }
  return put(attribute, ITEM_SLOTS, loose && key === "friction" ? everywhere : item, item.get("material")?.value);
}

function put(attribute: Attribute, slots: Slots, into: Map<string, Value>, material: unknown): boolean {
  // More mass than usual is more density: the size may be anything.
  const heavy = attribute.key === "mass" && "level" in attribute.said;
  const slot = heavy ? { param: "density" } : slotFor(attribute, slots, undefined);
  if (!slot || into.has(slot.param)) return false;
  const named = materialName.safeParse(material);
  const usual = heavy && named.success ? materialOf(named.data).density : USUAL_ITEM[slot.param];
  const value = valueFor(attribute, slot, undefined, usual);
  if (value !== undefined) into.set(slot.param, { value, key: attribute.key, vague: "level" in attribute.said });
  return value !== undefined;
}

function itemValue(param: string, value: unknown): unknown {
  return param === "velocity" ? [value, 0, 0] : value;
}
