import type { MaterialName } from "../sim/material.ts";
import { COLORS } from "./color.ts";
import type { Dimension } from "./quantity.ts";

/** What a noun names: a whole machine, a loose thing, or a part of a machine. */
export type Concept = keyof typeof NOUNS;

/** What an attribute is about. Values are SI numbers, colours, material names or words of a template's own. */
export type Key =
  | "length"
  | "height"
  | "width"
  | "diameter"
  | "radius"
  | "size"
  | "mass"
  | "angle"
  | "tilt"
  | "speed"
  | "stiffness"
  | "spin"
  | "damping"
  | "bounce"
  | "friction"
  | "density"
  | "spacing"
  | "displacement"
  | "count"
  | "links"
  | "legs"
  | "layout"
  | "lengths"
  | "anchored"
  | "color"
  | "material"
  | "gravity";

/** What a word or phrase of the lexicon means. */
export type Meaning =
  | NounMeaning
  /** A fixed value: "frictionless", "steel", "red". `noun` is what the same word names by itself: "a marble". */
  | { kind: "trait"; trait: Trait; noun?: NounMeaning }
  /** More or less of something than usual: "heavy" is mass +1, "tiny" is size -2. */
  | { kind: "degree"; key: Key; level: number }
  /** Names what a quantity is about. A noun ("length") comes before or after it, an adjective ("long") after it. */
  | { kind: "property"; key: Key; dimension: Dimension; form: "noun" | "adjective"; level: number; noun?: Concept }
  /** What happens to a thing. `noun` is what the same word names after an article: "a slide". */
  | { kind: "action"; action: Action; noun?: Concept }
  /** m/s², given the Earth's g. */
  | { kind: "gravity"; vector: (g: number) => [number, number, number]; label: string }
  | { kind: "determiner"; same: boolean }
  /** Ends a noun phrase; `role` is what comes after it: "from 3 m", "on ice", "hitting a wall". */
  | { kind: "preposition"; role?: "height" | "surface" | "target" }
  | { kind: "and" | "not" | "very" | "pronoun" | "stop" };

export interface NounMeaning {
  kind: "noun";
  concept: Concept;
  plural: boolean;
  traits: Trait[];
}

export interface Trait {
  key: Key;
  value: number | string;
}

export type Action = "throw" | "bounce" | "roll" | "slide" | "swing" | "spin" | "lift" | "drop" | "hang";

/** Singular nouns; plurals are found by rule. */
const NOUNS = {
  pendulum: "pendulum|plumb bob|wall clock|grandfather clock|metronome",
  "double-pendulum": "double pendulum|chaotic pendulum|chaos pendulum|compound pendulum",
  "cart-pole":
    "cart pole|cartpole|inverted pendulum|pole balancer|balancing pole|pole on a cart|pole on cart|cart and pole|stick on a cart|pole balancing on a cart",
  arm: "robot arm|robotic arm|mechanical arm|manipulator|arm|two link arm|2 link arm|robot manipulator|industrial robot",
  cradle: "newtons cradle|newton cradle|newtons balls|cradle|clacker|executive ball clicker",
  stack: "stack|pile|heap",
  domino: "domino|domino tile|domino effect",
  ramp: "ramp|inclined plane|incline|slope|hill|chute|inclined surface|hillside|slanted plank|wedge|inclined board",
  spring:
    "spring|slinky|coil|spring mass system|spring mass|mass spring system|mass on a spring|spring oscillator|oscillator|harmonic oscillator",
  pulley: "pulley|pulley system|atwood machine|atwoods machine|atwood|block and tackle|hoist",
  car: "car|buggy|vehicle|rover|truck|automobile|jeep|wagon|go kart|gokart|race car|lorry|van|toy car|racecar",
  walker:
    "hexapod|spider|walker|insect|bug|ant|beetle|crawler|robot|legged robot|walking robot|walking machine|robot bug|robot insect|robot spider|creature|critter",
  launcher:
    "projectile|cannon|catapult|trebuchet|cannonball|cannon ball|launcher|slingshot|missile|artillery|shell|mortar|ballista",
  seesaw: "seesaw|see saw|teeter totter|teetertotter|teeterboard|balance beam|lever|teeter",
  chain: "chain|necklace|hanging chain|chain link fence",
  top: "spinning top|top|gyroscope|gyro|whirligig|spinner",
  "wrecking-ball": "wrecking ball|crane|demolition ball|wreckingball|demolition crane",
  ball: "ball|sphere|orb|bead|globe|basketball|football|bowling ball|tennis ball|golf ball|ping pong ball|billiard ball|beach ball|snowball",
  box: "box|cube|block|crate|die|carton|package|parcel",
  cylinder: "cylinder|can|tube|barrel|drum|disc|disk|coin|roller|pipe|log|puck|hockey puck|column",
  capsule: "capsule|pill|sausage|stick|pin|bowling pin|skittle",
  ellipsoid: "ellipsoid|egg|potato|oval",
  weight:
    "weight|load|counterweight|bucket|person|kid|child|adult|grown up|grownup|teenager|toddler|man|woman|boy|girl|mass block",
  thing: "thing|object|item|shape|stuff|body|toy|piece",
  bob: "bob|tip",
  string: "string|rope|cord|wire|thread|cable|line|rod",
  cart: "cart|trolley",
  pole: "pole|broom|broomstick",
  link: "link|segment|joint|section|bead link",
  leg: "leg|foot|limb|legged",
  wheel: "wheel|hoop|ring|tire|tyre|wheeled",
  plank: "plank|board|beam|bar",
  payload: "payload|gripper|hand|tool",
  ground: "ground|floor|surface|table|tabletop|plane",
} as const;

