import { z } from "zod";
import { GRAVITY, ground, hue, PALETTE, turn, view, within } from "./parts.ts";
import { look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  spin: quantity(0, 200, 60, "About its own axis, rad/s"),
  tilt: quantity(0, 1, 0.25, "From upright, rad"),
  mass: quantity(0.01, 20, 0.3, "kg"),
  radius: quantity(0.03, 1, 0.15, "Of the disc, m"),
  color: look.color,
});

export const spinningTop: Template<typeof params> = {
  id: "spinning-top",
  title: "Spinning top",
  description: "It leans, and instead of falling it goes round",
  params,
  build(p) {
    const r = p.radius;
    const high = 0.55 * r;
    const tipRadius = 0.04 * r;
    // The disc's: I3 about its axis. Steady precession: Ω = m g h / (I3 spin).
    const inertia = 0.5 * p.mass * r ** 2;
    const precession = p.spin > 5 ? Math.min(10, (p.mass * GRAVITY * high) / (inertia * p.spin)) : 0;
    return {
      name: "Spinning top",
      timestep: 0.001,
      integrator: "rk4",
      bodies: [
        ground(),
        {
          id: "top",
          pos: [high * Math.sin(p.tilt), 0, high * Math.cos(p.tilt) + tipRadius],
          quat: turn([0, 1, 0], p.tilt),
          joints: [
            {
              id: "free",
              type: "free",
              velocity: [
                0,
                precession * high * Math.sin(p.tilt),
                0,
                -precession * Math.sin(p.tilt),
                0,
                p.spin + precession * Math.cos(p.tilt),
              ],
            },
          ],
          geoms: [
            {
              type: "cylinder",
              size: [r, 0.08 * r],
              mass: 0.96 * p.mass,
              friction: 0.3,
              color: p.color ?? hue(0),
              finish: "wood",
            },
            {
              type: "capsule",
              size: [tipRadius],
              fromto: [0, 0, -high, 0, 0, 0.7 * r],
              mass: 0.04 * p.mass,
              friction: [0.3, 0.0005 * r, 0],
              color: PALETTE.ink,
              finish: "metal",
            },
            // Marks, so that the spin shows.
            ...[0, 1].map((quarter) => ({
              type: "box" as const,
              size: quarter === 0 ? [0.85 * r, 0.08 * r, 0.085 * r] : [0.08 * r, 0.85 * r, 0.085 * r],
              mass: 1e-6,
              collide: false,
              color: PALETTE.amber,
              finish: "wood" as const,
            })),
          ],
        },
      ],
      sensors: [
        { id: "position", type: "bodyPosition", target: "top" },
        { id: "velocity", type: "bodyVelocity", target: "top" },
      ],
      camera: view(within([-1.4 * r, -1.4 * r, 0], [1.4 * r, 1.4 * r, 1.3 * r]), { azimuth: 1.2, elevation: 0.35 }),
    };
  },
};
