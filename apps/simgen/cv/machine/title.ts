import type { Recognition } from "../recognition.ts";
import { type Assembly, type Cluster, type Group, massCenter } from "./assembly.ts";
import type { Saying } from "./label.ts";
import { boundsOf, centerOf, type Measures, type Part } from "./part.ts";
import { distance } from "./plane.ts";
import { membersOf, type Rest } from "./settle.ts";
import type { Tree } from "./tree.ts";

interface Context {
  assembly: Assembly;
  tree: Tree;
  rests: ReadonlyMap<Cluster, Rest>;
  said: readonly Saying[];
  measures: Measures;
}

/** From level, rad: what stands on a steeper surface stands on a ramp. */
const SLOPED = 0.06;

/** What a machine is called: by a label that says only that, or else by what it is made of. */
export function titleOf(recognition: Recognition, context: Context): string {
  const name = context.said.find(({ kind, label }) => kind === "name" && /\p{L}{2}/u.test(label.text))?.label.text;
  const kind = name?.toLowerCase() ?? kindOf(recognition, context);
  return kind === undefined ? "Sketch" : `Sketch: ${kind}`;
}

function kindOf({ arrows }: Recognition, context: Context): string | undefined {
  const { assembly, tree, rests } = context;
  const { clusters, ties, pins } = assembly;
  const swinging = clusters.filter(({ anchored }) => anchored);
  const bobs = swinging.filter((cluster) => cluster.groups.length === 1 && hasBob(cluster));
  const hung = clusters.filter(
    (cluster) => !cluster.anchored && ties.some(({ kind, from, to }) => kind === "rope" && isHung(cluster, from, to)),
  );
  if (bobs.length + hung.length >= 3) return "Newton's cradle";
  if (clusters.some((cluster) => wheelsOf(cluster, context) >= 2)) return "a car";
  if (tree.loops.length > 0) return "a linkage";
  if (ties.some(({ kind }) => kind === "spring"))
    return clusters.length > 1 ? "masses on springs" : "a mass on a spring";
  if (
    ties.some(
      ({ kind, from, to, path }) => kind === "rope" && from && to && from.cluster !== to.cluster && path.length > 2,
    )
  )
    return "weights on a rope";
  const [first] = swinging;
  if (first && swinging.length === 1) {
    const plank = pins.find(
      ({ group, at, other }) => other === undefined && group.cluster === first && isMiddle(group, at, context),
    );
    if (plank && first.groups.length === 1)
      return plank.group.parts.every(({ kind }) => kind === "line" || kind === "box") ? "a seesaw" : undefined;
    const links = first.groups.length;
    if (links === 1 && membersOf(first).every(({ kind }) => kind === "circle")) return "a wheel";
    if (links === 1) return hasBob(first) ? "a pendulum" : "a swinging bar";
    if (!first.groups.every(({ parts }) => parts.some(({ kind }) => kind === "line"))) return "a crank";
    if (arrows.some(({ does }) => does === "motor")) return `an arm of ${links} links`;
    return links === 2 ? "a double pendulum" : `a pendulum of ${links} links`;
  }
  if (swinging.length > 1) return `${swinging.length} pendulums`;
  if (hung.length > 0) return "a pendulum on a rope";
  const loose = clusters.flatMap(({ groups: [only, ...more] }) =>
    only && more.length === 0 && only.parts.length === 1 ? only.parts : [],
  );
  const restOf = (part: Part) => {
    const group = assembly.groupOf.get(part);
    return group && rests.get(group.cluster);
  };
  const standing = loose.filter((part) => restOf(part) !== undefined);
  const tall = standing.filter((part) => part.kind === "box" && isTall(part));
  if (tall.length >= 3 && tall.length >= loose.length - 2) return `${tall.length} dominoes`;
  const onRamp = loose.find((part) => isOnRamp(restOf(part)));
  if (onRamp) return `a ${nounOf(onRamp)} on a ramp`;
  const boxes = loose.filter(({ kind }) => kind === "box");
  if (boxes.length >= 2 && boxes.length === loose.length && standing.length === loose.length)
    return `a stack of ${boxes.length} boxes`;
  const pushed = loose.find(({ id }) => arrows.some(({ does, target }) => does === "push" && target === id));
  return pushed?.kind === "circle" ? "a thrown ball" : undefined;
}

/** How many of a cluster's circles turn on what they carry. */
function wheelsOf(cluster: Cluster, { tree }: Context): number {
  if (cluster.anchored) return 0;
  return cluster.groups.filter((group) => {
    const node = tree.nodes.get(group);
    const [part] = group.parts;
    return (
      node?.parent && node.pin && part?.kind === "circle" && distance(centerOf(part), node.pin.at) < 0.3 * part.radius
    );
  }).length;
}

function hasBob(cluster: Cluster): boolean {
  const parts = membersOf(cluster);
  return (
    parts.some(({ kind }) => kind === "line") &&
    parts.some(({ kind }) => kind === "circle" || kind === "box" || kind === "polygon")
  );
}

function isHung(cluster: Cluster, from: Group | undefined, to: Group | undefined): boolean {
  return (from === undefined && to?.cluster === cluster) || (to === undefined && from?.cluster === cluster);
}

function isMiddle(group: Group, at: readonly [number, number], { measures }: Context): boolean {
  const { low, high } = boundsOf(group.parts);
  const length = Math.hypot(high[0] - low[0], high[1] - low[1]);
  return distance(massCenter(group.parts, measures).at, at) < 0.15 * length;
}

function isTall(part: Part): boolean {
  const { low, high } = boundsOf([part]);
  return high[1] - low[1] > 2 * (high[0] - low[0]);
}

function isOnRamp(rest: Rest | undefined): boolean {
  if (!rest || Math.abs(rest.normal[0]) < SLOPED) return false;
  return rest.on.some((each) => each !== "floor" && (each.fixed || each.kind !== "box"));
}

function nounOf({ kind }: Part): string {
  return { circle: "ball", box: "box", polygon: "plate", line: "bar", ground: "ground" }[kind];
}