/** Nouns that say more than what they name. */
const TOLD_NOUNS: [words: string, concept: Concept, key: Key, value: number | string][] = [
  ["triple pendulum", "double-pendulum", "links", 3],
  ["quadruple pendulum", "double-pendulum", "links", 4],
  ["brick", "box", "material", "brick"],
  ["marble|glass marble", "ball", "material", "glass"],
  ["boulder|rock|pebble|stone", "ball", "material", "stone"],
  ["superball", "ball", "bounce", 0.9],
  ["tower|column of blocks|jenga tower|block tower|skyscraper", "stack", "layout", "tower"],
  ["pyramid", "stack", "layout", "pyramid"],
  ["wall", "stack", "layout", "wall"],
  ["pendulum wave|wave pendulum|wave of pendulums|wave of pendula", "pendulum", "lengths", "wave"],
  ["quadruped|robot dog|robotic dog|four legged robot|four legged walker|four legged creature", "walker", "legs", 4],
  ["suspension bridge|rope bridge|chain bridge|hanging bridge", "chain", "anchored", "both-ends"],
];

const TRAITS: [words: string, key: Key, value: number | string][] = [
  ["frictionless|friction free|perfectly smooth", "friction", 0],
  ["icy", "friction", 0.03],
  ["slippery|slick|greasy|oily|smooth|polished|lubricated", "friction", 0.05],
  ["rough|grippy|high friction", "friction", 1.2],
  ["sticky", "friction", 2],
  ["low friction", "friction", 0.1],
  ["perfectly elastic|elastic|superbouncy|super bouncy|fully elastic|lossless", "bounce", 1],
  ["perfectly inelastic|inelastic", "bounce", 0],
  ["springy", "bounce", 0.9],
  ["bouncy", "bounce", 0.85],
  ["undamped", "damping", 0],
  ["horizontal|horizontally|sideways", "angle", "horizontal"],
  ["vertical|vertically|upright|straight up", "angle", "vertical"],
  ["upside down", "angle", "upside-down"],
  ["tower shaped|in a tower|on top of each other|on top of one another|stacked up|stacked high", "layout", "tower"],
  ["pyramid shaped|in a pyramid|stacked in a pyramid|pyramidal", "layout", "pyramid"],
  ["in a wall|stacked in a wall", "layout", "wall"],
  ["in a line|in line|straight line|straight", "layout", "line"],
  ["in a row|in rows|side by side|lined up", "layout", "row"],
  ["in a grid", "layout", "grid"],
  ["in a pile|in a heap", "layout", "pile"],
  ["in a curve|curved|curving|in an arc|s shaped|snaking|winding", "layout", "curve"],
  ["in a spiral|spiral|spiralling|spiraling", "layout", "spiral"],
  ["in a circle|circular|in a ring|ring shaped", "layout", "circle"],
  ["both ends|two ends|each end|at both ends|between two posts|anchored at both ends", "anchored", "both-ends"],
  ["one end|at one end|anchored at one end", "anchored", "one-end"],
];

