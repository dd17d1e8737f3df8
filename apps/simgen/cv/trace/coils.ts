import type { Hole } from "./holes.ts";
import type { Ink } from "./ink.ts";
import { type Branch, type End, lengthOf, type SkeletonGraph } from "./skeleton-graph.ts";

/** The turns of a coil, along its axis: the paper that they enclose, by its middle and half of its length and its width, px. */
export interface Coil {
  x: number;
  y: number;
  /** Of the axis, a unit vector. */
  dx: number;
  dy: number;
  halfLength: number;
  halfWidth: number;
}

/** How far apart bits of paper in one row may be, in widths of the pen. */
const GAP_PENS = 5;
const HOLES_MIN = 4;
/** The least width of a coil, in widths of the pen, and its least length and the most of a bit of paper along it, in its own widths. */
const WIDTH_PENS = 3;
const LENGTH_WIDTHS = 1.25;
const HOLE_WIDTHS = 0.7;
/** How much of the box around it a bit of paper fills, in the middle of the row: a lens or a drop less than between the rungs of a ladder. */
const FILL_MAX = 0.85;
/** Instead of the turns, a zigzag with at least so many teeth; and so many in each of its widths. */
const TEETH_MIN = 8;
const TEETH_PER_WIDTH = 2;

/** Rows of small bits of paper, a line or a little more apart: as in a spring whose turns cross themselves or touch. */
export function coilsIn(ink: Ink): Coil[] {
  return rowsIn(ink).flatMap((row) => coilOf(row, ink) ?? []);
}

function rowsIn({ mask, stride, holes, penPx }: Ink): Hole[][] {
  if (holes.length < HOLES_MIN) return [];
  const holeAt = new Map(holes.flatMap(({ pixels }, i) => pixels.map((at) => [at, i] as const)));
  const parent = holes.map((_, i) => i);
  const rootOf = (i: number): number => {
    let root = i;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]!]!;
      root = parent[root]!;
    }
    return root;
  };
  const reach = GAP_PENS * penPx + 1;
  const steps = [1, stride, stride + 1, stride - 1].map((step, i) => ({
    step,
    most: i < 2 ? reach : reach / Math.SQRT2,
  }));
  for (const [at, hole] of holeAt)
    for (const { step, most } of steps) {
      if (!mask[at + step]) continue;
      for (let way = 2; way <= most; way++) {
        const other = holeAt.get(at + way * step);
        if (other === undefined) continue;
        parent[rootOf(other)] = rootOf(hole);
        break;
      }
    }
  return [...Map.groupBy(holes, (_, i) => rootOf(i)).values()].filter(({ length }) => length >= HOLES_MIN);
}

function coilOf(row: readonly Hole[], { stride, penPx }: Ink): Coil | undefined {
  const columnOf = (at: number) => (at % stride) - 1;
  const rowOf = (at: number) => Math.floor(at / stride) - 1;
  const all = row.flatMap(({ pixels }) => pixels);
  const mean = (of: (at: number) => number) => all.reduce((sum, at) => sum + of(at), 0) / all.length;
  const [x, y] = [mean(columnOf), mean(rowOf)];
  const xx = mean((at) => (columnOf(at) - x) ** 2);
  const yy = mean((at) => (rowOf(at) - y) ** 2);
  const xy = mean((at) => (columnOf(at) - x) * (rowOf(at) - y));
  const direction = Math.atan2(2 * xy, xx - yy) / 2;
  const [dx, dy] = [Math.cos(direction), Math.sin(direction)];
  const boxOf = (pixels: readonly number[]) => {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const at of pixels) {
      const [column, line] = [columnOf(at) - x, rowOf(at) - y];
      const [along, across] = [column * dx + line * dy, line * dx - column * dy];
      [left, right] = [Math.min(left, along), Math.max(right, along)];
      [top, bottom] = [Math.min(top, across), Math.max(bottom, across)];
    }
    const [length, width] = [right - left + 1, bottom - top + 1];
    return {
      along: (left + right) / 2,
      across: (top + bottom) / 2,
      length,
      width,
      fill: pixels.length / length / width,
    };
  };
  const { along, across, length, width } = boxOf(all);
  const boxes = row.map(({ pixels }) => boxOf(pixels));
  const fill = boxes.map((box) => box.fill).sort((a, b) => a - b)[boxes.length >> 1]!;
  const longest = Math.max(...boxes.map((box) => box.length));
  const isCoil =
    width > WIDTH_PENS * penPx && length > LENGTH_WIDTHS * width && longest < HOLE_WIDTHS * width && fill < FILL_MAX;
  if (!isCoil) return undefined;
  return {
    x: x + along * dx - across * dy,
    y: y + along * dy + across * dx,
    dx,
    dy,
    halfLength: length / 2,
    halfWidth: width / 2,
  };
}

