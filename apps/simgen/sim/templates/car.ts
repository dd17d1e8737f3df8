import { z } from "zod";
import { type BodyInput, block, ground, hue, PALETTE, rod, surface, turn, view, within } from "./parts.ts";
import { count, look, quantity, type Template } from "./template.ts";

/** A single front wheel runs ahead of the body, lengths from its middle. */
const NOSE = 0.68;
/** How far the front wheels turn before they would touch the body, rad. */
const STEER = 0.55;

const params = z.strictObject({
  speed: quantity(-5, 5, 1.5, "To drive off with, m/s"),
  wheels: count(3, 8, 4, "How many; an odd one sits in the middle of the front"),
  length: quantity(0.2, 3, 0.6, "Of the body, m"),
  mass: quantity(0.2, 500, 4, "In all, kg"),
  ...look,
});

export const car: Template<typeof params> = {
  id: "car",
  title: "Car",
  description: "Drive and steer it over bumps and ramps",
  params,
  build(p) {
    const unit = p.length;
    // Smaller where many axles stand close.
    const radius = Math.min(0.15, (0.45 * 0.66) / (Math.ceil(p.wheels / 2) - 1)) * unit;
    const width = 0.2 * unit;
    const axles = axlePositions(p.wheels, unit);
    const wheelMass = (0.3 * p.mass) / p.wheels;
    const hubs = axles.flatMap(({ x, paired }, axle) =>
      (paired ? [1, -1] : [0]).map((side) => ({
        id: `wheel-${axle + 1}${side === 0 ? "" : side > 0 ? "-left" : "-right"}`,
        x,
        y: side * (width + 0.06 * unit),
        steered: axle === 0,
      })),
    );
    const [lead, ...led] = hubs.filter((hub) => !hub.steered).map((hub) => hub.id);
    const [steer, ...steered] = hubs.filter((hub) => hub.steered).map((hub) => hub.id);
    // Enough torque for about 0.8 g of acceleration on all driven wheels together.
    const torque = 0.8 * 9.81 * p.mass * radius;
    return {
      name: "Car",
      bodies: [
        ground(),
        {
          id: "car",
          pos: [0, 0, radius + 0.06 * unit],
          joints: [{ id: "free", type: "free" }],
          geoms: [
            {
              type: "box",
              size: [0.5 * unit, 0.7 * width, 0.09 * unit],
              friction: 0.3,
              ...surface({ ...p, mass: 0.65 * p.mass }, { color: hue(0), finish: "metal" }),
            },
            {
              ...block([-0.06 * unit, 0, 0.17 * unit], [0.24 * unit, 0.6 * width, 0.08 * unit], PALETTE.ink, "glass"),
              mass: 0.05 * p.mass,
            },
            ...[1, -1].map((side) => ({
              ...block(
                [0.5 * unit, side * 0.45 * width, 0.02 * unit],
                [0.01 * unit, 0.2 * width, 0.025 * unit],
                PALETTE.amber,
              ),
              mass: 1e-6,
            })),
            ...(p.wheels % 2 === 1 ? [rod([0.45 * unit, 0, 0], [NOSE * unit, 0, -0.06 * unit], 0.02 * unit)] : []),
          ],
        },
        ...hubs.flatMap((hub) => wheel(hub, radius, unit, wheelMass)),
        ...obstacles(unit),
      ],
      actuators: [
        {
          id: "drive",
          label: "Drive (wheel rad/s)",
          type: "velocity",
          joint: `${lead}-spin`,
          range: [-5 / radius, 5 / radius],
          gain: torque * radius,
          maxForce: torque,
          initial: p.speed / radius,
        },
        {
          id: "steer",
          label: "Steer (rad, + is left)",
          type: "position",
          joint: `${steer}-turn`,
          range: [-STEER, STEER],
          gain: 2 * torque,
          damping: 0.1 * torque,
        },
      ],
      sensors: [
        { id: "position", type: "bodyPosition", target: "car" },
        { id: "velocity", type: "bodyVelocity", target: "car" },
        { id: "steering", type: "jointPosition", target: `${steer}-turn` },
      ],
      constraints: [
        ...led.map((id) => ({
          id: `shaft-${id}`,
          type: "gear" as const,
          joint: `${id}-spin`,
          other: `${lead}-spin`,
          ratio: 1,
        })),
        ...steered.map((id) => ({
          id: `rack-${id}`,
          type: "gear" as const,
          joint: `${id}-turn`,
          other: `${steer}-turn`,
          ratio: 1,
        })),
      ],
      camera: view(within([-1.3 * unit, -0.7 * unit, -0.2 * unit], [1.3 * unit, 0.7 * unit, 0.4 * unit]), {
        azimuth: 0.7,
        elevation: 0.35,
        follow: "car",
      }),
    };
  },
};

