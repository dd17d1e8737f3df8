import { materialOf } from "../../sim/material.ts";
import { type Assembly, type Cluster, type Group, massCenter } from "./assembly.ts";
import { FRICTION } from "./look.ts";
import type { Measures, Part } from "./part.ts";
import { distance } from "./plane.ts";
import { membersOf, type Rest } from "./settle.ts";

/** How far from straight below or above its joint something may be that stays, as a share of how far it reaches. */
const PLUMB = 0.01;
/** rad; friction keeps nothing round on a steeper slope. */
const LEVEL = 0.01;

/** Whether nothing in a machine will move: all stands, hangs straight down or is fixed, and no arrow sets anything going. */
export function isStill(
  { clusters, pins, ties }: Assembly,
  rests: ReadonlyMap<Cluster, Rest>,
  moving: ReadonlySet<Group>,
  measures: Measures,
): boolean {
  if (moving.size > 0) return false;
  return clusters.every((cluster) => {
    const parts = membersOf(cluster);
    if (
      ties.some(({ kind, from, to }) => kind === "spring" && (from?.cluster === cluster || to?.cluster === cluster)) &&
      !rests.has(cluster)
    )
      return false;
    if (cluster.anchored) {
      const [only, ...more] = cluster.groups;
      const pin = pins.find(({ group, other }) => group === only && other === undefined);
      if (!only || !pin || more.length > 0) return false;
      const { at } = massCenter(parts, measures);
      return Math.abs(at[0] - pin.at[0]) <= PLUMB * Math.max(measures.bar, distance(at, pin.at));
    }
    const rest = rests.get(cluster);
    return rest?.steady === true && stays(parts, rest);
  });
}

function stays(parts: readonly Part[], { normal }: Rest): boolean {
  const slope = Math.abs(Math.atan2(normal[0], normal[1]));
  const isRound = parts.every(({ kind }) => kind === "circle");
  const frictions = parts.map(
    ({ slides, material }) => slides ?? (material ? materialOf(material).friction : FRICTION),
  );
  return slope < (isRound ? LEVEL : Math.atan(Math.min(...frictions)));
}
