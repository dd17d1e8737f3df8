import {
  directionOf,
  distance,
  first,
  last,
  lengthOf,
  type Path,
  type Point,
  resampled,
  turnBetween,
} from "./geometry.ts";
import { endOf, type Ink, strokesOf } from "./ink.ts";

/** A shaft that ends in a head. */
export interface Pointer {
  /** From tail to tip. */
  shaft: Path;
  strokes: readonly number[];
}

/** rad, from the way back along the shaft: where the two sides of a head go. */
const BARB_LEAST = 0.08;
const BARB_MOST = 1.4;
const SPREAD_MIN = 0.5;
const HEAD_MAX = 45;
const SHAFT_MIN = 36;
/** rad; how sharply a stroke turns at the tip. */
const REVERSAL = 1.6;

/** Arrows drawn in one stroke, or as a shaft and a head of one or two strokes; and what is left. */
export function pointersOf(inks: readonly Ink[], unit: number): { pointers: Pointer[]; rest: Ink[] } {
  const pointers: Pointer[] = [];
  const used = new Set<Ink>();
  for (const ink of inks) {
    const whole = pointerIn(ink, unit);
    if (!whole || swings(ink.path)) continue;
    pointers.push(whole);
    used.add(ink);
  }
  const byLength = inks.filter((ink) => !used.has(ink)).sort((a, b) => b.length - a.length);
  for (const shaft of byLength) {
    if (used.has(shaft)) continue;
    const left = inks.filter((ink) => !used.has(ink));
    const ahead = headAt(shaft, true, left, unit);
    const barbs = ahead ?? headAt(shaft, false, left, unit);
    if (!barbs) continue;
    for (const ink of [shaft, ...barbs]) used.add(ink);
    pointers.push({ shaft: ahead ? shaft.path : shaft.path.toReversed(), strokes: strokesOf([shaft, ...barbs]) });
  }
  return { pointers, rest: inks.filter((ink) => !used.has(ink)) };
}

/** A stroke that goes to the tip, and from there along both sides of the head. */
function pointerIn({ path, length, strokes }: Ink, unit: number): Pointer | undefined {
  if (length < 30 * unit) return;
  const points = resampled(path, Math.max(24, Math.min(160, Math.round(length / (1.5 * unit)))));
  const step = length / (points.length - 1);
  const reach = Math.max(2, Math.round((6 * unit) / step));
  for (let cut = reach; cut < points.length - reach; cut++) {
    const tip = points[cut]!;
    const [before, after] = [points[cut - reach]!, points[cut + reach]!];
    if (Math.abs(turnBetween(directionOf(before, tip), directionOf(tip, after))) < REVERSAL) continue;
    const shaftLength = cut * step;
    const headLength = length - shaftLength;
    if (headLength < 14 * unit || headLength > 1.6 * shaftLength) continue;
    const back = directionOf(tip, points[Math.max(0, cut - Math.max(3, Math.round(headLength / 3 / step)))]!);
    const head = points.slice(cut + 1);
    if (head.some((point) => distance(point, tip) > 0.55 * shaftLength)) continue;
    const shaft = points.slice(0, cut + 1);
    if (!isPlain(shaft)) continue;
    const sides = head
      .filter((point) => distance(point, tip) > 6 * unit)
      .map((point) => turnBetween(back, directionOf(tip, point)));
    const [low, high] = [Math.min(...sides), Math.max(...sides)];
    if (isBarb(-low) && isBarb(high) && high - low > SPREAD_MIN) return { shaft, strokes };
  }
  return;
}

/** The strokes of a head at an end of a shaft, if there is one. */
function headAt(shaft: Ink, atEnd: boolean, inks: readonly Ink[], unit: number): Ink[] | undefined {
  const { length } = shaft;
  if (length < SHAFT_MIN * unit || !isPlain(shaft.path)) return;
  const tip = endOf(shaft, atEnd);
  const near = Math.min(12 * unit, 4 * unit + 0.07 * length);
  const points = atEnd ? shaft.path.toReversed() : shaft.path;
  const back = directionOf(tip, pointAlong(points, Math.min(0.4 * length, 25 * unit)));
  const isHead = (end: Point) => {
    const reach = distance(tip, end);
    return reach > 5 * unit && reach < Math.min(0.7 * length, HEAD_MAX * unit);
  };
  const side = (end: Point) => turnBetween(back, directionOf(tip, end));
  const singles: { ink: Ink; side: number }[] = [];
  for (const ink of inks) {
    if (ink === shaft) continue;
    const [from, to] = [first(ink.path), last(ink.path)];
    if (ink.length > 2.5 * HEAD_MAX * unit || distance(from, tip) > HEAD_MAX * unit) continue;
    const [one, other] = [side(from), side(to)];
    const opposite = isHead(from) && isHead(to) && isBarb(Math.abs(one)) && isBarb(Math.abs(other)) && one * other < 0;
    if (opposite && isBentAt(ink.path, tip, near)) return [ink];
    const [nearer, farther] = distance(from, tip) < distance(to, tip) ? [from, to] : [to, from];
    const isStraight = distance(from, to) > 0.9 * ink.length;
    if (isStraight && distance(nearer, tip) < near && isHead(farther) && isBarb(Math.abs(side(farther))))
      singles.push({ ink, side: side(farther) });
  }
  const [left, right] = [singles.find((each) => each.side < 0), singles.find((each) => each.side > 0)];
  if (!left || !right) return;
  const ratio = left.ink.length / right.ink.length;
  const isSpread = right.side - left.side > SPREAD_MIN;
  return isSpread && ratio > 0.5 && ratio < 2 ? [left.ink, right.ink] : undefined;
}

/** Two straight pieces that meet there. */
function isBentAt(path: Path, tip: Point, near: number): boolean {
  const points = resampled(path, 40);
  const reach = points.map((point) => distance(point, first(points)) + distance(point, last(points)));
  const apex = reach.indexOf(Math.max(...reach));
  const at = points[apex]!;
  const [one, other] = [distance(first(points), at), distance(at, last(points))];
  const bend = Math.abs(turnBetween(directionOf(first(points), at), directionOf(at, last(points))));
  return (
    distance(at, tip) < near &&
    Math.min(one, other) > 0.25 * (one + other) &&
    one + other > 0.85 * lengthOf(points) &&
    bend > 1
  );
}

/** To and fro more often than an arrow does. */
function swings(path: Path): boolean {
  const points = resampled(path, 60);
  let turns = 0;
  for (let i = 4; i < points.length; i += 2) {
    const turn = turnBetween(directionOf(points[i - 4]!, points[i - 2]!), directionOf(points[i - 2]!, points[i]!));
    if (Math.abs(turn) >= 0.5) turns++;
  }
  return turns > 9;
}

/** Straight or bent evenly, and open. */
function isPlain(path: Path): boolean {
  if (distance(first(path), last(path)) < 0.25 * lengthOf(path)) return false;
  const points = resampled(path, 14);
  return points.slice(2).every((point, index) => {
    const [from, via] = [points[index]!, points[index + 1]!];
    return Math.abs(turnBetween(directionOf(from, via), directionOf(via, point))) < 1.1;
  });
}

function isBarb(angle: number): boolean {
  return angle > BARB_LEAST && angle < BARB_MOST;
}

function pointAlong(path: Path, length: number): Point {
  let left = length;
  for (let i = 1; i < path.length; i++) {
    left -= distance(path[i - 1]!, path[i]!);
    if (left <= 0) return path[i]!;
  }
  return last(path);
}
