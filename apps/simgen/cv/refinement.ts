import { z } from "zod";
import { type Attribute, readItems, type Span } from "../planner/attribute.ts";
import type { Concept, Key } from "../planner/lexicon.ts";
import { readMentions } from "../planner/mention.ts";
import { type Gravity, type Phrase, readPhrases } from "../planner/phrase.ts";
import { PROMPT_CHARS_MAX } from "../planner/rules.ts";
import { type Token, tokenize } from "../planner/tokens.ts";
import { formatValue } from "../planner/wording.ts";
import { MATERIALS, type Material, materialName, materialOf } from "../sim/material.ts";
import { type Body, type Geom, movingBodies, parseScene, type Scene } from "../sim/scene.ts";
import type { Made } from "./machine.ts";

/** What people call drawn shapes, in the planner's words. */
const SYNONYMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    circle: "ball",
    circles: "balls",
    triangle: "ramp",
    triangles: "ramps",
    square: "box",
    squares: "boxes",
    rectangle: "box",
    rectangles: "boxes",
    rod: "bar",
    rods: "bars",
    line: "bar",
    lines: "bars",
    arm: "bar",
    arms: "bars",
  }),
);

type Kind = "circle" | "box" | "polygon" | "line" | "ground";

/** What a noun is about in a drawing; the others are about everything that moves. */
const KINDS: Partial<Record<Concept, Kind>> = {
  ball: "circle",
  wheel: "circle",
  cylinder: "circle",
  bob: "circle",
  box: "box",
  car: "box",
  cart: "box",
  ramp: "polygon",
  plank: "line",
  pole: "line",
  link: "line",
  leg: "line",
  ground: "ground",
};
const EVERYTHING: ReadonlySet<Concept> = new Set<Concept>([
  ...([
    "thing",
    "weight",
    "pendulum",
    "double-pendulum",
    "arm",
    "cradle",
    "stack",
    "domino",
    "seesaw",
    "chain",
  ] as const),
  ...(["launcher", "pulley", "wrecking-ball", "payload"] as const),
]);
/** "heavy" is five times the usual, "very heavy" its square; as in the planner. */
const DEGREE: Partial<Record<Key, number>> = { mass: 5, density: 5, stiffness: 5, speed: 2, spin: 2 };
/** kg/m³, of what no material is named for. */
const DENSITY = 650;
/** kg; an edge or cover that weighs nothing. */
const MASSLESS = 1e-5;
const WARNINGS_MAX = 20;

/** One geom and the body it is on. */
interface Place {
  body: Body;
  geom: Geom;
}

/**
 * Changes a scene that was made of a sketch as the prompt beside it says: "on the Moon", "the ball is steel", "no friction",
 * "the box weighs 3 kg", "red". What was heeded is told in `understood`, all other words in `warnings`. Throws nothing.
 */
