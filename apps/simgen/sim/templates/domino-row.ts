import { z } from "zod";
import { type BodyInput, GRAVITY, ground, spectrum, surface, turn, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  count: count(2, 80, 20, "How many dominoes"),
  height: quantity(0.04, 2, 0.24, "Of a domino, m"),
  spacing: derived(0.02, 2, "Between the middles of two neighbours, m; default 0.45 heights"),
  shape: z.enum(["line", "curve", "circle", "spiral"]).default("line").describe("Of the row, seen from above"),
  ...look,
});

export const dominoRow: Template<typeof params> = {
  id: "domino-row",
  title: "Dominoes",
  description: "The first is pushed, the rest follow",
  params,
  build(p) {
    const half: [number, number, number] = [0.08 * p.height, 0.25 * p.height, 0.5 * p.height];
    const spacing = Math.min(0.9 * p.height, Math.max(3 * half[0], p.spacing ?? 0.45 * p.height));
    const places = row(p.shape, p.count, spacing);
    // Twice what tips it over its front edge: ω² = 3g(d - h)/d² for a slab of height h and diagonal d.
    const diagonal = 2 * Math.hypot(half[0], half[2]);
    const push = 2 * Math.sqrt((3 * GRAVITY * (diagonal - p.height)) / diagonal ** 2);
    return {
      name: `${p.count} dominoes`,
      timestep: 0.004,
      bodies: [
        ground(0.7),
        ...places.map(({ x, y, heading }, index): BodyInput => {
          const base = {
            density: 700,
            friction: 0.3,
            color: spectrum(index / (p.count - 1)),
            finish: "matte" as const,
          };
          const { bounce: _, ...made } = surface(p, base);
          const speed = 0.5 * p.height * push;
          const first = [speed * Math.cos(heading), speed * Math.sin(heading), 0, 0, push, 0];
          return {
            id: `domino-${index + 1}`,
            pos: [x, y, half[2]],
            quat: turn([0, 0, 1], heading),
            joints: [{ id: `free-${index + 1}`, type: "free", ...(index === 0 ? { velocity: first } : {}) }],
            geoms: [{ type: "box", size: half, ...made }],
          };
        }),
      ],
      sensors: [{ id: "last", type: "bodyPosition", target: `domino-${p.count}` }],
      camera: view(
        places.flatMap(({ x, y }) => within([x - p.height, y - p.height, 0], [x + p.height, y + p.height, p.height])),
        { azimuth: p.shape === "line" ? 1.1 : 1.4, elevation: p.shape === "line" ? 0.35 : 0.7 },
      ),
    };
  },
};

interface Place {
  x: number;
  y: number;
  /** rad about z, the way it falls. */
  heading: number;
}

/** Walks along the row, turning by each shape's curvature. */
function row(shape: "line" | "curve" | "circle" | "spiral", total: number, spacing: number): Place[] {
  const around = (2 * Math.PI) / (total + 1);
  let [x, y, heading] = [0, 0, shape === "curve" ? 0.9 : 0];
  return Array.from({ length: total }, (_, index) => {
    const place = { x, y, heading };
    const bend = {
      line: 0,
      curve: -1.8 * Math.sin((2 * Math.PI * (index + 0.5)) / total) * (Math.PI / total),
      circle: around,
      spiral: spacing / (spacing * (2.5 + 0.28 * Math.sqrt(total)) + 0.12 * spacing * (total - index)),
    }[shape];
    x += spacing * Math.cos(heading + bend / 2);
    y += spacing * Math.sin(heading + bend / 2);
    heading += bend;
    return place;
  });
}
