import type { Recognition } from "../recognition.ts";
import { gapBetween, piecesOf } from "./contact.ts";
import { boundsOf, type Part } from "./part.ts";
import { minus, type Spot } from "./plane.ts";

/** rad; a base this level stands on the ground. */
const LEVEL = 0.22;
/** Above: how much of the direction between two parts is up. */
const ABOVE = 0.3;

/**
 * A ramp is no cart: a plate that stands on the ground and carries something, or has something turning on it, is drawn
 * to stay, hatched or not. Makes those fixed; their ids.
 */
export function holdRamps({ links, arrows }: Recognition, parts: readonly Part[], near: number): string[] {
  const ground = parts.filter(({ kind }) => kind === "ground");
  const lowest = boundsOf(ground.length > 0 ? ground : parts);
  const loose = parts.filter(({ fixed }) => !fixed);
  const held = loose.filter((part) => {
    if (part.kind !== "polygon" || arrows.some(({ target }) => target === part.id)) return false;
    const base = baseOf(part.points);
    if (!base || base.height > (ground.length > 0 ? lowest.high[1] : lowest.low[1]) + 2 * near) return false;
    const joints = links.filter(({ a, b }) => a === part.id || b === part.id);
    const turning = joints.map(({ kind, a, b }) => {
      const other = parts.find(({ id }) => id === (a === part.id ? b : a));
      return kind === "hinge" && other?.kind !== "circle";
    });
    if (turning.includes(false)) return false;
    return turning.length > 0 || loose.some((other) => other !== part && isOn(other, part, near));
  });
  for (const part of held) part.fixed = true;
  return held.map(({ id }) => id);
}

/** The lowest edge of an outline, if it is about level: its tilt, counterclockwise, and its height. */
export function baseOf(outline: readonly Spot[]): { tilt: number; height: number } | undefined {
  const edges = outline.map((from, at) => {
    const to = outline[(at + 1) % outline.length] ?? from;
    return { way: minus(to, from), height: (from[1] + to[1]) / 2 };
  });
  const lowest = edges.reduce((best, edge) => (edge.height < best.height ? edge : best));
  const tilt = Math.atan2(lowest.way[1], lowest.way[0]);
  return Math.abs(tilt) < LEVEL ? { tilt, height: lowest.height } : undefined;
}

/** Whether one part, as drawn, stands on another. */
export function isOn(part: Part, under: Part, near: number): boolean {
  return piecesOf(part).some((piece) =>
    piecesOf(under).some((other) => {
      const { gap, normal } = gapBetween(piece, other);
      return gap < 1.5 * near && gap > -4 * near && normal[1] > ABOVE;
    }),
  );
}
