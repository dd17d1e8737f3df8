import { z } from "zod";
import type { Geom } from "./scene.ts";

/** What a thing is made of. Densities from the CRC Handbook and the Engineering ToolBox, near 20 °C. */
export interface Material {
  /** kg/m³ */
  density: number;
  /** Sliding friction against an ordinary dry surface. */
  friction: number;
  /** Share of the impact speed that comes back from a hard floor; without one hardly any does. */
  bounce?: number;
  /** #rrggbb */
  color: string;
  finish: NonNullable<Geom["finish"]>;
}

export const MATERIALS = {
  steel: { density: 7850, friction: 0.5, bounce: 0.6, color: "#9aa5b1", finish: "metal" },
  iron: { density: 7870, friction: 0.6, bounce: 0.4, color: "#5f666d", finish: "metal" },
  aluminium: { density: 2700, friction: 0.5, bounce: 0.4, color: "#c3cad1", finish: "metal" },
  titanium: { density: 4510, friction: 0.4, bounce: 0.6, color: "#8f949c", finish: "metal" },
  copper: { density: 8960, friction: 0.5, bounce: 0.3, color: "#c47a4a", finish: "metal" },
  brass: { density: 8500, friction: 0.4, bounce: 0.4, color: "#c9a44c", finish: "metal" },
  bronze: { density: 8800, friction: 0.4, bounce: 0.4, color: "#a9753f", finish: "metal" },
  gold: { density: 19_300, friction: 0.5, bounce: 0.2, color: "#e3b341", finish: "metal" },
  silver: { density: 10_490, friction: 0.4, bounce: 0.3, color: "#d5dade", finish: "metal" },
  lead: { density: 11_340, friction: 0.6, color: "#6c7078", finish: "metal" },
  wood: { density: 650, friction: 0.5, bounce: 0.3, color: "#b5824f", finish: "wood" },
  oak: { density: 750, friction: 0.5, bounce: 0.3, color: "#96683c", finish: "wood" },
  balsa: { density: 160, friction: 0.5, bounce: 0.2, color: "#dcc193", finish: "wood" },
  cork: { density: 240, friction: 0.7, bounce: 0.4, color: "#c08f60", finish: "wood" },
  plastic: { density: 1100, friction: 0.35, bounce: 0.5, color: "#4f9bd9", finish: "matte" },
  rubber: { density: 1150, friction: 1, bounce: 0.8, color: "#3b3f46", finish: "rubber" },
  glass: { density: 2500, friction: 0.4, bounce: 0.6, color: "#b9dfe6", finish: "glass" },
  ice: { density: 917, friction: 0.03, bounce: 0.2, color: "#d3ecf5", finish: "glass" },
  diamond: { density: 3510, friction: 0.1, bounce: 0.7, color: "#e0f2fb", finish: "glass" },
  stone: { density: 2650, friction: 0.6, bounce: 0.2, color: "#8b8881", finish: "matte" },
  concrete: { density: 2400, friction: 0.7, bounce: 0.1, color: "#a5a5a1", finish: "matte" },
  brick: { density: 1900, friction: 0.7, bounce: 0.1, color: "#b0573f", finish: "matte" },
  marble: { density: 2700, friction: 0.4, bounce: 0.4, color: "#ebe7e0", finish: "matte" },
  clay: { density: 1750, friction: 0.8, color: "#ad6a4c", finish: "matte" },
  foam: { density: 50, friction: 0.8, bounce: 0.3, color: "#f0dca0", finish: "rubber" },
  styrofoam: { density: 30, friction: 0.5, bounce: 0.3, color: "#f4f5f3", finish: "matte" },
  paper: { density: 800, friction: 0.4, color: "#f1ede2", finish: "matte" },
  cardboard: { density: 690, friction: 0.5, color: "#c19a6b", finish: "matte" },
} as const satisfies Record<string, Material>;

export type MaterialName = keyof typeof MATERIALS;

/** A key of `MATERIALS`. */
export const materialName = z.enum(Object.keys(MATERIALS) as [MaterialName, ...MaterialName[]]);

export function materialOf(name: MaterialName): Material {
  return MATERIALS[name];
}
