import type { Drawing, Point } from "../drawing.ts";
import { SKETCH_LIMITS } from "../sketch.ts";
import { mendArrowheads } from "./arrowheads.ts";
import { splitAtBends } from "./bends.ts";
import { mergeNearJoints, mergeOverlaps } from "./bridges.ts";
import { coilsIn, unwindCoils } from "./coils.ts";
import { dotsOffSprings, splitAtDots } from "./dots.ts";
import { excessIn, outlinesIn } from "./faces.ts";
import { closeGaps } from "./gaps.ts";
import { ImageError } from "./image-error.ts";
import type { Ink } from "./ink.ts";
import { pairEnds } from "./junctions.ts";
import { closeCorners } from "./open-corners.ts";
import { lineLength, linesOf } from "./pen-lines.ts";
import { cutTails, joinPairs, mendTips, pruneSpurs } from "./pruning.ts";
import { thin } from "./skeleton.ts";
import { graphOf } from "./skeleton-graph.ts";
import { withoutSlivers } from "./slivers.ts";
import { strokeOf } from "./smoothing.ts";
import { type Dot, separateSolids } from "./solids.ts";
import { partHatching } from "./tails.ts";

/** Shorter lines are specks, in widths of the pen. */
const LINE_MIN_PENS = 1.5;
const LINE_MIN_PX = 4;
/** Fewer, 2 px apart, are what is left of noise. */
const POINTS_MIN = 10;
/** Scribbled, as a pen fills one. */
const DOT_POINTS = 12;
const DOT_TURNS = 3;
/** More are not even looked at: some of these are specks, or pieces of one line. */
const BRANCHES_MAX = 2500;
const LINES_MAX = 2 * SKETCH_LIMITS.strokes;

/**
 * The strokes of a drawing, in the pixels of its picture as scaled down; what is traced of `ink` is used up. A dot comes out as a
 * tiny scribble. Throws `ImageError`.
 */
export function traceInk(ink: Ink): Drawing {
  const { width, height, penPx } = ink;
  const coils = coilsIn(ink);
  const solids = separateSolids(ink);
  thin(ink);
  const graph = graphOf(ink);
  if (graph.branches.length > BRANCHES_MAX) throw tooComplex(`${graph.branches.length} lines`);
  unwindCoils(graph, coils, ink);
  mergeNearJoints(graph, penPx);
  const heads = mendArrowheads(graph, ink);
  pruneSpurs(graph, penPx);
  mergeNearJoints(graph, penPx);
  const hatching = partHatching(graph, penPx);
  joinPairs(graph, penPx);
  cutTails(graph, hatching.union(heads), penPx);
  closeCorners(graph, hatching.union(heads), ink);
  joinPairs(graph, penPx);
  mendTips(graph, penPx);
  mergeOverlaps(graph, penPx);
  const onward = pairEnds(graph, penPx);
  const outlines = outlinesIn(graph, onward, penPx);
  const isOutline = new Uint8Array(graph.branches.length);
  for (const { chain } of outlines) for (const end of chain) isOutline[end >> 1] = 1;
  for (const branch of excessIn(graph, outlines, penPx)) isOutline[graph.branches.indexOf(branch)] = 1;
  const open = linesOf(graph, onward, outlines, isOutline, hatching);
  if (open.length + solids.length > LINES_MAX) throw tooComplex(`${open.length + solids.length} lines`);
  const all = withoutSlivers([...outlines.map(({ line }) => line), ...closeGaps(open, penPx)], penPx);
  const whole = splitAtBends(all);
  const dots = dotsOffSprings(whole, solids);
  const lines = splitAtDots(whole, dots);
  const lengthMin = Math.max(LINE_MIN_PX, LINE_MIN_PENS * penPx);
  const strokes = [...lines.filter((line) => lineLength(line) >= lengthMin).map(strokeOf), ...dots.map(strokeOfDot)];
  const points = strokes.reduce((sum, { length }) => sum + length, 0);
  if (points < POINTS_MIN) throw new ImageError("image_empty", "expected a drawing, got an image without lines");
  if (strokes.length > SKETCH_LIMITS.strokes)
    throw tooComplex(`${strokes.length} strokes, more than ${SKETCH_LIMITS.strokes}`);
  if (points > SKETCH_LIMITS.points) throw tooComplex(`${points} points, more than ${SKETCH_LIMITS.points}`);
  return { width, height, strokes, texts: [] };
}

function strokeOfDot({ x, y, radius }: Dot): Point[] {
  return Array.from({ length: DOT_TURNS * DOT_POINTS + 1 }, (_, i) => {
    const turn = (2 * Math.PI * (i % DOT_POINTS)) / DOT_POINTS;
    return [x + 0.5 + radius * Math.cos(turn), y + 0.5 + radius * Math.sin(turn)];
  });
}

function tooComplex(what: string): ImageError {
  return new ImageError("image_too_complex", `expected a drawing, got ${what}`);
}
