import type { Action, Concept, Key } from "./lexicon.ts";

/**
 * Where an attribute goes: the parameter, or `a|b` for the first that is still free, or `a&b` for both; a factor
 * turns a diameter into a radius. `surface` keeps only the friction of a material.
 */
export interface Slot {
  param: string;
  factor?: number;
  /** Takes "fast" and "slow" only: the parameter has no SI unit. */
  degreesOnly?: true;
  surface?: true;
  /** Takes only "none": a frictionless pendulum is undamped, but no friction coefficient is a damping. */
  zeroOnly?: true;
}

export type Slots = Partial<Record<Key, Slot | string>>;

/** A noun that belongs to a machine. */
export interface Part {
  slots: Slots;
  /** Parameters that the noun itself decides. */
  sets?: Record<string, string>;
  /**
   * only: the noun is never a thing of its own. linked: a part when "with", "on" or the like ties it to the machine.
   * needed: a part also after "and", when the machine has none yet.
   */
  when: "only" | "linked" | "needed";
  /** A part also when the machine hits it. */
  struck?: true;
}

/** How one template is asked for. */
export interface Recipe {
  template: string;
  /** Singular and plural, for people. */
  name: [one: string, many: string];
  head: Slots;
  /** More or less of something, where that is another parameter than its value: "a tall tower" has more boxes. */
  degrees?: Partial<Record<Key, string>>;
  parts: Partial<Record<Concept, Part>>;
  /** What "heavy" and the like multiply, where the template works the parameter out by itself. */
  usual?: Record<string, number>;
  /** Words for angles, rad. */
  angles?: Partial<Record<string, number>>;
  /** The values that a parameter may have, where it is not a range. */
  choices?: Record<string, number[]>;
  /** What the parameters are called, where their own names would not do. */
  labels?: Record<string, string>;
  /** What a parameter is a value of, where it is not what was said: how fast a top spins is no speed. */
  units?: Partial<Record<string, Key>>;
  /** Actions that are no news: a pendulum swings. */
  acts: Action[];
}

const LOOK: Slots = { color: "color", material: "material" };
const ROUND: Slots = {
  radius: "radius",
  diameter: { param: "radius", factor: 0.5 },
  width: { param: "radius", factor: 0.5 },
  size: { param: "radius", factor: 0.5 },
};
const BALL: Slots = { ...LOOK, ...ROUND, mass: "mass", bounce: "bounce", friction: "friction", count: "count" };
const UNDAMPED: Slot = { param: "damping", zeroOnly: true };
const LENGTH: Slots = { length: "length", size: "length", height: "length" };
const HANGING: Part = { slots: { ...LOOK, ...ROUND, mass: "mass" }, when: "linked" };
const STRING: Part = { slots: { length: "length", size: "length" }, when: "only" };
const SIDE: Part = { slots: { ...LOOK, mass: "mass1|mass2" }, when: "needed" };

