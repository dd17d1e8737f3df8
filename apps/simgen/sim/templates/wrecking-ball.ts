import { z } from "zod";
import {
  type BodyInput,
  block,
  ground,
  PALETTE,
  post,
  rod,
  spaced,
  spectrum,
  surface,
  swing,
  view,
  within,
} from "./parts.ts";
import { count, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  mass: quantity(0.5, 2000, 20, "Of the ball, kg"),
  length: quantity(0.5, 10, 2, "Of the cable, m"),
  angle: quantity(0.1, 3, 1.2, "At the start, from straight down, rad"),
  count: count(1, 60, 24, "How many boxes in the wall"),
  ...look,
});

export const wreckingBall: Template<typeof params> = {
  id: "wrecking-ball",
  title: "Wrecking ball",
  description: "A heavy ball swings into a wall of boxes",
  params,
  build(p) {
    const radius = Math.min(0.2 * p.length, 0.09 * p.length * Math.cbrt(p.mass / 20));
    const edge = 0.14 * p.length;
    const columns = Math.ceil(Math.sqrt(0.6 * p.count));
    const rows = Math.ceil(p.count / columns);
    // Into the upper half of the wall.
    const pivot = p.length + Math.max(1.5 * radius, 0.55 * rows * edge);
    const wall = radius + 0.5 * edge + 0.02 * p.length;
    const thickness = 0.03 * p.length;
    const { out, up } = swing(p.angle);
    const behind = 0.5 * columns * edge + 0.3 * p.length;
    return {
      name: "Wrecking ball",
      timestep: 0.004,
      bodies: [
        ground(0.6),
        {
          id: "crane",
          pos: [0, 0, 0],
          geoms: [
            ...post([0, behind], pivot + thickness, thickness),
            block(
              [0, 0.5 * behind, pivot + thickness],
              [thickness, 0.5 * behind + thickness, thickness],
              PALETTE.amber,
            ),
          ],
        },
        {
          id: "ball",
          pos: [0, 0, pivot],
          joints: [{ id: "cable", type: "hinge", axis: [0, 1, 0], initial: p.angle, damping: 0.01 * p.mass }],
          geoms: [
            {
              type: "sphere",
              size: [radius],
              pos: [0, 0, -p.length],
              ...surface({ ...p, mass: p.mass }, { friction: 0.5, color: PALETTE.ink, finish: "metal" }),
            },
            rod([0, 0, 0], [0, 0, -p.length], 0.15 * thickness),
          ],
        },
        ...Array.from({ length: p.count }, (_, index): BodyInput => {
          const row = Math.floor(index / columns);
          const shift = row % 2 === 1 ? 0.15 * edge : -0.15 * edge;
          return {
            id: `box-${index + 1}`,
            pos: [wall, (spaced(columns, 1.02 * edge)[index % columns] ?? 0) + shift, (row + 0.5) * edge],
            joints: [{ id: `box-${index + 1}-free`, type: "free" }],
            geoms: [
              {
                type: "box",
                size: [0.5 * edge, 0.5 * edge, 0.5 * edge],
                density: 120,
                friction: 0.5,
                color: spectrum(row / Math.max(1, rows - 1)),
                finish: "wood",
              },
            ],
          };
        }),
      ],
      sensors: [
        { id: "angle", type: "jointPosition", target: "cable" },
        { id: "speed", type: "jointVelocity", target: "cable" },
      ],
      camera: view(
        within(
          [-out * p.length - radius, -0.6 * columns * edge, 0],
          [1.1 * p.length, behind, pivot + up * p.length + 2 * thickness],
        ),
        { azimuth: 1.1, elevation: 0.25 },
      ),
    };
  },
};
