import { type Material, materialOf } from "../../sim/material.ts";
import { type Geom, hue, PALETTE, rolling } from "../../sim/templates/parts.ts";
import type { Assembly, Group } from "./assembly.ts";
import type { Part } from "./part.ts";
import { distance } from "./plane.ts";

/** How a geom's surface is; `density` and `mass` are the geometry's business. */
export type Look = Pick<Geom, "friction" | "bounce" | "color" | "finish">;

/** Of what no label names a material for: a box slides on what is steeper than 14°. */
export const FRICTION = 0.25;
const BALL_FRICTION = 0.6;
const WHEEL_FRICTION = 1;
/** The slope on which a wheel or ball would stay. */
const ROLLING_RESISTANCE = 0.003;
/** A contact takes the larger friction of its two sides: what is fixed leaves it to what moves. */
const FIXED_FRICTION = 0.01;
/** What slides on something as slippery as this has its friction. */
export const SLIPPERY = 0.2;
const BALL_BOUNCE = 0.4;

/** What each part looks and feels like: its material, or else a colour for each group. */
export function looksOf({ parts, groups, groupOf, pins }: Assembly): (part: Part) => Look {
  const indices = new Map(groups.map((group, index) => [group, index]));
  const wheels = new Set(parts.filter((part) => isWheel(part, { groupOf, pins })));
  return (part) => {
    const group = groupOf.get(part);
    const base = baseOf(part, group, wheels.has(part), indices);
    const material: Partial<Material> = part.material === undefined ? {} : materialOf(part.material);
    const friction = part.slides ?? material.friction ?? base.friction;
    const bounce = part.material === undefined ? base.bounce : isLoose(part, group) ? material.bounce : undefined;
    const look: Look = {
      friction: typeof friction === "number" ? friction : FRICTION,
      ...(bounce === undefined ? {} : { bounce }),
      color: material.color ?? base.color ?? PALETTE.slate,
      finish: material.finish ?? base.finish ?? "matte",
    };
    const rolls = part.kind === "circle" && group !== undefined && (wheels.has(part) || isLoose(part, group));
    return rolls ? { ...look, friction: rolling(look, part.radius, ROLLING_RESISTANCE).friction ?? FRICTION } : look;
  };
}

/** A circle that turns on something that moves. */
function isWheel(part: Part, { groupOf, pins }: Pick<Assembly, "groupOf" | "pins">): boolean {
  if (part.kind !== "circle") return false;
  const [center = [0, 0]] = part.points;
  return pins.some((pin) => {
    const other = pin.parts.find((each) => each !== part);
    if (!pin.parts.includes(part) || !other || !groupOf.has(other) || other.kind === "line") return false;
    return distance(pin.at, center) < 0.3 * part.radius;
  });
}

function isLoose({ kind }: Part, group: Group | undefined): boolean {
  return kind === "circle" && group !== undefined && group.parts.length === 1 && group.cluster.groups.length === 1;
}

function baseOf(part: Part, group: Group | undefined, isWheel: boolean, indices: ReadonlyMap<Group, number>): Look {
  if (!group) return { friction: FIXED_FRICTION, color: PALETTE.beech, finish: "wood" };
  if (isWheel) return { friction: WHEEL_FRICTION, color: PALETTE.ink, finish: "rubber" };
  if (part.kind === "line" && part.rod) return { friction: FRICTION, color: PALETTE.slate, finish: "metal" };
  const color = hue(indices.get(group) ?? 0);
  const friction = part.kind === "circle" ? BALL_FRICTION : FRICTION;
  if (isLoose(part, group) && !group.cluster.anchored) return { friction, bounce: BALL_BOUNCE, color, finish: "matte" };
  return { friction, color, finish: "matte" };
}
