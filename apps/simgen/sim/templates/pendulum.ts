import { z } from "zod";
import { type BodyInput, gantry, ground, hue, rod, spaced, spectrum, surface, swing, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  length: quantity(0.1, 5, 1, "Pivot to the middle of the bob, m"),
  mass: derived(0.01, 100, "Of the bob, kg; default 1, or what its material weighs"),
  angle: quantity(-3.1, 3.1, 0.6, "At the start, from straight down, rad"),
  radius: derived(0.01, 1, "Of the bob, m"),
  count: count(1, 20, 1, "How many, side by side"),
  damping: quantity(0, 5, 0, "At the pivot, N·m·s/rad"),
  lengths: z
    .enum(["equal", "wave"])
    .default("equal")
    .describe("wave: each next one is shorter and swings a little faster, so that they drift through patterns"),
  ...look,
});

export const pendulum: Template<typeof params> = {
  id: "pendulum",
  title: "Pendulum",
  description: "A bob on a rod, or a row of them",
  params,
  build(p) {
    const radius = p.radius ?? Math.min(0.4 * p.length, 0.08 * Math.cbrt(p.mass ?? 1));
    const gap = 2.4 * radius;
    const pivot = 1.25 * p.length + radius;
    const bobs = spaced(p.count, gap).map((y, index): BodyInput => {
      const length = p.lengths === "wave" ? waveLength(p.length, index) : p.length;
      const color = p.count === 1 ? hue(0) : spectrum(index / (p.count - 1));
      return {
        id: `bob-${index + 1}`,
        pos: [0, y, pivot],
        joints: [{ id: `pivot-${index + 1}`, type: "hinge", axis: [0, -1, 0], damping: p.damping, initial: p.angle }],
        geoms: [
          {
            type: "sphere",
            size: [radius],
            pos: [0, 0, -length],
            collide: false,
            ...surface(p, { mass: 1, color, finish: "metal" }),
          },
          rod([0, 0, 0], [0, 0, -length], 0.01 * Math.sqrt(p.length)),
        ],
      };
    });
    const { out, up } = swing(p.angle);
    const far = out * p.length + radius;
    const wide = 0.5 * p.count * gap + 0.25 * p.length;
    const top = pivot + up * p.length + Math.max(radius, 0.05 * p.length);
    return {
      name: p.count === 1 ? "Pendulum" : `${p.count} pendulums`,
      integrator: "rk4",
      bodies: [ground(), gantry("y", p.count * gap + 0.3 * p.length, pivot, 0.025 * p.length), ...bobs],
      sensors: [
        { id: "angle", type: "jointPosition", target: "pivot-1" },
        { id: "speed", type: "jointVelocity", target: "pivot-1" },
      ],
      camera: view(within([-far, -wide, 0], [far, wide, top]), { azimuth: p.count === 1 ? 1.05 : 0.9 }),
    };
  },
};

/** The first makes 20 swings in a cycle of the whole pattern, each next one makes one more. */
function waveLength(longest: number, index: number): number {
  return longest * (20 / (20 + index)) ** 2;
}
