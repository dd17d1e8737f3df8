import { z } from "zod";
import { type BodyInput, type Geom, ground, hue, rolling, surface, type Vec3, view, within } from "./parts.ts";
import { count, derived, look, quantity, type Template } from "./template.ts";

/** Of all items together. */
export const OBJECTS_MAX = 100;

/** A material that gives back less than this lands with MuJoCo's own soft contact, which allows a longer timestep. */
const LIVELY = 0.5;

const speed = z.number().min(-50).max(50);

const item = z.strictObject({
  shape: z.enum(["ball", "box", "cylinder", "capsule", "ellipsoid"]).default("ball"),
  count: count(1, OBJECTS_MAX, 1, "How many of it"),
  size: quantity(0.02, 5, 0.25, "Edge, diameter, or length of a capsule or ellipsoid, m"),
  mass: derived(0.001, 10_000, "Of one, kg"),
  density: derived(1, 25_000, "kg/m³, unless there is a mass"),
  friction: derived(0, 2, "Sliding friction"),
  bounce: derived(0, 1, "Share of the impact speed that comes back"),
  velocity: z.tuple([speed, speed, speed]).optional().describe("At the start, m/s"),
  ...look,
});

type Item = z.output<typeof item>;
type Shape = Item["shape"];

const params = z.strictObject({
  items: z
    .array(item)
    .min(1)
    .max(20)
    .refine((items) => total(items) <= OBJECTS_MAX, `at most ${OBJECTS_MAX} objects in all`)
    .default([
      { shape: "box", count: 5, size: 0.25 },
      { shape: "ball", count: 5, size: 0.24 },
      { shape: "cylinder", count: 3, size: 0.2 },
      { shape: "capsule", count: 3, size: 0.3 },
    ]),
  height: quantity(0, 50, 1.5, "Of the lowest point above the floor, m"),
  ground: z.boolean().default(true).describe("A floor to fall on"),
  arrangement: z
    .enum(["pile", "row", "grid"])
    .default("pile")
    .describe("How they start: layer on layer, in a row, or side by side"),
});

export const objects: Template<typeof params> = {
  id: "objects",
  title: "Falling things",
  description: "Balls, boxes, cylinders, capsules and eggs of any size and material",
  params,
  build(p) {
    const things = mixed(p.items);
    const sizes = things.map((thing) => reach(thing.shape) * thing.size);
    const places = arrange(p.arrangement, sizes, p.height);
    const top = Math.max(...places.map((at, index) => at[2] + 0.5 * (sizes[index] ?? 0)));
    const across = 2 * Math.max(...places.map((at, index) => Math.hypot(at[0], at[1]) + 0.5 * (sizes[index] ?? 0)));
    const geoms = things.map((thing, index) => geom(thing, hue(index)));
    const few = things.length <= 10;
    const counts = new Map<string, number>();
    const numbered = (shape: Shape) => {
      const number = (counts.get(shape) ?? 0) + 1;
      counts.set(shape, number);
      return `${shape}-${number}`;
    };
    return {
      name: title(p.items),
      // A bounce takes ten timesteps, and a thing sinks in for as long.
      timestep: few || geoms.some((each) => each.bounce !== undefined) ? 0.001 : things.length <= 30 ? 0.002 : 0.004,
      bodies: [
        ...(p.ground ? [ground()] : []),
        ...things.map((thing, index): BodyInput => {
          const id = numbered(thing.shape);
          return {
            id,
            pos: places[index] ?? [0, 0, 0],
            joints: [
              {
                id: `${id}-free`,
                type: "free",
                ...(thing.velocity ? { velocity: [...thing.velocity, 0, 0, 0] } : {}),
              },
            ],
            geoms: geoms.slice(index, index + 1),
          };
        }),
      ],
      camera: view(within([-0.6 * across, -0.6 * across, 0], [0.6 * across, 0.6 * across, top])),
    };
  },
};

function total(items: Item[]): number {
  return items.reduce((sum, each) => sum + each.count, 0);
}

/** One entry a thing, the kinds taking turns. */
function mixed(items: Item[]): Item[] {
  const most = Math.max(...items.map((each) => each.count));
  return Array.from({ length: most }, (_, round) => items.filter((each) => each.count > round)).flat();
}

/** The diameter of the smallest ball around a thing, in sizes. */
function reach(shape: Shape): number {
  return { ball: 1, box: Math.sqrt(3), cylinder: Math.SQRT2, capsule: 1, ellipsoid: 1 }[shape];
}

function geom(thing: Item, color: string): Geom {
  const half = 0.5 * thing.size;
  const { bounce, ...rest } = surface(thing, {
    density: 700,
    friction: 0.5,
    color,
    finish: thing.shape === "box" ? "wood" : "rubber",
  });
  const lively = bounce !== undefined && (bounce >= LIVELY || thing.bounce !== undefined);
  const made = lively ? { ...rest, bounce } : rest;
  switch (thing.shape) {
    case "box":
      return { type: "box", size: [half, half, half], ...made };
    case "ball":
      return { type: "sphere", size: [half], ...rolling(made, half, 0.02) };
    case "cylinder":
      return { type: "cylinder", size: [half, half], ...rolling(made, half, 0.02) };
    case "capsule":
      return { type: "capsule", size: [0.5 * half, 0.5 * half], ...rolling(made, half, 0.02) };
    case "ellipsoid":
      return { type: "ellipsoid", size: [0.65 * half, 0.65 * half, half], ...rolling(made, half, 0.02) };
  }
}

/** Centres that leave room around each ball of the given diameters; the lowest point of all is at `height`. */
function arrange(kind: "pile" | "row" | "grid", diameters: number[], height: number): Vec3[] {
  const n = diameters.length;
  if (kind === "row") {
    const room = diameters.map((each) => 1.15 * each);
    const whole = room.reduce((sum, each) => sum + each, 0);
    let edge = -0.5 * whole;
    return room.map((each, index): Vec3 => {
      edge += each;
      return [edge - 0.5 * each, 0, height + 0.5 * (diameters[index] ?? 0)];
    });
  }
  const wide = Math.ceil(kind === "grid" ? Math.sqrt(n) : Math.max(2, Math.cbrt(n)));
  const cell = 1.1 * Math.max(...diameters);
  const places: Vec3[] = [];
  let floor = height;
  for (let first = 0; first < n; first += wide * wide) {
    const layer = diameters.slice(first, first + wide * wide);
    const level = places.length / (wide * wide);
    layer.forEach((diameter, index) => {
      // Every other layer is shifted a little, so that a pile tumbles instead of standing in columns.
      const shift = kind === "pile" && level % 2 === 1 ? 0.2 * cell : 0;
      places.push([
        ((index % wide) - (wide - 1) / 2) * cell + shift,
        (Math.floor(index / wide) - (wide - 1) / 2) * cell + 0.6 * shift,
        floor + 0.5 * diameter,
      ]);
    });
    floor += 1.1 * Math.max(...layer);
  }
  return places;
}

const PLURALS: Record<Shape, string> = {
  ball: "balls",
  box: "boxes",
  cylinder: "cylinders",
  capsule: "capsules",
  ellipsoid: "eggs",
};

function title(items: Item[]): string {
  const words = items.map(
    (each) =>
      `${each.count} ${each.material ? `${each.material} ` : ""}${each.count === 1 ? each.shape : PLURALS[each.shape]}`,
  );
  const text = words.join(", ");
  return text.length <= 80 ? text : `${total(items)} things`;
}
