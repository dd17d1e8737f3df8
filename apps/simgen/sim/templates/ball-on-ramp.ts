import { z } from "zod";
import {
  type BodyInput,
  block,
  type Geom,
  ground,
  PALETTE,
  type Quat,
  rolling,
  spaced,
  spectrum,
  surface,
  turn,
  view,
  within,
} from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  angle: quantity(0.02, 1.3, 0.4, "Of the ramp, from level, rad"),
  length: quantity(0.5, 10, 3, "Of the ramp, m"),
  shape: z.enum(["ball", "box", "cylinder"]).default("ball").describe("What is let go at the top"),
  count: count(1, 10, 1, "How many, side by side"),
  radius: quantity(0.03, 0.5, 0.12, "Of the ball or cylinder, half the edge of the box, m"),
  mass: derived(0.001, 1000, "kg; default: as hard rubber, or what its material weighs"),
  friction: derived(0, 2, "Default 0.9 (a box: 0.2), or the material's"),
  ...look,
});

export const ballOnRamp: Template<typeof params> = {
  id: "ball-on-ramp",
  title: "Ball on a ramp",
  description: "Rolling or sliding down an incline",
  params,
  build(p) {
    const slope = turn([0, 1, 0], p.angle);
    const along = (distance: number, above: number): [number, number, number] => [
      distance * Math.cos(p.angle) + above * Math.sin(p.angle),
      0,
      (p.length - distance) * Math.sin(p.angle) + above * Math.cos(p.angle),
    ];
    const thickness = 0.02 * p.length;
    const gap = 2.5 * p.radius;
    const half = 0.5 * p.count * gap + 0.5 * p.radius;
    const [run, , rise] = [p.length * Math.cos(p.angle), 0, p.length * Math.sin(p.angle)];
    const bumper = run + 0.4 * p.length + 4 * p.radius;
    const { bounce: _, ...base } = surface(p, {
      density: 1100,
      friction: p.shape === "box" ? 0.2 : 0.9,
      finish: "rubber",
    });
    return {
      name: `${{ ball: "Ball", box: "Box", cylinder: "Cylinder" }[p.shape]} on a ramp`,
      timestep: 0.001,
      bodies: [
        ground(),
        {
          id: "ramp",
          pos: [0, 0, 0],
          geoms: [
            {
              type: "box",
              size: [0.5 * p.length, half, thickness],
              pos: along(0.5 * p.length, -thickness),
              quat: slope,
              friction: 0.01,
              color: PALETTE.beech,
              finish: "wood",
            },
            ...[-half, half].map(
              (y): Geom => ({
                ...block(shifted(along(0.5 * p.length, -thickness), y), [0.5 * p.length, 0.4 * thickness, thickness]),
                quat: slope,
              }),
            ),
            ...[-half, half].map((y) => block([0.5 * thickness, y, 0.5 * rise], [thickness, thickness, 0.5 * rise])),
          ],
        },
        {
          id: "bumper",
          pos: [bumper, 0, p.radius],
          geoms: [
            {
              type: "box",
              size: [0.4 * p.radius, half + p.radius, p.radius],
              color: PALETTE.ink,
              finish: "rubber",
              friction: 0.01,
            },
          ],
        },
        ...spaced(p.count, gap).map((y, index): BodyInput => {
          const made = { color: p.count === 1 ? PALETTE.coral : spectrum(index / (p.count - 1)), ...base };
          return {
            id: `${p.shape}-${index + 1}`,
            pos: shifted(along(2 * p.radius, p.radius), y),
            ...(p.shape === "box" ? { quat: slope } : {}),
            joints: [{ id: `free-${index + 1}`, type: "free" }],
            geoms: [shape(p.shape, p.radius, made)],
          };
        }),
      ],
      sensors: [
        { id: "position", type: "bodyPosition", target: `${p.shape}-1` },
        { id: "velocity", type: "bodyVelocity", target: `${p.shape}-1` },
      ],
      camera: view(
        [
          ...within([0, -half, 0], [0, half, rise + 2 * p.radius]),
          ...within([bumper + p.radius, -half - p.radius, 0], [bumper + p.radius, half + p.radius, 2 * p.radius]),
        ],
        { azimuth: 1.15, elevation: 0.25 },
      ),
    };
  },
};

const SIDEWAYS: Quat = turn([1, 0, 0], Math.PI / 2);

function shape(kind: "ball" | "box" | "cylinder", radius: number, made: Partial<Geom>): Geom {
  if (kind === "box") return { ...made, type: "box", size: [radius, radius, radius] };
  if (kind === "cylinder") return { ...made, type: "cylinder", size: [radius, radius], quat: SIDEWAYS };
  return { ...rolling(made, radius, 0), type: "sphere", size: [radius] };
}

function shifted([x, , z]: [number, number, number], y: number): [number, number, number] {
  return [x, y, z];
}
