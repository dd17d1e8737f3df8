import { type Geom, GRAVITY } from "../../sim/templates/parts.ts";
import { type Assembly, type Cluster, move } from "./assembly.ts";
import type { Measures, Part } from "./part.ts";
import { add, distance, minus, type Spot, times, turned } from "./plane.ts";
import { membersOf } from "./settle.ts";

const BALLS_MIN = 3;
const TIMESTEP = 0.00025;
/** How many steps a blow between two balls lasts, and some: see the template of the same machine. */
const BLOW_STEPS = 14;
/** Of a ball's radius, by which neighbours may be drawn off; of their length, by which pendulums may differ. */
const OFF = 0.5;
const UNEVEN = 0.15;
/** rad; what hangs at a smaller angle hangs straight. */
const PLUMB = 0.08;

/** What makes balls that hang side by side pass a blow on. */
export interface Cradle {
  timestep: number;
  elastic(geom: Geom): Geom;
}

interface Pendulum {
  cluster: Cluster;
  ball: Part;
  center: Spot;
  /** Where it hangs. */
  anchor: Spot;
  length: number;
}

/**
 * Balls that hang in a row from points a ball's width apart: makes them alike, with a hair between neighbours, so that each
 * passes the blow on before the next one knows, and elastic. Those that hang nearly straight do so.
 */
export function cradleOf(assembly: Assembly, { extent }: Measures): Cradle | undefined {
  const hung = pendulumsOf(assembly).toSorted((a, b) => a.anchor[0] - b.anchor[0]);
  const isNext = hung.slice(1).map((each, at) => {
    const before = hung[at] ?? each;
    const apart = each.anchor[0] - before.anchor[0] - each.ball.radius - before.ball.radius;
    return Math.abs(apart) < OFF * each.ball.radius && Math.abs(each.length / before.length - 1) < UNEVEN;
  });
  const first = isNext.indexOf(true);
  const after = isNext.indexOf(false, first);
  const row = first < 0 ? [] : hung.slice(first, (after < 0 ? isNext.length : after) + 1);
  if (row.length < BALLS_MIN) return undefined;
  const mean = (of: (each: Pendulum) => number) => row.reduce((sum, each) => sum + of(each), 0) / row.length;
  const radius = mean(({ ball }) => ball.radius);
  const length = mean((each) => each.length);
  const speed = Math.sqrt(GRAVITY * length);
  const gap = Math.max(1e-4 * extent, BLOW_STEPS * TIMESTEP * speed);
  const [x, z] = [mean(({ anchor }) => anchor[0]), mean(({ anchor }) => anchor[1])];
  row.forEach((each, index) => {
    each.ball.radius = radius;
    rehang(each, [x + (index - (row.length - 1) / 2) * (2 * radius + gap), z], length, assembly);
  });
  return {
    timestep: TIMESTEP,
    elastic: (geom) => (geom.type === "sphere" ? { ...geom, bounce: 1, friction: 0 } : geom),
  };
}

/** Single balls on a rod or rope that is fixed at its other end. */
function pendulumsOf({ clusters, pins, ties }: Assembly): Pendulum[] {
  return clusters.flatMap((cluster) => {
    const balls = membersOf(cluster).filter(({ kind }) => kind === "circle");
    const [[ball], [group, ...more]] = [balls, cluster.groups];
    if (!ball || !group || balls.length > 1 || more.length > 0) return [];
    const [rope, ...others] = ties.filter(({ from, to }) => from === group || to === group);
    const isFree = others.length === 0 && rope?.kind === "rope" && (!rope.from || !rope.to);
    const end = isFree ? (rope.from ? rope.path.at(-1) : rope.path[0]) : undefined;
    const anchor = pins.find((pin) => pin.group === group && pin.other === undefined)?.at ?? end;
    const [center = [0, 0]] = ball.points;
    if (!anchor || anchor[1] < center[1] - ball.radius) return [];
    return [{ cluster, ball, center, anchor, length: distance(anchor, center) }];
  });
}

function rehang({ cluster, center, anchor, length }: Pendulum, to: Spot, wanted: number, assembly: Assembly): void {
  const [x, z] = minus(center, anchor);
  const angle = Math.atan2(x, -z);
  const straight = Math.abs(angle) < PLUMB ? -angle : 0;
  const place = (spot: Spot) => add(to, times(turned(minus(spot, anchor), straight), wanted / length));
  move(cluster, assembly, place);
  for (const tie of assembly.ties) {
    const [first = to, last = to] = [tie.path[0], tie.path.at(-1)];
    if (cluster.groups.some((group) => tie.from === group)) tie.path = [first, to];
    if (cluster.groups.some((group) => tie.to === group)) tie.path = [to, last];
  }
}
