import { LIMITS, type SceneInput } from "../../sim/scene.ts";
import { GRAVITY, PALETTE } from "../../sim/templates/parts.ts";
import { type Assembly, type Group, massCenter, type Tie } from "./assembly.ts";
import { type Measures, massOf } from "./part.ts";
import { add, distance, minus, pathLength, type Spot, times, unit, wrapped } from "./plane.ts";
import { membersOf } from "./settle.ts";
import type { Tree } from "./tree.ts";

type ConstraintInput = NonNullable<SceneInput["constraints"]>[number];
type AnchorInput = Extract<ConstraintInput, { type: "rope" }>["points"][number];

/** A hanging mass sinks by this share of its spring's length. */
const SAG = 0.2;
/** Of a spring, as a share of what would stop its mass without a swing. */
const DAMPING = 0.01;
const SHORTEST = 0.002;
/** How far from straight down a spring may be drawn that is meant to hang straight. */
const PLUMB = 0.14;
/** A rope goes round a circle that it follows this closely, as a share of the radius, for this far, rad. */
const ALONG_RIM = 0.25;
const WRAP_MIN = 0.35;
const RIM_STEP = Math.PI / 8;

/** Ropes and springs, and the pins that close loops, as constraints; no more than a scene takes. */
export function constraintsOf(
  assembly: Assembly,
  tree: Tree,
  near: number,
  measures: Measures,
  warnings: string[],
): ConstraintInput[] {
  const anchor = (group: Group | undefined, [x, z]: Spot): AnchorInput => {
    const origin = group && tree.nodes.get(group)?.origin;
    return group && origin ? { body: group.id, pos: [x - origin[0], 0, z - origin[1]] } : { pos: [x, 0, z] };
  };
  const loops = tree.loops.map(({ id, at, group, other }): ConstraintInput => {
    const { pos } = anchor(group, at);
    return { id, type: "connect", body: group.id, ...(other ? { other: other.id } : {}), anchor: pos };
  });
  const ties = assembly.ties.map((tie): ConstraintInput => {
    if (tie.kind === "spring") return springOf(tie, assembly, measures, anchor);
    const { from, to, path } = tie;
    const [first = [0, 0], last = [0, 0]] = [path[0], path.at(-1)];
    const rims = rimsOf(tie, assembly, near);
    const way = rims.length > 0 ? [first, ...rims.map(({ at }) => at), last] : path;
    const length = Math.max(SHORTEST, pathLength(way), distance(first, last));
    const points = [anchor(from, first), ...rims.map(({ group, at }) => anchor(group, at)), anchor(to, last)];
    return { id: tie.id, type: "rope", points, length, color: PALETTE.beech };
  });
  const all = [...loops, ...ties];
  if (all.length > LIMITS.constraints)
    warnings.push(`left out: ${all.length - LIMITS.constraints} ropes, springs or joints`);
  return all.slice(0, LIMITS.constraints);
}

/** Puts a spring that alone carries something straight above its middle of mass. */
export function straighten({ ties, pins }: Assembly, measures: Measures): void {
  for (const tie of ties) {
    const hung = tie.from === undefined ? tie.to : tie.to === undefined ? tie.from : undefined;
    const [first, last] = [tie.path[0], tie.path.at(-1)];
    if (tie.kind !== "spring" || !hung || !first || !last) continue;
    const isAlone = ties.every((other) => other === tie || (other.from !== hung && other.to !== hung));
    const lower = tie.from === hung ? first : last;
    const upper = tie.from === hung ? last : first;
    const { at } = massCenter(hung.parts, measures);
    const [x, z] = minus(upper, lower);
    const isPlumb = z > 0 && Math.abs(x) < PLUMB * z && Math.abs(at[0] - lower[0]) < PLUMB * (upper[1] - at[1]);
    if (isAlone && isPlumb && !pins.some(({ group, other }) => group === hung || other === hung))
      tie.path = tie.path.map((spot) => [at[0], spot[1]]);
  }
}

function springOf(
  { id, path, from, to }: Tie,
  { ties }: Assembly,
  measures: Measures,
  anchor: (group: Group | undefined, spot: Spot) => AnchorInput,
): ConstraintInput {
  const [first = [0, 0], last = [0, 0]] = [path[0], path.at(-1)];
  const length = Math.max(SHORTEST, distance(first, last));
  const held = [from, to].flatMap((group) =>
    group ? membersOf(group.cluster).reduce((sum, part) => sum + massOf(part, measures), 0) : [],
  );
  const mass = Math.min(...held);
  const others = ties.filter(
    (tie) => tie.kind === "spring" && [from, to].some((group) => group && (tie.from === group || tie.to === group)),
  );
  const stretch = SAG * Math.max(length, measures.depth);
  const stiffness = Math.min(1e5, (mass * GRAVITY) / stretch / others.length);
  const damping = Math.min(1e4, 2 * DAMPING * Math.sqrt(stiffness * mass));
  return {
    id,
    type: "spring",
    points: [anchor(from, first), anchor(to, last)],
    length,
    stiffness,
    damping,
    color: PALETTE.slate,
  };
}

/** Where a rope goes round fixed circles and pulleys: points on their rims, which the rope slides over. */
function rimsOf(
  { path, from, to }: Tie,
  { parts, groupOf, pins }: Assembly,
  near: number,
): { group: Group | undefined; at: Spot }[] {
  const fine = finer(path);
  const wraps = parts.flatMap((part) => {
    const group = groupOf.get(part);
    if (part.kind !== "circle" || (group && (group === from || group === to))) return [];
    const [center = [0, 0]] = part.points;
    const axle = pins.find((pin) => pin.parts.includes(part) && distance(pin.at, center) < 0.5 * part.radius);
    if (group && !axle) return [];
    const room = Math.min(0.6 * part.radius, ALONG_RIM * part.radius + near);
    const along = fine.flatMap((spot, at) => (Math.abs(distance(spot, center) - part.radius) < room ? [at] : []));
    const [enters, leaves] = [along[0], along.at(-1)];
    if (enters === undefined || leaves === undefined) return [];
    const angle = (at: number) => Math.atan2((fine[at] ?? center)[1] - center[1], (fine[at] ?? center)[0] - center[0]);
    let turn = 0;
    for (let at = enters + 1; at <= leaves; at++) turn += wrapped(angle(at) - angle(at - 1));
    if (Math.abs(turn) < WRAP_MIN || Math.abs(turn) > 2 * Math.PI) return [];
    const steps = Math.max(2, Math.ceil(Math.abs(turn) / RIM_STEP));
    const rim = Array.from({ length: steps + 1 }, (_, step): Spot => {
      const direction = angle(enters) + (turn * step) / steps;
      return add(center, times([Math.cos(direction), Math.sin(direction)], part.radius));
    });
    const holder = group && axle ? (axle.group === group ? axle.other : axle.group) : undefined;
    return [{ enters, rim: rim.map((at) => ({ group: holder, at })) }];
  });
  return wraps
    .toSorted((a, b) => a.enters - b.enters)
    .flatMap(({ rim }) => rim)
    .slice(0, LIMITS.ropePoints - 2);
}

/** The same path with points close to one another. */
function finer(path: readonly Spot[]): Spot[] {
  const step = pathLength(path) / 60;
  return path.flatMap((point, at) => {
    const before = path[at - 1];
    if (!before || step === 0) return [point];
    const count = Math.max(1, Math.ceil(distance(before, point) / step));
    const way = times(unit(minus(point, before)), distance(before, point) / count);
    return Array.from({ length: count }, (_, index) => add(before, times(way, index + 1)));
  });
}