/** From the front; at least one axle is steered and one driven. */
function axlePositions(wheels: number, unit: number): { x: number; paired: boolean }[] {
  const axles = Math.ceil(wheels / 2);
  return Array.from({ length: axles }, (_, index) => ({
    x: index === 0 && wheels % 2 === 1 ? NOSE * unit : 0.33 * unit * (1 - (2 * index) / (axles - 1)),
    paired: index > 0 || wheels % 2 === 0,
  }));
}

interface Hub {
  id: string;
  x: number;
  y: number;
  steered: boolean;
}

/** A steered wheel turns in a fork; the others spin right on the car. */
function wheel(hub: Hub, radius: number, unit: number, mass: number): BodyInput[] {
  const half = 0.045 * unit;
  const drop = -0.06 * unit;
  const spin: BodyInput = {
    id: hub.id,
    parent: hub.steered ? `${hub.id}-fork` : "car",
    pos: hub.steered ? [0, 0, 0] : [hub.x, hub.y, drop],
    joints: [{ id: `${hub.id}-spin`, type: "hinge", axis: [0, 1, 0], damping: 1e-4 * mass }],
    geoms: [
      {
        type: "cylinder",
        size: [radius],
        fromto: [0, -half, 0, 0, half, 0],
        mass,
        friction: 1,
        color: PALETTE.ink,
        finish: "rubber",
      },
      {
        ...block([0, 0, 0], [0.55 * radius, 1.05 * half, 0.12 * radius], PALETTE.steel, "metal"),
        mass: 1e-6,
      },
      {
        ...block([0, 0, 0], [0.12 * radius, 1.05 * half, 0.55 * radius], PALETTE.steel, "metal"),
        mass: 1e-6,
      },
    ],
  };
  if (!hub.steered) return [spin];
  const fork: BodyInput = {
    id: `${hub.id}-fork`,
    parent: "car",
    pos: [hub.x, hub.y, drop],
    joints: [
      {
        id: `${hub.id}-turn`,
        type: "hinge",
        axis: [0, 0, 1],
        range: [-STEER, STEER],
        armature: 0.02 * mass * unit ** 2,
      },
    ],
    geoms: [
      { type: "sphere", size: [0.2 * radius], mass: 0.1 * mass, collide: false, color: PALETTE.slate, finish: "metal" },
    ],
  };
  return [fork, spin];
}

/** Bumps to drive over, a ramp to jump from, light boxes to knock down. */
function obstacles(unit: number): BodyInput[] {
  const still = (id: string, geom: NonNullable<BodyInput["geoms"]>[number]): BodyInput => ({
    id,
    pos: [0, 0, 0],
    geoms: [geom],
  });
  const bump = (id: string, x: number): BodyInput =>
    still(id, {
      type: "capsule",
      size: [0.12 * unit],
      fromto: [x * unit, -1.2 * unit, -0.08 * unit, x * unit, 1.2 * unit, -0.08 * unit],
      friction: 0.01,
      color: PALETTE.amber,
      finish: "rubber",
    });
  const boxes = [-1, 0, 1].map(
    (place): BodyInput => ({
      id: `box-${place + 2}`,
      pos: [12.5 * unit, 0.32 * place * unit, 0.12 * unit],
      joints: [{ id: `box-${place + 2}-free`, type: "free" }],
      geoms: [
        {
          type: "box",
          size: [0.12 * unit, 0.12 * unit, 0.12 * unit],
          density: 60,
          friction: 0.5,
          color: hue(3 + place),
          finish: "wood",
        },
      ],
    }),
  );
  return [
    bump("bump-1", 2.5),
    bump("bump-2", 3.5),
    still("ramp", {
      type: "box",
      size: [1.2 * unit, 0.8 * unit, 0.05 * unit],
      pos: [7 * unit, 0, 0.12 * unit],
      quat: turn([0, 1, 0], -0.16),
      friction: 0.01,
      color: PALETTE.beech,
      finish: "wood",
    }),
    ...boxes,
  ];
}
