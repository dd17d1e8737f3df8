import { z } from "zod";
import {
  type BodyInput,
  ballVolume,
  block,
  type Geom,
  GRAVITY,
  ground,
  massOf,
  PALETTE,
  rod,
  spaced,
  surface,
  swing,
  view,
  within,
} from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const TIMESTEP = 0.000125;
/** Until an undisturbed ball swings a third as wide. */
const FADE_SECONDS = 100;

const params = z.strictObject({
  count: count(2, 12, 5, "How many balls"),
  lifted: count(0, 12, 1, "How many of them start lifted"),
  angle: quantity(0, 1.5, 0.6, "The lifted ones' at the start, from straight down, rad"),
  length: quantity(0.1, 3, 0.5, "Beam to the middle of a ball, m"),
  radius: quantity(0.01, 0.3, 0.05, "Of a ball, m"),
  mass: derived(0.001, 100, "Of a ball, kg; default: as steel, or what its material weighs"),
  ...look,
});

export const newtonsCradle: Template<typeof params> = {
  id: "newtons-cradle",
  title: "Newton's cradle",
  description: "As many balls leave as arrive: momentum and energy are both kept",
  params,
  build(p) {
    // Balls that touch would all share each blow. With a gap it passes from ball to ball, as in a real cradle, whose
    // steel is so stiff that a blow is over before the next ball knows: here one takes ten timesteps.
    const speed = 2 * Math.sqrt(GRAVITY * p.length) * Math.sin(p.angle / 2);
    const gap = Math.max(0.0005, 14 * speed * TIMESTEP);
    const made = surface({ ...p, bounce: 1, friction: 0 }, { density: 7850, color: PALETTE.steel, finish: "metal" });
    // Air: the swing fades in a minute or so, and what little the inner balls pick up with each blow fades with it.
    const damping = (2 * massOf(made, ballVolume(p.radius)) * p.length ** 2) / FADE_SECONDS;
    const lifted = Math.min(p.lifted, p.count);
    const pivot = p.length + p.radius + 0.2 * p.length;
    const half = 0.35 * p.length + p.radius;
    const width = p.count * (p.radius + gap) + 0.25 * p.length;
    const bar = 0.025 * p.length;
    const { out, up } = swing(p.angle);
    const far = Math.max(width + bar, 0.5 * p.count * (2 * p.radius + gap) + out * p.length);
    return {
      name: "Newton's cradle",
      timestep: TIMESTEP,
      bodies: [
        ground(),
        {
          id: "stand",
          pos: [0, 0, 0],
          geoms: [
            block([0, 0, bar], [width + bar, half + 2 * bar, bar], PALETTE.beech, "wood"),
            ...[-half, half].flatMap((y): Geom[] => [
              rod([-width, y, pivot], [width, y, pivot], bar, PALETTE.ink),
              ...[-width, width].map((x) => rod([x, y, bar], [x, y, pivot], bar, PALETTE.ink)),
            ]),
          ],
        },
        ...spaced(p.count, 2 * p.radius + gap).map(
          (x, index): BodyInput => ({
            id: `ball-${index + 1}`,
            pos: [x, 0, pivot],
            joints: [
              {
                id: `string-${index + 1}`,
                type: "hinge",
                axis: [0, -1, 0],
                damping,
                initial: index < lifted ? -p.angle : 0,
              },
            ],
            geoms: [
              { type: "sphere", size: [p.radius], pos: [0, 0, -p.length], ...made },
              ...[-half, half].map((y) => rod([0, y, 0], [0, 0, -p.length], 0.05 * bar + 0.001, PALETTE.steel)),
            ],
          }),
        ),
      ],
      sensors: [
        { id: "first-angle", type: "jointPosition", target: "string-1" },
        { id: "last-angle", type: "jointPosition", target: `string-${p.count}` },
      ],
      camera: view(within([-far, -half, 0], [far, half, pivot + bar + up * p.length]), { azimuth: 1.2 }),
    };
  },
};
