import type { Point } from "../../cv/drawing.ts";
import { EMPTY, LIMITS, type Sketch, strokeOf } from "./sketch.ts";

const PRESENT = "sketch";
const MADE = "sketches";
/** What was run last can be edited again. */
const MADE_MAX = 6;
/** Of a browser's some 5 million characters a site. */
const CHARS_MAX = 400_000;

interface Kept {
  strokes: { points: Point[]; pressures?: number[] }[];
  texts: { text: string; at: Point }[];
  /** By the strokes' indices instead of their ids, which do not outlive the page. */
  corrections: Sketch["corrections"];
}

/** The drawing that was on the pad when the page was left. */
export function kept(): Sketch | undefined {
  return revived(read(PRESENT));
}

/** Without its picture; one that is too large is not kept. */
export function keep(sketch: Sketch): void {
  write(PRESENT, plain(sketch));
}

/** The drawing that a simulation was made of, if it was made lately and in this browser. */
export function keptFor(simulation: string): Sketch | undefined {
  return revived(madeBefore().find(({ id }) => id === simulation)?.sketch);
}

export function keepFor(simulation: string, sketch: Sketch): void {
  const others = madeBefore().filter(({ id }) => id !== simulation);
  write(MADE, [{ id: simulation, sketch: plain(sketch) }, ...others].slice(0, MADE_MAX));
}

function plain({ strokes, texts, corrections }: Sketch): Kept {
  const ids = strokes.map(({ id }) => id);
  const numbers = (all: readonly number[]) => all.map((id) => ids.indexOf(id)).filter((at) => at >= 0);
  return {
    strokes: strokes.map(({ points, pressures }) => ({
      points: [...points],
      ...(pressures && { pressures: [...pressures] }),
    })),
    texts: [...texts],
    corrections: renumbered(corrections, numbers),
  };
}

function revived(value: unknown): Sketch | undefined {
  if (!isKept(value)) return undefined;
  const strokes = value.strokes.map(({ points, pressures }) => strokeOf(points, pressures));
  const ids = (all: readonly number[]) => all.flatMap((at) => strokes[at]?.id ?? []);
  return { ...EMPTY, strokes, texts: value.texts, corrections: renumbered(value.corrections, ids) };
}

function renumbered(
  { changed, hinges }: Sketch["corrections"],
  renumber: (all: readonly number[]) => number[],
): Sketch["corrections"] {
  const renewed = changed.map((each) => ({
    ...each,
    target: { ...each.target, strokes: renumber(each.target.strokes) },
  }));
  return { changed: renewed, hinges };
}

function madeBefore(): { id: string; sketch: unknown }[] {
  const value = read(MADE);
  return Array.isArray(value) ? value.filter((each) => isRecord(each) && typeof each.id === "string") : [];
}

function read(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    // Storage is blocked, or somebody else wrote there.
    return undefined;
  }
}

function write(key: string, value: Kept | { id: string; sketch: unknown }[]): void {
  let text = JSON.stringify(value);
  if (Array.isArray(value))
    for (let count = value.length - 1; text.length > CHARS_MAX && count > 0; count--)
      text = JSON.stringify(value.slice(0, count));
  try {
    if (text.length <= CHARS_MAX) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // Storage is blocked or full: the drawing holds for this visit.
  }
}

/** What an earlier build of the page may have kept otherwise is not taken. */
function isKept(value: unknown): value is Kept {
  if (!isRecord(value)) return false;
  const { strokes, texts, corrections } = value;
  return (
    isListOf(strokes, LIMITS.strokes, isStroke) && isListOf(texts, LIMITS.texts, isText) && isCorrections(corrections)
  );
}

function isStroke(value: unknown): boolean {
  if (!isRecord(value) || !isListOf(value.points, LIMITS.points, isPoint)) return false;
  return value.pressures === undefined || isListOf(value.pressures, LIMITS.points, isNumber);
}

function isText(value: unknown): boolean {
  return isRecord(value) && typeof value.text === "string" && isPoint(value.at);
}

function isCorrections(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const isTarget = (target: unknown) =>
    isRecord(target) &&
    typeof target.kind === "string" &&
    isPoint(target.at) &&
    isListOf(target.strokes, LIMITS.strokes, isNumber);
  return (
    isListOf(value.changed, LIMITS.strokes, (each) => isRecord(each) && isTarget(each.target)) &&
    isListOf(value.hinges, LIMITS.strokes, (each) => isRecord(each) && typeof each.id === "string" && isPoint(each.at))
  );
}

function isListOf(value: unknown, max: number, isOne: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= max && value.every(isOne);
}

function isPoint(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isNumber);
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