const DEGREES: [words: string, key: Key, level: number][] = [
  ["tiny|minuscule|microscopic|miniature|mini|minute", "size", -2],
  ["small|little|smaller|smallish", "size", -1],
  ["big|large|bigger|larger", "size", 1],
  ["huge|giant|enormous|gigantic|massive|colossal|mega", "size", 2],
  ["heavy|heavier|weighty|hefty", "mass", 1],
  ["light|lighter|lightweight", "mass", -1],
  ["featherweight|weightless ball", "mass", -2],
  ["short|shorter", "length", -1],
  ["longer|lengthy", "length", 1],
  ["low", "height", -1],
  ["taller", "length", 1],
  ["higher", "height", 1],
  ["steep|steeper|steeply", "angle", 1],
  ["shallow|gentle|gently|mild", "angle", -1],
  ["fast|quick|quickly|rapidly|rapid|speedy|fast moving|faster", "speed", 1],
  ["slow|slowly|slower|sluggish|slow moving", "speed", -1],
  ["stiff|strong|stiffer|rigid|hard", "stiffness", 1],
  ["soft|weak|softer|loose|floppy|gentle spring", "stiffness", -1],
  ["damped|heavily damped|strongly damped", "damping", 1],
  ["lightly damped|slightly damped", "damping", -1],
  ["dense", "density", 1],
  ["tightly spaced|closely spaced|close together", "spacing", -1],
  ["widely spaced|far apart", "spacing", 1],
  ["thick|fat|thicker", "radius", 1],
  ["thin|skinny|slim|thinner", "radius", -1],
];

/** Media that slow things down. SI damping is the template's business, so these are degrees. */
const MEDIA: [words: string, level: number][] = [
  ["in honey|in syrup|in molasses|in treacle|in tar|in glue", 3],
  ["in oil|in thick oil", 2],
  ["in water|underwater|under water", 1],
  ["in air|air resistance|with air resistance|air drag", 0],
];

const PROPERTIES: [words: string, key: Key, dimension: Dimension, form: "noun" | "adjective", level?: number][] = [
  ["length|rod length|string length|arm length|pole length|lengths", "length", "length", "noun"],
  ["long", "length", "length", "adjective", 1],
  ["height|drop height", "height", "length", "noun"],
  ["tall", "length", "length", "adjective", 1],
  ["high|high up", "height", "length", "adjective", 1],
  [
    "up|above|above the ground|above the floor|off the ground|in the air|of altitude",
    "height",
    "length",
    "adjective",
    0,
  ],
  ["width", "width", "length", "noun"],
  ["wide|across|in width|broad|on a side|per side", "width", "length", "adjective", 1],
  ["diameter|in diameter", "diameter", "length", "noun"],
  ["radius|in radius|radii", "radius", "length", "noun"],
  ["size|edge|edge length|side length|side|sides|edges|sized|dimension|dimensions", "size", "length", "noun"],
  ["mass|weight|masses|weigh|weighs|weighing|weighed|weights", "mass", "mass", "noun"],
  ["angle|inclination|tilt angle|launch angle|gradient|angles|inclined", "angle", "angle", "noun"],
  ["tilt", "tilt", "angle", "noun"],
  ["tilted|leaning|tipped", "tilt", "angle", "noun", 1],
  [
    "speed|velocity|launch speed|initial speed|initial velocity|muzzle velocity|travelling|traveling|pace",
    "speed",
    "speed",
    "noun",
  ],
  ["stiffness|spring constant|spring rate|constant|k", "stiffness", "stiffness", "noun"],
  ["rotation|rotation speed|spin rate|spinning rate|angular velocity|angular speed", "spin", "spin", "noun"],
  ["damping|damping coefficient|drag|resistance|damper", "damping", "damping", "noun"],
  ["bounciness|restitution|coefficient of restitution|elasticity|rebound", "bounce", "share", "noun"],
  ["friction|friction coefficient|coefficient of friction|grip|mu", "friction", "share", "noun"],
  ["density|densities", "density", "density", "noun"],
  ["spacing|gap|spaced|distance|gaps", "spacing", "length", "noun"],
  ["apart", "spacing", "length", "adjective", 0],
  [
    "displacement|amplitude|pull|pull it|pull it down|pull it down by|pull down|pulled|stretch|stretch it|stretch it by|stretch by|compress|compress it|compress it by|stretched|stretched by|pulled down|pulled down by|compressed|compressed by|displaced|displaced by|extended|extended by",
    "displacement",
    "length",
    "noun",
  ],
  ["gravity|gravitational acceleration|gravity of|g force", "gravity", "acceleration", "noun"],
];

