import { z } from "zod";
import { type BodyInput, block, ground, hue, PALETTE, post, rod, surface, type Vec3, view, within } from "./parts.ts";
import { look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  mass1: quantity(0.05, 50, 1, "Of the left weight, kg"),
  mass2: quantity(0.05, 50, 1.5, "Of the right weight, kg"),
  length: quantity(0.4, 5, 1.2, "How far a weight can travel below the wheel, m"),
  radius: quantity(0.05, 0.5, 0.15, "Of the wheel, m"),
  ...look,
});

const RIM_POINTS = 13;
/** Of the wheel, kg: a light one. */
const WHEEL = 0.1;

export const pulley: Template<typeof params> = {
  id: "pulley",
  title: "Pulley",
  description: "Atwood's machine: two weights on a rope over a wheel",
  params,
  build(p) {
    const sizes = [p.mass1, p.mass2].map((mass) => Math.min(0.9 * p.radius, 0.065 * Math.cbrt(mass)));
    const tallest = 2 * Math.max(...sizes);
    const axle = p.length + tallest + 0.15 * p.length;
    // The heavier one starts high; both have the same way to go.
    const travel = 0.6 * p.length;
    const top = axle - 0.25 * p.length;
    const heavier = p.mass2 >= p.mass1 ? 1 : 0;
    const tops = [0, 1].map((side) => (side === heavier ? top : top - travel));
    const rim = Array.from({ length: RIM_POINTS }, (_, index): { pos: Vec3 } => {
      const at = Math.PI * (1 - index / (RIM_POINTS - 1));
      return { pos: [p.radius * Math.cos(at), 0, axle + p.radius * Math.sin(at)] };
    });
    const arc = 2 * p.radius * Math.sin(Math.PI / 2 / (RIM_POINTS - 1)) * (RIM_POINTS - 1);
    const weights = [p.mass1, p.mass2].map((mass, side): BodyInput => {
      const size = sizes[side] ?? 0.05;
      const up = side === heavier ? 0 : travel;
      return {
        id: `weight-${side + 1}`,
        pos: [(side === 0 ? -1 : 1) * p.radius, 0, (tops[side] ?? top) - size],
        joints: [{ id: `slide-${side + 1}`, type: "slide", axis: [0, 0, 1], range: [up - travel, up] }],
        geoms: [
          {
            type: "cylinder",
            size: [0.8 * size, size],
            collide: false,
            ...surface({ ...p, mass }, { color: hue(side === 0 ? 4 : 0), finish: "metal" }),
          },
        ],
      };
    });
    const behind = 0.14 + 0.1 * p.radius;
    return {
      name: "Pulley with two weights",
      timestep: 0.001,
      bodies: [
        ground(),
        {
          id: "stand",
          pos: [0, 0, 0],
          geoms: [
            ...post([0, behind], axle + 0.06, 0.025 * axle),
            rod([0, -0.04, axle], [0, behind, axle], 0.08 * p.radius, PALETTE.steel),
          ],
        },
        {
          id: "wheel",
          pos: [0, 0, axle],
          joints: [{ id: "axle", type: "hinge", axis: [0, 1, 0] }],
          geoms: [
            {
              type: "cylinder",
              size: [p.radius],
              fromto: [0, -0.02, 0, 0, 0.02, 0],
              mass: WHEEL,
              collide: false,
              color: PALETTE.beech,
              finish: "wood",
            },
            ...[0, 1].map((quarter) => ({
              ...block(
                [0, 0, 0],
                quarter === 0 ? [0.8 * p.radius, 0.023, 0.05 * p.radius] : [0.05 * p.radius, 0.023, 0.8 * p.radius],
              ),
              mass: 1e-6,
            })),
          ],
        },
        ...weights,
      ],
      constraints: [
        {
          id: "rope",
          type: "rope",
          points: [
            { body: "weight-1", pos: [0, 0, sizes[0] ?? 0] },
            ...rim,
            { body: "weight-2", pos: [0, 0, sizes[1] ?? 0] },
          ],
          length: 2 * axle - (tops[0] ?? 0) - (tops[1] ?? 0) + arc,
          color: PALETTE.slate,
        },
        { id: "grip", type: "gear", joint: "axle", other: "slide-1", ratio: 1 / p.radius },
      ],
      sensors: [
        { id: "left-height", type: "jointPosition", target: "slide-1" },
        { id: "right-height", type: "jointPosition", target: "slide-2" },
        { id: "right-speed", type: "jointVelocity", target: "slide-2" },
      ],
      camera: view(within([-1.2 * p.radius, 0, 0], [1.2 * p.radius, behind, axle + p.radius]), { azimuth: 1.2 }),
    };
  },
};
