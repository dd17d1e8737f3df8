import { type Geom, turn } from "../../sim/templates/parts.ts";
import {
  cross,
  distance,
  dot,
  minus,
  outward,
  type Spot,
  signedArea,
  simplified,
  times,
  turned,
  unit,
} from "./plane.ts";

/** A stretch of a plate: a box in the machine's plane. */
export interface Slab {
  middle: Spot;
  /** Of its length and its thickness. */
  half: readonly [number, number];
  /** rad, counterclockwise. */
  angle: number;
  /** Of the plate's mass. */
  share: number;
  collides: boolean;
}

/** Fewer slabs than this would leave no room for a filling. */
const FILLED_FROM = 8;
const ROWS_MAX = 20;
/** Rows overlap, so that no seams show between them. */
const ROW_OVERLAP = 1.25;
/** Half of it, m: what a scene takes. */
const THINNEST = 0.0005;

/**
 * A plate of any outline (counterclockwise), out of boxes. What touches are thin slabs inside each edge, so that edges are
 * straight and where they were drawn; at a sharp corner they end where they would stick out, unless `buried` says that an
 * edge touches nothing. What is seen and weighs are rows across the plate, their steps hidden behind thicker slabs.
 */
export function plateOf(
  outline: readonly Spot[],
  thin: number,
  most: number,
  buried: (from: Spot, to: Spot) => boolean = () => false,
): Slab[] {
  const corners = reduced(outline, most < FILLED_FROM ? most : Math.floor(most / 3), thin);
  const count = corners.length;
  const corner = (at: number): Spot => corners[(at + count) % count] ?? [0, 0];
  const isBuried = corners.map((from, at) => buried(from, corner(at + 1)));
  const filling = most < FILLED_FROM ? [] : rowsOf(corners, Math.min(ROWS_MAX, most - 2 * count));
  const steps = filling[0]?.half[1] ?? 0;
  const rowAngle = filling[0]?.angle ?? 0;

  const slab = (at: number, thickness: number, collides: boolean): Slab | undefined => {
    const [from, to] = [corner(at), corner(at + 1)];
    const way = unit(minus(to, from));
    const length = distance(from, to);
    const cut = (angle: number, isFree: boolean) => (isFree || angle >= Math.PI / 2 ? 0 : thickness / Math.tan(angle));
    const start = Math.min(0.45 * length, cut(angleAt(corner(at - 1), from, to), isBuried.at(at - 1) ?? false));
    const end = Math.min(0.45 * length, cut(angleAt(from, to, corner(at + 2)), isBuried[(at + 1) % count] ?? false));
    const half = (length - start - end) / 2;
    if (half < thin / 4) return undefined;
    const middle = minus(add(from, way, start + half), times(outward(way), thickness / 2));
    return { middle, half: [half, thickness / 2], angle: Math.atan2(way[1], way[0]), share: 0, collides };
  };
  const edges = corners.flatMap((from, at) => {
    const way = unit(minus(corner(at + 1), from));
    const sharpest = Math.min(
      angleAt(corner(at - 1), from, corner(at + 1)),
      angleAt(from, corner(at + 1), corner(at + 2)),
    );
    // No thicker than the corners let it be.
    const room =
      sharpest < Math.PI / 2 ? 0.4 * distance(from, corner(at + 1)) * Math.tan(sharpest) : Number.POSITIVE_INFINITY;
    const stair = 2.1 * steps * Math.abs(dot(way, turned([1, 0], rowAngle)));
    const isStepped = Math.abs(cross(way, turned([1, 0], rowAngle))) > 0.02;
    const thick = Math.min(room, stair);
    const cover = filling.length > 0 && isStepped && thick > thin ? slab(at, thick, false) : undefined;
    return [isBuried[at] ? undefined : slab(at, thin, true), cover].filter((each) => each !== undefined);
  });
  if (filling.length > 0) return [...edges, ...filling];
  const whole = edges.reduce((sum, { half }) => sum + half[0], 0);
  if (whole === 0) return [splinter(corners, thin)];
  return edges.map((each) => ({ ...each, share: each.half[0] / whole }));
}

/** A box in the machine's plane, `middle` of it about the origin of its body. */
export function slabGeom(
  { half, angle }: Pick<Slab, "half" | "angle">,
  at: Spot,
  layer: { middle: number; half: number },
): Geom {
  return {
    type: "box",
    size: [Math.max(THINNEST, half[0]), layer.half, Math.max(THINNEST, half[1])],
    pos: [at[0], layer.middle, at[1]],
    ...(angle === 0 ? {} : { quat: turn([0, 1, 0], -angle) }),
  };
}

