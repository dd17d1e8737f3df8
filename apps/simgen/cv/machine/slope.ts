import { type Assembly, type Cluster, move } from "./assembly.ts";
import type { Saying } from "./label.ts";
import { centerOf, moved, type Part } from "./part.ts";
import { minus, type Spot, turned } from "./plane.ts";
import { baseOf, isOn } from "./ramp.ts";
import { membersOf } from "./settle.ts";

/** rad; a slope as steep as this cannot be had by making a plate higher. */
const STEEP = 1.45;
/** rad; an angle that differs more from what is drawn is about something else. */
const ASTRAY = 0.6;

/** Turns lines and boxes, and raises or lowers plates, to the angles that labels beside them say. */
export function heedAngles(
  assembly: Assembly,
  said: readonly Saying[],
  near: number,
  { understood, warnings }: { understood: string[]; warnings: string[] },
): void {
  for (const saying of said) {
    if (saying.kind !== "angle") continue;
    const { label, value } = saying;
    const part = assembly.parts.find(({ id }) => id === label.target);
    const change = part && changeTo(part, Math.abs(value), assembly);
    if (part && change) {
      apply(part, change, assembly, near);
      understood.push(`${part.id}: ${label.text}`);
    } else warnings.push(`ignored: "${label.text}", as nothing beside it has about that angle`);
  }
}

function changeTo(part: Part, angle: number, assembly: Assembly): ((spot: Spot) => Spot) | undefined {
  if (part.kind === "polygon") return raised(part, angle);
  if (part.kind === "circle" || part.kind === "ground") return undefined;
  const [first = [0, 0], second = [0, 0]] = part.points;
  const last = part.kind === "line" ? (part.points.at(-1) ?? second) : second;
  const cluster = assembly.groupOf.get(part)?.cluster;
  const pin = assembly.pins.find(({ group, other }) => other === undefined && group.cluster === cluster);
  const [x, z] = minus(last, first);
  const slope = Math.abs(x) < 1e-12 ? Math.PI / 2 : Math.atan(z / x);
  // A pendulum's angle is from straight down; a box is the same after each quarter turn.
  const aims = part.kind === "box" || pin ? [angle, Math.PI / 2 - angle] : [angle];
  const turns = aims.flatMap((aim) => [aim - slope, -aim - slope, Math.PI - aim - slope]);
  const turn = turns.reduce((best, each) => (Math.abs(each) < Math.abs(best) ? each : best));
  if (Math.abs(turn) > ASTRAY) return undefined;
  const foot = part.kind === "box" ? centerOf(part) : first[1] < last[1] ? first : last;
  return (spot) => turned(spot, turn, pin?.at ?? foot);
}

/** Puts a plate's base level and scales its heights until the edge nearest to this slope has it. */
function raised({ points }: Part, angle: number): ((spot: Spot) => Spot) | undefined {
  const base = baseOf(points);
  const foot = points.reduce((lowest, point) => (point[1] < lowest[1] ? point : lowest));
  const level = (spot: Spot) => turned(spot, -(base?.tilt ?? 0), foot);
  const outline = points.map(level);
  const slopes = outline.map((from, at) => {
    const [x, z] = minus(outline[(at + 1) % outline.length] ?? from, from);
    return Math.atan2(Math.abs(z), Math.abs(x));
  });
  const sloped = slopes.filter((slope) => slope > 0.05 && slope < STEEP);
  const drawn = sloped.reduce((best, each) => (Math.abs(each - angle) < Math.abs(best - angle) ? each : best), 9);
  if (Math.abs(drawn - angle) > ASTRAY || angle < 0.02 || angle > STEEP) return undefined;
  const factor = Math.tan(angle) / Math.tan(drawn);
  const bottom = Math.min(...outline.map(([, z]) => z));
  return (spot) => {
    const [x, z] = level(spot);
    return [x, bottom + factor * (z - bottom)];
  };
}

/** What stands on the part comes along. */
function apply(part: Part, change: (spot: Spot) => Spot, assembly: Assembly, near: number): void {
  const cluster = assembly.groupOf.get(part)?.cluster;
  const riders = assembly.clusters.filter(
    (each) => each !== cluster && !each.anchored && membersOf(each).some((member) => isOn(member, part, near)),
  );
  for (const rider of riders) {
    const [x, z] = centerOfAll(rider);
    const [toX, toZ] = part.kind === "polygon" ? [x, footUnder(x, z, part, change)] : change([x, z]);
    move(rider, assembly, ([sx, sz]) => [sx + toX - x, sz + toZ - z]);
  }
  if (part.kind === "polygon" || !cluster) moved(part, change);
  else move(cluster, assembly, change);
}

/** The height that something at this height over a plate comes to, as the surface under it rises. */
function footUnder(x: number, z: number, { points }: Part, change: (spot: Spot) => Spot): number {
  const surface = surfaceAt(x, points);
  return surface === undefined ? z : z + (surfaceAt(x, points.map(change)) ?? surface) - surface;
}

/** The highest point of an outline straight above or below `x`. */
function surfaceAt(x: number, outline: readonly Spot[]): number | undefined {
  const heights = outline.flatMap(([ax, az], at) => {
    const [bx, bz] = outline[(at + 1) % outline.length] ?? [ax, az];
    if ((ax - x) * (bx - x) > 0 || ax === bx) return [];
    return [az + ((bz - az) * (x - ax)) / (bx - ax)];
  });
  return heights.length > 0 ? Math.max(...heights) : undefined;
}

function centerOfAll(cluster: Cluster): Spot {
  const parts = membersOf(cluster);
  const sum = parts.map(centerOf).reduce(([x, z], [px, pz]) => [x + px, z + pz], [0, 0]);
  return [sum[0] / parts.length, sum[1] / parts.length];
}
