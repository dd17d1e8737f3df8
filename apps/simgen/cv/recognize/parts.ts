import { chainsOf, cyclesOf } from "./chain.ts";
import { type Curve, curveOf, isStraight, swayingOf } from "./curve.ts";
import { type Dot, dotsOf, ringsOf } from "./dot.ts";
import { directionOf, distance, first, isAround, last, resampled, turnBetween } from "./geometry.ts";
import { type Ink, inkOf, isNear } from "./ink.ts";
import { GAP_LOOSE, GAP_STRICT, loopsOf } from "./loop.ts";

/** What a drawing without arrows and hatching is made of. */
export interface Parts {
  /** Closed. */
  outlines: readonly Ink[];
  lines: readonly (Ink & { curve: Curve })[];
  /** Ropes and springs. */
  ties: readonly (Ink & { curve: Curve })[];
  dots: readonly Dot[];
}

/** Of a stroke's length: a coil's turns are shorter, an outline longer. */
const LOOP_SHARE = 0.3;
/** With so many turns it is a spring, whatever its coils go round. */
const SPRING_SURE = 0.85;
/** What is so short and so near an outline belongs to it. */
const STUB_LENGTH = 18;
const STUB_REACH = 6;
/** rad; a stroke that turns so at a joint is two bars. */
const BEND = 0.35;
const JOINT_REACH = 12;

/** Takes strokes apart that show several things, and puts those together that show one. */
export function partsOf(inks: readonly Ink[], unit: number): Parts {
  const { dots: marks, rest } = dotsOf(inks, unit);
  const ties: (Ink & { curve: Curve })[] = [];
  const round: Ink[] = [];
  const open: Ink[] = [];
  for (const ink of rest) {
    const swaying = swayingOf(ink.path, unit);
    const isLine = isStraight(ink.path, unit);
    const loops = isLine ? { closed: [], open: [ink] } : loopsOf(ink, GAP_STRICT, unit);
    const around = Math.max(0, ...loops.closed.map(({ length }) => length));
    const isSpring = swaying?.kind === "zigzag" && swaying.confidence > SPRING_SURE;
    if (swaying && (isSpring || around < LOOP_SHARE * ink.length)) ties.push({ ...ink, curve: swaying });
    else {
      round.push(...loops.closed);
      open.push(...loops.open);
    }
  }
  const rings = ringsOf(round, open, unit);
  const cycles = cyclesOf(open, [...marks, ...rings.dots], unit);
  const gaping = cycles.open.map((ink) =>
    isStraight(ink.path, unit) ? { closed: [], open: [ink] } : loopsOf(ink, GAP_LOOSE, unit),
  );
  const left = gaping.flatMap((loops) => loops.open);
  const late = ringsOf([...rings.rest, ...cycles.closed, ...gaping.flatMap((loops) => loops.closed)], left, unit);
  const dots = [...marks, ...rings.dots, ...late.dots];
  const lines: (Ink & { curve: Curve })[] = [];
  const whole = left.filter((ink) => !isStub(ink, late.rest, unit));
  for (const ink of bentApart(chainsOf(whole, late.rest, dots, unit), dots, unit)) {
    const curve = curveOf(ink.path, unit);
    const isTie = curve.kind === "wave" || curve.kind === "zigzag";
    (isTie ? ties : lines).push({ ...ink, curve });
  }
  return { outlines: late.rest, lines, ties, dots };
}

/** What is left where an outline was overshot. */
function isStub({ path, length }: Ink, outlines: readonly Ink[], unit: number): boolean {
  if (length > STUB_LENGTH * unit) return false;
  return outlines.some((outline) =>
    [first(path), last(path)].some((end) => isNear(outline, end, STUB_REACH * unit, true)),
  );
}

/** Bars drawn in one stroke part where a joint is marked at a bend. */
function bentApart(inks: readonly Ink[], dots: readonly Dot[], unit: number): Ink[] {
  return inks.flatMap((ink) => {
    // Also one that was drawn there and back.
    if (isStraight(ink.path, unit)) return [ink];
    const points = resampled(ink.path, Math.max(8, Math.min(120, Math.round(ink.length / (3 * unit)))));
    const reach = 8;
    const cuts = [0];
    for (const { at } of dots) {
      if (!isAround(at, ink.bounds, JOINT_REACH * unit)) continue;
      const away = points.map((point) => distance(point, at));
      const cut = away.indexOf(Math.min(...away));
      const [before, here, after] = [points[cut - reach], points[cut]!, points[cut + reach]];
      if (away[cut]! > JOINT_REACH * unit || !before || !after) continue;
      if (Math.abs(turnBetween(directionOf(before, here), directionOf(here, after))) > BEND) cuts.push(cut);
    }
    cuts.sort((a, b) => a - b);
    return cuts.map((cut, index) => inkOf(points.slice(cut, (cuts[index + 1] ?? points.length - 1) + 1), ink.strokes));
  });
}
