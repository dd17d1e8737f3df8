import { type Dot, isAtDot } from "./dot.ts";
import { areaOf, distance, isInside, nearestOnPath, type Point } from "./geometry.ts";
import { endOf, type Ink, joined } from "./ink.ts";

/** An end so near an outline has met that. */
const TOUCH = 8;
/** Strokes of one outline. */
const PARTS_MAX = 6;
/** Ways on from each stroke that are looked at. */
const TRIED_MAX = 300;
/** What a stroke in between counts for, as a gap's share of the way around: who draws an outline seldom does something else meanwhile. */
const ASIDE = 0.004;
/** Area by squared length. */
const COMPACT = 0.012;
/** A plate may have a joint at a corner; with more, its sides are bars. */
const JOINTS_MAX = 1;

/** Where an ink begins, or ends. */
class End {
  readonly ink: Ink;
  readonly atEnd: boolean;
  readonly at: Point;
  /** The other one of the same ink. */
  across: End = this;

  constructor(ink: Ink, atEnd: boolean) {
    this.ink = ink;
    this.atEnd = atEnd;
    this.at = endOf(ink, atEnd);
  }
}

/** How far apart two ends may be that a hand meant to meet. */
function gapMax(one: Ink, other: Ink, unit: number): number {
  return Math.min(26 * unit, 5 * unit + 0.1 * Math.min(one.length, other.length));
}

/** The same on the way round an outline, which says by itself that they meet. */
function cornerGapMax(one: Ink, other: Ink, unit: number): number {
  return Math.min(28 * unit, 8 * unit + 0.12 * Math.min(one.length, other.length));
}

/** Outlines drawn in several strokes: those that close best first, each stroke used once. */
export function cyclesOf(inks: readonly Ink[], dots: readonly Dot[], unit: number): { closed: Ink[]; open: Ink[] } {
  const ends = endsOf(inks);
  const order = new Map(inks.map((ink, index) => [ink, index]));
  const near = new Map(
    ends.map((one) => {
      const isNear = (other: End) => distance(one.at, other.at) < cornerGapMax(one.ink, other.ink, unit);
      return [one, ends.filter((other) => other.ink !== one.ink && isNear(other))];
    }),
  );
  const joints = new Map(ends.map((end) => [end, Number(isAtDot(end.at, dots, unit))]));
  const found: { parts: Ink[]; badness: number; whole: Ink }[] = [];
  for (const start of ends.filter(({ atEnd }) => !atEnd)) {
    let tried = 0;
    const begin = order.get(start.ink)!;
    const follow = (parts: Ink[], whole: Ink, tail: End, gaps: number, marked: number) => {
      if (++tried > TRIED_MAX || marked > JOINTS_MAX) return;
      for (const next of near.get(tail)!) {
        const gap = distance(tail.at, next.at);
        if (next === start && parts.length > 1) {
          const length = whole.length + gap;
          if (Math.abs(areaOf(whole.path)) > COMPACT * length * length && marked + joints.get(tail)! <= JOINTS_MAX)
            found.push({ parts, whole, badness: (gaps + gap) / length + ASIDE * strokesBetween(whole) });
        } else if (parts.length < PARTS_MAX && order.get(next.ink)! > begin && !parts.includes(next.ink)) {
          const longer = joined(whole, true, next.ink, next.atEnd);
          follow([...parts, next.ink], longer, next.across, gaps + gap, marked + joints.get(tail)!);
        }
      }
    };
    follow([start.ink], start.ink, start.across, 0, 0);
  }
  const used = new Set<Ink>();
  const closed: Ink[] = [];
  for (const { parts, whole } of found.sort((a, b) => a.badness - b.badness)) {
    if (parts.some((part) => used.has(part))) continue;
    for (const part of parts) used.add(part);
    closed.push(whole);
  }
  return { closed, open: inks.filter((ink) => !used.has(ink)) };
}

/** How many strokes of something else were drawn in between. */
function strokesBetween({ strokes }: Ink): number {
  return Math.min(8, Math.max(...strokes) - Math.min(...strokes) + 1 - strokes.length);
}

/** Two an ink: where it begins, and where it ends. */
function endsOf(inks: readonly Ink[]): End[] {
  return inks.flatMap((ink) => {
    const [from, to] = [new End(ink, false), new End(ink, true)];
    from.across = to;
    to.across = from;
    return [from, to];
  });
}

/** Lines drawn in several strokes: two ends that meet, with no third and no joint there. */
export function chainsOf(inks: readonly Ink[], outlines: readonly Ink[], dots: readonly Dot[], unit: number): Ink[] {
  const ends = endsOf(inks);
  const partners = new Map<End, End>();
  for (const one of ends) {
    const near = ends.filter(
      (other) => other.ink !== one.ink && distance(one.at, other.at) < gapMax(one.ink, other.ink, unit),
    );
    const [only] = near;
    const isMet = (outline: Ink) =>
      isInside(one.at, outline.path) || nearestOnPath(one.at, outline.path, true).distance < TOUCH * unit;
    const isOn = (line: Ink) =>
      line !== one.ink && line !== only?.ink && nearestOnPath(one.at, line.path).distance < TOUCH * unit;
    if (only && near.length === 1 && !isAtDot(one.at, dots, unit) && !outlines.some(isMet) && !inks.some(isOn))
      partners.set(one, only);
  }
  const chains: Ink[] = [];
  const used = new Set<Ink>();
  const nextAfter = (end: End): End | undefined => {
    const partner = partners.get(end);
    return partner && partners.get(partner) === end && !used.has(partner.ink) ? partner : undefined;
  };
  for (const from of ends.filter(({ atEnd }) => !atEnd)) {
    if (used.has(from.ink)) continue;
    used.add(from.ink);
    let chain = from.ink;
    // From its end on, and then back from its beginning: where a chain goes on, it goes on from the last one's other end.
    for (const end of [from.across, from])
      for (let met = nextAfter(end); met; met = nextAfter(met.across)) {
        used.add(met.ink);
        chain = end.atEnd ? joined(chain, true, met.ink, met.atEnd) : joined(met.ink, met.atEnd, chain, false);
      }
    chains.push(chain);
  }
  return chains;
}
