import type { Point } from "../../cv/drawing.ts";
import type { Arrow, Label, LineShape, Link, Recognition, RopeLink, Shape, SpringLink } from "../../cv/recognition.ts";
import { converted, distanceToShape, nearestEnd, outlineOf } from "./convert.ts";
import { type Item, isShape, itemsOf, type Kind, kindOf, type LinkKind, type ShapeKind } from "./kind.ts";
import { areaOf, distance, thinned } from "./path.ts";
import { findTarget, type Target, targetOf } from "./target.ts";

/** What somebody knows better about something that was seen. */
export interface Correction {
  target: Target;
  kind?: Kind;
  fixed?: boolean;
  gone?: true;
}

/** A joint that was not seen. */
export interface AddedHinge {
  id: string;
  at: Point;
  kind: "hinge" | "weld";
}

export interface Corrections {
  changed: readonly Correction[];
  hinges: readonly AddedHinge[];
}

export interface Corrected {
  recognition: Recognition;
  /** Ids of what was put right. */
  touched: ReadonlySet<string>;
  /** Whether anything differs from what was seen. */
  isChanged: boolean;
}

const CORRECTIONS_MAX = 200;
const HINGES_MAX = 40;
const POINTS_MAX = 64;
/** How near something must be to be meant, in units of the paper. */
const NEAR = 18;
const SHAPES: readonly ShapeKind[] = ["circle", "box", "polygon", "line", "ground"];

/** What was seen with the corrections that still find what they are about. */
export function corrected(seen: Recognition, strokeIds: readonly number[], corrections: Corrections): Corrected {
  const changes = new Map<string, Correction>();
  for (const correction of corrections.changed) {
    const item = findTarget(correction.target, itemsOf(seen), strokeIds);
    if (item) changes.set(item.id, correction);
  }
  const touched = new Set(changes.keys());
  const next = new Revision(seen, changes);
  for (const hinge of corrections.hinges) if (next.hinge(hinge)) touched.add(hinge.id);
  return { recognition: next.done(), touched, isChanged: touched.size > 0 || next.hasLost };
}

/** Adds to what is known about an item, as it was seen. */
export function withChange(
  corrections: Corrections,
  item: Item,
  strokeIds: readonly number[],
  change: Omit<Correction, "target">,
): Corrections {
  const earlier = corrections.changed.find(({ target }) => findTarget(target, [item], strokeIds) !== undefined);
  const merged: Correction = { ...earlier, target: targetOf(item, strokeIds), ...change };
  const changed = [...corrections.changed.filter((each) => each !== earlier), merged].slice(-CORRECTIONS_MAX);
  return { ...corrections, changed };
}

export function withHinge(corrections: Corrections, hinge: AddedHinge): Corrections {
  const hinges = [...corrections.hinges.filter(({ id }) => id !== hinge.id), hinge].slice(-HINGES_MAX);
  return { ...corrections, hinges };
}

export function withoutHinge(corrections: Corrections, id: string): Corrections {
  return { ...corrections, hinges: corrections.hinges.filter((each) => each.id !== id) };
}

/** An id that no hinge has. */
export function freshHingeId({ hinges }: Corrections): string {
  for (let at = 1; ; at++) if (!hinges.some(({ id }) => id === `added-${at}`)) return `added-${at}`;
}

/** The one or two shapes that a hinge at this point joins; on one, it holds it to the paper. */
export function joinedAt(shapes: readonly Shape[], at: Point): readonly Shape[] {
  return (
    shapes
      .map((shape) => ({ shape, away: distanceToShape(shape, at), area: areaOf(outlineOf(shape)) }))
      .filter(({ away }) => away <= NEAR)
      // The small ones are drawn on the large ones, and are meant.
      .sort((a, b) => a.away - b.away || a.area - b.area)
      .slice(0, 2)
      .map(({ shape }) => shape)
  );
}

/** What an item can be made into, its own kind first. */
export function kindsFor(item: Item, recognition: Recognition): readonly Kind[] {
  const own = kindOf(item);
  const others = alternatives(item, recognition).filter((kind) => kind !== own);
  return [own, ...others];
}

function alternatives(item: Item, recognition: Recognition): readonly Kind[] {
  if ("does" in item) return ["push", "motor"];
  if (isShape(item)) return item.kind === "line" && tieOf(item, recognition) ? [...SHAPES, "rope", "spring"] : SHAPES;
  return item.kind === "hinge" || item.kind === "weld" ? ["hinge", "weld"] : ["rope", "spring", "line"];
}

interface Tie {
  a: string;
  b: string | null;
  /** From `a` to `b`. */
  points: readonly Point[];
}

/** What a rod would tie together if it were a rope. */
function tieOf(line: LineShape, { links }: Recognition): Tie | undefined {
  const ends: [(string | null)?, (string | null)?] = [];
  const byDistance = links
    .filter((link) => link.kind === "hinge" || link.kind === "weld")
    .filter(({ a, b }) => a === line.id || b === line.id)
    .map((link) => ({ other: link.a === line.id ? link.b : link.a, ...nearestEnd(line.points, link.at) }))
    .sort((a, b) => a.away - b.away);
  for (const { other, end } of byDistance) if (ends[end] === undefined) ends[end] = other;
  const [a, b] = ends;
  if (a === undefined || b === undefined || a === b) return undefined;
  if (a !== null) return { a, b, points: line.points };
  return b === null ? undefined : { a: b, b: a, points: line.points.toReversed() };
}

