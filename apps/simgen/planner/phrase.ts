import type { Attribute, Item, Span } from "./attribute.ts";
import type { Action, Concept, Key, Trait } from "./lexicon.ts";

/** A thing of the prompt with what is said about it; its span is its noun's. */
export interface Phrase extends Span {
  concept: Concept;
  plural: boolean;
  count: (Span & { value: number }) | undefined;
  traits: Trait[];
  attributes: (Attribute & {
    /** Said after the noun, or elsewhere: it may belong to a neighbour. */
    loose: boolean;
  })[];
  actions: (Span & { action: Action })[];
  /** "the ball", "it": one that was named before. */
  definite: boolean;
  /** Its noun is only implied: "a red and a blue ball", "two balls, one red". */
  elided: boolean;
  /**
   * How it follows the phrase before it: a preposition or verb, "hitting" or the like, "and" or a comma, or nothing
   * between two nouns.
   */
  link: "first" | "and" | "preposition" | "target" | "compound";
}

export interface Gravity extends Span {
  vector: [number, number, number];
  label: string;
}

export interface Parsed {
  phrases: Phrase[];
  gravities: Gravity[];
  /** "without a floor" */
  floorless: boolean;
  /** Words that need no answer. */
  idle: Span[];
}

/** "balls", when no number is given. */
export const PLURAL_COUNT = 5;

/** A phrase while its noun may still be missing. */
interface Draft extends Omit<Phrase, "concept"> {
  concept: Concept | undefined;
  article: boolean;
  pronoun: boolean;
  /** Ends in a word that is not known, which has taken the attributes before it. */
  foreign: boolean;
  /** Follows "on" or the like. */
  onto: boolean;
}

/** Groups items into noun phrases and settles what the phrases without a noun belong to. */
export function readPhrases(items: readonly Item[]): Parsed {
  const idle: Span[] = [];
  const gravities: Gravity[] = [];
  const drafts = chunk(items, idle, gravities);
  const floors = items.filter((item) => item.kind === "without" && item.concept === "ground");
  idle.push(...floors);
  return {
    phrases: dissolveTotals(settle(drafts, idle), idle).flatMap(split),
    gravities,
    floorless: floors.length > 0,
    idle,
  };
}

// --- chunking ---

function chunk(items: readonly Item[], idle: Span[], gravities: Gravity[]): Draft[] {
  const drafts: Draft[] = [];
  let draft = blank("first", 0);
  const open = (link: Phrase["link"], from: number) => {
    if (isSomething(draft)) drafts.push(draft);
    draft = blank(drafts.length === 0 ? "first" : isSomething(draft) ? link : strongest(link, draft.link), from);
  };

  items.forEach((item, at) => {
    switch (item.kind) {
      case "stop":
        idle.push(item);
        break;
      case "gravity":
        gravities.push(item);
        break;
      case "without":
        open("and", item.to);
        break;
      case "and":
      case "preposition":
        idle.push(item);
        if (item.kind === "preposition" || !goesOn(draft) || opensPhrase(items[at + 1]))
          open(item.kind === "preposition" && item.role === "target" ? "target" : item.kind, item.to);
        if (item.kind === "preposition") draft.onto = item.role === "surface";
        break;
      case "determiner":
        idle.push(item);
        if (isSomething(draft)) open(draft.concept && draft.actions.length > 0 ? "preposition" : "and", item.from);
        draft.article = true;
        draft.definite = item.same;
        break;
      case "count":
        if (item.one && !draft.concept && draft.attributes.length > 0) {
          draft.pronoun = true;
          idle.push(item);
          break;
        }
        // "a curved row of 40 dominoes", "a big six-legged robot"; "5 balls, lift 2"
        if (!draft.concept && !draft.count && (draft.article || lifts(draft, items[at + 1]))) {
          draft.count = item;
          break;
        }
        if (draft.concept || draft.count || draft.attributes.length > 0 || draft.actions.length > 0)
          open(draft.concept && draft.actions.length > 0 ? "preposition" : "and", item.from);
        draft.count = item;
        break;
      case "pronoun":
        idle.push(item);
        if (draft.concept) open("and", item.from);
        draft.pronoun = true;
        if (draft.attributes.length === 0) draft.definite = true;
        break;
      case "action":
        if (item.noun && !draft.concept && (draft.article || draft.count)) setNoun(draft, item.noun, false, [], item);
        else {
          if (item.base && draft.concept) open("and", item.from);
          draft.actions.push(item);
        }
        break;
      case "noun":
        // "a hexapod robot"
        if (draft.concept === item.concept && items[at - 1]?.kind === "noun") {
          idle.push(span(item));
          break;
        }
        if (draft.concept) {
          // "a big six-legged robot": big is the robot.
          const adjectives = takeAdjectives(draft, items, at);
          for (const each of draft.attributes) each.loose = true;
          open(adjectives.length > 0 ? "and" : "compound", item.from);
          draft.attributes.push(...adjectives);
        }
        setNoun(draft, item.concept, item.plural, item.traits, item);
        break;
      case "attribute":
        if (item.attribute.key === "gravity") {
          const { said } = item.attribute;
          const g = "value" in said && typeof said.value === "number" ? Math.abs(said.value) : 0;
          gravities.push({
            vector: [0, 0, g === 0 ? 0 : -g],
            label: g === 0 ? "no gravity" : "gravity",
            ...span(item),
          });
        } else {
          if (draft.foreign) open("preposition", item.from);
          draft.attributes.push({ ...item.attribute, loose: draft.concept !== undefined });
        }
        break;
      case "unknown":
        if (!draft.concept && isHead(items, at)) forget(draft);
        break;
    }
  });
  open("and", 0);
  return drafts;
}