export const RECIPES: readonly Recipe[] = [
  {
    template: "pendulum",
    name: ["pendulum", "pendulums"],
    head: {
      ...LOOK,
      ...LENGTH,
      radius: "radius",
      mass: "mass",
      angle: "angle",
      tilt: "angle",
      damping: "damping",
      friction: UNDAMPED,
      lengths: "lengths",
      count: "count",
    },
    parts: {
      bob: { ...HANGING, when: "only" },
      ball: HANGING,
      weight: HANGING,
      thing: HANGING,
      box: HANGING,
      string: STRING,
      arm: { slots: LENGTH, when: "linked" },
    },
    usual: { mass: 1, radius: 0.08, damping: 0.1 },
    angles: { horizontal: Math.PI / 2, vertical: 0, "upside-down": 3.1 },
    acts: ["swing", "hang", "lift", "drop"],
  },
  {
    template: "double-pendulum",
    name: ["double pendulum", "double pendulums"],
    head: {
      ...LOOK,
      ...LENGTH,
      mass: "mass",
      angle: "angle",
      tilt: "angle",
      damping: "damping",
      friction: UNDAMPED,
      links: "links",
    },
    parts: {
      bob: { slots: { ...LOOK, mass: "mass" }, when: "only" },
      ball: { slots: { ...LOOK, mass: "mass" }, when: "linked" },
      weight: { slots: { ...LOOK, mass: "mass" }, when: "linked" },
      string: STRING,
      arm: { slots: LENGTH, when: "linked" },
      link: { slots: { ...LENGTH, mass: "mass", count: "links" }, when: "only" },
    },
    usual: { mass: 1, damping: 0.1 },
    angles: { horizontal: Math.PI / 2, vertical: 0, "upside-down": 3.1 },
    labels: { length: "rod length" },
    acts: ["swing", "hang", "lift", "drop"],
  },
  {
    template: "cart-pole",
    name: ["cart and pole", "carts with poles"],
    head: {
      ...LOOK,
      length: "poleLength",
      size: "poleLength",
      height: "poleLength",
      mass: "poleMass",
      angle: "angle",
      tilt: "angle",
    },
    parts: {
      pole: {
        slots: { length: "poleLength", size: "poleLength", height: "poleLength", mass: "poleMass", angle: "angle" },
        when: "only",
      },
      string: { slots: { length: "poleLength", size: "poleLength", mass: "poleMass" }, when: "only" },
      cart: { slots: { ...LOOK, mass: "cartMass" }, when: "only" },
    },
    angles: { horizontal: Math.PI / 2, vertical: 0 },
    acts: ["swing", "roll", "slide"],
  },
  {
    template: "two-link-arm",
    name: ["robot arm", "robot arms"],
    head: { ...LOOK, length: "length1&length2", size: "length1&length2", links: "links" },
    parts: {
      link: { slots: { count: "links", length: "length1&length2", size: "length1&length2" }, when: "only" },
      payload: { slots: { mass: "payload" }, when: "only" },
      weight: { slots: { mass: "payload" }, when: "linked" },
      ball: { slots: { mass: "payload" }, when: "linked" },
      box: { slots: { mass: "payload" }, when: "linked" },
      thing: { slots: { mass: "payload" }, when: "linked" },
    },
    usual: { payload: 1 },
    labels: { length1: "first link", length2: "further links" },
    acts: ["lift", "swing", "spin"],
  },
  {
    template: "newtons-cradle",
    name: ["Newton's cradle", "Newton's cradles"],
    head: { ...LOOK, ...LENGTH, ...ROUND, size: "length", mass: "mass", angle: "angle" },
    parts: {
      ball: { slots: { ...BALL, angle: "angle" }, when: "linked" },
      weight: { slots: { ...BALL, angle: "angle" }, when: "linked" },
      string: STRING,
    },
    usual: { mass: 4 },
    angles: { horizontal: Math.PI / 2 },
    labels: { count: "balls" },
    acts: ["swing", "hang", "lift", "drop"],
  },
  {
    template: "box-stack",
    name: ["stack of boxes", "stacks of boxes"],
    head: { ...LOOK, layout: "layout", mass: "mass", friction: "friction" },
    degrees: { height: "count", length: "count", size: "count" },
    parts: {
      box: {
        slots: {
          ...LOOK,
          size: "size",
          width: "size",
          length: "size",
          height: "size",
          mass: "mass",
          friction: "friction",
          count: "count",
        },
        when: "needed",
      },
      thing: { slots: { ...LOOK, size: "size", mass: "mass", count: "count" }, when: "needed" },
      stack: { slots: { ...LOOK, layout: "layout" }, when: "linked" },
    },
    usual: { mass: 4, friction: 0.6 },
    labels: { count: "boxes", layout: "built as a", size: "box size" },
    acts: ["drop"],
  },
  {
    template: "domino-row",
    name: ["domino", "dominoes"],
    head: {
      ...LOOK,
      height: "height",
      length: "height",
      size: "height",
      spacing: "spacing",
      layout: "shape",
      count: "count",
    },
    parts: { stack: { slots: {}, when: "linked" }, thing: { slots: { count: "count" }, when: "linked" } },
    usual: { spacing: 0.11 },
    labels: { shape: "laid out as a" },
    acts: ["drop"],
  },
  {
    template: "ball-on-ramp",
    name: ["ramp", "ramps"],
    head: {
      angle: "angle",
      tilt: "angle",
      length: "length",
      size: "length",
      friction: "friction",
      material: { param: "friction", surface: true },
      mass: "mass",
    },
    parts: {
      ball: { slots: BALL, sets: { shape: "ball" }, when: "needed" },
      box: { slots: BALL, sets: { shape: "box" }, when: "needed" },
      cylinder: { slots: BALL, sets: { shape: "cylinder" }, when: "needed" },
      wheel: { slots: BALL, sets: { shape: "cylinder" }, when: "needed" },
      thing: { slots: BALL, when: "needed" },
      weight: { slots: BALL, sets: { shape: "box" }, when: "needed" },
      plank: { slots: { angle: "angle", length: "length", friction: "friction" }, when: "only" },
    },
    usual: { mass: 8, friction: 0.5 },
    labels: { angle: "ramp angle", length: "ramp length", shape: "with a", count: "side by side" },
    acts: ["roll", "slide", "drop"],
  },
  {
    template: "bouncing-balls",
    name: ["bouncing ball", "bouncing balls"],
    head: { ...BALL, height: "height", length: "height" },
    parts: {},
    usual: { mass: 8 },
    labels: { height: "dropped from" },
    acts: ["bounce", "drop"],
  },
  {
    template: "spring-mass",
    name: ["mass on a spring", "masses on springs"],
    head: {
      ...LOOK,
      ...LENGTH,
      stiffness: "stiffness",
      mass: "mass",
      displacement: "displacement",
      damping: "damping",
      friction: UNDAMPED,
      count: "count",
    },
    parts: {
      weight: {
        slots: { ...LOOK, mass: "mass", damping: "damping", displacement: "displacement", count: "count" },
        when: "needed",
      },
      ball: { slots: { ...LOOK, mass: "mass", count: "count" }, when: "needed" },
      box: { slots: { ...LOOK, mass: "mass", count: "count" }, when: "needed" },
      thing: { slots: { ...LOOK, mass: "mass", count: "count" }, when: "needed" },
      bob: { slots: { ...LOOK, mass: "mass" }, when: "only" },
    },
    usual: { damping: 1, displacement: 0.25 },
    labels: { length: "spring length", displacement: "pulled down by" },
    acts: ["hang", "bounce", "lift", "drop", "swing"],
  },
  {
    template: "pulley",
    name: ["pulley", "pulleys"],
    head: { ...LOOK, mass: "mass1|mass2", ...ROUND, ...LENGTH, size: { param: "radius", factor: 0.5 } },
    parts: {
      weight: SIDE,
      ball: SIDE,
      box: SIDE,
      thing: SIDE,
      cylinder: SIDE,
      string: STRING,
      wheel: { slots: ROUND, when: "only" },
    },
    labels: { mass1: "left weight", mass2: "right weight", radius: "wheel radius", length: "travel" },
    acts: ["hang", "lift", "drop", "spin"],
  },
  {
    template: "car",
    name: ["car", "cars"],
    head: { ...LOOK, speed: "speed", mass: "mass", length: "length", size: "length" },
    parts: { wheel: { slots: { count: "wheels" }, when: "only" } },
    acts: ["roll"],
  },
  {
    template: "hexapod",
    name: ["walking robot", "walking robots"],
    head: {
      ...LOOK,
      legs: "legs",
      // Size 1 is a body 0.6 m long.
      size: { param: "size", factor: 1 / 0.6 },
      length: { param: "size", factor: 1 / 0.6 },
      speed: { param: "speed", degreesOnly: true },
    },
    parts: { leg: { slots: { count: "legs" }, when: "only" } },
    choices: { legs: [4, 6] },
    labels: { size: "size ×", speed: "pace ×" },
    units: { size: "count", speed: "count" },
    acts: [],
  },
  {
    template: "projectile",
    name: ["projectile", "projectiles"],
    head: { ...BALL, speed: "speed", angle: "angle", height: "height", size: { param: "radius", factor: 0.5 } },
    parts: {
      ball: { slots: { ...BALL, speed: "speed", angle: "angle", height: "height" }, when: "needed" },
      thing: { slots: { ...BALL, speed: "speed", angle: "angle" }, when: "needed" },
      weight: { slots: { ...BALL, speed: "speed", angle: "angle" }, when: "needed" },
      launcher: { slots: { speed: "speed", angle: "angle", height: "height", count: "count" }, when: "needed" },
    },
    usual: { mass: 5 },
    angles: { horizontal: 0, vertical: 1.55 },
    labels: { height: "launched from" },
    acts: ["throw", "drop"],
  },
  {
    template: "seesaw",
    name: ["seesaw", "seesaws"],
    head: { ...LENGTH, mass: "mass1|mass2", color: "color", material: "material" },
    parts: {
      weight: SIDE,
      ball: SIDE,
      box: SIDE,
      thing: SIDE,
      cylinder: SIDE,
      plank: { slots: LENGTH, when: "only" },
    },
    labels: { mass1: "left weight", mass2: "right weight", length: "plank length" },
    acts: ["drop", "swing"],
  },
  {
    template: "chain",
    name: ["chain", "chains"],
    head: { ...LOOK, ...LENGTH, mass: "mass", anchored: "anchored", links: "count" },
    parts: { link: { slots: { count: "count" }, when: "only" } },
    usual: { mass: 1 },
    labels: { count: "links", anchored: "hung at" },
    acts: ["hang", "swing", "drop"],
  },
  {
    template: "spinning-top",
    name: ["spinning top", "spinning tops"],
    head: {
      color: "color",
      ...ROUND,
      mass: "mass",
      spin: "spin",
      speed: { param: "spin", degreesOnly: true },
      tilt: "tilt",
      angle: "tilt",
    },
    parts: { cylinder: { slots: { color: "color", ...ROUND, mass: "mass" }, when: "linked" } },
    angles: { vertical: 0 },
    units: { spin: "spin" },
    acts: ["spin"],
  },
  {
    template: "wrecking-ball",
    name: ["wrecking ball", "wrecking balls"],
    head: { ...LOOK, mass: "mass", length: "length", angle: "angle", tilt: "angle" },
    degrees: { size: "mass" },
    parts: {
      ball: { slots: { ...LOOK, mass: "mass" }, when: "linked" },
      string: STRING,
      chain: { slots: { length: "length", size: "length" }, when: "linked" },
      box: { slots: { count: "count" }, when: "linked", struck: true },
      stack: { slots: {}, when: "linked", struck: true },
    },
    angles: { horizontal: Math.PI / 2 },
    labels: { length: "cable length", count: "boxes in the wall" },
    acts: ["swing", "hang", "lift", "drop"],
  },
];

