import { type Dot, isAtDot } from "./dot.ts";
import { distance, type Point, sweptBy } from "./geometry.ts";
import { endOf, type Ink, isAtOutline, isNear, joined, strokesOf } from "./ink.ts";

/** An end so near an outline has met that. */
const TOUCH = 8;
/** Strokes of one outline. */
const PARTS_MAX = 6;
/** Ways on from each stroke that are looked at. */
const TRIED_MAX = 300;
/** Ends that are looked at where one ends: the nearest. */
const WAYS_MAX = 6;
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
      const gapTo = (other: End) => distance(one.at, other.at);
      const met = ends.filter((each) => each.ink !== one.ink && gapTo(each) < cornerGapMax(one.ink, each.ink, unit));
      return [one, met.length > WAYS_MAX ? met.sort((a, b) => gapTo(a) - gapTo(b)).slice(0, WAYS_MAX) : met];
    }),
  );
  const joints = new Map(ends.map((end) => [end, Number(isAtDot(end.at, dots, unit))]));
  const swept = new Map(inks.map(({ path }, index) => [inks[index]!, sweptBy(path)]));
  const found: { way: readonly End[]; badness: number }[] = [];
  for (const start of ends.filter(({ atEnd }) => !atEnd)) {
    let tried = 0;
    const begin = order.get(start.ink)!;
    /** `way`: where it enters each ink; `along`, `area`: the length of it all, and twice what it has swept, gaps included. */
    const follow = (way: readonly End[], along: number, area: number, gaps: number, marked: number) => {
      if (++tried > TRIED_MAX || marked > JOINTS_MAX) return;
      const tail = way.at(-1)!.across;
      for (const next of near.get(tail)!) {
        const gap = distance(tail.at, next.at);
        const [length, round] = [along + gap, area + sweptBy([tail.at, next.at])];
        if (next === start && way.length > 1) {
          if (Math.abs(round) / 2 > COMPACT * length * length && marked + joints.get(tail)! <= JOINTS_MAX)
            found.push({ way, badness: (gaps + gap) / length + ASIDE * strokesBetween(way) });
        } else if (way.length < PARTS_MAX && order.get(next.ink)! > begin && !way.some(({ ink }) => ink === next.ink)) {
          const turned = next.atEnd ? -1 : 1;
          const further = round + turned * swept.get(next.ink)!;
          follow([...way, next], length + next.ink.length, further, gaps + gap, marked + joints.get(tail)!);
        }
      }
    };
    follow([start], start.ink.length, swept.get(start.ink)!, 0, 0);
  }
  const used = new Set<Ink>();
  const closed: Ink[] = [];
  for (const { way } of found.sort((a, b) => a.badness - b.badness)) {
    if (way.some(({ ink }) => used.has(ink))) continue;
    for (const { ink } of way) used.add(ink);
    closed.push(way.slice(1).reduce((whole, { ink, atEnd }) => joined(whole, true, ink, atEnd), way[0]!.ink));
  }
  return { closed, open: inks.filter((ink) => !used.has(ink)) };
}

/** How many strokes of something else were drawn in between. */
function strokesBetween(way: readonly End[]): number {
  const strokes = strokesOf(way.map(({ ink }) => ink));
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
    const isMet = (outline: Ink) => isAtOutline(outline, one.at, TOUCH * unit);
    const isOn = (line: Ink) => line !== one.ink && line !== only?.ink && isNear(line, one.at, TOUCH * unit);
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
