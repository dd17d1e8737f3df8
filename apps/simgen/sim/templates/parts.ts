import { type Material, type MaterialName, materialOf } from "../material.ts";
import type { Body, Geom, Quat, Scene, SceneInput, Vec3 } from "../scene.ts";

export type BodyInput = SceneInput["bodies"][number];
export type JointInput = NonNullable<BodyInput["joints"]>[number];

/** m/s² */
export const GRAVITY = 9.81;

export const PALETTE = {
  coral: "#ef6a5a",
  amber: "#f2a93b",
  lime: "#9cc45a",
  teal: "#2fa39b",
  sky: "#4a90d9",
  plum: "#8d6ac8",
  ink: "#2c3440",
  slate: "#5c6877",
  steel: "#9aa5b1",
  beech: "#c79a64",
  floor: "#dfe3e8",
} as const;

const HUES = [PALETTE.coral, PALETTE.amber, PALETTE.lime, PALETTE.teal, PALETTE.sky, PALETTE.plum] as const;

/** The i-th of the palette's six bright colours, round and round. */
export function hue(index: number): string {
  return HUES[index % HUES.length] ?? PALETTE.coral;
}

/** The bright colours blended along 0 to 1. */
export function spectrum(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (HUES.length - 1);
  const from = hue(Math.floor(at));
  const to = hue(Math.min(HUES.length - 1, Math.ceil(at)));
  const channel = (color: string, place: number) => Number.parseInt(color.slice(place, place + 2), 16);
  const mixed = [1, 3, 5].map((place) => {
    const blend = channel(from, place) + (channel(to, place) - channel(from, place)) * (at - Math.floor(at));
    return Math.round(blend).toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

// --- what things are made of ---

/** What the person asked for; everything they left out comes from the template's own `base`. */
export interface Look {
  color?: string | undefined;
  material?: MaterialName | undefined;
  /** kg */
  mass?: number | undefined;
  /** kg/m³ */
  density?: number | undefined;
  friction?: number | undefined;
  bounce?: number | undefined;
}

type Surface = Pick<Geom, "mass" | "density" | "friction" | "bounce" | "color" | "finish">;

/** The fields of a geom that `look` and a template's `base` decide. */
export function surface(look: Look, base: Look & Pick<Material, "finish">): Surface {
  const material: Partial<Material> = look.material === undefined ? {} : materialOf(look.material);
  const density = look.density ?? material.density;
  const mass = look.mass ?? (density === undefined ? base.mass : undefined);
  const friction = look.friction ?? material.friction ?? base.friction;
  const bounce = look.bounce ?? material.bounce ?? base.bounce;
  const color = look.color ?? material.color ?? base.color;
  return {
    ...(mass === undefined ? { density: density ?? base.density ?? 1000 } : { mass }),
    ...(friction === undefined ? {} : { friction }),
    ...(bounce === undefined ? {} : { bounce }),
    ...(color === undefined ? {} : { color }),
    finish: material.finish ?? base.finish,
  };
}

/** kg, of a geom with this surface and volume in m³. */
export function massOf(made: Surface, volume: number): number {
  return made.mass ?? (made.density ?? 1000) * volume;
}

/** The same surface on a round thing, which loses speed as it rolls: `resistance` is the slope it would stay on. */
export function rolling(made: Surface, radius: number, resistance = 0.01): Surface {
  const sliding = typeof made.friction === "number" ? made.friction : 0.5;
  return { ...made, friction: [sliding, 0.02 * radius, resistance * radius] };
}

// --- parts ---

/**
 * The floor. A contact takes the larger friction of its two sides, so a slippery floor leaves the friction to what
 * stands on it.
 */
export function ground(friction = 0.01): BodyInput {
  return {
    id: "ground",
    pos: [0, 0, 0],
    geoms: [{ type: "plane", size: [50, 50], friction, color: PALETTE.floor, finish: "matte" }],
  };
}

/** A thin round bar that passes through everything and weighs next to nothing. */
export function rod(from: Vec3, to: Vec3, radius: number, color: string = PALETTE.slate): Geom {
  return {
    type: "capsule",
    size: [radius],
    fromto: [...from, ...to],
    mass: 1e-6,
    collide: false,
    color,
    finish: "metal",
  };
}

/** A box of a stand, centred at `at`, passing through everything. */
export function block(at: Vec3, half: Vec3, color: string = PALETTE.ink, finish: Geom["finish"] = "matte"): Geom {
  return { type: "box", size: half, pos: at, collide: false, color, ...(finish === undefined ? {} : { finish }) };
}

/** A post from the floor up to `height` that carries a beam or an axle, with a foot. */
export function post(at: [x: number, y: number], height: number, thickness: number): Geom[] {
  const [x, y] = at;
  return [
    block([x, y, height / 2], [thickness, thickness, height / 2]),
    block([x, y, thickness / 2], [4 * thickness, 2.5 * thickness, thickness / 2], PALETTE.beech, "wood"),
  ];
}

/** Two posts and a beam between them along `along`, `width` apart, its underside at `height`; it passes through everything. */
export function gantry(along: "x" | "y", width: number, height: number, thickness: number): BodyInput {
  const place = (offset: number): [number, number] => (along === "x" ? [offset, 0] : [0, offset]);
  const beam = width / 2 + thickness;
  return {
    id: "stand",
    pos: [0, 0, 0],
    geoms: [
      ...[-1, 1].flatMap((side) => post(place((side * width) / 2), height, thickness)),
      block(
        [0, 0, height + thickness],
        along === "x" ? [beam, thickness, thickness] : [thickness, beam, thickness],
        PALETTE.ink,
      ),
    ],
  };
}

/** Half of what the viewer's lens takes in from top to bottom, m at 1 m. */
const LENS = Math.tan((19 * Math.PI) / 180);
/** How much of a square picture the scene fills: above and below it there are the title and the prompt. */
const FILLED = { across: 0.9, up: 0.74 };

/** The camera that is as near as it can be with all the points of `seen` in a square picture. */
export function view(
  seen: Vec3[],
  more: { azimuth?: number; elevation?: number; follow?: string } = {},
): NonNullable<Scene["camera"]> {
  const { azimuth = 1.3, elevation = 0.2 } = more;
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  const depths = seen.map(([x, y, z]) => ce * (ca * x + sa * y) - se * z);
  const across = fitted(
    seen.map(([x, y]) => sa * x - ca * y),
    depths,
    FILLED.across * LENS,
  );
  const up = fitted(
    seen.map(([x, y, z]) => se * (ca * x + sa * y) + ce * z),
    depths,
    FILLED.up * LENS,
  );
  const depth = 0.5 * (Math.min(...depths) + Math.max(...depths));
  const ahead = ce * depth + se * up.middle;
  return {
    azimuth,
    elevation,
    ...more,
    target: [ca * ahead + sa * across.middle, sa * ahead - ca * across.middle, ce * up.middle - se * depth],
    distance: depth - Math.min(across.from, up.from),
  };
}

/** The nearest camera, and how far aside it stands, that sees every offset at its depth within `slope` m a metre. */
function fitted(offsets: number[], depths: number[], slope: number): { middle: number; from: number } {
  const most = (side: number) =>
    Math.max(...offsets.map((offset, index) => side * offset - slope * (depths[index] ?? 0)));
  return { middle: 0.5 * (most(1) - most(-1)), from: (-0.5 * (most(1) + most(-1))) / slope };
}

/** The corners of a box from `low` to `high`. */
export function within(low: Vec3, high: Vec3): Vec3[] {
  const [xs, ys, zs] = [0, 1, 2].map((axis) => [low[axis] ?? 0, high[axis] ?? 0]) as [number[], number[], number[]];
  return xs.flatMap((x) => ys.flatMap((y) => zs.map((z): Vec3 => [x, y, z])));
}

/** How far a pendulum of length 1 let go at `angle` swings out, and how high above its pivot it comes. */
export function swing(angle: number): { out: number; up: number } {
  return { out: Math.abs(angle) < Math.PI / 2 ? Math.abs(Math.sin(angle)) : 1, up: Math.max(0, -Math.cos(angle)) };
}

// --- geometry ---

/** A turn of `angle` rad about an axis of length 1. */
export function turn([x, y, z]: Vec3, angle: number): Quat {
  const sine = Math.sin(angle / 2);
  return [Math.cos(angle / 2), x * sine, y * sine, z * sine];
}

/** `n` places `gap` apart, centred on 0. */
export function spaced(n: number, gap: number): number[] {
  return Array.from({ length: n }, (_, index) => (index - (n - 1) / 2) * gap);
}

export function ballVolume(radius: number): number {
  return (4 / 3) * Math.PI * radius ** 3;
}

export type { Body, Geom, Quat, Vec3 };