/** All that is left of an outline too thin for edges. */
function splinter(corners: readonly Spot[], thin: number): Slab {
  const [from = [0, 0]] = corners;
  const to = corners.reduce((far, each) => (distance(from, each) > distance(from, far) ? each : far), from);
  const [x, z] = minus(to, from);
  const half = [Math.max(thin, distance(from, to)) / 2, thin / 2] as const;
  return { middle: add(from, [x, z], 0.5), half, angle: Math.atan2(z, x), share: 1, collides: true };
}

function add([x, z]: Spot, [dx, dz]: Spot, by: number): Spot {
  return [x + by * dx, z + by * dz];
}

/** An outline of at most so many corners. */
function reduced(outline: readonly Spot[], most: number, tolerance: number): Spot[] {
  const first = outline[0] ?? [0, 0];
  const kept = simplified([...outline, first], Math.max(3, most) + 1, tolerance / 4).slice(0, -1);
  return kept.length >= 3 && signedArea(kept) > 0 ? kept : outline.slice(0, Math.max(3, most));
}

/** Inside, between two edges. */
function angleAt(before: Spot, at: Spot, after: Spot): number {
  const [one, other] = [minus(before, at), minus(after, at)];
  const angle = Math.atan2(cross(other, one), dot(other, one));
  return angle < 0 ? angle + 2 * Math.PI : angle;
}

/** Rows across the outline, each as wide as fits in it, along the edge that makes the least of steps at the others. */
function rowsOf(corners: readonly Spot[], most: number, rows = most): Slab[] {
  const edges = corners.map((from, at) => unit(minus(corners[(at + 1) % corners.length] ?? from, from)));
  const heightAlong = (way: Spot) => {
    const levels = corners.map((point) => cross(way, point));
    return { low: Math.min(...levels), high: Math.max(...levels) };
  };
  const stepsAlong = (way: Spot) => {
    const { low, high } = heightAlong(way);
    const worst = Math.max(...edges.map((edge) => (Math.abs(cross(edge, way)) < 0.02 ? 0 : Math.abs(dot(edge, way)))));
    return (high - low) * (worst + 0.02);
  };
  const way = edges.reduce((best, edge) => (stepsAlong(edge) < stepsAlong(best) ? edge : best));
  const { low, high } = heightAlong(way);
  const angle = Math.atan2(way[1], way[0]);
  const half = (high - low) / (2 * rows);
  const upright = corners.map((point): Spot => [dot(way, point), cross(way, point)]);
  const found = Array.from({ length: rows }, (_, row) => low + (2 * row + 1) * half).flatMap((level) => {
    const here = spansAt(upright, level);
    const ends = [-0.999, 0.999].map((side) => spansAt(upright, level + side * half));
    return here.map(([left, right], index): Slab => {
      const fits = ends.map(
        (spans): [number, number] => (spans.length === here.length ? spans[index] : undefined) ?? [left, right],
      );
      const [from, to] = [
        Math.max(left, ...fits.map((each) => each[0])),
        Math.min(right, ...fits.map((each) => each[1])),
      ];
      // In a tip hardly anything fits, but it weighs what it does.
      const wide = Math.max(to - from, half / 4) / 2;
      const middle = turned([(to > from ? from + to : left + right) / 2, level], angle);
      return { middle, half: [wide, half * ROW_OVERLAP], angle, share: right - left, collides: false };
    });
  });
  const kept = found.filter(({ share }) => share > 0);
  // An outline with bays has several to a row.
  if (kept.length > most && rows > 1)
    return rowsOf(corners, most, Math.min(rows - 1, Math.floor((rows * most) / kept.length)));
  const whole = kept.reduce((sum, { share }) => sum + share, 0);
  return kept.map((each) => ({ ...each, share: each.share / whole }));
}

/** From where to where a level line is inside an outline. */
function spansAt(outline: readonly Spot[], level: number): [number, number][] {
  const crossings = outline.flatMap(([ax, az], at) => {
    const [bx, bz] = outline[(at + 1) % outline.length] ?? [ax, az];
    return az > level === bz > level ? [] : [ax + ((bx - ax) * (level - az)) / (bz - az)];
  });
  crossings.sort((a, b) => a - b);
  return Array.from({ length: crossings.length >> 1 }, (_, at) => [crossings[2 * at] ?? 0, crossings[2 * at + 1] ?? 0]);
}
