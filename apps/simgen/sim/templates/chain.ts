import { z } from "zod";
import {
  type BodyInput,
  GRAVITY,
  gantry,
  ground,
  massOf,
  type Quat,
  spectrum,
  surface,
  turn,
  type Vec3,
  view,
  within,
} from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  count: count(2, 40, 12, "How many links"),
  length: quantity(0.3, 10, 1.5, "Of the whole chain, m"),
  mass: derived(0.01, 200, "Of the whole chain, kg; default 1, or what its material weighs"),
  anchored: z.enum(["one-end", "both-ends"]).default("both-ends").describe("Where it hangs"),
  ...look,
});

export const chain: Template<typeof params> = {
  id: "chain",
  title: "Chain",
  description: "Links that swing, whip and come to rest in a catenary",
  params,
  build(p) {
    const link = p.length / p.count;
    const radius = Math.min(0.25 * link, 0.02 * p.length);
    const both = p.anchored === "both-ends";
    const top = (both ? 0.8 : 1.25) * p.length;
    const apart = 0.6 * p.length;
    const middle = Math.ceil(p.count / 2);
    const start = both ? vee(middle * link, (p.count - middle) * link, apart, top) : straight(middle * link, top);
    const made = (index: number) => {
      const base = { mass: 1 / p.count, color: spectrum(index / (p.count - 1)), finish: "metal" as const };
      return surface({ ...p, mass: p.mass === undefined ? undefined : p.mass / p.count }, base);
    };
    // Of bending, as in a rope: a chain without any cracks like a whip, faster than a timestep can follow.
    const mass = p.count * massOf(made(0), Math.PI * radius ** 2 * link);
    const damping = 0.0004 * mass * p.length ** 2 * Math.sqrt(GRAVITY / p.length);
    return {
      name: both ? "Chain between two posts" : "Hanging chain",
      timestep: p.count <= 20 ? 0.002 : 0.001,
      bodies: [
        ground(),
        gantry(both ? "x" : "y", both ? apart : 0.5 * p.length, top, 0.02 * p.length),
        ...Array.from(
          { length: p.count },
          (_, index): BodyInput => ({
            id: `link-${index + 1}`,
            ...place(index + 1, middle, link, damping, start),
            geoms: [{ type: "capsule", size: [radius, 0.5 * link - 0.5 * radius], collide: false, ...made(index) }],
          }),
        ),
      ],
      constraints: [
        { id: "pin-1", type: "connect", body: "link-1", anchor: [0, 0, -0.5 * link] },
        ...(both ? [{ id: "pin-2", type: "connect" as const, body: `link-${p.count}`, anchor: tip(0.5 * link) }] : []),
      ],
      sensors: [{ id: "middle", type: "bodyPosition", target: `link-${middle}` }],
      camera: view(
        both
          ? within([-0.6 * apart, -0.5 * p.length, 0], [0.6 * apart, 0.5 * p.length, top + 0.04 * p.length])
          : within([-p.length, -0.3 * p.length, 0], [p.length, 0.3 * p.length, top + 0.04 * p.length]),
        { azimuth: both ? 0.9 : 1.3 },
      ),
    };
  },
};

/** A first half from the first anchor to a corner, and how the second half turns there. */
interface Start {
  /** Where the first half ends. */
  corner: Vec3;
  /** Turns z to the first half's direction. */
  quat: Quat;
  /** From the first half's direction to the second's. */
  bend: Quat;
}

/** Out to the side, as a stick. */
function straight(half: number, top: number): Start {
  const angle = Math.PI - 1.3;
  return {
    corner: [half * Math.sin(angle), 0, top + half * Math.cos(angle)],
    quat: turn([0, 1, 0], angle),
    bend: [1, 0, 0, 0],
  };
}

/** Hanging in a V between anchors `apart` m from each other, swung out forward. */
function vee(first: number, second: number, apart: number, top: number): Start {
  const swing = 1;
  const x = (first ** 2 - second ** 2 + apart ** 2) / (2 * apart);
  const deep = Math.sqrt(first ** 2 - x ** 2);
  const down = Math.atan2(x, -deep);
  const [cx, sx, cy, sy] = [Math.cos(swing / 2), Math.sin(swing / 2), Math.cos(down / 2), Math.sin(down / 2)];
  return {
    corner: [x - apart / 2, deep * Math.sin(swing), top - deep * Math.cos(swing)],
    quat: [cx * cy, sx * cy, cx * sy, sx * sy],
    bend: turn([0, 1, 0], Math.atan2(apart - x, deep) - down),
  };
}

/**
 * Links bend but do not twist: two hinges between neighbours. They are built out from the middle one, which is free, so that no tree is deeper than MuJoCo bears. Each link's z
 * axis points on along the chain.
 */
function place(
  number: number,
  middle: number,
  link: number,
  damping: number,
  start: Start,
): Pick<BodyInput, "parent" | "pos" | "quat" | "joints"> {
  const joint = (end: number) =>
    (["x", "y"] as const).map((name) => ({
      id: `joint-${number}-${name}`,
      type: "hinge" as const,
      axis: (name === "x" ? [1, 0, 0] : [0, 1, 0]) as Vec3,
      pos: tip(end),
      damping,
    }));
  if (number === middle) {
    const [, qx, qy, qz] = start.quat;
    const w = start.quat[0];
    const along: Vec3 = [2 * (qx * qz + w * qy), 2 * (qy * qz - w * qx), 1 - 2 * (qx * qx + qy * qy)];
    const [x, y, z] = start.corner;
    return {
      pos: [x - 0.5 * link * along[0], y - 0.5 * link * along[1], z - 0.5 * link * along[2]],
      quat: start.quat,
      joints: [{ id: "free", type: "free" }],
    };
  }
  if (number < middle) return { parent: `link-${number + 1}`, pos: tip(-link), joints: joint(0.5 * link) };
  const parent = `link-${number - 1}`;
  if (number > middle + 1) return { parent, pos: tip(link), joints: joint(-0.5 * link) };
  const angle = 2 * Math.atan2(start.bend[2], start.bend[0]);
  const half = 0.5 * link;
  return {
    parent,
    pos: [half * Math.sin(angle), 0, half + half * Math.cos(angle)],
    quat: start.bend,
    joints: joint(-half),
  };
}

function tip(z: number): Vec3 {
  return [0, 0, z];
}
