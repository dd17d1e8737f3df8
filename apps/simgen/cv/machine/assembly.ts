import type { Recognition } from "../recognition.ts";
import { boundsOf, centerOf, type Measures, massOf, moved, type Part } from "./part.ts";
import { distance, type Spot, times } from "./plane.ts";
import type { Scale } from "./scale.ts";

/** Parts that are one piece and can move. */
export interface Group {
  /** That of its most solid part. */
  readonly id: string;
  readonly parts: readonly Part[];
  /** What the joints between groups hold together, and whether any of it is held by something fixed. */
  cluster: Cluster;
}

export interface Cluster {
  readonly groups: Group[];
  anchored: boolean;
}

/** A joint about which one group turns on another, or on what is fixed. */
export interface Pin {
  readonly id: string;
  at: Spot;
  readonly group: Group;
  /** Without one, the world. */
  readonly other: Group | undefined;
  /** The parts that are joined, as far as they are in the drawing. */
  readonly parts: readonly Part[];
}

/** A rope or a spring. */
export interface Tie {
  readonly id: string;
  readonly kind: "rope" | "spring";
  path: Spot[];
  /** What it ends on; without one, the world. */
  readonly from: Group | undefined;
  readonly to: Group | undefined;
}

export interface Assembly {
  readonly parts: readonly Part[];
  readonly groups: readonly Group[];
  readonly clusters: readonly Cluster[];
  readonly pins: readonly Pin[];
  readonly ties: readonly Tie[];
  readonly groupOf: ReadonlyMap<Part, Group>;
}

/** Two pins farther apart than this, as a share of the machine, hold two groups still. */
const APART = 0.02;
/** A joint so near a bar's end, as a share of the bar, is at its end. */
const AT_END = 0.15;

type Link = { id: string; at: Spot; a: Part; b: Part | undefined };

/** Puts the parts together as the links say. Parts that can no longer move become fixed. */
export function assemble(recognition: Recognition, parts: readonly Part[], scale: Scale, warnings: string[]): Assembly {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const pinned: Link[] = [];
  const pieces = new Pieces(parts);
  for (const link of recognition.links) {
    const a = byId.get(link.a);
    const b = link.b === null ? undefined : byId.get(link.b);
    if (!a || (link.b !== null && !b) || a === b) continue;
    if (link.kind === "weld") pieces.join(a, b);
    if (link.kind === "hinge") pinned.push({ id: link.id, at: scale.spot(link.at), a, b });
  }
  stiffen(pieces, pinned, APART * scale.extent);
  for (const part of parts) part.fixed ||= pieces.isFixed(part);

  const groups = [
    ...Map.groupBy(
      parts.filter(({ fixed }) => !fixed),
      (part) => pieces.find(part),
    ).values(),
  ].map((members): Group => ({ id: mainOf(members).id, parts: members, cluster: { groups: [], anchored: false } }));
  const groupOf = new Map(groups.flatMap((group) => group.parts.map((part) => [part, group] as const)));
  const pins = pinned.flatMap(({ id, at, a, b }): Pin[] => {
    const [one, other] = [groupOf.get(a), b && groupOf.get(b)];
    if (one === other) return [];
    const joined = b ? [a, b] : [a];
    return one
      ? [{ id, at, group: one, other, parts: joined }]
      : other
        ? [{ id, at, group: other, other: one, parts: joined }]
        : [];
  });
  const ties = recognition.links.flatMap((link): Tie[] => {
    if (link.kind !== "rope" && link.kind !== "spring") return [];
    const [a, b] = [byId.get(link.a), link.b === null ? undefined : byId.get(link.b)];
    if (!a || (link.b !== null && !b)) return [];
    const [from, to] = [groupOf.get(a), b && groupOf.get(b)];
    if (from !== to) return [{ id: link.id, kind: link.kind, path: link.points.map(scale.spot), from, to }];
    warnings.push(`${link.id} holds nothing that moves`);
    return [];
  });
  const clusters = clustersOf(groups, pins);
  for (const { parts: members } of groups)
    for (const part of members) part.rod = part.kind === "line" && isRod(part, members, pins);
  return { parts, groups, clusters, pins, ties, groupOf };
}

