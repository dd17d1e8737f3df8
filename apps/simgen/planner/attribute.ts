import type { Action, Concept, Key, Meaning, Trait } from "./lexicon.ts";
import type { Mention } from "./mention.ts";
import type { Dimension, Quantity } from "./quantity.ts";

/** A range of tokens; `to` is exclusive. */
export interface Span {
  from: number;
  to: number;
}

/** Something said about a thing: a value in SI units (or a word), or more or less of it than usual. */
export interface Attribute extends Span {
  key: Key;
  said: { value: number | string } | { level: number };
  /** Named by a property: "radius 10 cm", but not "10 cm". */
  bound: boolean;
  /** What the person should know when this is used. */
  note?: string;
}

/** What a noun phrase is made of. */
export type Item = Span &
  (
    | { kind: "attribute"; attribute: Attribute }
    | { kind: "count"; value: number; one: boolean }
    | { kind: "noun"; concept: Concept; plural: boolean; traits: Trait[] }
    | { kind: "action"; action: Action; noun: Concept | undefined; base: boolean }
    | { kind: "gravity"; vector: [number, number, number]; label: string }
    | { kind: "determiner"; same: boolean }
    | { kind: "without"; concept: Concept }
    | { kind: "preposition"; role: "surface" | "target" | undefined }
    | { kind: "and" | "pronoun" | "stop" | "unknown" }
  );

const EARTH = 9.81;
/** How many words may stand between a property and its value: "a length of about 2 m". */
const GAP_MAX = 4;

/** What a bare quantity of a dimension is about. */
const BARE: Partial<Record<Dimension, Key>> = {
  length: "size",
  mass: "mass",
  angle: "angle",
  speed: "speed",
  spin: "spin",
  stiffness: "stiffness",
  damping: "damping",
  density: "density",
};

/** Ties quantities to the properties they are about, and negations and emphasis to their words. */
export function readItems(mentions: readonly Mention[]): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < mentions.length; ) {
    const read = readItem(mentions, at);
    items.push(read.item);
    at = read.next;
  }
  return items;
}

interface Read {
  item: Item;
  next: number;
}

function readItem(mentions: readonly Mention[], at: number): Read {
  const mention = mentions[at] as Mention;
  const { from, to } = mention;
  const one = (item: Item): Read => ({ item, next: at + 1 });
  switch (mention.kind) {
    case "quantity":
      return readBackward(mentions, at, mention.quantity);
    case "amount":
      return readCount(mentions, at, mention.amount.value, mention.amount.whole);
    case "property":
      return readForward(mentions, at) ?? one(unbound(mention, mentions[at - 1]));
    case "trait":
      if (mention.noun && !nounFollows(mentions, at + 1)) return one({ ...mention.noun, from, to });
      return one(attributeItem(mention.trait.key, { value: mention.trait.value }, false, from, to));
    case "degree":
      return one(attributeItem(mention.key, { level: mention.level }, false, from, to));
    case "very":
      return readEmphasis(mentions, at);
    case "not":
      return readNegation(mentions, at);
    case "action":
      return readAction(mentions, at, mention);
    case "gravity":
      return one({ kind: "gravity", vector: mention.vector(EARTH), label: mention.label, from, to });
    case "noun":
      return one({ kind: "noun", concept: mention.concept, plural: mention.plural, traits: mention.traits, from, to });
    case "preposition":
      return (
        (mention.role === "height" && readFall(mentions, at)) ||
        one({ kind: "preposition", role: mention.role === "height" ? undefined : mention.role, from, to })
      );
    case "determiner":
      return one({ kind: "determiner", same: mention.same, from, to });
    default:
      return one({ kind: mention.kind, from, to });
  }
}

/** "length 50 cm", "a mass of about 2 kg", "friction = 0.5", "radius: 3 cm" */
function readForward(mentions: readonly Mention[], at: number): Read | undefined {
  const property = mentions[at];
  if (property?.kind !== "property" || property.form !== "noun") return undefined;
  // In "two masses of 2 kg" the masses are things.
  if (property.noun && mentions[at - 1]?.kind === "amount") return undefined;
  for (let next = at + 1; next <= at + GAP_MAX; next++) {
    const mention = mentions[next];
    if (mention?.kind === "quantity") {
      const value = valueAs(property.key, property.dimension, mention.quantity);
      if (value === undefined) return undefined;
      return { item: valueItem(property.key, value, property.from, mention.to), next: next + 1 };
    }
    if (mention?.kind === "amount") {
      if (property.dimension === "mass" && nounFollows(mentions, next + 1)) return undefined;
      const value = property.dimension === "angle" ? (mention.amount.value * Math.PI) / 180 : mention.amount.value;
      return { item: valueItem(property.key, value, property.from, mention.to), next: next + 1 };
    }
    if (mention?.kind !== "stop" && mention?.kind !== "preposition" && mention?.kind !== "determiner") return undefined;
  }
  return undefined;
}