const ACTIONS: [words: string, action: Action, noun?: Concept][] = [
  [
    "throw|throws|thrown|throwing|launch|launches|launched|launching|fire|fires|fired|firing|shoot|shoots|shot|shooting|toss|tossed|tossing|hurl|hurls|hurled|hurling|fling|flung|flinging|lob|lobbed|lobbing|catapulted|shot from a cannon|fired from a cannon|launched from a cannon|kick|kicked|kicking",
    "throw",
  ],
  ["bounce|bounces|bouncing|bounced", "bounce"],
  ["roll|rolls|rolling|rolled", "roll"],
  ["slides|sliding|slid", "slide"],
  ["slide", "slide", "ramp"],
  ["swinging|swings|swung", "swing"],
  ["swing", "swing", "pendulum"],
  ["spin|spun|spins|spinning|rotate|rotates|rotating|turning|twirling", "spin"],
  [
    "lift|lifted|raised|pulled back|drawn back|pulled aside|pulled out|pulled to the side|lifting|raise|raising",
    "lift",
  ],
  [
    "drop|drops|dropped|dropping|fall|falls|falling|fell|tumble|tumbling|tumbles|rain|raining|release|released|releasing|plummet|plummeting|let go",
    "drop",
  ],
  ["hang|hangs|hanging|suspended|dangling|dangle|dangles", "hang"],
];

const MATERIAL_WORDS: Record<MaterialName, string> = {
  steel: "steel|metal|metallic|stainless steel",
  iron: "iron|cast iron",
  aluminium: "aluminium|aluminum",
  titanium: "titanium",
  copper: "copper",
  brass: "brass",
  bronze: "bronze",
  gold: "gold",
  silver: "silver",
  lead: "lead|leaden",
  wood: "wood|wooden|timber|pine|plywood|woody",
  oak: "oak|oaken",
  balsa: "balsa|balsa wood",
  cork: "cork",
  plastic: "plastic|nylon|acrylic",
  rubber: "rubber|rubbery",
  glass: "glass|crystal",
  ice: "ice|frozen",
  diamond: "diamond",
  stone: "stone|granite|rocky",
  concrete: "concrete|cement",
  brick: "brick",
  marble: "marble",
  clay: "clay",
  foam: "foam|foamy|sponge",
  styrofoam: "styrofoam|polystyrene",
  paper: "paper",
  cardboard: "cardboard",
};

const IRREGULAR_PLURALS: ReadonlyMap<string, string> = new Map([
  ["pendulum", "pendula"],
  ["person", "people"],
  ["child", "children"],
  ["die", "dice"],
  ["domino", "dominos"],
]);

/** m/s², NASA planetary fact sheets. */
const PLACES: [words: string, name: string, g: number][] = [
  ["earth|on earth|earth gravity|terrestrial gravity|normal gravity|standard gravity", "the Earth", 9.81],
  ["moon|on the moon|lunar|lunar gravity|moon gravity|lunar surface", "the Moon", 1.62],
  ["mars|on mars|martian|mars gravity|martian gravity|red planet", "Mars", 3.71],
  ["jupiter|on jupiter|jovian|jupiter gravity", "Jupiter", 24.79],
  ["venus|on venus|venus gravity|venusian", "Venus", 8.87],
  ["saturn|on saturn|saturn gravity", "Saturn", 10.44],
  ["mercury|on mercury|mercury gravity", "Mercury", 3.7],
  ["uranus|on uranus|uranus gravity", "Uranus", 8.87],
  ["neptune|on neptune|neptune gravity", "Neptune", 11.15],
  ["pluto|on pluto|pluto gravity", "Pluto", 0.62],
  ["titan|on titan", "Titan", 1.35],
  ["europa|on europa", "Europa", 1.31],
  ["ceres|on ceres", "Ceres", 0.28],
  ["on the sun|surface of the sun", "the Sun", 274],
];

