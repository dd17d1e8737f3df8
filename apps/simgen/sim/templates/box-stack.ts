import { z } from "zod";
import { type BodyInput, ground, spaced, spectrum, surface, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

const params = z.strictObject({
  count: count(1, 60, 10, "How many boxes"),
  size: quantity(0.02, 2, 0.2, "Edge of a box, m"),
  mass: derived(0.001, 1000, "Of a box, kg; default: as light wood, or what its material weighs"),
  layout: z.enum(["tower", "pyramid", "wall"]).default("tower").describe("How they are stacked"),
  friction: derived(0, 2, "Between boxes; default 0.6, or the material's"),
  ...look,
});

export const boxStack: Template<typeof params> = {
  id: "box-stack",
  title: "Stack of boxes",
  description: "A tower, pyramid or wall that stands by itself",
  params,
  build(p) {
    const rows = layers(p.layout, p.count);
    const widest = Math.max(...rows.map((row) => row.length));
    const height = rows.length * p.size;
    const boxes = rows.flatMap((row, level) =>
      row.map((x): [number, number, number] => [x * p.size, 0, (level + 0.5) * p.size]),
    );
    return {
      name: { tower: "Tower of boxes", pyramid: "Pyramid of boxes", wall: "Wall of boxes" }[p.layout],
      // Contacts get stiffer with the timestep: small boxes and tall towers would sag and buckle.
      timestep: Math.max(0.001, Math.min(0.004, 0.004 * Math.sqrt(((p.size / 0.2) * 10) / rows.length))),
      bodies: [
        ground(0.6),
        ...boxes.map((pos, index): BodyInput => {
          const base = { density: 500, friction: 0.6, color: spectrum(pos[2] / height), finish: "wood" as const };
          const made = { ...surface(p, base), bounce: 0 };
          return {
            id: `box-${index + 1}`,
            pos,
            joints: [{ id: `free-${index + 1}`, type: "free" }],
            geoms: [{ type: "box", size: [0.5 * p.size, 0.5 * p.size, 0.5 * p.size], ...made }],
          };
        }),
      ],
      sensors: [{ id: "top", type: "bodyPosition", target: `box-${boxes.length}` }],
      camera: view(within([-0.6 * widest * p.size, -0.5 * p.size, 0], [0.6 * widest * p.size, 0.5 * p.size, height]), {
        azimuth: 1.1,
      }),
    };
  },
};

/** Where the boxes of each layer stand, from the floor up, in edges from the middle. */
function layers(layout: "tower" | "pyramid" | "wall", total: number): number[][] {
  // A wall about as wide as high, or the smallest triangle that holds them all.
  const base = { tower: 1, wall: Math.ceil(Math.sqrt(total)), pyramid: Math.ceil((Math.sqrt(8 * total + 1) - 1) / 2) };
  const rows: number[][] = [];
  for (let left = total; left > 0; left -= rows.at(-1)?.length ?? left) {
    const wide = base[layout] - (layout === "pyramid" ? rows.length : 0);
    // Bricks are staggered by less than half, so that the last of a row still rests on the one below it.
    const shift = layout === "wall" ? (rows.length % 2 === 0 ? -0.15 : 0.15) : 0;
    const row = spaced(wide, 1.02).slice(0, left);
    rows.push(row.map((x) => x + shift));
  }
  return rows;
}
