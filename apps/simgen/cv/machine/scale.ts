import type { Point } from "../drawing.ts";
import type { Recognition, Shape } from "../recognition.ts";
import type { Saying } from "./label.ts";
import type { Spot } from "./plane.ts";

/** How large a drawing is in the world when it says nothing about it, m. */
const EXTENT_USUAL = 2;
/** What a label can make of it, m. */
const EXTENT_MIN = 0.1;
const EXTENT_MAX = 100;
/** How far from a rope or spring its length may stand, as a share of the drawing. */
const LABEL_REACH = 0.15;
/** Two lengths that say different things about the scale. */
const DISAGREEMENT = 0.2;

/** From a drawing to the machine's plane. */
export interface Scale {
  /** m, of a pixel. */
  pixel: number;
  /** m: the larger of the content's width and height. */
  extent: number;
  /** Points far off the content are moved near it. */
  spot(point: Point): Spot;
}

/**
 * The content is 2 m large, or as large as its first label with a length says. Undefined when there is no content. Heights
 * are above the content's lowest point.
 */
export function scaleOf(
  recognition: Recognition,
  said: readonly Saying[],
  ledger: { understood: string[]; warnings: string[] },
): Scale | undefined {
  const drawn = [
    ...recognition.shapes.flatMap(cornersOf),
    ...[...recognition.links, ...recognition.arrows].flatMap((each) => ("points" in each ? each.points : [])),
  ];
  const [left, top, right, bottom] = drawn.reduce(
    (box, [x, y]) => [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY] as const,
  );
  const size = Math.max(right - left, bottom - top);
  if (!(size > 1e-6)) return undefined;
  const pixel = pixelOf(recognition, said, size, ledger);
  const center = (left + right) / 2;
  return {
    pixel,
    extent: size * pixel,
    spot: ([x, y]) => [
      (Math.min(right + size, Math.max(left - size, x)) - center) * pixel,
      (bottom - Math.min(bottom + size, Math.max(top - size, y))) * pixel,
    ],
  };
}

function pixelOf(
  recognition: Recognition,
  said: readonly Saying[],
  size: number,
  { understood, warnings }: { understood: string[]; warnings: string[] },
): number {
  let pixel: number | undefined;
  for (const saying of said) {
    if (saying.kind !== "length") continue;
    const { label, value } = saying;
    const drawn = measured(recognition, label.target, label.at);
    if (!drawn) warnings.push(`ignored: "${label.text}", which stands beside nothing that has a length`);
    else if (pixel === undefined) {
      const extent = Math.min(EXTENT_MAX, Math.max(EXTENT_MIN, (value / drawn.length) * size));
      pixel = extent / size;
      understood.push(`${drawn.what}: ${label.text}`);
      if (Math.abs(pixel * drawn.length - value) > 1e-9 * value)
        warnings.push(`with "${label.text}" the drawing would be too large or too small: made it ${extent} m`);
    } else if (Math.abs((pixel * drawn.length) / value - 1) > DISAGREEMENT)
      warnings.push(`ignored: "${label.text}", as another length sets the scale`);
  }
  return pixel ?? EXTENT_USUAL / size;
}

/** px, of what a length stands beside. */
function measured(
  { shapes, links, width, height }: Recognition,
  target: string | null,
  at: Point,
): { what: string; length: number } | undefined {
  const tied = links.flatMap((link) =>
    link.kind === "rope" || link.kind === "spring"
      ? [{ what: link.id, length: lengthOf(link.points), away: awayFrom(at, link.points) }]
      : [],
  );
  const shape = shapes.find(({ id }) => id === target);
  const reach = shape ? awayFrom(at, cornersOf(shape)) / 2 : LABEL_REACH * Math.hypot(width, height);
  const tie = tied.sort((a, b) => a.away - b.away).find(({ away, length }) => away < reach && length > 0);
  if (tie) return tie;
  const length = shape ? sizeBeside(shape, at) : 0;
  return shape && length > 0 ? { what: shape.id, length } : undefined;
}

/** A line's length, a circle's diameter, the side of a box or polygon that the label stands at. */
function sizeBeside(shape: Shape, [x, y]: Point): number {
  switch (shape.kind) {
    case "circle":
      return 2 * shape.radius;
    case "box": {
      const [dx, dy] = [x - shape.center[0], y - shape.center[1]];
      const [cosine, sine] = [Math.cos(shape.angle), Math.sin(shape.angle)];
      const [across, down] = [Math.abs(cosine * dx + sine * dy), Math.abs(cosine * dy - sine * dx)];
      const [width, height] = shape.size;
      return across * height > down * width ? height : width;
    }
    case "polygon": {
      const edges = shape.points.map((point, index): [Point, Point] => [
        point,
        shape.points[(index + 1) % shape.points.length] ?? point,
      ]);
      const nearest = edges.sort((a, b) => awayFrom([x, y], a) - awayFrom([x, y], b))[0];
      return nearest ? lengthOf(nearest) : 0;
    }
    default:
      return lengthOf(shape.points);
  }
}

function cornersOf(shape: Shape): Point[] {
  if (shape.kind === "circle") {
    const { center, radius } = shape;
    return [
      [center[0] - radius, center[1] - radius],
      [center[0] + radius, center[1] + radius],
    ];
  }
  return shape.kind === "box" ? boxCorners(shape) : [...shape.points];
}

/** A box's corners, in the order in which its sides follow. */
export function boxCorners({
  center,
  size,
  angle,
}: Pick<Shape & { kind: "box" }, "center" | "size" | "angle">): Point[] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [
    [-1, 1],
    [1, 1],
    [1, -1],
    [-1, -1],
  ].map(([side = 0, end = 0]) => {
    const [x, y] = [(side * size[0]) / 2, (end * size[1]) / 2];
    return [center[0] + cosine * x - sine * y, center[1] + sine * x + cosine * y];
  });
}

function lengthOf(path: readonly Point[]): number {
  return path.reduce((sum, [x, y], at) => {
    const [px, py] = path[at - 1] ?? [x, y];
    return sum + Math.hypot(x - px, y - py);
  }, 0);
}

/** px, to the nearest of a path's points and of the middles between them. */
function awayFrom([x, y]: Point, path: readonly Point[]): number {
  const middles = path.slice(1).map(([bx, by], at): Point => {
    const [ax, ay] = path[at] ?? [bx, by];
    return [(ax + bx) / 2, (ay + by) / 2];
  });
  return Math.min(...[...path, ...middles].map(([px, py]) => Math.hypot(px - x, py - y)));
}
