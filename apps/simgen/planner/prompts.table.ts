/** A prompt and the scene that must come of it: templates with their parameters, side by side when there are several. */
export interface Expectation {
  prompt: string;
  makes: [template: string, params: Record<string, unknown>][];
  /** m/s², along z when it is one number. Default: the Earth's. */
  gravity?: number | [number, number, number];
  /** All warnings. Default: none. */
  warns?: string[];
}

const degrees = (angle: number) => (angle * Math.PI) / 180;
const rpm = (turns: number) => (turns * Math.PI) / 30;

const MOON = -1.62;
const RED = "#e5383b";
const BLUE = "#2f6fde";
const GREEN = "#2e9e4f";

export const PROMPTS: Expectation[] = [
  // --- one machine, its numbers ---
  { prompt: "a pendulum", makes: [["pendulum", {}]] },
  { prompt: "Three pendulums.", makes: [["pendulum", { count: 3 }]] },
  {
    prompt: "Please show me a 50 cm pendulum with a 2 kg bob",
    makes: [["pendulum", { length: 0.5, mass: 2 }]],
  },
  {
    prompt: "a pendulum 2 m long with a 3 kg steel bob, released from 45 degrees on the moon",
    makes: [["pendulum", { length: 2, mass: 3, material: "steel", angle: degrees(45) }]],
    gravity: MOON,
  },
  { prompt: "a pendulum of length one and a half metres", makes: [["pendulum", { length: 1.5 }]] },
  { prompt: "a half-metre pendulum in zero gravity", makes: [["pendulum", { length: 0.5 }]], gravity: 0 },
  { prompt: "a 3 ft pendulum at 1 rad", makes: [["pendulum", { length: 0.9144, angle: 1 }]] },
  {
    prompt: "a pendulum. The pendulum is 2 m long and weighs 3 kg.",
    makes: [["pendulum", { length: 2, mass: 3 }]],
  },
  { prompt: "pendulum without friction", makes: [["pendulum", { damping: 0 }]] },
  { prompt: "horizontal pendulum, length: 1/2 m", makes: [["pendulum", { length: 0.5, angle: Math.PI / 2 }]] },
  { prompt: "a ball on a 2 m string", makes: [["pendulum", { length: 2 }]] },
  { prompt: "a couple of heavy pendulums", makes: [["pendulum", { count: 2, mass: 5 }]] },
  {
    prompt: "ten pendulums as a pendulum wave",
    makes: [
      ["pendulum", { count: 10 }],
      ["pendulum", { lengths: "wave" }],
    ],
  },
  { prompt: "a triple pendulum", makes: [["double-pendulum", { links: 3 }]] },
  {
    prompt: "double-pendulum with 4 links of 30 cm, gravity 3.7",
    makes: [["double-pendulum", { links: 4, length: 0.3 }]],
    gravity: -3.7,
  },
  { prompt: "an upside-down double pendulum", makes: [["double-pendulum", { angle: 3.1 }]] },
  {
    prompt: "inverted pendulum with a 1.5 m pole and a 2 kg cart",
    makes: [["cart-pole", { poleLength: 1.5, cartMass: 2 }]],
  },
  { prompt: "balance a 1 m broom on a cart", makes: [["cart-pole", { poleLength: 1 }]] },
  { prompt: "a robot arm with 3 joints", makes: [["two-link-arm", { links: 3 }]] },
  { prompt: "I'd like to see a robotic arm lifting a 2 kg box", makes: [["two-link-arm", { payload: 2 }]] },
  { prompt: "NEWTON'S CRADLE!!!", makes: [["newtons-cradle", {}]] },
  { prompt: "newtons cradle with 7 balls, 2 lifted", makes: [["newtons-cradle", { count: 7, lifted: 2 }]] },
  { prompt: "a tower of twelve blocks", makes: [["box-stack", { layout: "tower", count: 12 }]] },
  {
    prompt: "pyramid of 15 wooden crates, each 0.5 m wide",
    makes: [["box-stack", { layout: "pyramid", count: 15, material: "wood", size: 0.5 }]],
  },
  { prompt: "a wall of bricks", makes: [["box-stack", { layout: "wall", material: "brick" }]] },
  { prompt: "a tall tower of crates", makes: [["box-stack", { layout: "tower", count: 20 }]] },
  { prompt: "twenty-five dominoes", makes: [["domino-row", { count: 25 }]] },
  { prompt: "a curved row of 40 dominos", makes: [["domino-row", { count: 40, shape: "curve" }]] },
  {
    prompt: "20 dominoes in a circle, 5 cm apart, 12 cm tall",
    makes: [["domino-row", { count: 20, shape: "circle", spacing: 0.05, height: 0.12 }]],
  },
  {
    prompt: "a 2 kg red ball on a 30° wooden ramp",
    makes: [["ball-on-ramp", { shape: "ball", angle: degrees(30), friction: 0.5, mass: 2, color: RED }]],
  },
  {
    prompt: "an icy cube sliding down a 20 degree slope",
    makes: [["ball-on-ramp", { shape: "box", friction: 0.03, angle: degrees(20) }]],
  },
  {
    prompt: "3 m long inclined plane at 25° with three cylinders",
    makes: [["ball-on-ramp", { shape: "cylinder", length: 3, angle: degrees(25), count: 3 }]],
  },
  { prompt: "a marble rolls down a slide", makes: [["ball-on-ramp", { shape: "ball", material: "glass" }]] },
  {
    prompt: "a box on a frictionless ramp",
    makes: [["ball-on-ramp", { shape: "box", friction: 0 }]],
  },
  {
    prompt: "5 rubber balls bouncing from 3 m",
    makes: [["bouncing-balls", { count: 5, material: "rubber", height: 3 }]],
  },
  { prompt: "a ball that bounces 90%", makes: [["bouncing-balls", { count: 1, bounce: 0.9 }]] },
  { prompt: "a 2 kg mass on a 100 N/m spring", makes: [["spring-mass", { mass: 2, stiffness: 100 }]] },
  {
    prompt: "A weight of 5 lb hangs from a spring with k = 200 N/m, pulled down by 10 cm.",
    makes: [["spring-mass", { mass: 2.26796185, stiffness: 200, displacement: 0.1 }]],
  },
  { prompt: "spring constant 50 N/m, mass 3 kg", makes: [["spring-mass", { stiffness: 50, mass: 3 }]] },
  { prompt: "a stiff slinky", makes: [["spring-mass", { stiffness: 200 }]] },
  { prompt: "Atwood machine with masses of 2 kg and 5 kg", makes: [["pulley", { mass1: 2, mass2: 5 }]] },
  { prompt: "pulley with two weights, one 2 kg and one 500 g", makes: [["pulley", { mass1: 2, mass2: 0.5 }]] },
  { prompt: "a buggy with six wheels driving on Mars", makes: [["car", { wheels: 6 }]], gravity: -3.71 },
  { prompt: "a green vehicle at 9 km/h", makes: [["car", { color: GREEN, speed: 2.5 }]] },
  {
    prompt: "three cars",
    makes: [
      ["car", {}],
      ["car", {}],
      ["car", {}],
    ],
  },
  { prompt: "a four-legged robot", makes: [["hexapod", { legs: 4 }]] },
  { prompt: "a giant purple spider", makes: [["hexapod", { size: 4, color: "#8e44ad" }]] },
  {
    prompt: "a ball thrown at 36 km/h at 45 degrees on Mars",
    makes: [["projectile", { speed: 10, angle: degrees(45) }]],
    gravity: -3.71,
  },
  { prompt: "cannon firing 3 balls at 20 mph", makes: [["projectile", { count: 3, speed: 8.9408 }]] },
  {
    prompt: "cannonball fired horizontally at 15 m/s from a 10 m high tower",
    makes: [["projectile", { angle: 0, speed: 15, height: 10 }]],
  },
  { prompt: "see-saw with a 3 kg box and a 5 kg box", makes: [["seesaw", { mass1: 3, mass2: 5 }]] },
  { prompt: "two 5 kg weights on a see saw", makes: [["seesaw", { mass1: 5, mass2: 5 }]] },
  { prompt: "teeter-totter with a heavy and a light ball", makes: [["seesaw", { mass1: 5, mass2: 0.4 }]] },
  {
    prompt: "a chain of 20 links hanging from one end",
    makes: [["chain", { count: 20, anchored: "one-end" }]],
  },
  { prompt: "a rope 2 m long", makes: [["chain", { length: 2 }]] },
  {
    prompt: "a gyroscope at 300 rpm tilted by 20 degrees",
    makes: [["spinning-top", { spin: rpm(300), tilt: degrees(20) }]],
  },
  {
    prompt: "a wrecking ball of 50 kg hitting a wall of 30 boxes",
    makes: [["wrecking-ball", { mass: 50, count: 30 }]],
  },
  { prompt: "a wall of 20 bricks hit by a wrecking ball", makes: [["wrecking-ball", { count: 20 }]] },

  { prompt: "ten boxes stacked in a wall", makes: [["box-stack", { layout: "wall", count: 10 }]] },
  { prompt: "a big six-legged walking robot", makes: [["hexapod", { legs: 6, size: 2 }]] },

  // --- things ---
  {
    prompt: "two red boxes and three blue steel balls dropped on the Moon",
    makes: [
      [
        "objects",
        {
          items: [
            { shape: "box", count: 2, color: RED },
            { shape: "ball", count: 3, color: BLUE, material: "steel" },
          ],
        },
      ],
    ],
    gravity: MOON,
  },
  {
    prompt: "a heavy ball and a light ball",
    makes: [["objects", { items: [{ density: 3500 }, { density: 140 }] }]],
  },
  {
    prompt: "a dark blue sphere of radius 5 cm and a light green cube with 10cm edge",
    makes: [
      [
        "objects",
        {
          items: [
            { size: 0.1, color: "#1c4385" },
            { shape: "box", size: 0.1, color: "#97cfa7" },
          ],
        },
      ],
    ],
  },
  {
    prompt: "drop a big wooden crate and ten rubber balls from a height of 6 feet",
    makes: [
      [
        "objects",
        {
          items: [
            { shape: "box", size: 0.5, material: "wood" },
            { count: 10, material: "rubber" },
          ],
          height: 1.8288,
        },
      ],
    ],
  },
  {
    prompt: "three balls, two red and one blue",
    makes: [["objects", { items: [{ count: 2, color: RED }, { color: BLUE }] }]],
  },
  { prompt: "a red ball and a #00ff80 one", makes: [["objects", { items: [{ color: RED }, { color: "#00ff80" }] }]] },
  { prompt: "3x boxes 10 cm", makes: [["objects", { items: [{ shape: "box", count: 3, size: 0.1 }] }]] },
  { prompt: "2 x 3 kg balls", makes: [["objects", { items: [{ count: 2, mass: 3 }] }]] },
  {
    prompt: "half a dozen tiny eggs",
    makes: [["objects", { items: [{ shape: "ellipsoid", count: 6, size: 0.0625 }] }]],
  },
  { prompt: "a ½ m ball weighing 1,000 kg", makes: [["objects", { items: [{ size: 0.5, mass: 1000 }] }]] },
  { prompt: "a pile of 20 rubber balls", makes: [["objects", { items: [{ count: 20, material: "rubber" }] }]] },
  { prompt: "a box on a slippery floor", makes: [["objects", { items: [{ shape: "box", friction: 0.05 }] }]] },
  { prompt: "a ball that doesn't bounce", makes: [["objects", { items: [{ bounce: 0 }] }]] },
  {
    prompt: "two 3 inch ice cubes",
    makes: [["objects", { items: [{ shape: "box", count: 2, size: 0.0762, material: "ice" }] }]],
  },
  {
    prompt: "four 5 mm capsules in space, no floor",
    makes: [["objects", { items: [{ shape: "capsule", count: 4, size: 0.02 }], ground: false }]],
    gravity: 0,
    warns: ["asked for size 5 mm, made 2 cm"],
  },

  {
    prompt: "six red and blue balls",
    makes: [
      [
        "objects",
        {
          items: [
            { count: 3, color: RED },
            { count: 3, color: BLUE },
          ],
        },
      ],
    ],
  },
  {
    prompt: "balls of 1 kg, 2 kg and 3 kg",
    makes: [["objects", { items: [{ mass: 1 }, { mass: 2 }, { mass: 3 }] }]],
  },
  { prompt: "a 1 kg and a 2 kg ball", makes: [["objects", { items: [{ mass: 1 }, { mass: 2 }] }]] },
  {
    prompt: "a puck sliding on ice at 5 m/s",
    makes: [["objects", { items: [{ shape: "cylinder", friction: 0.03, velocity: [5, 0, 0] }] }]],
  },
  {
    prompt: "a 10 x 20 x 40 cm box",
    makes: [["objects", { items: [{ shape: "box", size: 0.2 }] }]],
    warns: ["boxes have equal edges here: made of the same volume"],
  },

  // --- gravity ---
  { prompt: "a pendulum with half gravity", makes: [["pendulum", {}]], gravity: -4.905 },
  { prompt: "a pendulum at 20 m/s²", makes: [["pendulum", {}]], gravity: -20 },
  { prompt: "a car under 2g", makes: [["car", {}]], gravity: -19.62 },
  {
    prompt: "upside-down gravity and ten marbles",
    makes: [["objects", { items: [{ count: 10, material: "glass" }] }]],
    gravity: 9.81,
  },
  { prompt: "a chain in sideways gravity", makes: [["chain", {}]], gravity: [9.81, 0, 0] },

  // --- several machines ---
  {
    prompt: "on the moon, drop a ball from 3 m and throw another ball at 5 m/s",
    makes: [
      ["projectile", { speed: 5 }],
      ["objects", { items: [{}], height: 3 }],
    ],
    gravity: MOON,
  },
  {
    prompt: "pendulums of 1 m and 2 m",
    makes: [
      ["pendulum", { length: 1 }],
      ["pendulum", { length: 2 }],
    ],
  },
  {
    prompt: "a pendulum and a car",
    makes: [
      ["pendulum", {}],
      ["car", {}],
    ],
  },
  {
    prompt: "a long pendulum and a short pendulum",
    makes: [
      ["pendulum", { length: 2 }],
      ["pendulum", { length: 0.5 }],
    ],
  },
  {
    prompt: "a pendulum and a red ball",
    makes: [
      ["pendulum", {}],
      ["objects", { items: [{ color: RED }] }],
    ],
  },

  // --- what is not understood is said ---
  {
    prompt: "a purple monkey riding a pendulum",
    makes: [["pendulum", {}]],
    warns: ['ignored: "purple monkey riding"'],
  },
  {
    prompt: "a pendulm with lenght 1/2 m",
    makes: [["pendulum", { length: 0.5 }]],
    warns: ['read "pendulm" as "pendulum"', 'read "lenght" as "length"'],
  },
  {
    prompt: "-3 kg ball",
    makes: [["objects", { items: [{}] }]],
    warns: ["ignored: mass of -3 kg, which cannot be negative"],
  },
  {
    prompt: "500 boxes",
    makes: [["objects", { items: [{ shape: "box", count: 100 }] }]],
    warns: ["asked for 500 things, made 100"],
  },
  {
    prompt: "a tower of 500 boxes",
    makes: [["box-stack", { layout: "tower", count: 60 }]],
    warns: ["asked for 500 boxes, made 60"],
  },
  {
    prompt: "100 cars",
    makes: [
      ["car", {}],
      ["car", {}],
      ["car", {}],
      ["car", {}],
      ["car", {}],
      ["car", {}],
    ],
    warns: ["asked for 100 cars, made 6"],
  },
  { prompt: "a spider with eight legs", makes: [["hexapod", { legs: 6 }]], warns: ["asked for 8 legs, made 6"] },
  {
    prompt: "a pendulum 80 m long",
    makes: [["pendulum", { length: 5 }]],
    warns: ["asked for length 80 m, made 5 m"],
  },
  { prompt: "a car without wheels", makes: [["car", {}]], warns: ['ignored: "without wheels"'] },
  {
    prompt: "a red ramp with a blue ball",
    makes: [["ball-on-ramp", { shape: "ball", color: BLUE }]],
    warns: ['ignored: "red"'],
  },
  // --- the first ten held out, since tuned on ---
  {
    prompt: "Could I see seven glass marbles tumbling off a 2 metre ledge onto a rubber surface?",
    makes: [["objects", { items: [{ count: 7, material: "glass", friction: 1 }], height: 2 }]],
  },
  {
    prompt: "grandfather clock pendulum, ninety centimetres, swung out 12 degrees",
    makes: [["pendulum", { length: 0.9, angle: degrees(12) }]],
  },
  {
    prompt: "an eight-wheeled lunar rover weighing half a ton",
    makes: [["car", { wheels: 8, mass: 500 }]],
    gravity: MOON,
  },
  {
    prompt: "a kid of 25 kilos and a grown-up of 70 kilos on a 3.5 m seesaw",
    makes: [["seesaw", { mass1: 25, mass2: 70, length: 3.5 }]],
  },
  {
    prompt: "Stack nine identical 2 kg oak cubes into a pyramid",
    makes: [["box-stack", { layout: "pyramid", count: 9, mass: 2, material: "oak" }]],
  },
  {
    prompt: "toss a 400 gram rubber ball upward at 60 degrees, 7 metres per second, on Venus",
    makes: [["projectile", { mass: 0.4, material: "rubber", angle: degrees(60), speed: 7 }]],
    gravity: -8.87,
  },
  {
    prompt: "A 750 g block dangles from a 120 newtons per metre spring; pull it down 6 cm",
    makes: [["spring-mass", { mass: 0.75, stiffness: 120, displacement: 0.06 }]],
  },
  {
    prompt: "a lime green quadruped that is very small",
    makes: [["hexapod", { legs: 4, color: "#a4d82c", size: 0.25 }]],
  },
  {
    prompt: "two yellow crates, one tiny orange sphere and a dozen grey pills, no gravity at all",
    makes: [
      [
        "objects",
        {
          items: [
            { shape: "box", count: 2, color: "#f4c430" },
            { color: "#f28c28", size: 0.0625 },
            { shape: "capsule", count: 12, color: "#808890" },
          ],
        },
      ],
    ],
    gravity: 0,
  },
  {
    prompt: "wrecking ball on a six metre cable, 300 kg, pulled back 80 degrees, against twenty blocks",
    makes: [["wrecking-ball", { length: 6, mass: 300, angle: degrees(80), count: 20 }]],
  },
];