/** "50 cm long", "2 kg mass", "10 cm in diameter", "5 m/s", "twice gravity" */
function readBackward(mentions: readonly Mention[], at: number, quantity: Quantity): Read {
  const { from, to } = mentions[at] as Mention;
  const edge = readCube(mentions, at);
  if (edge) return edge;
  // "a metre-long pendulum"
  const after = mentions[at + 1]?.text === "-" ? at + 2 : at + 1;
  const property = mentions[after];
  // In "two 5 kg weights" the weights are things.
  const thing = property?.kind === "property" && property.noun && /s$/.test(property.text);
  if (property?.kind === "property" && !thing && !(property.form === "noun" && takesNext(mentions, after))) {
    const value = valueAs(property.key, property.dimension, quantity);
    if (value !== undefined) {
      const scaled = property.key === "gravity" && quantity.dimension === "share" ? value * EARTH : value;
      return { item: valueItem(property.key, scaled, from, property.to), next: after + 1 };
    }
  }
  const gees = mentions[at - 1]?.text === "under" ? valueAs("gravity", "acceleration", quantity) : undefined;
  if (gees !== undefined) return { item: valueItem("gravity", gees, from, to), next: at + 1 };
  if (quantity.dimension === "acceleration")
    return { item: valueItem("gravity", quantity.value, from, to), next: at + 1 };
  if (quantity.dimension === "share" && [mentions[at - 1], mentions[at - 2], property].some(bounces))
    return { item: valueItem("bounce", quantity.value, from, to), next: at + 1 };
  const key = BARE[quantity.dimension];
  if (key === undefined) return { item: { kind: "unknown", from, to }, next: at + 1 };
  return { item: attributeItem(key, { value: quantity.value }, false, from, to), next: at + 1 };
}

/** "10 x 10 x 10 cm", "5cm by 5cm by 5cm". Boxes here are cubes: others get a cube of the same volume. */
function readCube(mentions: readonly Mention[], at: number): Read | undefined {
  const [first, by, second, again, third] = mentions.slice(at, at + 5);
  if (![by, again].every((each) => each?.text === "x" || each?.text === "by")) return undefined;
  if (third?.kind !== "quantity" || third.quantity.dimension !== "length") return undefined;
  const { value, end } = third.quantity;
  const unit = value / (third.quantity.amount || 1);
  const edges = [first, second].map((each) => {
    if (each?.kind === "amount") return each.amount.value * unit;
    return each?.kind === "quantity" && each.quantity.dimension === "length" ? each.quantity.value : 0;
  });
  const [a = 0, b = 0] = edges;
  if (a <= 0 || b <= 0) return undefined;
  const even = edges.every((edge) => Math.abs(edge - value) <= 1e-9 * Math.abs(value));
  const from = first?.from ?? 0;
  const attribute: Attribute = {
    key: "size",
    said: { value: even ? value : Math.cbrt(a * b * value) },
    bound: true,
    ...(even ? {} : { note: "boxes have equal edges here: made of the same volume" }),
    from,
    to: end,
  };
  return { item: { kind: "attribute", attribute, from, to: end }, next: at + 5 };
}

/** "three", "3 x", "0.5 friction", "3 times gravity" */
function readCount(mentions: readonly Mention[], at: number, value: number, whole: boolean): Read {
  const { from, to, text } = mentions[at] as Mention;
  const edge = readCube(mentions, at);
  if (edge) return edge;
  const times = /^(?:x|times)$/.test(mentions[at + 1]?.text ?? "") ? 1 : 0;
  const property = mentions[at + 1 + times];
  if (property?.kind === "property" && property.key === "gravity" && !takesNext(mentions, at + 1 + times))
    return { item: valueItem("gravity", value * (times ? EARTH : 1), from, property.to), next: at + 2 + times };
  if (property?.kind === "property" && property.dimension === "share" && times === 0 && !takesNext(mentions, at + 1))
    return { item: valueItem(property.key, value, from, property.to), next: at + 2 };
  if (!whole || !Number.isInteger(value)) return { item: { kind: "unknown", from, to }, next: at + 1 };
  return {
    item: { kind: "count", value, one: text === "one", from, to: mentions[at + times]?.to ?? to },
    next: at + 1 + times,
  };
}

/** "from 3 m", "off a 20 m cliff": how high something starts; "from 45 degrees" stays an angle. */
function readFall(mentions: readonly Mention[], at: number): Read | undefined {
  let next = at + 1;
  while (/^(?:stop|determiner)$/.test(mentions[next]?.kind ?? "") && next < at + GAP_MAX) next++;
  // "off a ledge 3 m high"
  if (mentions[next - 1]?.kind === "determiner" && isPlace(mentions[next])) next++;
  const mention = mentions[next];
  if (mention?.kind !== "quantity" || mention.quantity.dimension !== "length") return undefined;
  const property = mentions[next + 1];
  const bound = property?.kind === "property" && property.form === "adjective";
  const tower = mentions[bound ? next + 2 : next + 1];
  const article = mentions[next - 1]?.kind === "determiner";
  const swallows = article && isPlace(tower);
  const end = (bound ? next + 1 : next) + (swallows ? 1 : 0);
  return {
    item: valueItem("height", mention.quantity.value, mentions[at]?.from ?? 0, mentions[end]?.to ?? 0),
    next: end + 1,
  };
}