/** Moves groups, with their joints and what is tied to them: a whole cluster, or one within it, by a little. */
export function move({ groups }: Pick<Cluster, "groups">, { pins, ties }: Assembly, to: (spot: Spot) => Spot): void {
  const inside = new Set<Group | undefined>(groups);
  for (const { parts } of groups) for (const part of parts) moved(part, to);
  for (const pin of pins) if (inside.has(pin.group) || inside.has(pin.other)) pin.at = to(pin.at);
  for (const tie of ties) {
    const [first, last] = [tie.path[0], tie.path.at(-1)];
    if (first && inside.has(tie.from)) tie.path[0] = to(first);
    if (last && inside.has(tie.to)) tie.path[tie.path.length - 1] = to(last);
  }
}

/** The part after which a group is named: no bar if it has anything else, then the largest. */
export function mainOf(parts: readonly Part[]): Part {
  const size = (part: Part) => {
    const { low, high } = boundsOf([part]);
    return (part.kind === "line" ? 1e-6 : 1) * (high[0] - low[0]) * (high[1] - low[1]);
  };
  return parts.reduce((best, part) => (size(part) > size(best) ? part : best));
}

/** Middle of mass. */
export function massCenter(parts: readonly Part[], measures: Measures): { mass: number; at: Spot } {
  let [mass, x, z] = [0, 0, 0];
  for (const part of parts) {
    const [own, [px, pz]] = [massOf(part, measures), centerOf(part)];
    mass += own;
    x += own * px;
    z += own * pz;
  }
  return { mass, at: times([x, z], 1 / mass) };
}

/** Shapes that are one piece; fixed ones are one with the paper. */
class Pieces {
  readonly #parents = new Map<Part | "paper", Part | "paper">();

  constructor(parts: readonly Part[]) {
    for (const part of parts) if (part.fixed) this.#parents.set(part, "paper");
  }

  find(part: Part | undefined): Part | "paper" {
    let at: Part | "paper" = part ?? "paper";
    for (let next = this.#parents.get(at); next; next = this.#parents.get(at)) at = next;
    return at;
  }

  isFixed(part: Part | undefined): boolean {
    return this.find(part) === "paper";
  }

  join(a: Part, b: Part | undefined): void {
    const [one, other] = [this.find(a), this.find(b)];
    if (one === other) return;
    if (one === "paper") this.#parents.set(other, one);
    else this.#parents.set(one, other);
  }
}

/** What is pinned together at two places is one piece, over and over until nothing changes. */
function stiffen(pieces: Pieces, pinned: readonly Link[], apart: number): void {
  for (let changed = true; changed; ) {
    changed = false;
    const between = new Map<Part | "paper", Map<Part | "paper", Spot>>();
    for (const { a, b, at } of pinned) {
      const [one, other] = [pieces.find(a), pieces.find(b)];
      if (one === other) continue;
      const first = between.get(one)?.get(other) ?? between.get(other)?.get(one);
      if (first === undefined) between.set(one, (between.get(one) ?? new Map()).set(other, at));
      else if (distance(first, at) > apart) {
        pieces.join(a, b);
        changed = true;
        break;
      }
    }
  }
}

function clustersOf(groups: readonly Group[], pins: readonly Pin[]): Cluster[] {
  const clusters = new Set<Cluster>();
  for (const group of groups) {
    group.cluster = { groups: [group], anchored: false };
    clusters.add(group.cluster);
  }
  for (const { group, other } of pins) {
    const [kept, gone] = [group.cluster, other?.cluster];
    if (!gone) kept.anchored = true;
    if (!gone || gone === kept) continue;
    kept.anchored ||= gone.anchored;
    for (const each of gone.groups) {
      kept.groups.push(each);
      each.cluster = kept;
    }
    clusters.delete(gone);
  }
  return [...clusters];
}

/** Whether a line joins things: it is welded to something, or has a joint at an end. A plank is held in its middle, if at all. */
function isRod(part: Part, members: readonly Part[], pins: readonly Pin[]): boolean {
  if (members.length > 1) return true;
  const [first = [0, 0], last = [0, 0]] = [part.points[0], part.points.at(-1)];
  const near = AT_END * distance(first, last);
  return pins.some(({ parts, at }) => parts.includes(part) && Math.min(distance(at, first), distance(at, last)) < near);
}