const GRAVITIES: [words: string, label: string, vector: (g: number) => [number, number, number]][] = [
  [
    "zero gravity|zero g|no gravity|without gravity|without any gravity|weightless|weightlessness|in space|outer space|in outer space|microgravity|free fall|in orbit|space station|on the iss|gravity off|gravity free|zerog|deep space|no g|gravity turned off|turn off gravity",
    "no gravity",
    () => [0, 0, 0],
  ],
  [
    "upside down gravity|reversed gravity|reverse gravity|inverted gravity|negative gravity|gravity upside down|gravity reversed|gravity inverted|gravity pointing up|gravity points up|gravity upwards|gravity up|antigravity|anti gravity",
    "gravity upwards",
    (g) => [0, 0, g],
  ],
  [
    "sideways gravity|gravity sideways|gravity pointing sideways|horizontal gravity",
    "gravity sideways",
    (g) => [g, 0, 0],
  ],
];

const GRAVITY_SCALES: [words: string, share: number][] = [
  [
    "half gravity|half the gravity|half of gravity|half earth gravity|half of earth gravity|half normal gravity|half of earths gravity|half earths gravity",
    0.5,
  ],
  ["quarter gravity|a quarter of gravity", 0.25],
  [
    "double gravity|twice the gravity|twice gravity|doubled gravity|twice earth gravity|twice earths gravity|double earth gravity|twice normal gravity|double the gravity",
    2,
  ],
  ["triple gravity|three times gravity|three times earth gravity|three times the gravity", 3],
  ["low gravity|weak gravity|lower gravity|reduced gravity|little gravity|light gravity|less gravity", 0.25],
  ["high gravity|strong gravity|higher gravity|heavy gravity|more gravity", 2],
];

const PREPOSITIONS =
  "on top of|at the top of|at the bottom of|top of|with|in|into|inside|at|down|under|through|to|toward|towards|between|by|along|around|below|upon|having|has|have|of|that|which|who|whose|when|while|where|there|then|for|via|within|atop|carrying|holding|attached to|connected to|connecting|tied to|made of|made from|made out of|made up of|consisting of|built from|built of|built out of|landing|standing|standing on|sitting|resting|leading|going|is|are|be|being|was|were|=|:|using|driving|drives|drive|walking|walks|walk|moving|moves|move|running|runs|run|balancing|balanced|balances|pulling|balance|stands|sits|rests|land|lands|attached|connected|tied|linked|joined|anchored|fixed|joining|swinging on|but|rushing|racing|race|start|starting|starts|stacked|piled|knocked|plus a spring of";

/** Between two things that stay apart. */
const TARGETS =
  "hitting|hits|hit|hit by|struck by|knocking|knocks|smashing|smashes|smash|crashing|crashes|crash|colliding|collide|collides|colliding with|against|crashing into|smashing into|beside|next to|near|behind|across from";

const STOP =
  "please|on top|on the top|at the top|from the top|to the top|gimme|arranged|upward|upwards|downward|downwards|forward|forwards|can you|could you|would you|can i|can we|can a|in a vacuum|in vacuum|vacuum|more|medium|medium sized|mid sized|average|behave|behaves|knock|knock over|knock down|topple|toppling|push|pushing|pushed|tip over|chain reaction|line up|lines up|lined up|stand up|stood up|bobbing|strolling|strolls|stroll|wandering|marching|crawling|crawls|trotting|chaotically|wildly|gently|smoothly|show|me|us|i|want|would|like|id|to see|see|simulate|simulation|simulated|make|create|build|draw|give|generate|render|display|visualize|visualise|model|demo|demonstrate|demonstration|animate|animation|scene|picture|let|lets|can|could|you|your|my|our|we|will|just|simple|basic|nice|cool|classic|ordinary|regular|standard|normal|typical|some kind of|kind of|sort of|type of|very nice|vs|versus|so|also|too|as|about|approximately|roughly|around about|exactly|only|set|setup|system|physics|mujoco|sim|example|here|now|how|what|if|happen|happens|watch|look|at all|do|does|get|put|place|placed|add|need|thanks|thank|hello|hi|hey|try|it all|freely|free|under gravity|back and forth|side to side|up and down|back|forth|together|down|away|out|initially|initial|total|equal|identical|same|possible|it to|them to|there is|there are|theres|value|rate|released from rest|at rest|rest|from rest|still|motion|moving|apiece|every one|per|real|realistic|world|made|shaped|style|whole|row|line|series|set of|group|group of|row of|line of|series of|collection of|sequence of|number of|or so|ish|round|square|solid|other|another one|bit|by itself|alone|along|everything|first|second|third|last|left|right|middle|front|one another|each other|end|ends|inside|above|up|over|off|degree|newton|meter|metre|full|fully|completely|vertical axis|axis|gets|goes|go|come|comes|use|used|called|named|new|good|great|beautiful|pretty|fun|kitchen|begin|beginning|speed of|long time|until|before|after|because|its motion|force|forces|air|time|times|x";

