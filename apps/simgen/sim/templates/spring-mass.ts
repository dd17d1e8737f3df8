import { z } from "zod";
import { type BodyInput, GRAVITY, gantry, ground, hue, PALETTE, spaced, surface, view, within } from "./parts.ts";
import { count, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  count: count(1, 10, 1, "How many, side by side"),
  mass: quantity(0.01, 50, 1, "kg"),
  stiffness: quantity(2, 5000, 40, "Of the spring, N/m"),
  length: quantity(0.1, 3, 0.5, "Of the spring at rest, m"),
  displacement: quantity(-2, 2, 0.25, "Pulled down from where the mass would hang still, m"),
  damping: quantity(0, 50, 0, "Of the spring, N·s/m"),
  ...look,
});

export const springMass: Template<typeof params> = {
  id: "spring-mass",
  title: "Mass on a spring",
  description: "The harmonic oscillator: the period does not depend on how far you pull",
  params,
  build(p) {
    const hanging = p.length + (p.mass * GRAVITY) / p.stiffness;
    // Not through the beam on the way up.
    const pulled = Math.sign(p.displacement) * Math.min(Math.abs(p.displacement), 0.8 * hanging);
    const half = Math.min(0.2, Math.max(0.02, 0.07 * Math.cbrt(p.mass)));
    const beam = hanging + Math.abs(pulled) + 2 * half + 0.15 * p.length;
    const gap = 3.5 * half;
    const thickness = 0.02 * beam;
    const masses = spaced(p.count, gap).map((x, index): BodyInput => {
      const made = surface(p, { mass: p.mass, color: hue(index), finish: "metal" });
      return {
        id: `mass-${index + 1}`,
        pos: [x, 0, beam - hanging - half],
        joints: [{ id: `slide-${index + 1}`, type: "slide", axis: [0, 0, 1], initial: -pulled }],
        geoms: [{ type: "cylinder", size: [half, half], collide: false, ...made }],
      };
    });
    return {
      name: p.count === 1 ? "Mass on a spring" : `${p.count} masses on springs`,
      integrator: "rk4",
      bodies: [ground(), gantry("x", p.count * gap + 0.25 * beam, beam, thickness), ...masses],
      constraints: masses.map((each, index) => ({
        id: `spring-${index + 1}`,
        type: "spring",
        points: [{ pos: [each.pos[0], 0, beam] }, { body: each.id, pos: [0, 0, half] }],
        length: p.length,
        stiffness: p.stiffness,
        damping: p.damping,
        color: PALETTE.slate,
      })),
      sensors: [
        { id: "height", type: "jointPosition", target: "slide-1" },
        { id: "speed", type: "jointVelocity", target: "slide-1" },
      ],
      camera: view(
        within([-0.5 * (p.count * gap + 0.4 * beam), 0, 0], [0.5 * (p.count * gap + 0.4 * beam), 0, 1.04 * beam]),
      ),
    };
  },
};