function setNoun(draft: Draft, concept: Concept, plural: boolean, traits: Trait[], at: Span): void {
  draft.concept = concept;
  draft.plural = plural;
  draft.traits = traits;
  draft.from = at.from;
  draft.to = at.to;
  draft.foreign = false;
}

function lifts(draft: Draft, next: Item | undefined): boolean {
  return draft.actions.some((each) => each.action === "lift") && next?.kind !== "noun" && next?.kind !== "attribute";
}

/** "red ball blue ball": what stands right before a second noun is that noun's. */
function takeAdjectives(draft: Draft, items: readonly Item[], at: number): Phrase["attributes"] {
  const taken: Phrase["attributes"] = [];
  for (let before = at - 1; items[before]?.kind === "attribute"; before--) {
    const last = draft.attributes.at(-1);
    if (!last?.loose || last.bound) break;
    draft.attributes.pop();
    taken.unshift(last);
  }
  return taken;
}

/** An unknown word is the head of its phrase when no known noun follows before the phrase ends. */
function isHead(items: readonly Item[], at: number): boolean {
  for (let next = at + 1; next < items.length && next < at + 5; next++) {
    const kind = items[next]?.kind;
    if (kind === "noun") return false;
    if (kind !== "attribute" && kind !== "unknown" && kind !== "stop" && kind !== "action") return true;
  }
  return true;
}

/** What was said about an unknown thing is said about nothing else. */
function forget(draft: Draft): void {
  draft.attributes = draft.attributes.filter((each) => each.bound);
  draft.count = undefined;
  draft.foreign = true;
}

/** "a red and heavy ball": adjectives before a noun go on over "and", but not those of "with a radius of 5 cm". */
function goesOn(draft: Draft): boolean {
  if (draft.concept || draft.attributes.some((each) => each.bound)) return false;
  return draft.link !== "preposition" || draft.article || draft.count !== undefined;
}

function opensPhrase(item: Item | undefined): boolean {
  return item === undefined || (item.kind !== "attribute" && item.kind !== "noun" && item.kind !== "unknown");
}

function isSomething(draft: Draft): boolean {
  return (
    draft.concept !== undefined ||
    draft.count !== undefined ||
    draft.attributes.length > 0 ||
    draft.actions.length > 0 ||
    draft.pronoun
  );
}

/** A preposition is heard through an empty phrase: "on top of the", "and on a". */
function strongest(one: Phrase["link"], other: Phrase["link"]): Phrase["link"] {
  return one === "target" || other === "target" ? "target" : other === "preposition" ? other : one;
}

function blank(link: Phrase["link"], from: number): Draft {
  return {
    concept: undefined,
    plural: false,
    count: undefined,
    traits: [],
    attributes: [],
    actions: [],
    definite: false,
    elided: false,
    link,
    article: false,
    pronoun: false,
    foreign: false,
    onto: false,
    from,
    to: from,
  };
}

// --- phrases without a noun ---

/** What a prompt is about that names nothing: "spring constant 50 N/m, mass 3 kg", "a mass of 2 kg". */
const IMPLIED: readonly [Key, Concept][] = [
  ["stiffness", "spring"],
  ["mass", "weight"],
];

