import { z } from "zod";
import { type BodyInput, ground, hue, PALETTE, post, rod, surface, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  links: count(2, 6, 2, "How many rods"),
  length: quantity(0.1, 2, 0.5, "Of each rod, m"),
  mass: derived(0.01, 50, "Of each bob, kg; default 1, or what its material weighs"),
  angle: quantity(-3.1, 3.1, 1.6, "Of the whole at the start, from straight down, rad"),
  damping: quantity(0, 5, 0, "At each joint, N·m·s/rad"),
  ...look,
});

export const doublePendulum: Template<typeof params> = {
  id: "double-pendulum",
  title: "Double pendulum",
  description: "A pendulum on a pendulum: the simplest chaos there is",
  params,
  build(p) {
    const radius = Math.min(0.3 * p.length, 0.06 * Math.cbrt(p.mass ?? 1));
    const reach = p.links * p.length + radius;
    const pivot = 1.15 * reach;
    // The energy of the start bounds how high the last bob is thrown.
    const rise = Math.min(1, Math.max(0.05, 0.3 - Math.cos(p.angle)));
    const thickness = 0.02 * reach;
    // The post stands behind the plane of the swing, the axle reaches forward to it.
    const behind = radius + 2 * thickness;
    return {
      name: p.links === 2 ? "Double pendulum" : `Pendulum of ${p.links} links`,
      integrator: "rk4",
      bodies: [
        ground(),
        {
          id: "stand",
          pos: [0, 0, 0],
          geoms: [
            ...post([0, behind], pivot + thickness, thickness),
            rod([0, 0, pivot], [0, behind, pivot], 0.6 * thickness, PALETTE.steel),
          ],
        },
        ...Array.from({ length: p.links }, (_, index): BodyInput => {
          const made = surface(p, { mass: 1, color: hue(index), finish: "metal" });
          return {
            id: `bob-${index + 1}`,
            ...(index === 0 ? {} : { parent: `bob-${index}` }),
            pos: index === 0 ? [0, 0, pivot] : [0, 0, -p.length],
            joints: [
              {
                id: `joint-${index + 1}`,
                type: "hinge",
                axis: [0, -1, 0],
                damping: p.damping,
                initial: index === 0 ? p.angle : 0,
              },
            ],
            geoms: [
              { type: "sphere", size: [radius], pos: [0, 0, -p.length], collide: false, ...made },
              rod([0, 0, 0], [0, 0, -p.length], 0.2 * radius),
            ],
          };
        }),
      ],
      sensors: [
        { id: "upper-angle", type: "jointPosition", target: "joint-1" },
        { id: "lower-angle", type: "jointPosition", target: "joint-2" },
      ],
      camera: view(within([-reach, 0, 0], [reach, behind, pivot + rise * reach]), { elevation: 0.1 }),
    };
  },
};