/** Phrases to meanings. Words are lower case without apostrophes, joined by single spaces. */
export const LEXICON: ReadonlyMap<string, Meaning> = lexicon();

/** The longest phrase in the lexicon, in words. */
export const PHRASE_WORDS_MAX = Math.max(...[...LEXICON.keys()].map((phrase) => phrase.split(" ").length));

function lexicon(): Map<string, Meaning> {
  const meanings = new Map<string, Meaning>();
  const add = (words: string, meaning: (word: string) => Meaning) => {
    for (const word of words.split("|")) if (!meanings.has(word)) meanings.set(word, meaning(word));
  };
  const noun = (words: string, concept: Concept, traits: Trait[]) => {
    add(words, () => ({ kind: "noun", concept, plural: false, traits }));
    const plurals = words.split("|").flatMap((word) => [plural(word), IRREGULAR_PLURALS.get(word) ?? []].flat());
    add(plurals.join("|"), () => ({ kind: "noun", concept, plural: true, traits }));
  };

  for (const [words, concept, key, value] of TOLD_NOUNS) noun(words, concept, [{ key, value }]);
  for (const [words, label, vector] of GRAVITIES) add(words, () => ({ kind: "gravity", vector, label }));
  for (const [words, share] of GRAVITY_SCALES)
    add(words, () => ({
      kind: "gravity",
      vector: (g) => [0, 0, -share * g],
      label: `${share}× the Earth's gravity`,
    }));
  for (const [words, name, g] of PLACES)
    add(words, () => ({ kind: "gravity", vector: () => [0, 0, -g], label: `gravity of ${name}` }));
  for (const [words, key, dimension, form, level = 0] of PROPERTIES)
    add(words, (word) => ({
      kind: "property",
      key,
      dimension,
      form,
      level,
      ...(/^(?:mass|weight)/.test(word) ? { noun: "weight" } : {}),
    }));
  for (const [words, action, name] of ACTIONS)
    add(words, () => ({ kind: "action", action, ...(name ? { noun: name } : {}) }));
  for (const [words, key, value] of TRAITS) add(words, () => ({ kind: "trait", trait: { key, value } }));
  for (const [words, level] of MEDIA) add(words, () => ({ kind: "degree", key: "damping", level }));
  for (const [words, key, level] of DEGREES) add(words, () => ({ kind: "degree", key, level }));
  for (const [name, hex] of COLORS) add(name, () => ({ kind: "trait", trait: { key: "color", value: hex } }));
  for (const [name, words] of Object.entries(MATERIAL_WORDS))
    for (const word of words.split("|")) {
      const noun = meanings.get(word);
      const trait = { key: "material" as const, value: name };
      meanings.set(word, { kind: "trait", trait, ...(noun?.kind === "noun" ? { noun } : {}) });
    }
  for (const [concept, words] of Object.entries(NOUNS)) noun(words, concept as Concept, []);

  add("the|this|these|that|those|its|each|every|their|all", () => ({ kind: "determiner", same: true }));
  add("a|an|another|some|any", () => ({ kind: "determiner", same: false }));
  add("one|ones|it|they|them|both", () => ({ kind: "pronoun" }));
  add("and|&|plus|,|;|.|!|?|\n|or|as well as|along with|together with|+", () => ({ kind: "and" }));
  add("no|not|without|without any|doesnt|dont|isnt|arent|never|zero|with no|does not|do not|cannot|cant|wont", () => ({
    kind: "not",
  }));
  add("very|really|extremely|super|quite|extra|too|incredibly|ultra|pretty", () => ({ kind: "very" }));
  add("from|off|off of|from a height of|at a height of|at height", () => ({ kind: "preposition", role: "height" }));
  add(TARGETS, () => ({ kind: "preposition", role: "target" }));
  add("on|onto|across|over", () => ({ kind: "preposition", role: "surface" }));
  add(PREPOSITIONS, () => ({ kind: "preposition" }));
  add(STOP, () => ({ kind: "stop" }));
  return meanings;
}

function plural(noun: string): string {
  if (/(?:[sxo]|ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}
