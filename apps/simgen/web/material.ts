import {
  CanvasTexture,
  Color,
  type Material,
  MeshPhysicalMaterial,
  MeshStandardMaterial,
  RepeatWrapping,
  SRGBColorSpace,
  type Texture,
} from "three";
import type { Geom } from "../sim/scene.ts";

type Finish = NonNullable<Geom["finish"]>;
type Pattern = "plain" | "grain" | "seam" | "spokes";

/** For bodies whose scene names no colour. */
const COLORS = ["#ef6a5a", "#4a90d9", "#f2a93b", "#2fa39b", "#8d6ac8", "#9cc45a"];

/** The materials of one model, shared among its geoms. */
export class Materials {
  readonly #made = new Map<string, Material>();
  readonly #textures = new Map<Pattern, Texture>();

  /** `turns`: the body can turn, so a round geom gets a mark that shows it. */
  of(geom: Geom, body: number, turns: boolean): Material {
    const finish = geom.finish ?? "matte";
    const color = geom.color ?? COLORS[body % COLORS.length]!;
    const pattern = patternOf(geom, finish, turns);
    const key = `${finish} ${color} ${pattern}`;
    const known = this.#made.get(key);
    if (known) return known;
    const made = make(finish, color);
    if (pattern !== "plain") made.map = this.#texture(pattern);
    this.#made.set(key, made);
    return made;
  }

  dispose(): void {
    for (const each of [...this.#made.values(), ...this.#textures.values()]) each.dispose();
    this.#made.clear();
    this.#textures.clear();
  }

  #texture(pattern: Exclude<Pattern, "plain">): Texture {
    const known = this.#textures.get(pattern);
    if (known) return known;
    const texture = new CanvasTexture(PATTERNS[pattern]());
    texture.colorSpace = SRGBColorSpace;
    texture.wrapS = RepeatWrapping;
    texture.wrapT = RepeatWrapping;
    texture.anisotropy = 4;
    this.#textures.set(pattern, texture);
    return texture;
  }
}

function patternOf(geom: Geom, finish: Finish, turns: boolean): Pattern {
  if (finish === "wood") return "grain";
  if (!turns || finish === "glass") return "plain";
  if (geom.type === "sphere") return "seam";
  const wheel = geom.type === "cylinder" && geom.fromto === undefined && (geom.size[1] ?? 0) < geom.size[0]! * 0.8;
  const disc = geom.type === "cylinder" && geom.fromto !== undefined && length(geom.fromto) < geom.size[0]! * 1.6;
  return wheel || disc ? "spokes" : "plain";
}

function length([ax, ay, az, bx, by, bz]: NonNullable<Geom["fromto"]>): number {
  return Math.hypot(bx - ax, by - ay, bz - az);
}

function make(finish: Finish, color: string): MeshStandardMaterial {
  switch (finish) {
    case "matte":
      return new MeshStandardMaterial({ color, roughness: 0.62 });
    case "metal":
      return new MeshStandardMaterial({ color, roughness: 0.3, metalness: 0.9, envMapIntensity: 1.3 });
    case "rubber":
      return new MeshStandardMaterial({ color, roughness: 0.92, envMapIntensity: 0.7 });
    case "wood":
      return new MeshStandardMaterial({ color, roughness: 0.55 });
    case "glass":
      return new MeshPhysicalMaterial({
        color: new Color(color),
        roughness: 0.06,
        clearcoat: 1,
        clearcoatRoughness: 0.05,
        transparent: true,
        opacity: 0.45,
        envMapIntensity: 1.6,
      });
  }
}

// --- textures: light greys, multiplied with the colour ---

const PATTERNS = {
  /** Long uneven streaks along u. */
  grain: () =>
    drawn(256, 256, (context) => {
      context.fillStyle = "#f4efe8";
      context.fillRect(0, 0, 256, 256);
      for (let y = 0; y < 256; y++) {
        const ring = 0.5 + 0.5 * Math.sin(y * 0.19 + 3 * Math.sin(y * 0.031) + 1.4 * Math.sin(y * 0.083));
        const fine = 0.5 + 0.5 * Math.sin(y * 1.7 + Math.sin(y * 0.7) * 2);
        context.strokeStyle = `rgb(74 44 16 / ${(0.05 + 0.26 * ring ** 3 + 0.07 * fine).toFixed(3)})`;
        context.beginPath();
        for (let x = 0; x <= 256; x += 16) context.lineTo(x, y + 2.6 * Math.sin((x / 256) * 2 * Math.PI + y * 0.02));
        context.stroke();
      }
    }),
  /** Four meridian bands, as on a beach ball, so that rolling can be seen. */
  seam: () =>
    drawn(256, 128, (context) => {
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, 256, 128);
      context.fillStyle = "#d2d2d6";
      for (const x of [0, 128]) context.fillRect(x, 0, 64, 128);
    }),
  /** Sectors on the caps of a wheel; the side stays plain. */
  spokes: () =>
    drawn(320, 96, (context) => {
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, 320, 96);
      context.fillStyle = "#a9abb3";
      for (let spoke = 0; spoke < 5; spoke++) for (const y of [9, 65]) context.fillRect(spoke * 64 + 12, y, 40, 22);
    }),
};

function drawn(width: number, height: number, draw: (context: CanvasRenderingContext2D) => void): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (context) draw(context);
  return canvas;
}