/** Which template a noun calls by itself. */
export const MACHINES: Partial<Record<Concept, string>> = {
  pendulum: "pendulum",
  "double-pendulum": "double-pendulum",
  "cart-pole": "cart-pole",
  arm: "two-link-arm",
  cradle: "newtons-cradle",
  stack: "box-stack",
  domino: "domino-row",
  ramp: "ball-on-ramp",
  spring: "spring-mass",
  pulley: "pulley",
  car: "car",
  walker: "hexapod",
  launcher: "projectile",
  seesaw: "seesaw",
  chain: "chain",
  top: "spinning-top",
  "wrecking-ball": "wrecking-ball",
};

/** Things that can lie about by themselves, and what `objects` calls them. */
export const SHAPES: Partial<Record<Concept, "ball" | "box" | "cylinder" | "capsule" | "ellipsoid">> = {
  ball: "ball",
  box: "box",
  cylinder: "cylinder",
  capsule: "capsule",
  ellipsoid: "ellipsoid",
  thing: "ball",
  weight: "box",
};

/** Where an item of `objects` keeps what is said about it; its height above the floor is the whole scene's. */
export const ITEM_SLOTS: Slots = {
  size: "size",
  diameter: "size",
  width: "size",
  length: "size",
  radius: { param: "size", factor: 2 },
  mass: "mass",
  density: "density",
  friction: "friction",
  bounce: "bounce",
  color: "color",
  material: "material",
  speed: "velocity",
};
