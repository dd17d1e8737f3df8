import { z } from "zod";
import { type BodyInput, GRAVITY, ground, hue, PALETTE, rod, surface, view, within } from "./parts.ts";
import { look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  legs: z
    .union([z.literal(4), z.literal(6)])
    .default(6)
    .describe("4 walk at a trot, 6 on alternate tripods"),
  size: quantity(0.2, 4, 1, "1 is a body 0.6 m long"),
  speed: quantity(0.2, 2, 1, "1 is about one step a second"),
  ...look,
});

interface Leg {
  id: string;
  name: string;
  x: number;
  /** 1: left. */
  side: 1 | -1;
  /** Turns: legs half a turn apart step in turn. */
  phase: number;
}

export const hexapod: Template<typeof params> = {
  id: "hexapod",
  title: "Walking robot",
  description: "Six legs walk by themselves; any slider you touch is yours",
  params,
  build(p) {
    const s = p.size;
    const legs = legsOf(p.legs, s);
    const mass = 4 * s ** 3;
    const upper = 0.16 * s;
    const lower = 0.24 * s;
    const foot = 0.03 * s;
    const bend = 0.35;
    const hip = lower + foot - upper * Math.sin(bend);
    const stiffness = 1.5 * mass * GRAVITY * (upper + 0.1 * s);
    const damping = 0.06 * stiffness * Math.sqrt(s);
    const frequency = p.speed / Math.sqrt(s);
    return {
      name: p.legs === 6 ? "Hexapod" : "Quadruped",
      bodies: [
        ground(),
        {
          id: "body",
          pos: [0, 0, hip + 0.01 * s],
          joints: [{ id: "free", type: "free" }],
          geoms: [
            {
              type: "ellipsoid",
              size: [0.3 * s, 0.13 * s, 0.07 * s],
              ...surface({ ...p, mass: 0.6 * mass }, { color: hue(4), friction: 0.5, finish: "metal" }),
            },
            ...[1, -1].map((side) => ({
              ...rod(
                [0.25 * s, side * 0.05 * s, 0.04 * s],
                [0.29 * s, side * 0.06 * s, 0.06 * s],
                0.025 * s,
                PALETTE.amber,
              ),
            })),
          ],
        },
        ...legs.flatMap((leg): BodyInput[] => [
          {
            id: `${leg.id}-hip`,
            parent: "body",
            pos: [leg.x, leg.side * 0.12 * s, 0],
            joints: [
              // Positive swings the foot forward on either side.
              {
                id: `${leg.id}-swing`,
                type: "hinge",
                axis: [0, 0, -leg.side],
                range: [-0.8, 0.8],
                armature: 0.002 * mass * s ** 2,
              },
            ],
            geoms: [
              {
                type: "sphere",
                size: [0.04 * s],
                mass: 0.01 * mass,
                collide: false,
                color: PALETTE.ink,
                finish: "metal",
              },
            ],
          },
          {
            id: `${leg.id}-leg`,
            parent: `${leg.id}-hip`,
            pos: [0, 0, 0],
            joints: [
              // Positive lifts the foot.
              {
                id: `${leg.id}-lift`,
                type: "hinge",
                axis: [leg.side, 0, 0],
                range: [-0.8, 0.8],
                armature: 0.002 * mass * s ** 2,
              },
            ],
            geoms: legGeoms(leg.side, upper, lower, foot, bend, mass),
          },
        ]),
      ],
      actuators: legs.flatMap((leg) => [
        {
          id: `${leg.id}-swing-motor`,
          label: `${leg.name} swing (rad)`,
          type: "position" as const,
          joint: `${leg.id}-swing`,
          range: [-0.8, 0.8] as [number, number],
          gain: stiffness,
          damping,
          wave: { amplitude: 0.35, frequencyHz: frequency, phase: leg.phase },
        },
        {
          id: `${leg.id}-lift-motor`,
          label: `${leg.name} lift (rad)`,
          type: "position" as const,
          joint: `${leg.id}-lift`,
          range: [-0.8, 0.8] as [number, number],
          gain: stiffness,
          damping,
          // A quarter turn ahead of the swing: up while the foot goes forward.
          wave: { amplitude: 0.2, frequencyHz: frequency, phase: (leg.phase + 0.25) % 1 },
        },
      ]),
      sensors: [
        { id: "position", type: "bodyPosition", target: "body" },
        { id: "velocity", type: "bodyVelocity", target: "body" },
      ],
      camera: view(within([-0.4 * s, -0.4 * s, -hip], [0.4 * s, 0.4 * s, 0.15 * s]), {
        azimuth: 0.9,
        elevation: 0.4,
        follow: "body",
      }),
    };
  },
};

function legsOf(count: 4 | 6, s: number): Leg[] {
  const rows = count === 6 ? ["Front", "Middle", "Rear"] : ["Front", "Rear"];
  return rows.flatMap((row, index) =>
    ([1, -1] as const).map(
      (side): Leg => ({
        id: `${side > 0 ? "left" : "right"}-${row.toLowerCase()}`,
        name: `${side > 0 ? "Left" : "Right"} ${row.toLowerCase()}`,
        x: 0.22 * s * (1 - (2 * index) / (rows.length - 1)),
        side,
        phase: (index + (side > 0 ? 0 : 1)) % 2 === 0 ? 0 : 0.5,
      }),
    ),
  );
}

/** Out and up to the knee, down to a rubber foot. */
function legGeoms(
  side: number,
  upper: number,
  lower: number,
  foot: number,
  bend: number,
  mass: number,
): BodyInput["geoms"] {
  const knee: [number, number, number] = [0, side * upper * Math.cos(bend), upper * Math.sin(bend)];
  const toe: [number, number, number] = [0, knee[1] + side * 0.25 * lower, knee[2] - lower];
  return [
    { ...rod([0, 0, 0], knee, 0.8 * foot, PALETTE.slate), mass: 0.02 * mass },
    { ...rod(knee, toe, 0.6 * foot, PALETTE.ink), mass: 0.02 * mass },
    {
      type: "sphere",
      size: [foot],
      pos: toe,
      mass: 0.01 * mass,
      friction: 1.2,
      color: PALETTE.coral,
      finish: "rubber",
    },
  ];
}
