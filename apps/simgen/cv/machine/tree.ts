import { LIMITS } from "../../sim/scene.ts";
import { type Assembly, type Group, mainOf, massCenter, type Pin } from "./assembly.ts";
import { centerOf, type Measures } from "./part.ts";
import type { Spot } from "./plane.ts";

/** A group's place among the bodies of the scene. */
export interface Node {
  readonly group: Group;
  /** The body it hangs on; without one, the world. */
  readonly parent: Group | undefined;
  /** How it turns on that; without one, it is free in the plane. */
  readonly pin: Pin | undefined;
  /** Its body's frame: the middle of its main part. */
  readonly origin: Spot;
  readonly depth: number;
}

export interface Tree {
  /** Parents first. */
  readonly nodes: ReadonlyMap<Group, Node>;
  /** Pins that close a loop, which a tree cannot have. */
  readonly loops: readonly Pin[];
}

/** Joints from what is fixed outwards; from the group with the most joints, where nothing is. */
export function treeOf({ groups, clusters, pins }: Assembly, measures: Measures): Tree {
  const nodes = new Map<Group, Node>();
  const used = new Set<Pin>();
  const place = (group: Group, parent: Group | undefined, pin: Pin | undefined, depth: number) => {
    nodes.set(group, { group, parent, pin, depth, origin: centerOf(mainOf(group.parts)) });
    if (pin) used.add(pin);
  };
  const joints = (group: Group) => pins.filter((pin) => pin.group === group || pin.other === group).length;
  for (const cluster of clusters) {
    for (const pin of pins)
      if (pin.other === undefined && pin.group.cluster === cluster && !nodes.has(pin.group))
        place(pin.group, undefined, pin, 1);
    if (cluster.anchored) continue;
    const rank = (group: Group) => joints(group) + massCenter(group.parts, measures).mass / 1e9;
    place(
      cluster.groups.reduce((best, each) => (rank(each) > rank(best) ? each : best)),
      undefined,
      undefined,
      1,
    );
  }
  // A map's iteration goes on to what is added to it meanwhile.
  for (const { group, depth } of nodes.values())
    for (const pin of pins) {
      const next = pin.group === group ? pin.other : pin.other === group ? pin.group : undefined;
      if (!next || nodes.has(next)) continue;
      if (depth < LIMITS.depth - 2) place(next, group, pin, depth + 1);
      else place(next, undefined, undefined, 1);
    }
  for (const group of groups) if (!nodes.has(group)) place(group, undefined, undefined, 1);
  return { nodes, loops: pins.filter((pin) => !used.has(pin)) };
}

/** All that hangs on a group, itself included. */
export function outboard(group: Group, { nodes }: Tree): Group[] {
  const found = [group];
  for (const { group: each, parent } of nodes.values()) if (parent && found.includes(parent)) found.push(each);
  return found;
}