export function refine(made: Made, prompt: string): Made {
  const { text, tokens } = tokenize(prompt.slice(0, PROMPT_CHARS_MAX));
  const named = tokens.map((token, at): Token => {
    // No speed of anything: how fast the film runs is not the scene's business.
    const isFilm = token.text === "slow" && tokens[at + 1]?.text === "motion";
    const word = isFilm ? "slowmotion" : token.kind === "word" ? SYNONYMS.get(token.text) : undefined;
    return word === undefined ? token : { ...token, kind: "word", text: word };
  });
  const { mentions, corrections } = readMentions(named);
  const items = readItems(mentions);
  const parsed = readPhrases(items);
  const scene = structuredClone(made.scene);
  const understood: string[] = [];
  const warnings: string[] = [...corrections];
  const used = new Set<number>();
  const use = ({ from, to }: Span) => {
    for (let at = from; at < to; at++) used.add(at);
  };
  for (const span of parsed.idle) use(span);

  heedGravity(parsed.gravities, scene, understood, use);
  const heard = new Set<number>();
  for (const phrase of parsed.phrases) {
    const places = placesOf(phrase.concept, scene);
    const what = wordOf(phrase, named);
    const isTie = phrase.concept === "spring" || phrase.concept === "string";
    use(phrase);
    if (phrase.count) use(phrase.count);
    for (const action of phrase.actions) use(action);
    const traits = phrase.traits.map(
      (trait): Attribute => ({ ...trait, said: { value: trait.value }, bound: false, from: 0, to: 0 }),
    );
    for (const attribute of [...phrase.attributes, ...traits]) {
      heard.add(attribute.from);
      // "the ball is steel, no friction": that there is none is about everything.
      const isGlobal = attribute.key === "friction" && attribute.bound && phrase.concept !== "ground";
      const said = apply(attribute, isGlobal ? everything(scene) : places, scene, phrase.concept === "ground");
      if (said === undefined) continue;
      understood.push(isGlobal ? said : `${what}: ${said}`);
      use(attribute);
    }
    if (places.length === 0 && !isTie && phrase.concept !== "ground")
      warnings.push(`nothing in the sketch is a ${what}`);
  }
  for (const item of items) {
    if (item.kind !== "attribute" || heard.has(item.attribute.from)) continue;
    const said = apply(item.attribute, everything(scene), scene, false);
    if (said === undefined) continue;
    understood.push(said);
    use(item);
  }
  const refined = {
    understood: [...made.understood, ...distinct(understood)],
    warnings: bounded([...made.warnings, ...warnings, ...ignored(text, tokens, used)]),
  };
  const parsedScene = sound(scene);
  return parsedScene
    ? { scene: parsedScene, ...refined }
    : { ...made, warnings: bounded([...made.warnings, `ignored: "${text.slice(0, 60)}"`]) };
}

// --- what a prompt changes ---

function heedGravity(
  gravities: readonly Gravity[],
  scene: Scene,
  understood: string[],
  use: (span: Span) => void,
): void {
  const [first] = gravities;
  if (!first) return;
  const size = Number(Math.hypot(...first.vector).toPrecision(3));
  if (size > 500) return;
  scene.gravity = [...first.vector];
  understood.push(size === 0 ? first.label : `${first.label} (${size} m/s²)`);
  for (const each of gravities) if (each.label === first.label) use(each);
}

/** Does what an attribute says; in words, what was done, if anything. */
function apply(
  { key, said }: Attribute,
  places: readonly Place[],
  scene: Scene,
  isSurface: boolean,
): string | undefined {
  if (key === "stiffness") return stiffen(said, scene);
  if (key === "speed" || key === "spin") return hurry(key, said, places, scene);
  if (key === "damping") return "value" in said && said.value === 0 ? undamp(scene) : undefined;
  if (places.length === 0) return undefined;
  if ("level" in said) {
    const factor = (DEGREE[key] ?? 0) ** said.level;
    if ((key !== "mass" && key !== "density") || !Number.isFinite(factor)) return undefined;
    for (const { geom } of places) weigh(geom, factor);
    return said.level > 0 ? "heavy" : "light";
  }
  const { value } = said;
  switch (key) {
    case "color":
      for (const { geom } of places) geom.color = String(value);
      return formatValue(key, value);
    case "material":
      return become(value, places, scene, isSurface);
    case "mass":
      return typeof value === "number" && value > 0 && weighAll(value, places)
        ? `${formatValue(key, value)}`
        : undefined;
    case "friction":
      return typeof value === "number" && value >= 0 ? rub(value, places, scene, isSurface) : undefined;
    case "bounce":
      if (typeof value !== "number" || value < 0) return undefined;
      for (const { geom } of places) geom.bounce = Math.min(1, value);
      return `bounce ${formatValue(key, Math.min(1, value))}`;
    default:
      return undefined;
  }
}

/** A new material: how it looks, rubs and weighs; a mass that a label gave stays. */
function become(value: unknown, places: readonly Place[], scene: Scene, isSurface: boolean): string | undefined {
  const name = materialName.safeParse(value);
  if (!name.success) return undefined;
  const material: Material = materialOf(name.data);
  for (const { geom } of places) {
    if (geom.density !== undefined) weigh(geom, material.density / densityNow(geom));
    geom.color = material.color;
    geom.finish = material.finish;
    if (geom.bounce !== undefined && material.bounce !== undefined) geom.bounce = material.bounce;
  }
  rub(material.friction, places, scene, isSurface || places.every(({ body }) => body.joints.length === 0));
  return name.data;
}