/** Written when the planner was finished, in other words than those it was made with. */
export const HELD_OUT: Expectation[] = [
  {
    prompt: "let a lead weight dangle from an 80 centimetre cord and swing",
    makes: [["pendulum", { length: 0.8, material: "lead" }]],
  },
  {
    prompt: "could you build me a heap of eight small cardboard boxes, gravity like on Jupiter",
    makes: [["box-stack", { count: 8, size: 0.1, material: "cardboard" }]],
    gravity: -24.79,
  },
  {
    prompt: "a copper sphere weighing 4 kilos rolls down a slope of fifteen degrees",
    makes: [["ball-on-ramp", { shape: "ball", mass: 4, material: "copper", angle: degrees(15) }]],
  },
  {
    prompt: "roll a dozen glass marbles onto the floor",
    makes: [["objects", { items: [{ count: 12, material: "glass" }] }]],
  },
  { prompt: "line up thirty domino tiles and knock them over", makes: [["domino-row", { count: 30 }]] },
  {
    prompt: "fire a cannonball at 25 metres per second, angle 40 degrees",
    makes: [["projectile", { speed: 25, angle: degrees(40) }]],
  },
  {
    prompt: "a weight bobbing on a soft spring, 1.5 kg, no damping",
    makes: [["spring-mass", { mass: 1.5, stiffness: 8, damping: 0 }]],
  },
  {
    prompt: "an insect robot with six legs strolling on the lunar surface",
    makes: [["hexapod", { legs: 6 }]],
    gravity: MOON,
  },
  {
    prompt: "a demolition ball of 50 kg crashes into a wall of 24 bricks",
    makes: [["wrecking-ball", { mass: 50, count: 24 }]],
  },
  {
    prompt: "a teeter-totter of three metres, 20 kg against 35 kg",
    makes: [["seesaw", { length: 3, mass1: 20, mass2: 35 }]],
  },
];
