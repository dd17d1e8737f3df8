import { z } from "zod";
import { issuesOf } from "../issue.ts";
import { materialName } from "../material.ts";
import { parseScene, type Scene, SceneError, type SceneInput } from "../scene.ts";

/** A parametrised scene. Every parameter is optional, in SI units (m, kg, s, rad). */
export interface Template<P extends z.ZodType = z.ZodType> {
  id: string;
  title: string;
  description: string;
  params: P;
  /** Takes parsed parameters: use `buildTemplate` for anything else. */
  build(params: z.output<P>): SceneInput;
}

/** Fills in a template's defaults and builds its scene. Throws `SceneError`, naming each parameter that is wrong. */
export function buildTemplate(template: Template, params: unknown = {}): Scene {
  const parsed = template.params.safeParse(params);
  if (!parsed.success) throw new SceneError(issuesOf(parsed.error, params));
  return parseScene(template.build(parsed.data));
}

/** A number parameter with its range and default. */
export function quantity(min: number, max: number, initial: number, meaning: string) {
  return z.number().min(min).max(max).default(initial).describe(meaning);
}

/** A number parameter that is worked out from the others when it is missing. */
export function derived(min: number, max: number, meaning: string) {
  return z.number().min(min).max(max).optional().describe(meaning);
}

/** A whole-number parameter with its range and default. */
export function count(min: number, max: number, initial: number, meaning: string) {
  return z.int().min(min).max(max).default(initial).describe(meaning);
}

/** How a template's main thing looks; a material also sets its friction and bounce, and its density unless a mass is given. */
export const look = {
  color: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, "a colour like #3366ff")
    .optional()
    .describe("#rrggbb"),
  material: materialName.optional().describe("What the main thing is made of"),
};