/** kg/m³, of the material it looks like. */
function densityNow({ color, finish }: Geom): number {
  return Object.values(MATERIALS).find((each) => each.color === color && each.finish === finish)?.density ?? DENSITY;
}

/** A contact takes the larger friction of its two sides: a slippery surface makes what moves on it slippery. */
function rub(friction: number, places: readonly Place[], scene: Scene, isSurface: boolean): string {
  const value = Math.min(10, friction);
  const change = (geom: Geom, to: number) => {
    geom.friction = Array.isArray(geom.friction) ? [to, geom.friction[1], geom.friction[2]] : to;
  };
  for (const { geom } of places) change(geom, value);
  if (isSurface) for (const { geom } of everything(scene)) change(geom, Math.min(value, slidingOf(geom)));
  // What is fixed leaves friction to what moves; none is none everywhere.
  if (value === 0)
    for (const { geoms } of scene.bodies) for (const geom of geoms) if (slidingOf(geom) < 0.05) change(geom, 0);
  return `friction ${formatValue("friction", value)}`;
}

function slidingOf({ friction = 1 }: Geom): number {
  return typeof friction === "number" ? friction : friction[0];
}

/** All that is named weighs so much, each body by itself. */
function weighAll(mass: number, places: readonly Place[]): boolean {
  const bodies = Map.groupBy(places, ({ body }) => body);
  for (const own of bodies.values()) {
    const masses = own.map(({ geom }) => massOf(geom));
    const whole = masses.reduce((sum, each) => sum + each, 0);
    own.forEach(({ geom }, index) => {
      if (geom.mass !== undefined && geom.mass < MASSLESS) return;
      delete geom.density;
      geom.mass = Math.min(1e6, Math.max(1e-6, (mass * (masses[index] ?? 0)) / whole));
    });
  }
  return bodies.size > 0;
}

function weigh(geom: Geom, factor: number): void {
  if (geom.density !== undefined) geom.density = Math.min(30_000, Math.max(0.01, geom.density * factor));
  else if (geom.mass !== undefined && geom.mass >= MASSLESS)
    geom.mass = Math.min(1e6, Math.max(1e-6, geom.mass * factor));
}

/** kg */
function massOf(geom: Geom): number {
  return geom.mass ?? (geom.density ?? 1000) * volumeOf(geom);
}

/** m³ */
function volumeOf({ type, size: [a = 0, b = 0, c = 0], fromto }: Geom): number {
  const [ax, ay, az, bx, by, bz] = fromto ?? [0, 0, 0, 0, 0, 2 * b];
  const length = Math.hypot(bx - ax, by - ay, bz - az);
  switch (type) {
    case "sphere":
      return (4 / 3) * Math.PI * a ** 3;
    case "box":
      return 8 * a * b * c;
    case "capsule":
      return Math.PI * a * a * (length + (4 / 3) * a);
    case "cylinder":
      return Math.PI * a * a * length;
    default:
      return 0;
  }
}

function stiffen(said: Attribute["said"], scene: Scene): string | undefined {
  let told: string | undefined;
  for (const each of scene.constraints) {
    if (each.type !== "spring") continue;
    const wanted = "level" in said ? each.stiffness * (DEGREE.stiffness ?? 5) ** said.level : Number(said.value);
    if (!(wanted >= 0)) return undefined;
    each.stiffness = Math.min(1e6, wanted);
    told = `stiffness ${formatValue("stiffness", each.stiffness)}`;
  }
  return told;
}

