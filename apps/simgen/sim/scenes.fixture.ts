/** Scenes that tests share: the built-in ones with their defaults, and two that are bad on purpose. */
import assert from "node:assert/strict";
import type { Scene, SceneInput } from "./scene.ts";
import { templateById } from "./templates/index.ts";
import { buildTemplate } from "./templates/template.ts";

export function template(id: string): Scene {
  const found = templateById(id);
  assert.ok(found, id);
  return buildTemplate(found);
}

/** A stiff spring and a long timestep: explodes within its first second. */
export const explosive: SceneInput = {
  name: "explosive",
  timestep: 0.02,
  integrator: "euler",
  bodies: [
    {
      id: "a",
      pos: [0, 0, 1],
      joints: [{ id: "a", type: "slide", initial: 1, stiffness: 1e6 }],
      geoms: [{ type: "sphere", size: [0.01], mass: 1e-4 }],
    },
  ],
};

/** Boxes pushed into one another: very many contacts, very slow. */
export function heap(count: number, timestep: number): SceneInput {
  return {
    name: "heap",
    timestep,
    bodies: [
      { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [5, 5] }] },
      ...Array.from({ length: count }, (_, i): SceneInput["bodies"][number] => ({
        id: `box${i}`,
        pos: [(i % 3) * 0.19, (Math.floor(i / 3) % 3) * 0.19, 0.1 + Math.floor(i / 9) * 0.19],
        joints: [{ id: `free${i}`, type: "free" }],
        geoms: [{ type: "box", size: [0.1, 0.1, 0.1] }],
      })),
    ],
  };
}