/** Puts a zigzag in place of each coil, from the line that leads to it to the one that leads away. */
export function unwindCoils(graph: SkeletonGraph, coils: readonly Coil[], ink: Ink): void {
  for (const coil of coils) {
    const leads = cutOut(graph, coil, ink.penPx);
    const ends = leads.map((each) => leadAmong(graph, each, 2 * coil.halfWidth));
    graph.branches.push(zigzagAlong(graph, coil, ends, ink));
  }
}

/** Takes a coil's turns away. Gives the ends that are left on either side of its middle. */
function cutOut(graph: SkeletonGraph, { x, y, dx, dy, halfLength, halfWidth }: Coil, penPx: number): [End[], End[]] {
  const alongOf = (px: number, py: number) => (px - x) * dx + (py - y) * dy;
  const isWithin = (px: number, py: number) =>
    Math.abs(alongOf(px, py)) < halfLength + penPx && Math.abs((py - y) * dx - (px - x) * dy) < halfWidth + penPx;
  const isCut = graph.joints.map((joint) => isWithin(joint.x, joint.y));
  const leads: [End[], End[]] = [[], []];
  const keep = (branch: Branch, start: number, end: number, side: 0 | 1): Branch[] => {
    if (start >= end) return [];
    const part: Branch = {
      ...branch,
      xs: branch.xs.slice(start, end),
      ys: branch.ys.slice(start, end),
      joints: [...branch.joints],
      isLoop: false,
    };
    part.joints[side] = undefined;
    const at = side === 0 ? 0 : -1;
    leads[alongOf(part.xs.at(at)!, part.ys.at(at)!) < 0 ? 0 : 1].push({ branch: part, side });
    return [part];
  };
  graph.branches = graph.branches.flatMap((branch) => {
    const { xs, ys, joints } = branch;
    const isInside = xs.map((px, i) => isWithin(px, ys[i]!));
    const [isFirstCut, isLastCut] = joints.map((joint) => joint !== undefined && isCut[joint]!);
    const [from, to] = [isInside.indexOf(true), isInside.lastIndexOf(true)];
    if (from < 0 && !isFirstCut && !isLastCut) return [branch];
    const head = isFirstCut ? [] : keep(branch, 0, from < 0 ? xs.length : from, 1);
    return [...head, ...(isLastCut ? [] : keep(branch, to + 1, xs.length, 0))];
  });
  return leads;
}

/** The one of them that goes on farthest; takes away what is left of turns beside it. */
function leadAmong(graph: SkeletonGraph, ends: readonly End[], shortMax: number): End | undefined {
  const isFree = ({ branch, side }: End) => branch.joints[1 - side] === undefined;
  const [lead, ...others] = [...ends].sort(
    (a, b) => Number(isFree(a)) - Number(isFree(b)) || (isFree(a) ? -1 : 1) * (lengthOf(a.branch) - lengthOf(b.branch)),
  );
  const gone = new Set(others.filter(({ branch }) => lengthOf(branch) < shortMax).map(({ branch }) => branch));
  graph.branches = graph.branches.filter((branch) => !gone.has(branch));
  return lead;
}

function zigzagAlong(
  graph: SkeletonGraph,
  coil: Coil,
  leads: readonly (End | undefined)[],
  { width, height, penPx }: Ink,
): Branch {
  const { x, y, dx, dy, halfLength, halfWidth } = coil;
  const joints = leads.map((lead) => {
    if (!lead) return undefined;
    const at = lead.side === 0 ? 0 : -1;
    lead.branch.joints[lead.side] = graph.joints.length;
    return graph.joints.push({ x: lead.branch.xs.at(at)!, y: lead.branch.ys.at(at)!, radius: penPx / 2 }) - 1;
  });
  const teeth = Math.max(TEETH_MIN, Math.ceil((TEETH_PER_WIDTH * halfLength) / halfWidth));
  const corners = Array.from({ length: teeth }, (_, tooth) => {
    const along = halfLength * ((2 * tooth + 1) / teeth - 1);
    const across = tooth % 2 === 0 ? halfWidth : -halfWidth;
    // The box around slanting turns may reach out of the picture.
    return {
      x: Math.max(0, Math.min(width - 1, x + along * dx - across * dy)),
      y: Math.max(0, Math.min(height - 1, y + along * dy + across * dx)),
    };
  });
  const [start, end] = joints.map((joint) => (joint === undefined ? [] : [graph.joints[joint]!]));
  const way = [...start!, ...corners, ...end!];
  const xs = [way[0]!.x];
  const ys = [way[0]!.y];
  way.slice(1).forEach((to, i) => {
    const from = way[i]!;
    const steps = Math.max(1, Math.round(Math.hypot(to.x - from.x, to.y - from.y)));
    for (let step = 1; step <= steps; step++) {
      xs.push(from.x + ((to.x - from.x) * step) / steps);
      ys.push(from.y + ((to.y - from.y) * step) / steps);
    }
  });
  return { xs, ys, radius: penPx / 2, joints: [joints[0], joints[1]], isLoop: false };
}