/** How fast what an arrow pushes or turns starts. */
function hurry(
  key: "speed" | "spin",
  said: Attribute["said"],
  places: readonly Place[],
  scene: Scene,
): string | undefined {
  const factorFrom = (now: number) => ("level" in said ? (DEGREE[key] ?? 2) ** said.level : Number(said.value) / now);
  let told: string | undefined;
  if (key === "speed")
    for (const body of new Set(places.map((place) => place.body))) {
      const slides = body.joints.filter(({ type, velocity }) => type === "slide" && typeof velocity === "number");
      const now = Math.hypot(...slides.map(({ velocity }) => Number(velocity)));
      const factor = factorFrom(now);
      if (!(now > 0) || !(factor >= 0) || now * factor > 1000) continue;
      for (const joint of slides) joint.velocity = Number(joint.velocity) * factor;
      told = `speed ${formatValue("speed", now * factor)}`;
    }
  if (told !== undefined && key === "speed") return told;
  for (const actuator of scene.actuators) {
    const now = Math.abs(actuator.initial ?? 0);
    const factor = factorFrom(now);
    if (
      actuator.type !== "velocity" ||
      !(now > 0) ||
      !(factor > 0) ||
      now * factor > 1000 ||
      (key === "speed" && "value" in said)
    )
      continue;
    actuator.initial = (actuator.initial ?? 0) * factor;
    actuator.range = [actuator.range[0] * factor, actuator.range[1] * factor];
    told = `motor ${formatValue("spin", now * factor)}`;
  }
  return told;
}

function undamp(scene: Scene): string {
  for (const { joints } of scene.bodies) for (const joint of joints) if (joint.damping !== undefined) joint.damping = 0;
  for (const each of scene.constraints) if (each.type === "spring") each.damping = 0;
  return "no damping";
}

// --- what a prompt is about ---

/** The geoms a noun is about. */
function placesOf(concept: Concept, scene: Scene): Place[] {
  if (EVERYTHING.has(concept)) return everything(scene);
  const kind = KINDS[concept];
  if (kind === undefined) return [];
  const places = placesIn(scene.bodies).filter((place) => kindOf(place) === kind);
  const moving = movingBodies(scene.bodies);
  const loose = places.filter(({ body }) => moving.has(body.id));
  if (kind === "polygon" && places.length === 0)
    return placesIn(scene.bodies).filter((place) => kindOf(place) === "line" && !moving.has(place.body.id));
  // "the box" is one that can move, if there is any.
  return kind === "polygon" || loose.length === 0 ? places : loose;
}

function everything(scene: Scene): Place[] {
  const moving = movingBodies(scene.bodies);
  return placesIn(scene.bodies.filter(({ id }) => moving.has(id)));
}

function placesIn(bodies: readonly Body[]): Place[] {
  return bodies.flatMap((body) => body.geoms.map((geom) => ({ body, geom })));
}

/** The kind of shape that a geom was drawn as. */
function kindOf({ body, geom }: Place): Kind {
  if (geom.type === "plane") return "ground";
  if (geom.type === "sphere" || geom.type === "cylinder") return "circle";
  if (geom.type === "capsule") return "line";
  const drawn = z.enum(["box", "polygon", "line", "ground"]).safeParse(/^[a-z]+/.exec(body.id)?.[0]);
  return drawn.success ? drawn.data : "box";
}

function wordOf({ from, to, concept }: Phrase, tokens: readonly Token[]): string {
  const words = tokens.slice(from, to).map(({ text }) => text);
  return words.join(" ") || concept;
}

// --- small things ---

function sound(scene: Scene): Scene | undefined {
  try {
    return parseScene(scene);
  } catch {
    return undefined;
  }
}

/** Every word that was not heeded, neighbours together. */
function ignored(text: string, tokens: readonly Token[], used: ReadonlySet<number>): string[] {
  const groups: Token[][] = [];
  tokens.forEach((token, at) => {
    if (used.has(at)) return;
    if (at > 0 && !used.has(at - 1)) groups.at(-1)?.push(token);
    else groups.push([token]);
  });
  return groups.map((group) => `ignored: "${text.slice(group[0]?.start, group.at(-1)?.end).slice(0, 60)}"`);
}

function distinct(lines: readonly string[]): string[] {
  return [...new Set(lines)];
}

function bounded(lines: readonly string[]): string[] {
  const all = distinct(lines);
  return all.length <= WARNINGS_MAX
    ? all
    : [...all.slice(0, WARNINGS_MAX - 1), `and ${all.length - WARNINGS_MAX + 1} more`];
}