function settle(drafts: Draft[], idle: Span[]): Phrase[] {
  const phrases: Phrase[] = [];
  const waiting: Draft[] = [];
  drafts.forEach((draft, at) => {
    const next = drafts[at + 1];
    // What follows "on the floor" is about what lies there.
    const last = phrases.findLast((each) => each.concept !== "ground") ?? phrases.at(-1);
    if (draft.concept) {
      const phrase: Phrase = { ...draft, concept: draft.concept };
      const known = draft.definite ? phrases.findLast((each) => each.concept === draft.concept) : undefined;
      if (known) {
        merge(known, phrase);
        idle.push(span(phrase));
      } else phrases.push(phrase);
      for (const each of waiting.splice(0)) merge(phrase, each);
      return;
    }
    if (draft.foreign && !draft.attributes.some((each) => each.bound)) return;
    if (isSurface(draft)) {
      phrases.push({ ...draft, concept: "ground" });
      return;
    }
    const described =
      draft.attributes.every((each) => !each.bound) && (draft.attributes.length > 0 || draft.actions.length > 0);
    const counted = draft.count !== undefined || (draft.article && !draft.definite);
    const ahead = described && counted ? nounAhead(drafts, at) : undefined;
    if (ahead) phrases.push({ ...draft, concept: ahead, elided: true });
    else if (last && ((described && counted && draft.link === "and") || (draft.pronoun && !draft.definite)))
      phrases.push({ ...draft, concept: last.concept, traits: last.traits, elided: true });
    else if (last && !draft.actions.some((each) => next?.concept && isImperative(each, draft))) merge(last, draft);
    else waiting.push(draft);
  });
  const said = waiting.flatMap((draft) => draft.attributes);
  const implied = IMPLIED.find(([key]) => said.some((each) => each.key === key && (each.bound || key === "stiffness")));
  if (implied && phrases.length === 0) phrases.push({ ...blank("first", 0), concept: implied[1] });
  const last = phrases.at(-1);
  if (last) for (const each of waiting) merge(last, each);
  return phrases;
}

/** "sliding on ice" */
function isSurface({ onto, article, attributes }: Draft): boolean {
  return onto && !article && attributes.length > 0 && attributes.every((each) => each.key === "material");
}

/** The noun at the end of "a 1 kg, a 2 kg and a 3 kg ball". */
function nounAhead(drafts: readonly Draft[], at: number): Concept | undefined {
  for (let next = at + 1; drafts[next]?.link === "and"; next++) {
    const draft = drafts[next];
    if (draft?.concept) return draft.concept;
    if (!draft?.article && !draft?.count) return undefined;
  }
  return undefined;
}

/** "drop two balls": an action before its object, with nothing else in its phrase. */
function isImperative(action: Span & { base?: boolean }, draft: Draft): boolean {
  return action.base === true && draft.attributes.length === 0 && !draft.count;
}

function merge(into: Phrase, from: Pick<Phrase, "attributes" | "actions" | "count">): void {
  into.attributes.push(...from.attributes.map((each) => ({ ...each, loose: true })));
  into.actions.push(...from.actions);
  into.count ??= from.count;
}

/** "three balls, two red and one blue": the total goes, the parts keep what was said about it. */
function dissolveTotals(phrases: Phrase[], idle: Span[]): Phrase[] {
  const kept: Phrase[] = [];
  for (let at = 0; at < phrases.length; at++) {
    const whole = phrases[at] as Phrase;
    const parts: Phrase[] = [];
    for (let sum = 0, next = at + 1; whole.count && sum < whole.count.value; next++) {
      const part = phrases[next];
      if (!part?.elided || part.concept !== whole.concept) break;
      sum += part.count?.value ?? 1;
      parts.push(part);
      if (sum !== whole.count.value) continue;
      for (const each of parts) {
        each.attributes.push(...whole.attributes.map((other) => ({ ...other, loose: true })));
        each.actions.push(...whole.actions);
        each.traits = whole.traits;
      }
      break;
    }
    const total = parts.reduce((sum, part) => sum + (part.count?.value ?? 1), 0);
    if (parts.length < 2 || total !== whole.count?.value) kept.push(whole);
    else {
      idle.push(span(whole), span(whole.count));
      if (parts[0]) parts[0].link = whole.link;
    }
  }
  return kept;
}

/** "six red and blue balls": three of each; "pendulums of 1 m and 2 m": one of each. */
function split(phrase: Phrase): Phrase[] {
  if (!phrase.plural && !phrase.count) return [phrase];
  for (const { key } of phrase.attributes) {
    const values = phrase.attributes.filter((each) => each.key === key && "value" in each.said);
    const total = phrase.count?.value ?? (key === "color" || key === "material" ? PLURAL_COUNT : values.length);
    if (values.length < 2 || total < values.length) continue;
    return values.map((value, index) => ({
      ...phrase,
      link: index === 0 ? phrase.link : "and",
      count: {
        ...span(phrase.count ?? phrase),
        value: Math.floor(total / values.length) + (index < total % values.length ? 1 : 0),
      },
      attributes: phrase.attributes.filter((each) => each.key !== key || each === value),
    }));
  }
  return [phrase];
}

function span({ from, to }: Span): Span {
  return { from, to };
}
