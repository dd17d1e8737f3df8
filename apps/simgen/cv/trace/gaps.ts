import { lineLength, type PenLine } from "./pen-lines.ts";

/** Where a pen skipped: no wider than this, in its widths and pixels. */
const GAP_PENS = 1.5;
const GAP_EXTRA_PX = 2;
/** Lines on both sides of a gap run on as each other within some 40 degrees. */
const ALIGNED_COSINE = Math.cos((40 * Math.PI) / 180);
const TOUCHING_PX = 2;
/** A line is closed if it is longer than this many of the widest gaps. */
const CLOSED_GAPS_MIN = 4;
/** An end's direction is seen over this way. */
const WAY_POINTS = 8;

interface FreeEnd {
  /** Index of its line. */
  line: number;
  side: 0 | 1;
  x: number;
  y: number;
  /** Onward from the end, a unit long. */
  dx: number;
  dy: number;
}

/** Joins lines that go on as each other beyond a small gap, the smallest gaps first, and closes those that end where they began. */
export function closeGaps(lines: readonly PenLine[], penPx: number): PenLine[] {
  const gapMax = GAP_PENS * penPx + GAP_EXTRA_PX;
  const ends = lines.flatMap(freeEndsOf);
  const gaps: { one: FreeEnd; other: FreeEnd; gap: number }[] = [];
  ends.forEach((one, i) => {
    for (let j = i + 1; j < ends.length; j++) {
      const other = ends[j]!;
      if (Math.abs(other.x - one.x) > gapMax || Math.abs(other.y - one.y) > gapMax) continue;
      const gap = Math.hypot(other.x - one.x, other.y - one.y);
      const isLong = one.line !== other.line || lineLength(lines[one.line]!) > CLOSED_GAPS_MIN * gapMax;
      if (gap < gapMax && isLong && isAligned(one, other, gap)) gaps.push({ one, other, gap });
    }
  });
  /** By twice a line's index and the side: the end that it goes on as. */
  const onward = new Int32Array(2 * lines.length).fill(-1);
  for (const { one, other } of gaps.sort((a, b) => a.gap - b.gap)) {
    const [a, b] = [2 * one.line + one.side, 2 * other.line + other.side];
    if (onward[a]! >= 0 || onward[b]! >= 0) continue;
    onward[a] = b;
    onward[b] = a;
  }
  return joinedAlong(lines, onward);
}

function freeEndsOf({ xs, ys, isFree }: PenLine, line: number): FreeEnd[] {
  const last = xs.length - 1;
  return ([0, 1] as const)
    .filter((side) => isFree[side] && last > 0)
    .map((side) => {
      const [at, inner] = side === 0 ? [0, Math.min(last, WAY_POINTS)] : [last, Math.max(0, last - WAY_POINTS)];
      const [x, y] = [xs[at]!, ys[at]!];
      const [dx, dy] = [x - xs[inner]!, y - ys[inner]!];
      const size = Math.hypot(dx, dy) || 1;
      return { line, side, x, y, dx: dx / size, dy: dy / size };
    });
}

function isAligned(one: FreeEnd, other: FreeEnd, gap: number): boolean {
  const along = one.dx * (other.x - one.x) + one.dy * (other.y - one.y);
  const isAhead = gap <= TOUCHING_PX || along > ALIGNED_COSINE * gap;
  return isAhead && -(one.dx * other.dx + one.dy * other.dy) > ALIGNED_COSINE;
}

function joinedAlong(lines: readonly PenLine[], onward: Int32Array): PenLine[] {
  const isDone = new Uint8Array(lines.length);
  const joined: PenLine[] = [];
  const follow = (start: number): void => {
    const [xs, ys]: [number[], number[]] = [[], []];
    let [end, last] = [start, start];
    for (; end >= 0 && !isDone[end >> 1]; end = onward[end ^ 1]!) {
      const line = lines[end >> 1]!;
      isDone[end >> 1] = 1;
      for (const x of end & 1 ? line.xs.toReversed() : line.xs) xs.push(x);
      for (const y of end & 1 ? line.ys.toReversed() : line.ys) ys.push(y);
      last = end ^ 1;
    }
    const isClosed = end >= 0 || lines[start >> 1]!.isClosed;
    const isFree = [start, last].map((at) => !isClosed && lines[at >> 1]!.isFree[at & 1 ? 1 : 0]);
    joined.push({ xs, ys, isClosed, isFree: [isFree[0]!, isFree[1]!] });
  };
  for (let end = 0; end < onward.length; end++) if (onward[end]! < 0 && !isDone[end >> 1]) follow(end);
  lines.forEach((_, line) => {
    if (!isDone[line]) follow(2 * line);
  });
  return joined;
}
