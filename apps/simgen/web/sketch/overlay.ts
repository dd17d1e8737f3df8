import type { Point } from "../../cv/drawing.ts";
import type { Link, Recognition, Shape, SpringLink } from "../../cv/recognition.ts";
import { isClosed, nearestEnd, outlineOf } from "./convert.ts";
import { type Item, isShape, itemsOf, kindOf, namesOf, SURE } from "./kind.ts";
import { areaOf, distance } from "./path.ts";
import type { Sketch, Stroke } from "./sketch.ts";
import { svg } from "./svg.ts";
import { placeTags, TAG_PX, type Tag } from "./tags.ts";

/** In units of the screen. */
const HIT_PX = 20;
const DOT_PX = 5;
const COIL_PX = 7;
const HEAD_PX = 11;
/** How far a spring's ink may end from what it joins, in units of the paper. */
const LOOSE_END = 40;

/** What was seen, drawn over the ink in a colour of its own for each kind. */
export class Overlay {
  readonly #root: SVGSVGElement;
  #shown: { seen: Recognition; sketch: Sketch; selected: string | undefined } | undefined;
  /** Units of the paper in one of the screen's. */
  #unit = 1;

  constructor(root: SVGSVGElement) {
    this.#root = root;
    new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width === 0) return;
      this.#unit = root.viewBox.baseVal.width / width;
      this.#draw();
    }).observe(root);
  }

  show(seen: Recognition, sketch: Sketch, selected: string | undefined): void {
    this.#shown = { seen, sketch, selected };
    this.#draw();
  }

  /** The item that is drawn there, as far as pointers are let through to it. */
  itemAt(clientX: number, clientY: number): string | undefined {
    const hit = document.elementFromPoint(clientX, clientY)?.closest<SVGElement>("[data-id]");
    return hit && this.#root.contains(hit) ? hit.dataset.id : undefined;
  }

  #draw(): void {
    if (!this.#shown) return;
    const { seen, sketch, selected } = this.#shown;
    const { strokes, texts } = sketch;
    const names = namesOf(seen);
    // What is small, or joins others, lies above them.
    const items = itemsOf(seen).sort((a, b) => layerOf(a) - layerOf(b));
    const tagged = items
      .filter((item) => needsTag(item) || item.id === selected)
      .map((item) => ({ item, text: `${names.get(item.id)} ${Math.round(item.confidence * 100)} %` }));
    const puzzles = seen.unknown.flatMap((index) => strokes[index] ?? []);
    this.#root.replaceChildren(
      hatch(this.#unit),
      ...puzzles.map(({ points }) => svg("polyline", { class: "puzzle", points: pathOf(points) })),
      ...items.map((item) => this.#item(item, strokes, item.id === selected)),
      ...placeTags(tagged, texts, this.#unit).map((tag) => this.#tag(tag)),
    );
  }

  #item(item: Item, strokes: readonly Stroke[], isSelected: boolean): SVGElement {
    const kind = kindOf(item);
    return svg(
      "g",
      {
        class: "seen",
        "data-id": item.id,
        "data-kind": kind,
        "data-unsure": item.confidence < SURE ? "" : undefined,
        "data-fixed": isShape(item) && item.fixed ? "" : undefined,
        "data-selected": isSelected ? "" : undefined,
      },
      ...(isShape(item) ? this.#shape(item) : "does" in item ? this.#arrow(item.points) : this.#link(item, strokes)),
    );
  }

  #shape(shape: Shape): SVGElement[] {
    if (shape.kind === "circle") {
      const [cx, cy] = shape.center;
      return [svg("circle", { class: "body", cx, cy, r: shape.radius })];
    }
    const points = pathOf(outlineOf(shape));
    if (isClosed(shape)) return [svg("polygon", { class: "body", points })];
    return [this.#hit(points), svg("polyline", { class: "wire", points })];
  }

  #link(link: Link, strokes: readonly Stroke[]): SVGElement[] {
    if ("at" in link) {
      const [cx, cy] = link.at;
      const r = DOT_PX * this.#unit;
      const hit = svg("circle", { class: "target", cx, cy, r: (HIT_PX / 2) * this.#unit });
      if (link.kind === "hinge") return [hit, svg("circle", { class: "dot", cx, cy, r })];
      return [hit, svg("rect", { class: "dot", x: cx - r, y: cy - r, width: 2 * r, height: 2 * r })];
    }
    const points = pathOf(
      link.kind === "spring" ? (drawnSpring(link, strokes) ?? this.#coil(...link.points)) : link.points,
    );
    return [this.#hit(points), svg("polyline", { class: "wire", points })];
  }

  #arrow(points: readonly Point[]): SVGElement[] {
    const path = pathOf(points);
    return [this.#hit(path), svg("polyline", { class: "wire", points: path }), this.#head(points)];
  }

  #head(points: readonly Point[]): SVGElement {
    const tip = points.at(-1)!;
    const before = points.findLast((point) => distance(point, tip) > HEAD_PX * this.#unit) ?? points[0]!;
    const angle = Math.atan2(tip[1] - before[1], tip[0] - before[0]);
    const barb = (turn: number): Point => [
      tip[0] - HEAD_PX * this.#unit * Math.cos(angle + turn),
      tip[1] - HEAD_PX * this.#unit * Math.sin(angle + turn),
    ];
    return svg("polyline", { class: "wire", points: pathOf([barb(0.5), tip, barb(-0.5)]) });
  }

  #coil(from: Point, to: Point): readonly Point[] {
    const length = Math.max(1, distance(from, to));
    const [dx, dy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
    const turns = Math.max(4, Math.round(length / (COIL_PX * 1.3 * this.#unit)));
    const side = Math.min(COIL_PX * this.#unit, length / 4);
    const inner = Array.from({ length: turns - 1 }, (_, at): Point => {
      const along = ((at + 1) / turns) * length;
      const across = at % 2 === 0 ? side : -side;
      return [from[0] + dx * along - dy * across, from[1] + dy * along + dx * across];
    });
    return [from, ...inner, to];
  }

  #hit(points: string): SVGElement {
    return svg("polyline", { class: "target", points, "stroke-width": HIT_PX * this.#unit });
  }

  #tag({ item, text, at: [x, y] }: Tag): SVGElement {
    const size = { "font-size": TAG_PX * this.#unit, "stroke-width": 4 * this.#unit };
    return svg("text", { class: "tag", "data-kind": kindOf(item), x, y, ...size }, text);
  }
}

/** As it was drawn, if a single stroke is all of it and nothing else. */
function drawnSpring(
  { strokes: indices, points: ends }: SpringLink,
  strokes: readonly Stroke[],
): readonly Point[] | undefined {
  const points = indices.length === 1 ? strokes[indices[0]!]?.points : undefined;
  if (!points) return undefined;
  const isWhole = ends.every((end) => nearestEnd(points, end).away < LOOSE_END);
  return isWhole ? points : undefined;
}

/** Joints are many and small: only the doubtful ones are named. */
function needsTag(item: Item): boolean {
  const kind = kindOf(item);
  return (kind !== "hinge" && kind !== "weld") || item.confidence < SURE;
}

function layerOf(item: Item): number {
  if (!isShape(item)) return "at" in item ? 3 : 2;
  return isClosed(item) ? -areaOf(outlineOf(item)) : 1;
}

function pathOf(points: readonly Point[]): string {
  return points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}

/** What does not move is hatched. */
function hatch(unit: number): SVGElement {
  const size = 7 * unit;
  return svg(
    "defs",
    {},
    svg(
      "pattern",
      { id: "hatch", width: size, height: size, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("path", { class: "hatching", d: `M0 0V${size}`, "stroke-width": 2 * unit }),
    ),
  );
}
