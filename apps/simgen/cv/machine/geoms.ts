import { LIMITS } from "../../sim/scene.ts";
import { ballVolume, type Geom } from "../../sim/templates/parts.ts";
import type { Group } from "./assembly.ts";
import type { Layer } from "./layer.ts";
import type { Look } from "./look.ts";
import { areaOf, type Measures, massOf, type Part } from "./part.ts";
import { add, distance, middle, minus, type Spot, simplified, times, unit } from "./plane.ts";
import { plateOf, slabGeom } from "./plate.ts";

const GEOMS_MIN = 3;
const PLATE_GEOMS_MAX = 30;
const LINE_GEOMS_MAX = 24;
/** kg/m³, what a scene takes. */
const DENSITY_MAX = 30_000;
const MASSLESS = 1e-6;
/** Of a plate's thin edge, as a share of the machine. */
const EDGE = 0.005;
/** In how many stretches a bar is cut whose end is in the floor. */
const STRETCHES = 4;

/** How a part is built. */
export interface Build {
  layer: Layer;
  look: Look;
  measures: Measures;
  /** At most so many geoms for a plate or a bent line. */
  most: number;
  /** A circle with a joint in it. */
  isDisc: boolean;
}

/** How many geoms each plate and bent line may have, so that all fit in a scene. */
export function geomsEach(parts: readonly Part[]): number {
  const many = parts.filter(({ kind, points }) => kind === "polygon" || points.length > 2 + STRETCHES).length;
  const room = LIMITS.geoms - 10 - (1 + STRETCHES) * (parts.length - many);
  return Math.max(GEOMS_MIN, Math.min(PLATE_GEOMS_MAX, Math.floor(room / Math.max(1, many))));
}

/** A part as geoms about `origin`. */
export function geomsOf(part: Part, origin: Spot, group: Group | undefined, build: Build): Geom[] {
  const { layer, look } = build;
  return bareGeoms(part, origin, group, build).map(({ geom, volume, share, collides }) => ({
    ...geom,
    ...weight(part, volume, share, build),
    ...look,
    ...(collides && layer.collides ? {} : { collide: false }),
  }));
}

interface Bare {
  geom: Geom;
  /** m³; 0 for what weighs nothing. */
  volume: number;
  /** Of the part's mass. */
  share: number;
  collides: boolean;
}

function bareGeoms(part: Part, origin: Spot, group: Group | undefined, build: Build): Bare[] {
  const { layer, measures } = build;
  const { kind, points, radius } = part;
  const about = (spot: Spot) => minus(spot, origin);
  switch (kind) {
    case "circle": {
      const [x, z] = about(points[0] ?? origin);
      if (isBall(part, group, build))
        return [
          {
            geom: { type: "sphere", size: [radius], pos: [x, 0, z] },
            volume: ballVolume(radius),
            share: 1,
            collides: true,
          },
        ];
      const [front, back] = [layer.middle - layer.half, layer.middle + layer.half];
      const geom: Geom = { type: "cylinder", size: [radius], fromto: [x, front, z, x, back, z] };
      return [{ geom, volume: 2 * layer.half * areaOf(part), share: 1, collides: true }];
    }
    case "box": {
      const [a = origin, b = origin, c = origin] = points;
      const way = unit(minus(b, a));
      const half = [distance(a, b) / 2, distance(b, c) / 2] as const;
      const geom = slabGeom({ half, angle: Math.atan2(way[1], way[0]) }, about(middle(a, c)), layer);
      return [{ geom, volume: 2 * layer.half * areaOf(part), share: 1, collides: true }];
    }
    case "polygon": {
      const buried = (from: Spot, to: Spot) => part.fixed && Math.max(from[1], to[1]) < EDGE * measures.extent;
      const slabs = plateOf(points, Math.max(2 * measures.smallest, EDGE * measures.extent), build.most, buried);
      return slabs.map((slab) => ({
        geom: slabGeom(slab, about(slab.middle), layer),
        volume: slab.share > 0 ? 8 * slab.half[0] * slab.half[1] * layer.half : 0,
        share: slab.share,
        collides: slab.collides,
      }));
    }
    default:
      return barGeoms(part, about, build);
  }
}

/** A ball, unless it turns about a joint, is part of something flat or has to lie in a layer. */
function isBall({ kind, fixed }: Part, group: Group | undefined, { layer, isDisc }: Build): boolean {
  if (kind !== "circle" || fixed || layer.thin || isDisc || !group) return false;
  return group.parts.every((part) => part.kind === "circle" || part.kind === "line");
}

/** Round bars between joints, planks otherwise, meeting at bends. */
function barGeoms(
  { points, radius, rod }: Part,
  about: (spot: Spot) => Spot,
  { layer, measures, most }: Build,
): Bare[] {
  const path = simplified(points, Math.min(most, LINE_GEOMS_MAX) + 1, 0.0005 * measures.extent);
  const cut = layer.isSunk && path.length === 2 ? inStretches(path) : path;
  const whole = cut.slice(1).reduce((sum, to, at) => sum + distance(cut[at] ?? to, to), 0);
  return cut.slice(1).flatMap((to, at): Bare[] => {
    const from = cut[at] ?? to;
    const length = distance(from, to);
    if (length < 1e-5) return [];
    const collides = !layer.isSunk || Math.min(from[1], to[1]) > radius;
    const common = { share: length / whole, collides };
    if (rod) {
      const thick = Math.min(radius, layer.half);
      const [a, b] = [about(from), about(to)];
      const geom: Geom = {
        type: "capsule",
        size: [thick],
        fromto: [a[0], layer.middle, a[1], b[0], layer.middle, b[1]],
      };
      return [{ geom, volume: Math.PI * thick ** 2 * (length + (4 / 3) * thick), ...common }];
    }
    const way = unit(minus(to, from));
    const start = bend(cut[at - 1], from, to) * radius;
    const end = bend(from, to, cut[at + 2]) * radius;
    const center = add(middle(from, to), times(way, (end - start) / 2));
    const half = [(length + start + end) / 2, radius] as const;
    const geom = slabGeom({ half, angle: Math.atan2(way[1], way[0]) }, about(center), layer);
    return [{ geom, volume: 8 * half[0] * half[1] * layer.half, ...common }];
  });
}

function inStretches([from = [0, 0], to = [0, 0]]: readonly Spot[]): Spot[] {
  return Array.from({ length: STRETCHES + 1 }, (_, at) => add(from, times(minus(to, from), at / STRETCHES)));
}

/** How much longer a plank is at a bend so that its outer face meets the next one's, in half thicknesses. */
function bend(before: Spot | undefined, at: Spot, after: Spot | undefined): number {
  if (!before || !after) return 0;
  const [one, other] = [unit(minus(at, before)), unit(minus(after, at))];
  const cosine = one[0] * other[0] + one[1] * other[1];
  return Math.min(1, Math.sqrt(Math.max(0, (1 - cosine) / Math.max(0.01, 1 + cosine))));
}

/** A mass that a label gave stays one; any other is a density, so that another material can change it. */
function weight(part: Part, volume: number, share: number, { measures }: Build): Pick<Geom, "mass" | "density"> {
  if (volume === 0) return { mass: MASSLESS };
  const mass = Math.max(MASSLESS, massOf(part, measures) * share);
  if (part.mass !== undefined) return { mass };
  const density = mass / volume;
  return density > DENSITY_MAX ? { mass } : { density: Math.max(0.01, density) };
}
