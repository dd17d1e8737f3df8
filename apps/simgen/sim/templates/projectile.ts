import { z } from "zod";
import {
  type BodyInput,
  block,
  type Geom,
  GRAVITY,
  ground,
  hue,
  PALETTE,
  rolling,
  spaced,
  surface,
  turn,
  view,
  within,
} from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

/** Geoms a body may have, without those of the flag. */
const COURSE_POINTS = 24;

const params = z.strictObject({
  speed: quantity(0.5, 40, 8, "At launch, m/s"),
  angle: quantity(-1.5, 1.55, 0.8, "Above the horizon, rad"),
  radius: derived(0.02, 0.5, "Of the ball, m; default: what is well seen over the whole flight"),
  mass: derived(0.001, 1000, "kg; default: as hard rubber, or what its material weighs"),
  count: count(1, 20, 1, "How many, side by side"),
  height: quantity(0, 50, 0, "Of the launch above the floor, m"),
  ...look,
});

export const projectile: Template<typeof params> = {
  id: "projectile",
  title: "Projectile",
  description: "Thrown at an angle; the dots mark the parabola, the flag where it should land",
  params,
  build(p) {
    const [forward, up] = [p.speed * Math.cos(p.angle), p.speed * Math.sin(p.angle)];
    const flight = (up + Math.sqrt(up ** 2 + 2 * GRAVITY * p.height)) / GRAVITY;
    const range = forward * flight;
    const apex = p.height + Math.max(0, up) ** 2 / (2 * GRAVITY);
    const farthest = Math.max(range, apex);
    const radius = p.radius ?? Math.min(0.5, Math.max(0.05, 0.03 * farthest));
    const gap = 3 * radius;
    const half = 0.5 * p.count * gap + radius;
    // As far as it is seen to bounce and roll on.
    const end = range + (0.85 * forward ** 2) / GRAVITY + 2 * radius;
    const pole = Math.max(0.06, 0.12 * Math.max(farthest, 4 * radius));
    return {
      name: p.count === 1 ? "Projectile" : `${p.count} projectiles`,
      integrator: "rk4",
      bodies: [
        ground(),
        {
          id: "launcher",
          pos: [0, 0, p.height + radius],
          geoms: [
            ...[-half, half].map((y) => ({
              ...block([0, y, 0], [3 * radius, 0.2 * radius, 0.7 * radius], PALETTE.amber),
              quat: turn([0, 1, 0], -p.angle),
            })),
            ...(p.height > 0
              ? [block([-1.5 * radius, 0, -0.5 * p.height - radius], [radius, half, 0.5 * p.height], PALETTE.slate)]
              : []),
          ],
        },
        {
          id: "flag",
          pos: [range, half + radius, 0],
          geoms: [
            ...course(p.height + radius, forward, up, flight).map(
              ([x, z]): Geom => ({
                type: "sphere",
                size: [Math.max(0.0005, 0.25 * radius)],
                pos: [x - range, -half - radius, z],
                collide: false,
                color: PALETTE.steel,
                finish: "matte",
              }),
            ),
            block([0, 0, 0.5 * pole], [0.01 * pole, 0.01 * pole, 0.5 * pole]),
            block([0.15 * pole, 0, 0.88 * pole], [0.15 * pole, 0.01 * pole, 0.1 * pole], PALETTE.coral),
          ],
        },
        ...spaced(p.count, gap).map((y, index): BodyInput => {
          const made = surface(p, { density: 1100, friction: 0.7, bounce: 0.3, color: hue(index), finish: "rubber" });
          return {
            id: `ball-${index + 1}`,
            pos: [0, y, p.height + radius],
            joints: [{ id: `free-${index + 1}`, type: "free", velocity: [forward, 0, up, 0, 0, 0] }],
            geoms: [{ type: "sphere", size: [radius], ...rolling(made, radius, 0.5) }],
          };
        }),
      ],
      sensors: [
        { id: "position", type: "bodyPosition", target: "ball-1" },
        { id: "velocity", type: "bodyVelocity", target: "ball-1" },
      ],
      camera: view(within([-3 * radius, -half, 0], [Math.max(end, range + 0.5 * pole), half, apex + 2 * radius])),
    };
  },
};

/** Points of the parabola, evenly spaced in time. */
function course(from: number, forward: number, up: number, flight: number): [x: number, z: number][] {
  return Array.from({ length: COURSE_POINTS }, (_, index) => {
    const time = (flight * (index + 1)) / (COURSE_POINTS + 1);
    return [forward * time, from + up * time - 0.5 * GRAVITY * time ** 2];
  });
}
