import type { Assembly, Group } from "./assembly.ts";
import { boxOf, gapBetween, type Piece, piecesOf } from "./contact.ts";
import type { Measures, Part } from "./part.ts";
import type { Tree } from "./tree.ts";

/** More than so many layers would be too thin. */
const LAYERS_MAX = 4;
/** Between two layers, as a share of one. */
const LAYER_GAP = 0.04;
/** An overlap, as a share of the machine, that is only a hair. */
const HAIR = 1e-4;
/** Parts that a joint holds together this closely would rub. */
const CLOSE = 0.01;

/** Where a part lies from front (-) to back (+), m, and whether anything touches it there. */
export interface Layer {
  middle: number;
  half: number;
  collides: boolean;
  /** It has a layer of its own instead of the whole depth. */
  thin: boolean;
  /** A line whose end is in the floor: only what is above it touches anything. */
  isSunk: boolean;
}

export interface Layers {
  of(part: Part): Layer;
  /** Pairs that overlap without being joined, and so pass one another. */
  passing: readonly [Part, Part][];
  /** What the floor would throw out and a joint holds in. */
  sunk: readonly Part[];
}

/**
 * What overlaps as drawn and cannot be moved apart lies in layers, one before the other, as in a real machine: a bar and
 * what it turns on, the bars of a linkage. Everything else is as deep as the machine, so that all layers touch it.
 */
export function layersOf(assembly: Assembly, tree: Tree, measures: Measures): Layers {
  const { parts, groupOf, pins } = assembly;
  const looped = new Set(tree.loops.flatMap(({ group, other }) => [group.cluster, ...(other ? [other.cluster] : [])]));
  const conflicts = new Map<Part, Set<Part>>();
  const passing: [Part, Part][] = [];
  const pieces = parts.map((part) => {
    const own = piecesOf(part).map((piece) => ({ ...piece, ...boxOf(piece) }));
    return { part, pieces: own, ...around(own) };
  });
  const joined = (a: Part, b: Part) => pins.some((pin) => pin.parts.includes(a) && pin.parts.includes(b));

  pieces.forEach((one, at) => {
    for (const other of pieces.slice(at + 1)) {
      const [a, b] = [groupOf.get(one.part), groupOf.get(other.part)];
      if (a === b || excluded(a, b, tree)) continue;
      const linked = joined(one.part, other.part);
      const barred =
        one.part.kind === "line" &&
        other.part.kind === "line" &&
        a &&
        b &&
        a.cluster === b.cluster &&
        looped.has(a.cluster);
      const room = linked ? CLOSE * measures.extent : -HAIR * measures.extent;
      if (!barred && !(isNear(one, other, room) && isWithin(one.pieces, other.pieces, room))) continue;
      link(conflicts, one.part, other.part);
      if (!linked && !barred && !(a && b && a.cluster === b.cluster)) passing.push([one.part, other.part]);
    }
  });

  const colors = colored(parts, conflicts);
  const count = Math.min(LAYERS_MAX, 1 + Math.max(0, ...colors.values()));
  const sunk = pieces
    .filter(({ part, low }) => !part.fixed && low[1] < -HAIR * measures.extent)
    .map(({ part }) => part);
  const thickness = (2 * measures.depth) / count;
  return {
    passing,
    sunk,
    of(part) {
      const color = colors.get(part);
      const isSunk = part.kind === "line" && sunk.includes(part);
      const collides = (isSunk || !sunk.includes(part)) && (color ?? 0) < LAYERS_MAX;
      if (color === undefined || color >= LAYERS_MAX || count === 1)
        return { middle: 0, half: measures.depth, collides, thin: false, isSunk };
      // The first layer is at the back.
      const middle = measures.depth - (color + 0.5) * thickness;
      return { middle, half: Math.max(0.0005, (0.5 - LAYER_GAP) * thickness), collides, thin: true, isSunk };
    },
  };
}

/** MuJoCo itself lets a body and what hangs on it pass one another. */
function excluded(a: Group | undefined, b: Group | undefined, { nodes }: Tree): boolean {
  if (!a || !b) return false;
  return nodes.get(a)?.parent === b || nodes.get(b)?.parent === a;
}

/** Greedily, what is fixed first: each the first color that none of its conflicts has. */
function colored(parts: readonly Part[], conflicts: ReadonlyMap<Part, ReadonlySet<Part>>): Map<Part, number> {
  const colors = new Map<Part, number>();
  for (const part of [...parts.filter(({ fixed }) => fixed), ...parts.filter(({ fixed }) => !fixed)]) {
    const others = conflicts.get(part);
    if (!others) continue;
    const taken = new Set([...others].map((each) => colors.get(each)));
    let color = 0;
    while (taken.has(color)) color++;
    colors.set(part, color);
  }
  return colors;
}

function link(conflicts: Map<Part, Set<Part>>, a: Part, b: Part): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    conflicts.set(one, (conflicts.get(one) ?? new Set()).add(other));
}

type Box = Pick<ReturnType<typeof boxOf>, "low" | "high">;

function around(boxes: readonly Box[]): Box {
  return boxes.reduce((a, b) => ({
    low: [Math.min(a.low[0], b.low[0]), Math.min(a.low[1], b.low[1])],
    high: [Math.max(a.high[0], b.high[0]), Math.max(a.high[1], b.high[1])],
  }));
}

function isNear(a: Box, b: Box, room: number): boolean {
  const reach = Math.max(0, room);
  return (
    a.low[0] < b.high[0] + reach &&
    b.low[0] < a.high[0] + reach &&
    a.low[1] < b.high[1] + reach &&
    b.low[1] < a.high[1] + reach
  );
}

function isWithin(a: readonly (Piece & Box)[], b: readonly (Piece & Box)[], room: number): boolean {
  return a.some((one) => b.some((other) => isNear(one, other, room) && gapBetween(one, other).gap < room));
}
