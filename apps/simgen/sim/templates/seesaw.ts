import { z } from "zod";
import { type BodyInput, ground, hue, PALETTE, rod, surface, view, within } from "./parts.ts";
import { look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  length: quantity(0.5, 10, 2, "Of the plank, m"),
  mass1: quantity(0.05, 200, 1, "Of the left box, kg"),
  mass2: quantity(0.05, 200, 2, "Of the right box, kg"),
  ...look,
});

export const seesaw: Template<typeof params> = {
  id: "seesaw",
  title: "Seesaw",
  description: "Two boxes on a plank: the heavier side goes down",
  params,
  build(p) {
    const fulcrum = 0.16 * p.length;
    const thickness = 0.012 * p.length;
    const width = 0.08 * p.length;
    const boxes = [p.mass1, p.mass2].map((mass, side): BodyInput => {
      const half = Math.min(0.08 * p.length, Math.max(0.03 * p.length, 0.045 * p.length * Math.cbrt(mass)));
      const { bounce: _, ...made } = surface(
        { ...p, mass },
        { friction: 1, color: hue(side === 0 ? 4 : 0), finish: "matte" },
      );
      return {
        id: `box-${side + 1}`,
        pos: [(side === 0 ? -0.42 : 0.42) * p.length, 0, fulcrum + 2 * thickness + half],
        joints: [{ id: `box-${side + 1}-free`, type: "free" }],
        geoms: [{ type: "box", size: [half, half, half], ...made, friction: Math.max(0.8, p.material ? 0.8 : 1) }],
      };
    });
    return {
      name: "Seesaw",
      bodies: [
        ground(0.6),
        {
          id: "fulcrum",
          pos: [0, 0, 0],
          geoms: [
            ...[-1, 1].map((side) =>
              rod([side * 0.06 * p.length, 0, 0.01 * p.length], [0, 0, fulcrum], thickness, PALETTE.ink),
            ),
            rod([0, -1.1 * width, fulcrum], [0, 1.1 * width, fulcrum], thickness, PALETTE.steel),
          ],
        },
        {
          id: "plank",
          pos: [0, 0, fulcrum + thickness],
          joints: [{ id: "tilt", type: "hinge", axis: [0, 1, 0], pos: [0, 0, -thickness], damping: 0.05 }],
          geoms: [
            {
              type: "box",
              size: [0.5 * p.length, width, thickness],
              density: 600,
              friction: 0.6,
              color: PALETTE.beech,
              finish: "wood",
            },
          ],
        },
        ...boxes,
      ],
      sensors: [
        { id: "tilt-angle", type: "jointPosition", target: "tilt" },
        { id: "left-height", type: "bodyPosition", target: "box-1" },
      ],
      camera: view(within([-0.55 * p.length, -width, 0], [0.55 * p.length, width, fulcrum + 0.2 * p.length])),
    };
  },
};
