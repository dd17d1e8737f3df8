import sharp from "sharp";
import type { Drawing, Point } from "../drawing.ts";
import type { Arrow, Link, Recognition, Shape } from "../recognition.ts";
import { corners, extent, mean } from "./plane.ts";

const COLORS = { circle: "#1668dc", box: "#0a8f3c", polygon: "#8a3ffc", line: "#e07b00", ground: "#7a5230" } as const;
const LINK = "#d6006c";
const ARROW = "#00908f";
const UNKNOWN = "#ff0000";

/** A drawing as a PNG, with what was recognised over it in colour, and what was not in red. */
export async function overlayOf(
  { width, height, strokes }: Drawing,
  { shapes, links, arrows, unknown }: Pick<Recognition, "shapes" | "links" | "arrows" | "unknown">,
): Promise<Uint8Array> {
  const drawn = strokes.map((stroke, index) => {
    const color = unknown.includes(index) ? UNKNOWN : "#999";
    const [first] = stroke;
    if (first && extent(stroke) < 4) return `<circle cx="${first[0]}" cy="${first[1]}" r="4" fill="${color}"/>`;
    return `<polyline points="${listed(stroke)}" stroke="${color}" stroke-width="2"/>`;
  });
  const body = [...drawn, ...shapes.map(shapeMark), ...links.map(linkMark), ...arrows.map(arrowMark)].join("\n");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/><g fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" font-family="sans-serif" font-size="12">${body}</g></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

function shapeMark(shape: Shape): string {
  const color = COLORS[shape.kind];
  const style = `stroke="${color}"${shape.fixed ? ' stroke-dasharray="7 5"' : ""}`;
  const label = (at: Point) => named(at, `${shape.id}${shape.fixed ? " fixed" : ""}`, color);
  if (shape.kind === "circle")
    return `<circle cx="${shape.center[0]}" cy="${shape.center[1]}" r="${shape.radius}" ${style}/>${label(shape.center)}`;
  if (shape.kind === "box")
    return `<polygon points="${listed(corners(shape.center, shape.size, shape.angle))}" ${style}/>${label(shape.center)}`;
  const element = shape.kind === "polygon" ? "polygon" : "polyline";
  return `<${element} points="${listed(shape.points)}" ${style}/>${label(mean(shape.points))}`;
}

function linkMark(link: Link): string {
  if (link.kind === "hinge" || link.kind === "weld") {
    const [x, y] = link.at;
    const mark =
      link.kind === "hinge"
        ? `<circle cx="${x}" cy="${y}" r="9" stroke="${LINK}"/>`
        : `<path d="M${x - 7} ${y - 7}l14 14m0 -14l-14 14" stroke="${LINK}"/>`;
    return mark + named([x + 10, y - 8], `${link.a} + ${link.b ?? "paper"}`, LINK);
  }
  return `<polyline points="${listed(link.points)}" stroke="${LINK}"/>${named(mean(link.points), `${link.kind}: ${link.a} + ${link.b ?? "paper"}`, LINK)}`;
}

function arrowMark({ does, target, points }: Arrow): string {
  const [x, y] = points.at(-1) ?? [0, 0];
  return `<polyline points="${listed(points)}" stroke="${ARROW}"/><circle cx="${x}" cy="${y}" r="5" fill="${ARROW}"/>${named([x, y - 9], `${does}: ${target}`, ARROW)}`;
}

function listed(points: readonly Point[]): string {
  return points.map(([x, y]) => `${x},${y}`).join(" ");
}

function named([x, y]: Point, text: string, color: string): string {
  return `<text x="${x}" y="${y}" fill="${color}" stroke="none">${text}</text>`;
}
