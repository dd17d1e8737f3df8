import { createHash } from "node:crypto";
import { z } from "zod";
import { sceneSchema } from "../../sim/scene.ts";

const EXAMPLE = {
  name: "Ball on a ramp",
  bodies: [
    { id: "ground", pos: [0, 0, 0], geoms: [{ type: "plane", size: [20, 20] }] },
    {
      id: "ramp",
      pos: [0, 0, 0.5],
      quat: [0.966, 0, 0.259, 0],
      geoms: [{ type: "box", size: [1, 0.4, 0.03], friction: 0.8, color: "#8b5a2b", finish: "wood" }],
    },
    {
      id: "ball",
      pos: [-0.7, 0, 1.15],
      joints: [{ id: "ball-free", type: "free" }],
      geoms: [{ type: "sphere", size: [0.1], density: 700, bounce: 0.5, color: "#e5383b", finish: "rubber" }],
    },
  ],
  camera: { target: [0, 0, 0.5], distance: 4 },
};

/** What every model is told. */
export const INSTRUCTIONS = `You turn a description, and a picture if there is one, into a scene for a physics engine (MuJoCo).

Answer with one JSON object that fits the JSON schema below, and nothing else: no prose, no XML, no code.
If nothing that moves by physics is described, answer {"cannot": "why, in one short sentence"}.

- SI units: metres, kilograms, seconds, radians. z is up. Quaternions are [w, x, y, z].
- Positions of bodies with a parent, and of joints and geoms, are in the frame of their parent.
- A body without joints is fixed. One that moves freely has one joint of type "free" and no parent.
- Have a ground plane, unless the description says otherwise. Nothing may overlap at the start that could push apart.
- Real sizes, masses and materials; everyday objects in the open if nothing is said. Motors only where something is driven.
- What the description leaves open, choose so that something worth watching happens in the first seconds.
- Leave out every field whose default will do. Leave out the camera unless the scene is larger than some metres.

Example, for "a ball rolls down a ramp":
${JSON.stringify(EXAMPLE)}

JSON schema:
${JSON.stringify(z.toJSONSchema(sceneSchema, { io: "input" }))}`;

/** Changes when what models are told or what they may answer does: answers from before are then forgotten. */
export const INSTRUCTIONS_VERSION = createHash("sha256").update(INSTRUCTIONS).digest("hex").slice(0, 16);

/** What a model is told of its own bad answer. */
export function repairInstructions(problem: string): string {
  return `This cannot be run:\n${problem}\n\nAnswer with the whole scene again, mended: one JSON object and nothing else.`;
}