/** What was seen, while it is being put right. */
class Revision {
  /** Whether something went because of what it belonged to. */
  hasLost = false;
  readonly #seen: Recognition;
  readonly #shapes: Shape[] = [];
  #links: Link[] = [];
  readonly #arrows: Arrow[] = [];

  constructor(seen: Recognition, changes: ReadonlyMap<string, Correction>) {
    this.#seen = seen;
    for (const shape of seen.shapes) this.#takeShape(shape, changes.get(shape.id));
    for (const link of seen.links) this.#takeLink(link, changes.get(link.id));
    for (const arrow of seen.arrows) this.#takeArrow(arrow, changes.get(arrow.id));
  }

  /** False where there is nothing to join. */
  hinge({ id, at, kind }: AddedHinge): boolean {
    const [first, second] = joinedAt(this.#shapes, at);
    if (!first) return false;
    const [a, b] = [first.id, second?.id ?? null];
    const isSamePair = (link: Link) => (link.a === a && link.b === b) || (link.a === b && link.b === a);
    this.#links = this.#links.filter((link) => !("at" in link && isSamePair(link) && distance(link.at, at) <= NEAR));
    this.#links.push({ id, kind, a, b, at, confidence: 1, strokes: [] });
    return true;
  }

  done(): Recognition {
    const ids = new Set(this.#shapes.map(({ id }) => id));
    const links = this.#links.filter(({ a, b }) => ids.has(a) && (b === null || ids.has(b)));
    const arrows = this.#arrows.filter(({ target }) => ids.has(target));
    this.hasLost ||= links.length < this.#links.length || arrows.length < this.#arrows.length;
    const labels = this.#seen.labels.map(
      (label): Label => ({ ...label, target: label.target !== null && ids.has(label.target) ? label.target : null }),
    );
    return { ...this.#seen, shapes: this.#shapes, links, arrows, labels };
  }

  #takeShape(shape: Shape, change: Correction | undefined): void {
    if (change?.gone) return;
    const kind = change?.kind;
    if ((kind === "rope" || kind === "spring") && shape.kind === "line") {
      const tie = tieOf(shape, this.#seen);
      if (tie) {
        this.#links.push(tied(shape, kind, tie));
        return;
      }
    }
    const now = kind !== undefined && isShapeKind(kind) ? converted(shape, kind) : shape;
    const fixed = now.kind === "ground" || (change?.fixed ?? now.fixed);
    this.#shapes.push(change ? limited({ ...now, fixed, confidence: 1 }) : now);
  }

  #takeLink(link: Link, change: Correction | undefined): void {
    if (change?.gone) return;
    if (change?.kind === "line" && "points" in link) this.#takeRod(link);
    else this.#links.push(change ? { ...relinked(link, change.kind), confidence: 1 } : link);
  }

  /** What was taken for a rope or a spring: turns where it meets something fixed, is one piece with what moves. */
  #takeRod({ id, points, strokes, a, b }: RopeLink | SpringLink): void {
    const isFixed = (other: string | null) => other === null || this.#shapes.find((each) => each.id === other)?.fixed;
    const ends = [points[0]!, points.at(-1)!] as const;
    this.#shapes.push({ id, kind: "line", points: ends, fixed: false, confidence: 1, strokes });
    const joining = { confidence: 1, strokes: [], a: id } as const;
    const kind = (other: string | null) => (isFixed(other) ? ("hinge" as const) : ("weld" as const));
    this.#links.push({ ...joining, id: `${id}-a`, kind: kind(a), b: a, at: ends[0] });
    this.#links.push({ ...joining, id: `${id}-b`, kind: kind(b), b, at: ends[1] });
  }

  #takeArrow(arrow: Arrow, change: Correction | undefined): void {
    if (change?.gone) return;
    const does = change?.kind === "push" || change?.kind === "motor" ? change.kind : arrow.does;
    this.#arrows.push(change ? { ...arrow, does, confidence: 1 } : arrow);
  }
}

function tied({ id, strokes }: LineShape, kind: "rope" | "spring", { a, b, points }: Tie): Link {
  const joining = { id, strokes, confidence: 1, a, b };
  return kind === "rope" ? { ...joining, kind, points } : { ...joining, kind, points: [points[0]!, points.at(-1)!] };
}

function relinked(link: Link, kind: Kind | undefined): Link {
  if (kind === undefined || kind === link.kind || !isLinkKind(kind)) return link;
  if ("at" in link) return kind === "hinge" || kind === "weld" ? { ...link, kind } : link;
  const ends = [link.points[0]!, link.points.at(-1)!] as const;
  return kind === "rope" || kind === "spring" ? { ...link, kind, points: ends } : link;
}

function limited(shape: Shape): Shape {
  return "points" in shape ? { ...shape, points: thinned(shape.points, POINTS_MAX) } : shape;
}

function isShapeKind(kind: Kind): kind is ShapeKind {
  return SHAPES.some((each) => each === kind);
}

function isLinkKind(kind: Kind): kind is LinkKind {
  return kind === "hinge" || kind === "weld" || kind === "rope" || kind === "spring";
}