/** What something falls from: a tower, or a word that is not known, such as "cliff". */
function isPlace(mention: Mention | undefined): boolean {
  return mention?.kind === "unknown" || (mention?.kind === "noun" && mention.concept === "stack");
}

function readEmphasis(mentions: readonly Mention[], at: number): Read {
  const next = mentions[at + 1];
  const { from, to } = mentions[at] as Mention;
  const level = next?.kind === "degree" || (next?.kind === "property" && next.form === "adjective") ? next.level : 0;
  if (!next || level === 0 || (next.kind !== "degree" && next.kind !== "property"))
    return { item: { kind: "stop", from, to }, next: at + 1 };
  return { item: attributeItem(next.key, { level: level + Math.sign(level) }, false, from, next.to), next: at + 2 };
}

/** "without friction", "doesn't bounce", "no floor"; other things that shall not be are left out and told. */
function readNegation(mentions: readonly Mention[], at: number): Read {
  let next = at + 1;
  while (["determiner", "very", "stop"].includes(mentions[next]?.kind ?? "") && next < at + GAP_MAX) next++;
  const mention = mentions[next];
  const { from, to } = mentions[at] as Mention;
  const key = mention ? negatedKey(mention) : undefined;
  if (mention && key) return { item: valueItem(key, 0, from, mention.to), next: next + 1 };
  if (mention?.kind === "noun")
    return { item: { kind: "without", concept: mention.concept, from, to: mention.to }, next: next + 1 };
  return { item: { kind: "stop", from, to }, next: at + 1 };
}

function negatedKey(mention: Mention): Key | undefined {
  if (mention.kind === "property" && mention.form === "noun") return mention.key;
  if (mention.kind === "degree" && mention.key === "damping") return "damping";
  return bounces(mention) ? "bounce" : undefined;
}

function readAction(mentions: readonly Mention[], at: number, mention: Mention & { kind: "action" }): Read {
  const { from, to, action, noun } = mention;
  const after = mentions[at + 1]?.kind;
  const base = !/(?:ing|ed|s|n|t)$/.test(mention.text) && (after === "determiner" || after === "amount" || at === 0);
  return { item: { kind: "action", action, noun, base, from, to }, next: at + 1 };
}

/** A property without a value: a thing ("a mass"), or more than usual ("long"). */
function unbound(property: Mention & Meaning & { kind: "property" }, before: Mention | undefined): Item {
  const { from, to, key, level, noun } = property;
  if (noun) return { kind: "noun", concept: noun, plural: /s$/.test(property.text), traits: [], from, to };
  if (level !== 0 && before?.kind !== "amount") return attributeItem(key, { level }, false, from, to);
  return { kind: "stop", from, to };
}

// --- small questions ---

/** A quantity's value as a property has it, if it can. */
function valueAs(key: Key, dimension: Dimension, quantity: Quantity): number | undefined {
  if (key === "gravity" && quantity.dimension === "mass" && quantity.unit === "g") return quantity.value * 1000 * EARTH;
  if (key === "gravity" && quantity.dimension === "share") return quantity.value;
  if (key === "friction" || key === "bounce") return quantity.dimension === "share" ? quantity.value : undefined;
  if (key === "displacement" && quantity.dimension === "angle") return undefined;
  return quantity.dimension === dimension ? quantity.value : undefined;
}

function takesNext(mentions: readonly Mention[], at: number): boolean {
  const property = mentions[at];
  const next = mentions[at + 1];
  if (property?.kind !== "property" || next?.kind !== "quantity") return false;
  return valueAs(property.key, property.dimension, next.quantity) !== undefined;
}

function bounces(mention: Mention | undefined): boolean {
  if (mention?.kind === "action") return mention.action === "bounce";
  return mention?.kind === "trait" && mention.trait.key === "bounce";
}

function nounFollows(mentions: readonly Mention[], start: number): boolean {
  for (let at = start; at < start + GAP_MAX; at++) {
    const mention = mentions[at];
    if (mention?.kind === "noun") return true;
    if (mention?.kind === "trait" && mention.noun) return true;
    if (mention?.kind !== "trait" && mention?.kind !== "degree" && mention?.kind !== "quantity") return false;
  }
  return false;
}

function valueItem(key: Key, value: number, from: number, to: number): Item {
  return attributeItem(key, { value }, true, from, to);
}

function attributeItem(key: Key, said: Attribute["said"], bound: boolean, from: number, to: number): Item {
  return { kind: "attribute", attribute: { key, said, bound, from, to }, from, to };
}
