import { z } from "zod";
import { type BodyInput, ground, spectrum, surface, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  count: count(1, 60, 5, "How many balls"),
  radius: quantity(0.02, 0.5, 0.12, "Of a ball, m"),
  height: quantity(0.1, 20, 1.5, "Of the fall, from the underside of the lowest ball to the floor, m"),
  bounce: quantity(0, 1, 0.8, "Share of the impact speed that comes back"),
  mass: derived(0.001, 1000, "Of a ball, kg; default: as rubber, or what its material weighs"),
  ...look,
});

export const bouncingBalls: Template<typeof params> = {
  id: "bouncing-balls",
  title: "Bouncing balls",
  description: "Each bounce comes back lower, by the square of the bounciness",
  params,
  build(p) {
    const wide = p.count <= 8 ? p.count : Math.ceil(Math.sqrt(p.count));
    const gap = 3 * p.radius;
    const deep = Math.ceil(p.count / wide);
    return {
      name: p.count === 1 ? "Bouncing ball" : `${p.count} bouncing balls`,
      timestep: p.count <= 10 ? 0.0005 : 0.001,
      bodies: [
        ground(),
        ...Array.from({ length: p.count }, (_, index): BodyInput => {
          const share = p.count === 1 ? 0 : index / (p.count - 1);
          const made = surface(p, { density: 1100, friction: 0.7, color: spectrum(share), finish: "rubber" });
          return {
            id: `ball-${index + 1}`,
            pos: [
              ((index % wide) - (wide - 1) / 2) * gap,
              (Math.floor(index / wide) - (deep - 1) / 2) * gap,
              p.height * (1 + 0.3 * share) + p.radius,
            ],
            joints: [{ id: `free-${index + 1}`, type: "free" }],
            geoms: [{ type: "sphere", size: [p.radius], ...made }],
          };
        }),
      ],
      sensors: [
        { id: "position", type: "bodyPosition", target: "ball-1" },
        { id: "velocity", type: "bodyVelocity", target: "ball-1" },
      ],
      camera: view(
        within(
          [-0.5 * wide * gap, -0.5 * deep * gap, 0],
          [0.5 * wide * gap, 0.5 * deep * gap, 1.3 * p.height + 2 * p.radius],
        ),
      ),
    };
  },
};
